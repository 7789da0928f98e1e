#include "gateway/cli/manual_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temporary_directory.h"

namespace carbongate::cli {
namespace {

using namespace std::chrono_literals;

class ManualFileTest : public ::testing::Test {
 protected:
  ManualFileTest() {
    config_.site.time_zone = "Asia/Shanghai";
    add("press", "incomer", "energy", "electricity");
    add("press", "boiler", "gas", "natural-gas");
    add("oven", "feeder", "energy", "electricity");
  }
  void add(std::string user, std::string device, std::string point, std::string_view carrier) {
    const auto id = static_cast<PointId>(config_.site.points.size());
    config_.site.points.push_back(
        {.id = id, .device = std::move(device), .name = std::move(point), .kind = {}, .unit = {}, .limits = {}});
    model::Account account;
    account.id = static_cast<model::AccountId>(config_.site.accounts.size());
    account.user = std::move(user);
    account.carrier = model::find_carrier(carrier);
    account.source = id;
    config_.site.accounts.push_back(account);
  }
  std::vector<app::ManualEntry> read(const std::string& text) {
    const auto file = directory_.path() / "m.csv";
    std::ofstream(file) << text;
    config::Problems problems;
    const auto closed = [](PointId) {
      return std::optional(Instant(std::chrono::sys_days(std::chrono::year(2026) / 5 / 1)));
    };
    auto entries = read_manual_file(file, config_, closed, *closed(PointId{}), problems);
    said_ = problems.to_text();
    for (auto at = said_.find(directory_.path().string()); at != std::string::npos;
         at = said_.find(directory_.path().string())) {
      said_.erase(at, directory_.path().string().size() + 1);
    }
    return entries.value_or(std::vector<app::ManualEntry>());
  }
  std::vector<app::ManualEntry> lines(const std::string& text) {
    return read("user,carrier,point,begin,end,amount,unit,note\n" + text);
  }

  app::GatewayConfig config_;
  TemporaryDirectory directory_;
  std::string said_;
};

TEST_F(ManualFileTest, ReadsTrueAmountsOfStretches) {
  const auto entries = lines(
      "press,electricity,incomer.energy,2026-03-01,2026-04-01,12.5,MWh,\"bill \"\"4711\"\", March\"\r\n"
      "\n"
      "press,natural-gas,boiler.gas,2026-03-01T08:00,2026-03-01T08:15:00+08:00,3,Nm3,\n");
  EXPECT_EQ(said_, "");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].amount.quanta(), 12'500'000'000);
  EXPECT_EQ(entries[0].note, "bill \"4711\", March");
  EXPECT_EQ(entries[0].end - entries[0].begin, 31 * 24h);
  EXPECT_EQ(entries[1].account, model::AccountId{1});
  EXPECT_EQ(entries[1].end - entries[1].begin, 15min);
}

class NothingMeasures final : public DevicePlan {
 public:
  using DevicePlan::DevicePlan;
  std::string group() const override { return "by hand"; }
  Origin origin(std::size_t, double) const override { return {.where = {}, .decoding = {}, .bytes = {}}; }
};

TEST_F(ManualFileTest, NeedsToKnowWhoSaysWhatNothingMeasures) {
  static const DriverType kManual{.name = "manual", .shared = nullptr, .read = nullptr, .make = nullptr};
  add("press", "stock", "diesel", "diesel");
  config_.devices.push_back({&kManual, std::make_unique<NothingMeasures>("stock")});
  lines("press,diesel,stock.diesel,2026-03-01,2026-04-01,12,t,bill\n");
  EXPECT_NE(said_.find("m.csv:2:14: error: nothing measures it: who says so"), std::string::npos) << said_;
  const std::string header = "user,carrier,point,begin,end,amount,unit,note,by,evidence\n";
  read(header + "press,diesel,stock.diesel,2026-03-01,2026-04-01,12,t,bill,,slip\n" +
       "press,diesel,stock.diesel,2026-03-01,2026-04-01,12,t,bill,Li,\n");
  EXPECT_NE(said_.find("m.csv:2:59: error: nothing measures it: write who"), std::string::npos) << said_;
  EXPECT_NE(said_.find("m.csv:3:62: error: nothing measures it: write who"), std::string::npos) << said_;
  read(header + "press,diesel,stock.diesel,2026-04-30,2026-05-02,12,t,bill,Li,slip\n");
  EXPECT_NE(said_.find("lies in the future"), std::string::npos) << said_;
  const auto entries = read(header + "press,diesel,stock.diesel,2020-03-01,2020-04-01,12,t,bill,Li Wei,slip 17\n" +
                            "press,electricity,incomer.energy,2026-03-01,2026-04-01,1,kWh,bill,,\n");
  EXPECT_EQ(said_, "");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].by, "Li Wei");
  EXPECT_EQ(entries[0].evidence, "slip 17");
}

