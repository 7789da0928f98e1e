// Alerts and reports while the gateway runs: what only the clock decides, and what people say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "gateway/store/acknowledgement.h"
#include "gateway/store/store_config.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/gateway/app/gateway_fixture.h"

namespace carbongate::app {
namespace {

using model::Alert;
using model::AlertStage;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AlertWatchTest : public GatewayTest {
 protected:
  AlertWatchTest() {
    model::AlertRule rule;
    rule.id = "silent";
    rule.measure = model::Measure::silence;
    rule.length = 1min;
    site_.alert_rules = {rule};
    model::Watch watch;
    watch.rule = rule.id;
    watch.device = "meter";
    watch.point = "voltage";
    watch.points = {PointId{0}};
    site_.watches = {watch};
  }

  std::vector<AlertStage> stages() const {
    std::vector<AlertStage> found;
    for (const model::StoredRow& row : disk_.rows) {
      if (const auto* alert = row.body.get_if<Alert>()) found.push_back(alert->stage);
    }
    return found;
  }
};

TEST_F(AlertWatchTest, ASilenceIsToldWithoutAnyReading) {
  add_driver([this](Inbox& inbox) -> asio::awaitable<void> {
    co_await inbox.push(batch(230));
    co_await clock_.sleep_until(clock_.ticks() + 10min);
    co_await inbox.push(batch(231));
    co_await until_cancelled();
  });
  start();
  pass(69s);
  EXPECT_THAT(stages(), IsEmpty());
  pass(3s);
  EXPECT_THAT(stages(), ElementsAre(AlertStage::firing));
  EXPECT_TRUE(gateway_->accounts().alerts[0].since);
  pass(9min);
  EXPECT_THAT(stages(), ElementsAre(AlertStage::firing, AlertStage::resolved));
  EXPECT_EQ(disk_.alerts.size(), 1U) << "its state is on disk";
}

TEST_F(AlertWatchTest, ASilentStationIsToldWithoutAnyReading) {
  site_.alert_rules.clear();
  site_.watches.clear();
  model::Station station;
  station.name = "stack";
  station.minute = 1min;
  station.factors = {{.code = "a05001", .point = PointId{0}, .reduced = {}, .amount = {}}};
  site_.stations = {station};
  add_driver([this](Inbox& inbox) -> asio::awaitable<void> {
    for (int i = 0; i < 8; ++i) {
      co_await inbox.push(batch(230));
      co_await clock_.sleep_until(clock_.ticks() + 20s);
    }
    co_await until_cancelled();
  });
  start();
  const auto flags = [this] {
    std::string found;
    Instant last{};
    for (const model::StoredRow& row : disk_.rows) {
      const auto* report = row.body.get_if<model::Report>();
      if (!report || report->kind != model::ReportKind::minute) continue;
      EXPECT_EQ(report->values.size(), 1u);
      EXPECT_GT(report->begin, last);
      last = report->begin;
      found += report->values[0].flag;
    }
    return found;
  };
  pass(150s);
  const std::string heard = flags();
  EXPECT_EQ(heard.find('B'), std::string::npos);
  pass(170s);
  EXPECT_THAT(flags(), ::testing::MatchesRegex(heard + "BB?"));
  pass(10min);
  EXPECT_THAT(flags(), ::testing::MatchesRegex(heard + "B{11,12}"));
}

TEST_F(AlertWatchTest, AStoreThatFailsLosesNoAlert) {
  store_.fails = [](const model::Effects& effects) { return !effects.rows.empty(); };
  start();
  pass(80s);
  EXPECT_THAT(stages(), IsEmpty());
  store_.fails = [](const model::Effects&) { return false; };
  pass(10s);
  EXPECT_THAT(stages(), ElementsAre(AlertStage::firing));
}

TEST_F(AlertWatchTest, AnAcknowledgementIsTakenUpOnce) {
  TemporaryDirectory directory;
  std::ofstream(directory.path() / store::kDatabaseFile) << "a store";
  config_.store.path = directory.path();
  start();
  pass(80s);
  ASSERT_THAT(stages(), ElementsAre(AlertStage::firing));
  const std::string id = disk_.rows.front().body.get<Alert>().id;
  const auto acknowledge = [&] {
    store::request_acknowledgement(directory.path(), {.alert = id, .at = clock_.now(), .by = "Li", .note = "seen"})
        .value();
  };
  acknowledge();
  pass(2s);
  ASSERT_THAT(stages(), ElementsAre(AlertStage::firing, AlertStage::acknowledged));
  EXPECT_EQ(disk_.rows.back().body.get<Alert>().by, "Li");
  std::string trouble;
  EXPECT_THAT(store::waiting_acknowledgements(directory.path(), trouble), IsEmpty());
  acknowledge();
  pass(2s);
  EXPECT_EQ(stages().size(), 2U);
  EXPECT_THAT(store::waiting_acknowledgements(directory.path(), trouble), IsEmpty());
}

// Of the first meter come readings of before, and the second one's wait behind them.
TEST_F(AlertWatchTest, WhatWaitsInAQueueIsNotSilentAfterAStart) {
  add_point("current", Kind::instantaneous, "A");
  model::Watch second = site_.watches.front();
  second.id = model::WatchId{1};
  second.point = "current";
  second.points = {PointId{1}};
  site_.watches.push_back(second);
  const Instant begin = clock_.now();
  add_driver([this](Inbox& inbox) -> asio::awaitable<void> {
    co_await inbox.push(batch(230));
    co_await inbox.push(batch_of(PointId{1}, 16));
    co_await until_cancelled();
  });
  start();
  pass(2s);
  stop();
  gateway_.reset();
  ended_.reset();
  clock_.advance(5min);
  config_ = {};
  add_driver(
      [this, begin](Inbox& inbox) -> asio::awaitable<void> {
        const auto push = [&](PointId point, Instant at) -> asio::awaitable<bool> {
          Batch old = batch_of(point, 230);
          old.readings.front().stamped_by = StampedBy::device;
          old.readings.front().at = at;
          co_return co_await inbox.push(std::move(old));
        };
        for (int i = 1; i <= 10; ++i) {
          co_await clock_.sleep_until(clock_.ticks() + 2s);
          co_await push(PointId{0}, begin + 4s * i);
        }
        co_await push(PointId{1}, begin + 40s);
        co_await until_cancelled();
      },
      [](DriverStatus& status) { status.devices = {{.device = "meter", .detail = {}, .heard = {}}}; });
  start();
  pass(60s);
  EXPECT_THAT(stages(), IsEmpty());
  pass(60s);
  EXPECT_THAT(stages(), ElementsAre(AlertStage::firing, AlertStage::firing)) << "nothing came any more";
}

TEST_F(AlertWatchTest, AnAcknowledgementIsTakenUpBeforeWhatIsHeardAfterAStart) {
  TemporaryDirectory directory;
  std::ofstream(directory.path() / store::kDatabaseFile) << "a store";
  config_.store.path = directory.path();
  start();
  pass(80s);
  ASSERT_THAT(stages(), ElementsAre(AlertStage::firing));
  stop();
  gateway_.reset();
  ended_.reset();
  const std::string id = disk_.rows.front().body.get<Alert>().id;
  store::request_acknowledgement(directory.path(), {.alert = id, .at = clock_.now(), .by = "Li", .note = "seen"})
      .value();
  config_ = {};
  config_.store.path = directory.path();
  add_driver([this](Inbox& inbox) -> asio::awaitable<void> {
    co_await inbox.push(batch(230));
    co_await until_cancelled();
  });
  start();
  pass(2s);
  EXPECT_THAT(stages(), ElementsAre(AlertStage::firing, AlertStage::acknowledged, AlertStage::resolved));
}

}  // namespace
}  // namespace carbongate::app
