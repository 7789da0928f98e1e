#include "gateway/store/standing_alerts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "gateway/store/database.h"
#include "gateway/store/sqlite_store.h"
#include "store_fixtures.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::store {
namespace {

using namespace store_test;
using model::AlertStage;

constexpr auto kDay = 24h;

class StandingAlertsTest : public ::testing::Test {
 protected:
  StandingAlertsTest() {
    site_.alert_rules.resize(1);
    site_.alert_rules[0].id = "overload";
    site_.watches = {watch_of(0, "overload", "incomer", "energy"), watch_of(1, "overload", "press", "energy")};
    store_ = SqliteStore::open(config_, site_).value();
  }

  std::string id_of(std::size_t watch, Instant since) const {
    return model::alert_id(site_.id, "overload", site_.watches[watch].device + ".energy", since);
  }
  model::JournalRow change(std::size_t watch, Instant since, AlertStage stage, Instant at,
                           std::uint32_t revision) const {
    model::Alert alert = full_alert();
    alert.id = id_of(watch, since);
    alert.since = since;
    alert.at = at;
    alert.stage = stage;
    alert.revision = revision;
    alert.by = stage == AlertStage::acknowledged ? "Li Wei" : "";
    alert.note = stage == AlertStage::acknowledged ? "seen" : "";
    if (stage == AlertStage::acknowledged) {
      alert.value = std::nan("");
      alert.of.reset();
    }
    return {static_cast<model::WatchId>(watch), alert};
  }
  void commit(std::vector<model::JournalRow> rows,
              std::vector<std::pair<model::WatchId, model::AlertState>> states = {}) {
    run(store_->commit({.rows = std::move(rows), .points = {}, .accounts = {}, .alerts = std::move(states)})).value();
  }
  // Whoever reads one of them fails.
  void damage(const std::string& where) {
    store_.reset();
    Database(config_.path / kDatabaseFile, Database::Mode::read_write)
        .execute("UPDATE journal SET body = x'ff' WHERE " + where);
    ASSERT_TRUE(standing_alerts(config_.path, site_).has_error());
  }
  static std::pair<model::WatchId, model::AlertState> fires(std::size_t watch, Instant since) {
    model::AlertState state;
    state.since = state.fired_at = since;
    state.published = 1;
    return {static_cast<model::WatchId>(watch), state};
  }