TEST_F(ManualFileTest, ReportsEveryBadLineAtItsPlace) {
  lines(
      "pres,electricity,incomer.energy,2026-03-01,2026-04-01,1,kWh,\n"
      "press,electricty,incomer.energy,2026-03-01,2026-04-01,1,kWh,\n"
      "press,electricity,incomer.enrgy,2026-03-01,2026-04-01,1,kWh,\n"
      "press,electricity,incomer.energy,2026-03-01T00:10,March,-5,Nm3,\n"
      "press,electricity,incomer.energy,2026-04-01,2026-03-01,1e400,kWh,\n"
      "press,electricity,incomer.energy,2026-04-01,2026-06-01,1,kWh,\n"
      "press,electricity,incomer.energy,2026-04-01,2026-04-02\n"
      "press,electricity,\"incomer.energy,2026-04-01,2026-04-02,1,kWh,\n"
      "oven,electricity,feeder.energy,2026-04-01,2026-04-03,1,kWh,\n"
      "oven,electricity,feeder.energy,2026-04-02,2026-04-04,1,kWh,\n");
  EXPECT_EQ(said_, R"(m.csv:2:1: error: unknown energy user 'pres'; did you mean 'press'?
m.csv:3:7: error: unknown carrier of this user 'electricty'; did you mean 'electricity'?
m.csv:4:19: error: unknown point of this user and carrier 'incomer.enrgy'; did you mean 'incomer.energy'?
m.csv:5:34: error: '2026-03-01T00:10' is not a quarter hour; a stretch consists of whole ones
m.csv:5:51: error: 'March' is not a time; write 2026-03-01, 2026-03-01T08:00 or 2026-03-01T08:00:00+08:00
m.csv:5:57: error: -5 is below zero: write the true amount of the stretch, not the difference; what left the site is an account of its own
m.csv:5:60: error: 'Nm3' is no unit of electricity; known: J, kJ, MJ, GJ, TJ, kgce, tce, mWh, Wh, kWh, MWh, GWh
m.csv:6:45: error: not after 'begin'
m.csv:6:56: error: '1e400' is not a number such as 12500.5
m.csv:7:45: error: not closed yet: 'incomer.energy' is counted up to 2026-05-01T08:00:00+08:00
m.csv:8:1: error: 5 fields instead of 8: user,carrier,point,begin,end,amount,unit,note
m.csv:9:19: error: a quotation mark that is not closed, or stands within a field
m.csv:11:32: error: overlaps the stretch of line 10: one amount for each time
)");
  read("user;carrier\n");
  EXPECT_NE(said_.find("m.csv:1:1: error: 'user;carrier' is not the header; it must be user,carrier"),
            std::string::npos)
      << said_;
  read("");
  EXPECT_NE(said_.find("m.csv:1:1: error: empty"), std::string::npos) << said_;
}

}  // namespace
}  // namespace carbongate::cli
