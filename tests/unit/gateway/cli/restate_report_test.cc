#include "gateway/cli/restate_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <sstream>

namespace carbongate::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;

const Instant kDay = std::chrono::sys_days(std::chrono::year(2026) / 11 / 20);

// A bill of six hours of a user whose certificates are matched over the whole day: all of the day is shown.
TEST(RestateReport, CoversNoMoreOfADayThanIsShownOfIt) {
  model::Site site;
  site.time_zone = "UTC";
  site.points.push_back({.id = {}, .device = "p1", .name = "energy", .kind = {}, .unit = {}, .limits = {}});
  model::Account account;
  account.user = "hall";
  account.carrier = model::find_carrier("electricity");
  account.scope = model::Scope::energy;
  site.accounts.push_back(account);
  const std::vector<app::CertifiedGroup> groups{
      {.users = {"hall"}, .carrier = "electricity", .from = kDay, .to = kDay + 24h, .certificates = {}}};
  const auto shown = [&](std::span<const app::CertifiedGroup> certified, Duration booked) {
    RestateReport report(site);
    model::Amendment amendment;
    amendment.correction.begin = kDay;
    amendment.correction.correction =
        model::Correction{.cause = model::Cause::manual, .note = {}, .booked_at = kDay + 48h};
    report.add({&amendment, 1});
    for (Instant begin = kDay; begin < kDay + booked; begin += 15min) {
      model::EmissionEntry entry;
      entry.begin = begin;
      entry.end = begin + 15min;
      entry.covered = 15min;
      report.add_known(account.id, {&entry, 1}, kDay + 48h);
    }
    report.over(kDay, kDay + 6h, certified);
    std::ostringstream out;
    report.write(out, "csv");
    return out.str();
  };
  EXPECT_THAT(shown(groups, 18h), HasSubstr("hall,electricity,p1.energy,2026-11-20,"));
  EXPECT_THAT(shown(groups, 18h), EndsWith(",75,0,0,0,0\n"));
  EXPECT_THAT(shown(groups, 24h), EndsWith(",100,0,0,0,0\n"));
  EXPECT_THAT(shown({}, 3h), EndsWith(",50,0,0,0,0\n"));
}

}  // namespace
}  // namespace carbongate::cli