  TemporaryDirectory directory_;
  StoreConfig config_{.path = directory_.path() / "store"};
  model::Site site_ = small_site();
  std::unique_ptr<SqliteStore> store_;
};

TEST_F(StandingAlertsTest, OfWhatFiresNothingElseIsRead) {
  const Instant since = kStart + 10 * kDay;
  commit({change(1, kStart, AlertStage::firing, kStart, 0), change(0, since + 1h, AlertStage::firing, since + 1h, 0),
          change(0, since + 1h, AlertStage::resolved, since + 2h, 1)});
  // By a clock that stands an hour behind that of the readings.
  commit({change(1, since, AlertStage::firing, since, 0), change(1, since, AlertStage::acknowledged, since - 1h, 1)},
         {fires(1, since)});
  damage("seq <= 3");
  const auto found = active_alerts(config_.path, site_);
  ASSERT_TRUE(found) << found.error().text;
  ASSERT_EQ(found->all.size(), 1u);
  const StandingAlert& one = found->all.at(id_of(1, since));
  EXPECT_TRUE(one.fires);
  EXPECT_EQ(one.state, "acknowledged");
  EXPECT_EQ(one.alert.by, "Li Wei");
  EXPECT_EQ(one.alert.value, 812.5);
  EXPECT_EQ(one.alert.of, full_alert().of) << "as the value, of the change that had one";
  EXPECT_EQ(one.subject, "press.energy");
  EXPECT_EQ(active_alerts(config_.path, site_, id_of(1, since))->all.size(), 1u);
  EXPECT_TRUE(active_alerts(config_.path, site_, id_of(1, kStart))->all.empty()) << "it is over";
}

TEST_F(StandingAlertsTest, WhatIsPendingIsAmongWhatIsActive) {
  model::AlertState state;
  state.holds_since = kStart;
  state.value = 900;
  state.of = model::SummedTime{.begin = kStart, .end = kStart + 24h, .coverage = 8750};
  commit({}, {{model::WatchId{0}, state}, fires(1, kStart)});
  const auto found = active_alerts(config_.path, site_);
  ASSERT_EQ(found->all.size(), 1u);
  EXPECT_TRUE(found->all.begin()->second.is_pending);
  EXPECT_EQ(found->all.begin()->second.alert.of, state.of);
  EXPECT_TRUE(active_alerts(config_.path, site_, id_of(1, kStart))->all.empty());
}

TEST_F(StandingAlertsTest, OfAPageNothingMuchOlderIsRead) {
  const Instant now = kStart + 400 * kDay;
  commit({change(0, kStart, AlertStage::firing, kStart, 0)});
  for (int i = 3; i > 0; --i) commit({change(1, now - i * 1h, AlertStage::firing, now - i * 1h, 0)});
  damage("seq = 1");
  const auto page = newest_alerts(config_.path, site_, {.limit = 2}, now);
  ASSERT_TRUE(page) << page.error().text;
  ASSERT_EQ(page->alerts.size(), 2u);
  EXPECT_TRUE(page->is_more);
  EXPECT_EQ(page->alerts[0].alert.at, now - 1h);
  EXPECT_EQ(page->alerts[1].alert.at, now - 2h);
  EXPECT_TRUE(newest_alerts(config_.path, site_, {.from = now - kDay, .limit = 9}, now)) << "a window bounds it too";
  EXPECT_FALSE(newest_alerts(config_.path, site_, {.limit = 9}, now)) << "this page reaches back to it";
}

// Pages put together are the whole, whenever the changes came and however the page is bounded.
TEST_F(StandingAlertsTest, PagesAreWhatTheWholeIs) {
  std::mt19937 random(20260801);
  const auto up_to = [&](Duration most) {
    return Duration(std::uniform_int_distribution<std::int64_t>(0, most.count())(random));
  };
  std::vector<model::JournalRow> rows;
  for (int i = 0; i < 400; ++i) {
    const std::size_t watch = random() % 2;
    const Instant since = kStart + up_to(kDay * (i % 3 == 0 ? 3'000 : 20));
    std::uint32_t revision = 0;
    Instant at = since + up_to(10min);
    rows.push_back(change(watch, since, AlertStage::firing, at, revision++));
    if (random() % 2 == 0) {
      rows.push_back(change(watch, since, AlertStage::acknowledged, since - 24h + up_to(48h), revision++));
    }
    if (random() % 3 != 0) {
      rows.push_back(
          change(watch, since, AlertStage::resolved, at += up_to(kDay * (i % 5 == 0 ? 900 : 1)), revision++));
    }
    if (random() % 8 == 0) rows.push_back(change(watch, since, AlertStage::withdrawn, at, revision++));
  }
  model::AlertState pending;
  pending.holds_since = kStart + 10 * kDay;
  commit(std::move(rows), {{model::WatchId{0}, pending}});
  auto whole = standing_alerts(config_.path, site_);
  ASSERT_TRUE(whole);
  ASSERT_GT(whole->all.size(), 300u);

  std::vector<std::optional<Instant>> bounds{std::nullopt, kStart + 5 * kDay, kStart + 15 * kDay,
                                             kStart + 1'500 * kDay};
  for (const auto& from : bounds) {
    for (const auto& to : bounds) {
      std::vector<const StandingAlert*> expected;
      for (const auto& [name, one] : whole->all) {
        const Instant at(Duration(-place_of(one).first));
        if ((!from || at >= *from) && (!to || at < *to)) expected.push_back(&one);
      }
      std::ranges::sort(expected, {}, [](const StandingAlert* one) { return place_of(*one); });
      const Instant now = kStart + up_to(kDay * 4'000);
      AlertQuery query{.from = from, .to = to, .behind = {}, .limit = 7 + random() % 90};
      std::vector<StandingAlert> paged;
      for (bool is_more = true; is_more;) {
        auto page = newest_alerts(config_.path, site_, query, now);
        ASSERT_TRUE(page) << page.error().text;
        ASSERT_EQ(page->alerts.size() == query.limit || !page->is_more, true);
        is_more = page->is_more;
        std::ranges::move(page->alerts, std::back_inserter(paged));
        if (is_more) query.behind = place_of(paged.back());
      }
      ASSERT_EQ(paged.size(), expected.size());
      for (std::size_t i = 0; i < paged.size(); ++i) {
        ASSERT_EQ(place_of(paged[i]), place_of(*expected[i]));
        ASSERT_EQ(paged[i].state, expected[i]->state);
        ASSERT_EQ(paged[i].alert.by, expected[i]->alert.by);
        ASSERT_EQ(paged[i].alert.note, expected[i]->alert.note);
        ASSERT_EQ(paged[i].alert.revision, expected[i]->alert.revision);
      }
    }
  }
}

}  // namespace
}  // namespace carbongate::store
