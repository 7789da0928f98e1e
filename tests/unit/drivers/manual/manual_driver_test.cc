#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "drivers/manual/manual_driver_type.h"
#include "protocols/io/system_clock.h"

namespace carbongate::manual_driver {
namespace {

std::unique_ptr<DevicePlan> read(const std::string& keys, std::string& problems_text) {
  config::Problems problems;
  const config::Node node = config::parse_text("id: stock\ndriver: manual\n" + keys, "site.yaml", problems);
  const config::Node root = config::parse_text("site: {}", "site.yaml", problems);
  const config::DataFiles data("");
  config::Reader in(node, problems);
  in.required<std::string>("driver");
  auto plan = kManual.read(in, {root, data, nullptr});
  in.finish();
  problems_text = problems.to_text();
  return plan;
}

TEST(ManualDriver, HasAmountsThatNothingMeasures) {
  std::string problems;
  const auto plan = read("points: [{name: coal, unit: t}, {name: bought, unit: kWh}]", problems);
  EXPECT_EQ(problems, "");
  ASSERT_EQ(plan->points().size(), 2u);
  EXPECT_EQ(plan->points()[0].full_name(), "stock.coal");
  EXPECT_EQ(plan->points()[0].kind, Kind::interval);
  EXPECT_EQ(plan->points()[0].unit.symbol, "t");
  EXPECT_EQ(plan->origin(0, 1).where, "entered by hand");
}

TEST(ManualDriver, SaysWhatIsWrong) {
  std::string problems;
  read("points: []", problems);
  EXPECT_NE(problems.find("names no point"), std::string::npos);
  read("points: [{name: coal, unit: tonne}, {name: coal, unit: t, address: 1}]", problems);
  EXPECT_NE(problems.find("unknown unit 'tonne'"), std::string::npos) << problems;
  EXPECT_NE(problems.find("is there twice"), std::string::npos) << problems;
  EXPECT_NE(problems.find("unknown key"), std::string::npos) << problems;
}

TEST(ManualDriver, IsThereAndReadsNothing) {
  boost::asio::io_context loop;
  io::SystemClock clock;
  std::string problems;
  std::vector<std::unique_ptr<DevicePlan>> plans;
  plans.push_back(read("points: [{name: coal, unit: t}]", problems));
  const auto driver = kManual.make(std::move(plans), {loop.get_executor(), clock});
  EXPECT_TRUE(driver->status().connected);
  ASSERT_EQ(driver->status().devices.size(), 1u);
  EXPECT_EQ(driver->status().devices[0].device, "stock");
}

}  // namespace
}  // namespace carbongate::manual_driver
