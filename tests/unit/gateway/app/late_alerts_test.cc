#include "gateway/app/late_alerts.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/reader/data_files.h"
#include "gateway/store/database.h"
#include "gateway/store/sqlite_store.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::app {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using model::AlertStage;

const Instant kLate = std::chrono::sys_days(std::chrono::year(2026) / 6 / 1);  // from when on readings came late

// A rule about one point, whose value is 500 throughout: whatever began to fire at kLate or later should not have.
class LateAlertsTest : public ::testing::Test {
 protected:
  LateAlertsTest() {
    site_.id = "works";
    site_.time_zone = "UTC";
    site_.points = {{.id = PointId{0},
                     .device = "incomer",
                     .name = "power",
                     .kind = Kind::instantaneous,
                     .unit = *find_unit("kW"),
                     .limits = {}}};
    site_.points[0].limits.interval = 1min;
    site_.alert_rules.resize(1);
    site_.alert_rules[0].id = "overload";
    site_.alert_rules[0].above = 800;
    model::Watch watch;
    watch.rule = "overload";
    watch.device = "incomer";
    watch.point = "power";
    watch.unit = "kW";
    watch.points = {PointId{0}};
    site_.watches = {watch};
    store_ = store::SqliteStore::open(config_, site_).value();
  }

  void commit(model::Effects effects) {
    asio::io_context loop(1);
    auto done = asio::co_spawn(loop, store_->commit(std::move(effects)), asio::use_future);
    loop.run();
    ASSERT_TRUE(done.get());
  }
  static model::JournalRow change(Instant since, AlertStage stage, Instant at, std::uint32_t revision) {
    model::Alert alert;
    alert.id = model::alert_id("works", "overload", "incomer.power", since);
    alert.since = since;
    alert.at = at;
    alert.stage = stage;
    alert.value = 900;
    alert.revision = revision;
    return {model::WatchId{0}, alert};
  }
  void hear(double value) {
    model::Effects effects;
    for (int minute = -60; minute <= 60; ++minute) {
      effects.rows.push_back(
          {PointId{0}, model::JudgedReading{.at = kLate + minute * 1min, .value = value, .quality = {}}});
    }
    commit(std::move(effects));
  }
  std::vector<model::Alert> judge() {
    const pipeline::LateWatch late{.watch = model::WatchId{0}, .from = kLate, .until = kLate + 1h, .heard = 1};
    auto history = store::History::open(config_.path).value();
    const std::atomic<bool> stop = false;
    auto judged = judge_late_alerts(*history, site_, factors_, std::span(&late, 1), stop);
    EXPECT_TRUE(judged) << judged.error().text;
    return judged ? judged->at(0).changes : std::vector<model::Alert>();
  }

  static pipeline::FactorRegistry load() {
    config::Problems problems;
    return pipeline::FactorRegistry::load(config::DataFiles("."), std::vector<std::string>{"cn-grid"}, "UTC", problems);
  }

  TemporaryDirectory directory_;
  store::StoreConfig config_{.path = directory_.path() / "store"};
  model::Site site_;
  pipeline::FactorRegistry factors_ = load();
  std::unique_ptr<store::SqliteStore> store_;
};

TEST_F(LateAlertsTest, WhatWasOverLongBeforeIsNotRead) {
  const Instant old = kLate - std::chrono::days(90);
  const Instant since = kLate + 10min;
  commit({.rows = {change(old, AlertStage::firing, old, 0), change(old, AlertStage::resolved, old + 1h, 1),
                   change(since, AlertStage::firing, since, 0), change(since, AlertStage::resolved, since + 5min, 1)},
          .points = {},
          .accounts = {}});
  hear(500);
  store_.reset();
  store::Database(config_.path / store::kDatabaseFile, store::Database::Mode::read_write)
      .execute("UPDATE journal SET body = x'ff' WHERE seq <= 2");
  const std::vector<model::Alert> changes = judge();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].stage, AlertStage::withdrawn);
  EXPECT_EQ(changes[0].since, since);
  EXPECT_EQ(changes[0].revision, 2u);
}

// It began long before, and nothing changed since: only the states say that it fires.
TEST_F(LateAlertsTest, WhatFiresSinceLongBeforeGoesOn) {
  const Instant since = kLate - std::chrono::days(90);
  model::AlertState state;
  state.since = state.fired_at = since;
  state.published = 1;
  commit({.rows = {change(since, AlertStage::firing, since, 0)},
          .points = {},
          .accounts = {},
          .alerts = {{model::WatchId{0}, state}}});
  hear(900);
  EXPECT_EQ(judge().size(), 0u);
}

// Of what is over meanwhile the end says when it began.
TEST_F(LateAlertsTest, WhatFiredThenAndIsOverIsKnownByItsEnd) {
  const Instant since = kLate - std::chrono::days(90);
  commit({.rows = {change(since, AlertStage::firing, since, 0), change(since, AlertStage::resolved, kLate + 2h, 1)},
          .points = {},
          .accounts = {}});
  hear(900);
  EXPECT_EQ(judge().size(), 0u);
}

}  // namespace
}  // namespace carbongate::app
