// Numbers that do not agree become an alert.
#include "gateway/app/conservation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/app/conservation_rule.h"
#include "tests/unit/gateway/app/gateway_fixture.h"

namespace carbongate::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// "firing 2 at 60 s", ...
std::vector<std::string> told_of_conservation(const testing::FakeDisk& disk, Instant start) {
  std::vector<std::string> told;
  for (const model::StoredRow& row : disk.rows) {
    const auto* alert = row.body.get_if<model::Alert>();
    if (!alert || row.series->rule != "conservation") continue;
    told.push_back(std::string(to_string(alert->stage)) + " " + std::to_string(static_cast<int>(alert->value)) +
                   " at " + std::to_string((alert->at - start) / 1s) + " s");
  }
  return told;
}

TEST_F(GatewayTest, ABreachOfConservationIsAnAlertUntilTheNumbersAgreeAgain) {
  add_conservation_rule(site_);
  store_.accounts = {{.sink = "tsdb", .is_active = true, .received = 10, .accepted = 7, .pending = 3},
                     {.sink = "archive", .is_active = true, .received = 10, .accepted = 7, .pending = 3}};
  const Instant began = clock_.now();
  start();
  pass(90s);
  EXPECT_TRUE(disk_.rows.empty()) << "nothing is told while the numbers agree";

  store_.accounts[0].accepted = 6;
  store_.accounts[1].accepted = 8;
  pass(3min);
  EXPECT_THAT(told_of_conservation(disk_, began), ElementsAre("firing 2 at 120 s")) << "once, not each minute";
  ASSERT_EQ(disk_.rows.size(), 1u);
  const auto& alert = disk_.rows[0].body.get<model::Alert>();
  EXPECT_EQ(alert.severity, model::Severity::critical);
  EXPECT_EQ(alert.name_zh, "数据守恒被破坏：网关缺陷");
  EXPECT_THAT(alert.note, HasSubstr("sink tsdb: 10 rows were meant for it"));
  EXPECT_THAT(alert.note, HasSubstr("sink archive: 10 rows were meant for it"));
  EXPECT_EQ(disk_.rows[0].series->device, "carbongate");

  store_.accounts[0].accepted = 7;
  store_.accounts[1].accepted = 7;
  store_.accounts[1].pending.reset();
  pass(2min);
  EXPECT_EQ(disk_.rows.size(), 1u) << "too much waits to be counted: nobody knows yet";
  store_.accounts[1].pending = 3;
  pass(2min);
  EXPECT_THAT(told_of_conservation(disk_, began), ElementsAre("firing 2 at 120 s", "resolved 0 at 420 s"));
}

TEST_F(GatewayTest, ABreachThatLastsOverARestartIsTheSameAlert) {
  add_conservation_rule(site_);
  store_.accounts = {{.sink = "tsdb", .is_active = true, .received = 10, .accepted = 7, .pending = 2}};
  const Instant began = clock_.now();
  start();
  pass(10s);
  EXPECT_THAT(told_of_conservation(disk_, began), ElementsAre("firing 1 at 0 s")) << "audited at the start";
  stop();
  gateway_.reset();
  ended_.reset();
  config_ = {};
  start();
  pass(2min);
  EXPECT_EQ(disk_.rows.size(), 1u) << "it fires still";
  store_.accounts[0].pending = 3;
  stop();
  ASSERT_EQ(disk_.rows.size(), 2u) << "also the last audit tells";
  const auto& resolved = disk_.rows[1].body.get<model::Alert>();
  EXPECT_EQ(resolved.stage, model::AlertStage::resolved);
  EXPECT_EQ(resolved.id, disk_.rows[0].body.get<model::Alert>().id);
}

TEST_F(GatewayTest, AClockThatIsSetDoesNotTakeABreachBack) {
  add_conservation_rule(site_);
  store_.accounts = {{.sink = "tsdb", .is_active = true, .received = 10, .accepted = 7, .pending = 2}};
  start();
  pass(10s);
  ASSERT_EQ(disk_.rows.size(), 1u);
  clock_.set_wall(clock_.now() - 1h);
  store_.accounts[0].pending = 3;
  pass(1min);
  ASSERT_EQ(disk_.rows.size(), 2u);
  const auto& over = disk_.rows[1].body.get<model::Alert>();
  EXPECT_EQ(over.stage, model::AlertStage::resolved) << "not withdrawn: it was so";
  EXPECT_GE(over.at, disk_.rows[0].body.get<model::Alert>().at);
}

TEST_F(GatewayTest, ABreachIsOverAlsoWhereASinkThatWasTakenOutHasTooMuchWaitingToBeCounted) {
  add_conservation_rule(site_);
  store_.accounts = {{.sink = "tsdb", .is_active = true, .received = 10, .accepted = 7, .pending = 2},
                     {.sink = "former", .is_active = false, .received = 9'000'000, .accepted = 7, .pending = {}}};
  const Instant began = clock_.now();
  start();
  pass(10s);
  store_.accounts[0].pending = 3;
  pass(1min);
  EXPECT_THAT(told_of_conservation(disk_, began), ElementsAre("firing 1 at 0 s", "resolved 0 at 60 s"));
}

TEST(ConservationOf, CountsWhatIsMissingAndWhatIsThereTwice) {
  const std::vector<ports::SinkAccount> accounts{
      {.sink = "a", .is_active = true, .received = 10, .accepted = 4, .pending = 3},
      {.sink = "b", .is_active = false, .received = 10, .accepted = 9, .pending = 3},
      {.sink = "c", .is_active = true, .received = 10, .accepted = 1, .pending = {}}};
  const Conservation found = conservation_of(accounts, 5, 9);
  EXPECT_EQ(found.difference, 3u + 2u + 4u);
  EXPECT_FALSE(found.is_known) << "c";
  EXPECT_THAT(found.breach, HasSubstr("drivers: 5 readings are neither committed nor given up, 9 wait"));
  EXPECT_TRUE(conservation_of({}, 9, 9).holds());
}

}  // namespace
}  // namespace carbongate::app
