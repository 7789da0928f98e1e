#include "gateway/app/certificates_section.h"

#include <gtest/gtest.h>

#include <string>

namespace carbongate::app {
namespace {

class CertificatesSectionTest : public testing::Test {
 protected:
  CertificatesSectionTest() {
    model::Account account;
    account.user = "works";
    account.carrier = model::find_carrier("electricity");
    account.scope = model::Scope::energy;
    site_.accounts.push_back(account);
    account.user = "boiler-house";
    account.carrier = model::find_carrier("natural-gas");
    account.scope = model::Scope::direct;
    site_.accounts.push_back(account);
  }

  std::vector<model::Certificate> read(const std::string& list) {
    problems_ = {};
    const config::Node root = config::parse_text("certificates: [" + list + "]", "c.yaml", problems_);
    config::Reader in(root, problems_);
    auto certificates = read_certificates(in, site_);
    said_ = problems_.to_text();
    return certificates;
  }

  model::Site site_;
  config::Problems problems_;
  std::string said_;
};

TEST_F(CertificatesSectionTest, ReadsSerialVolumeAndPeriodInTheSitesTime) {
  const auto certificates = read(
      "{serial: GEC-1, user: works, volume: 1 MWh, generated: 2026-03, retired: 2026-04-10, technology: wind}, "
      "{serial: GEC-2, user: works, volume: 250 kWh, generated: 2026-03-31, retired: 2026-04-10}");
  EXPECT_EQ(said_, "");
  ASSERT_EQ(certificates.size(), 2u);
  EXPECT_EQ(certificates[0].volume.quanta(), 1'000'000'000);
  EXPECT_EQ(certificates[0].generated_until - certificates[0].generated_from, std::chrono::hours(31 * 24));
  EXPECT_EQ(certificates[1].generated_from,
            Instant(std::chrono::sys_days(std::chrono::year(2026) / 3 / 30)) + std::chrono::hours(16));
  EXPECT_EQ(certificates[0].technology, "wind");
}

TEST_F(CertificatesSectionTest, WarnsThatACertificateOfAPartChangesNoTotal) {
  site_.containments.push_back({.user = "works", .carrier = "electricity", .own_supply = false, .of = "park"});
  read("{serial: GEC-1, user: works, volume: 1 MWh, generated: 2026-03, retired: 2026-04-10}");
  EXPECT_NE(said_.find("warning: certificates[0].user: 'works' is part of 'park': a certificate of a part changes no "
                       "total of the site"),
            std::string::npos)
      << said_;
}

TEST_F(CertificatesSectionTest, RefusesWhatCannotBeClaimed) {
  read(
      "{serial: GEC-1, user: works, volume: 1 MWh, generated: 2026-03, retired: 2026-04-10}, "
      "{serial: GEC-1, user: works, volume: 1 MWh, generated: 2026-03, retired: 2026-04-10}");
  EXPECT_EQ(
      said_,
      "c.yaml:1:111: error: certificates[1].serial: 'GEC-1' is there already, in line 1; one serial counts once\n");
  for (const auto& [wrong, said] : std::initializer_list<std::pair<std::string, std::string>>{
           {"serial: a, user: work, volume: 1 MWh, generated: 2026, retired: 2026-04-10",
            "unknown energy user 'work'; did you mean 'works'?"},
           {"serial: a, user: boiler-house, volume: 1 MWh, generated: 2026, retired: 2026-04-10",
            "'boiler-house' purchases no electricity"},
           {"serial: a, user: works, volume: 1 m3, generated: 2026, retired: 2026-04-10",
            "'1 m3' is not an amount of electricity, such as '1 MWh'"},
           {"serial: a, user: works, volume: -1 MWh, generated: 2026, retired: 2026-04-10",
            "is not an amount of electricity"},
           {"serial: a, user: works, volume: 1 MW, generated: 2026, retired: 2026-04-10",
            "is not an amount of electricity"},
           {"serial: a, user: works, volume: 1 MWh, generated: 2026-13, retired: 2026-04-10",
            "generated: '2026-13' is not a year, a month or a day"},
           {"serial: a, user: works, volume: 1 MWh, generated: 2026-03, retired: 2026-04",
            "retired: '2026-04' is not a day"},
           {"serial: a, user: works, volume: 1 MWh, generated: 2026-03, retired: 2026-02-01",
            "was retired before its generation began"},
           {"serial: a;b, user: works, volume: 1 MWh, generated: 2026-03, retired: 2026-04-10", "holds one of ; ( )"},
           {"serial: a, user: works, volume: 1 MWh, generated: 2026-03", "retired: missing"}}) {
    read("{" + wrong + "}");
    EXPECT_NE(said_.find(said), std::string::npos) << wrong << "\n" << said_;
  }
}

}  // namespace
}  // namespace carbongate::app
