// What every Store promises, held against the one in memory and the one on disk.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <optional>

#include "gateway/store/dead_letters.h"
#include "gateway/store/sqlite_store.h"
#include "store_fixtures.h"
#include "tests/support/fake_store.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::store_test {
namespace {

class InMemory {
 public:
  std::unique_ptr<ports::Store> open(const model::Site& site) {
    return std::make_unique<testing::FakeStore>(disk_, site);
  }
  void retry_dead_letters(const std::string& sink) {
    for (const auto& [name, letter] : disk_.dead_letters) {
      if (name == sink) disk_.retries.emplace_back(name, letter.sequence);
    }
  }

 private:
  testing::FakeDisk disk_;
};

class OnDisk {
 public:
  std::unique_ptr<ports::Store> open(const model::Site& site) {
    return store::SqliteStore::open({.path = directory_.path() / "store"}, site).value();
  }
  void retry_dead_letters(const std::string& sink) {
    store::retry_dead_letters(directory_.path() / "store", sink).value();
  }

 private:
  TemporaryDirectory directory_;
};

template <class Place>
class StoreContract : public ::testing::Test {
 protected:
  StoreContract() { reopen(); }

  void reopen() {
    store_.reset();
    store_ = place_.open(site_);
  }

  void commit(model::Effects effects) { run(store_->commit(std::move(effects))).value(); }
  void commit_readings(std::initializer_list<double> numbers) {
    model::Effects effects;
    for (const double value : numbers) effects.rows.push_back(reading(kIncomer, kStart, value));
    commit(std::move(effects));
  }
  std::vector<model::StoredRow> peek(const std::string& sink, std::size_t limit = 100) {
    return run(store_->peek(sink, limit)).value();
  }
  void settle(const std::string& sink, std::uint64_t through, std::vector<ports::RejectedRow> rejected = {}) {
    run(store_->settle(sink, {through, std::move(rejected)})).value();
  }

  Place place_;
  model::Site site_ = small_site();
  std::unique_ptr<ports::Store> store_;
};

using Places = ::testing::Types<InMemory, OnDisk>;
TYPED_TEST_SUITE(StoreContract, Places);

TYPED_TEST(StoreContract, StartsEmpty) {
  const model::Checkpoint checkpoint = this->store_->checkpoint();
  ASSERT_EQ(checkpoint.points.size(), 2u);
  ASSERT_EQ(checkpoint.accounts.size(), 1u);
  EXPECT_EQ(checkpoint.points[0], model::PointState{});
  EXPECT_EQ(checkpoint.accounts[0], model::AccountState{});
  EXPECT_TRUE(this->peek("vm").empty());
  EXPECT_EQ(this->store_->status().last_sequence, 0u);
}

TYPED_TEST(StoreContract, GivesRowsBackInTheirOrderAndUnderTheirNames) {
  model::JournalRow by_ar6 = entry(kStart, 250'000, 39'100'000);
  by_ar6.body.get<model::EmissionEntry>().primary.gwp_set = "AR6";
  this->commit({{reading(kIncomer, kStart, 1.5), interval(kPress, kStart, 250'000), by_ar6,
                 rollup(model::Period::month, kStart, 744h, 10)},
                {},
                {}});
  model::RunningTotal running{.at = kStart,
                              .amount = model::Activity::of(3),
                              .emitted = {},
                              .amount_per_hour = 5.5,
                              .co2e_kg_per_hour = 6.5,
                              .since = kStart - 1h,
                              .covered = 45min,
                              .quality = {model::Origin::estimated, model::Rule::gap}};
  running.emitted[model::Basis::primary] = {model::Co2e::of(4), model::Co2e::of(1), model::Co2e::of(2)};
  running.emitted[model::Basis::market] = {model::Co2e::of(7), model::Co2e::of(3), model::Co2e::of(5)};
  this->commit({{{kPressShop, running}}, {}, {}});
  for (int round = 0; round < 2; ++round) {
    const auto rows = this->peek("vm");
    ASSERT_EQ(rows.size(), 5u);
    for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i].sequence, i + 1);

    const auto& read = rows[0].body.template get<model::JudgedReading>();
    EXPECT_EQ(read.at, kStart);
    EXPECT_EQ(read.value, 1.5);
    EXPECT_EQ(rows[0].series->device, "incomer");
    EXPECT_EQ(rows[0].series->point, "energy");
    EXPECT_EQ(rows[0].series->unit, "kWh");
    EXPECT_EQ(rows[0].series->carrier, "");
    EXPECT_EQ(rows[0].series->site, "edz-1");

    const auto& amount = rows[1].body.template get<model::EnergyInterval>();
    EXPECT_EQ(amount.end, kStart + 15min);
    EXPECT_EQ(amount.amount.quanta(), 250'000);
    EXPECT_EQ(amount.covered, 15min);
    EXPECT_EQ(rows[1].series->carrier, "electricity");
    EXPECT_EQ(rows[1].series->user, "");

    const auto& emission = rows[2].body.template get<model::EmissionEntry>();
    EXPECT_EQ(emission.primary.emitted.co2e.quanta(), 39'100'000);
    EXPECT_EQ(emission.primary.factor_id, "cn-grid/CN-SC/average/2023");
    EXPECT_EQ(emission.primary.factor_version, "2025-12-31");
    EXPECT_EQ(emission.primary.gwp_set, "AR6");
    EXPECT_EQ(emission.covered, 14min);
    EXPECT_EQ(rows[2].series->user, "press-shop");
    EXPECT_EQ(rows[2].series->user_name, "冲压车间");
    EXPECT_EQ(rows[2].series->region, "CN-SC");

    const auto& sum = rows[3].body.template get<model::RollupRow>();
    EXPECT_EQ(sum.period, model::Period::month);
    EXPECT_EQ(sum.end - sum.begin, 744h);

    EXPECT_EQ(rows[4].body.template get<model::RunningTotal>(), running);
    this->reopen();
  }
}

TYPED_TEST(StoreContract, GivesAlertsBackUnderTheNameOfTheirRuleAndSubject) {
  this->site_.watches = {watch_of(0, "overload", "incomer", "energy"), watch_of(1, "silent", "incomer", "")};
  this->site_.watches[0].unit = "kW";
  this->reopen();
  this->commit({.rows = {{model::WatchId{0}, full_alert()}, {model::WatchId{1}, full_alert()}},
                .points = {},
                .accounts = {},
                .alerts = {{model::WatchId{1}, full_alert_state()}}});
  for (int round = 0; round < 2; ++round) {
    const auto rows = this->peek("vm");
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_EQ(rows[0].body.template get<model::Alert>(), full_alert());
    EXPECT_EQ(rows[0].series->rule, "overload");
    EXPECT_EQ(rows[0].series->device, "incomer");
    EXPECT_EQ(rows[0].series->point, "energy");
    EXPECT_EQ(rows[0].series->unit, "kW");
    EXPECT_EQ(rows[1].series->rule, "silent");
    EXPECT_EQ(rows[1].series->point, "");
    const model::Checkpoint checkpoint = this->store_->checkpoint();
    ASSERT_EQ(checkpoint.alerts.size(), 2u);
    EXPECT_EQ(checkpoint.alerts[0], model::AlertState{});
    EXPECT_EQ(checkpoint.alerts[1], full_alert_state());
    this->reopen();
  }
  std::swap(this->site_.watches[0], this->site_.watches[1]);
  this->site_.watches[0].id = model::WatchId{0};
  this->site_.watches[1].id = model::WatchId{1};
  this->reopen();
  EXPECT_EQ(this->store_->checkpoint().alerts[0], full_alert_state()) << "by name, not by place";
}

TYPED_TEST(StoreContract, GivesTheAlertsBehindAPlaceAndNothingElse) {
  this->site_.watches = {watch_of(0, "overload", "incomer", "energy"), watch_of(1, "silent", "incomer", "")};
  this->reopen();
  model::Alert earlier = full_alert();  // of a time before, and told later
  earlier.at = earlier.since = full_alert().since - 1h;
  this->commit({{reading(kIncomer, kStart, 1),
                 {model::WatchId{0}, full_alert()},
                 interval(kPress, kStart, 250'000),
                 {model::WatchId{1}, earlier},
                 reading(kIncomer, kStart, 2),
                 {model::WatchId{0}, full_alert()}},
                {},
                {}});
  const auto behind = [this](std::uint64_t after, std::size_t limit) {
    std::vector<std::uint64_t> sequences;
    for (const model::StoredRow& row : run(this->store_->alerts_behind(after, limit)).value()) {
      EXPECT_TRUE(row.body.template get_if<model::Alert>());
      sequences.push_back(row.sequence);
    }
    return sequences;
  };
  using Sequences = std::vector<std::uint64_t>;
  EXPECT_EQ(behind(0, 10), (Sequences{2, 4, 6}));
  EXPECT_EQ(behind(0, 2), (Sequences{2, 4})) << "the oldest of them";
  EXPECT_EQ(behind(2, 10), (Sequences{4, 6}));
  EXPECT_EQ(behind(6, 10), Sequences{});
  EXPECT_EQ(run(this->store_->alerts_behind(2, 1)).value()[0].series->rule, "silent");
}

TYPED_TEST(StoreContract, GivesReportsBackUnderTheirStationAndByTime) {
  using model::ReportKind;
  this->site_.stations = {{.id = model::StationId{0}, .name = "stack", .factors = {}},
                          {.id = model::StationId{1}, .name = "drain", .factors = {}}};
  this->reopen();
  model::Effects effects;
  for (int hour = 0; hour < 5; ++hour) {
    const Instant begin = kStart + std::chrono::hours(hour);
    effects.rows.push_back({model::StationId{0}, full_report(ReportKind::real_time, begin, {})});
    effects.rows.push_back({model::StationId{0}, full_report(ReportKind::hour, begin, 1h)});
    effects.rows.push_back({model::StationId{1}, full_report(ReportKind::hour, begin, 1h)});
  }
  effects.stations = {{model::StationId{1}, full_station_state()}};
  this->commit(std::move(effects));
  for (int round = 0; round < 2; ++round) {
    const auto rows = this->peek("vm");
    ASSERT_EQ(rows.size(), 15u);
    EXPECT_EQ(rows[1].body.template get<model::Report>(), full_report(ReportKind::hour, kStart, 1h));
    EXPECT_EQ(rows[1].series->device, "stack");
    EXPECT_EQ(rows[1].series->point, "");
    EXPECT_EQ(rows[2].series->device, "drain");
    const model::Checkpoint checkpoint = this->store_->checkpoint();
    ASSERT_EQ(checkpoint.stations.size(), 2u);
    EXPECT_EQ(checkpoint.stations[0], model::StationState{});
    EXPECT_EQ(checkpoint.stations[1], full_station_state());

    ports::ReportQuery query{
        .station = "stack", .kind = ReportKind::hour, .from = kStart + 1h, .to = kStart + 4h, .limit = 3};
    const auto page = run(this->store_->reports(query)).value();
    ASSERT_EQ(page.size(), 3u);
    EXPECT_EQ(page[0].series->device, "stack");
    EXPECT_EQ(page[0].body.template get<model::Report>().begin, kStart + 1h);
    query.after = page[2].body.template get<model::Report>().begin;
    EXPECT_EQ(run(this->store_->reports(query)).value().size(), 1u) << "to the end, that one included";
    query.kind = ReportKind::day;
    EXPECT_TRUE(run(this->store_->reports(query)).value().empty());
    this->reopen();
  }
}

TYPED_TEST(StoreContract, FindsOfEachReportTheNewestRevision) {
  this->site_.stations = {{.id = model::StationId{0}, .name = "stack", .factors = {}}};
  this->reopen();
  const auto told = [](Instant begin, std::uint32_t revision) {
    model::Report report = full_report(model::ReportKind::minute, begin, 1min);
    report.revision = revision;
    return model::JournalRow{model::StationId{0}, report};
  };
  this->commit({{told(kStart, 0), told(kStart + 1min, 0), told(kStart + 2min, 0)}, {}, {}});
  this->commit({{told(kStart + 1min, 1), told(kStart, 1)}, {}, {}});
  this->commit({{told(kStart + 1min, 2)}, {}, {}});
  ports::ReportQuery query{
      .station = "stack", .kind = model::ReportKind::minute, .from = kStart, .to = kStart + 4h, .limit = 2};
  std::vector<std::uint32_t> revisions;
  for (int page = 0; page < 2; ++page) {
    for (const model::StoredRow& row : run(this->store_->reports(query)).value()) {
      revisions.push_back(row.body.get<model::Report>().revision);
      query.after = row.body.get<model::Report>().begin;
    }
  }
  EXPECT_EQ(revisions, (std::vector<std::uint32_t>{1, 2, 0})) << "also where a page ends between two of them";
}

TYPED_TEST(StoreContract, KeepsWhatASinkWantsToRemember) {
  EXPECT_EQ(run(this->store_->kept("city", "settings")).value(), std::nullopt);
  run(this->store_->keep("city", "settings", "a")).value();
  run(this->store_->keep("city", "settings", "b")).value();
  run(this->store_->keep("province", "settings", "c")).value();
  this->reopen();
  EXPECT_EQ(run(this->store_->kept("city", "settings")).value(), "b");
  EXPECT_EQ(run(this->store_->kept("province", "settings")).value(), "c");
  EXPECT_EQ(run(this->store_->kept("city", "other")).value(), std::nullopt);
}

TYPED_TEST(StoreContract, KeepsValuesThatAreNotNumbers) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  this->commit_readings({std::numeric_limits<double>::quiet_NaN(), kInfinity, -kInfinity, 1e300, 0.1});
  const auto read = values(this->peek("vm"));
  ASSERT_EQ(read.size(), 5u);
  EXPECT_TRUE(std::isnan(read[0]));
  EXPECT_EQ(read[1], kInfinity);
  EXPECT_EQ(read[2], -kInfinity);
  EXPECT_EQ(read[3], 1e300);
  EXPECT_EQ(read[4], 0.1);
}

TYPED_TEST(StoreContract, KeepsTheQualityOfEveryRow) {
  const model::Quality rejected{model::Origin::missing, model::Rule::no_factor};
  this->commit({{reading(kIncomer, kStart, 1, rejected)}, {}, {}});
  EXPECT_EQ(this->peek("vm")[0].body.template get<model::JudgedReading>().quality, rejected);
}

TYPED_TEST(StoreContract, RestoresStatesAsTheyWereCommitted) {
  this->commit({{}, {{kPress, full_point_state()}}, {{kPressShop, full_account_state()}}});
  for (int round = 0; round < 2; ++round) {
    const model::Checkpoint checkpoint = this->store_->checkpoint();
    EXPECT_EQ(checkpoint.points[0], model::PointState{});
    EXPECT_EQ(checkpoint.points[1], full_point_state());
    EXPECT_EQ(checkpoint.accounts[0], full_account_state());
    this->reopen();
  }
}

TYPED_TEST(StoreContract, ReplacesOnlyTheStatesThatChanged) {
  this->commit({{}, {{kIncomer, full_point_state()}, {kPress, full_point_state()}}, {}});
  this->commit({{}, {{kIncomer, model::PointState{}}}, {}});
  EXPECT_EQ(this->store_->checkpoint().points[0], model::PointState{});
  EXPECT_EQ(this->store_->checkpoint().points[1], full_point_state());
}

TYPED_TEST(StoreContract, FindsStatesAgainByNameWhenTheConfigurationIsReordered) {
  this->commit({{}, {{kPress, full_point_state()}}, {{kPressShop, full_account_state()}}});
  this->site_.points = {point(0, "press", "energy"), point(1, "new", "energy"), point(2, "incomer", "energy")};
  this->site_.accounts[0].source = PointId{0};
  this->reopen();
  const model::Checkpoint checkpoint = this->store_->checkpoint();
  ASSERT_EQ(checkpoint.points.size(), 3u);
  EXPECT_EQ(checkpoint.points[0], full_point_state());
  EXPECT_EQ(checkpoint.points[1], model::PointState{});
  EXPECT_EQ(checkpoint.accounts[0], full_account_state());
}

TYPED_TEST(StoreContract, KeepsTheStateOfWhatIsNotConfiguredForAWhile) {
  this->commit({{}, {{kPress, full_point_state()}}, {}});
  const model::Site before = this->site_;
  this->site_.points.pop_back();
  this->site_.accounts.clear();
  this->reopen();
  this->site_ = before;
  this->reopen();
  EXPECT_EQ(this->store_->checkpoint().points[1], full_point_state());
}

TYPED_TEST(StoreContract, StartsAfreshWhenAPointsUnitChanges) {
  this->commit({{}, {{kPress, full_point_state()}}, {}});
  this->site_.points[1].unit = *find_unit("MWh");
  this->reopen();
  EXPECT_EQ(this->store_->checkpoint().points[1], model::PointState{}) << "its last value would be misread";
}

TYPED_TEST(StoreContract, DescribesOldRowsAsTheyWereDescribedThen) {
  this->commit_readings({1});
  this->site_.points[0].unit = *find_unit("MWh");
  this->reopen();
  this->commit_readings({2});
  this->site_.points[0].device = "renamed";
  this->reopen();
  this->commit_readings({3});
  const auto rows = this->peek("vm");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].series->unit, "kWh");
  EXPECT_EQ(rows[1].series->unit, "MWh");
  EXPECT_EQ(rows[1].series->device, "incomer");
  EXPECT_EQ(rows[2].series->device, "renamed");
}

TYPED_TEST(StoreContract, OffersAtMostAsManyRowsAsAskedForOldestFirst) {
  this->commit_readings({1, 2, 3, 4});
  EXPECT_EQ(values(this->peek("vm", 2)), (std::vector<double>{1, 2}));
  EXPECT_EQ(values(this->peek("vm", 2)), (std::vector<double>{1, 2})) << "looking changes nothing";
  EXPECT_TRUE(this->peek("vm", 0).empty());
}

TYPED_TEST(StoreContract, RemembersHowFarEachSinkIs) {
  this->commit_readings({1, 2, 3});
  this->settle("vm", 2);
  this->settle("influx", 1);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(values(this->peek("vm")), (std::vector<double>{3}));
    EXPECT_EQ(values(this->peek("influx")), (std::vector<double>{2, 3}));
    EXPECT_EQ(values(this->peek("late")), (std::vector<double>{1, 2, 3}));
    this->reopen();
  }
}

TYPED_TEST(StoreContract, NeverMovesACursorBackNorBeyondTheJournal) {
  this->commit_readings({1, 2});
  this->settle("vm", 2);
  this->settle("vm", 1);
  EXPECT_TRUE(this->peek("vm").empty());
  this->settle("vm", 1'000);
  this->commit_readings({3});
  EXPECT_EQ(values(this->peek("vm")), (std::vector<double>{3}));
}

TYPED_TEST(StoreContract, HandsOutTwoLanesUntilTheyMeet) {
  const auto live = [&](std::size_t limit) { return values(run(this->store_->peek_live("vm", limit)).value()); };
  const auto settle_live = [&](std::uint64_t through) {
    ports::Delivery delivery{through, {}};
    delivery.lane = ports::Lane::live;
    run(this->store_->settle("vm", std::move(delivery))).value();
  };
  this->commit_readings({1, 2, 3, 4, 5, 6, 7, 8});
  this->settle("vm", 1);
  EXPECT_TRUE(live(10).empty()) << "there is one lane";
  run(this->store_->open_live("vm", 2)).value();
  this->reopen();
  EXPECT_EQ(live(1), std::vector<double>{7});
  EXPECT_EQ(values(this->peek("vm")), (std::vector<double>{2, 3, 4, 5, 6})) << "up to the live lane";
  settle_live(7);
  this->settle("vm", 3);
  this->commit_readings({9});
  this->reopen();
  EXPECT_EQ(live(10), (std::vector<double>{8, 9}));
  EXPECT_EQ(values(this->peek("vm")), (std::vector<double>{4, 5, 6}));
  auto cursor = this->store_->status().cursors.front();
  EXPECT_EQ(cursor.behind(), 3u);
  EXPECT_EQ(cursor.waiting(9), 5u);

  run(this->store_->open_live("vm", 100)).value();
  EXPECT_EQ(this->store_->status().cursors.front().ahead.size(), 1u) << "the live lane is no further behind than that";
  settle_live(100);
  this->settle("vm", 100);
  EXPECT_TRUE(this->peek("vm").empty());
  cursor = this->store_->status().cursors.front();
  EXPECT_TRUE(cursor.ahead.empty());
  EXPECT_EQ(cursor.settled, 9u);
  this->commit_readings({10});
  EXPECT_TRUE(live(10).empty());
  EXPECT_EQ(values(this->peek("vm")), std::vector<double>{10});
}

TYPED_TEST(StoreContract, LeavesAStretchBehindWithEachOutage) {
  this->commit_readings({1, 2, 3, 4, 5, 6});
  this->settle("vm", 1);
  run(this->store_->open_live("vm", 1)).value();
  ports::Delivery sixth{6, {}};
  sixth.lane = ports::Lane::live;
  run(this->store_->settle("vm", std::move(sixth))).value();
  this->commit_readings({7, 8, 9, 10});
  run(this->store_->open_live("vm", 1)).value();
  EXPECT_EQ(values(run(this->store_->peek_live("vm", 10)).value()), std::vector<double>{10});
  EXPECT_EQ(values(this->peek("vm")), (std::vector<double>{2, 3, 4, 5}));
  this->reopen();
  this->settle("vm", 5);
  EXPECT_EQ(values(this->peek("vm")), (std::vector<double>{7, 8, 9}));
  EXPECT_EQ(this->store_->status().cursors.front().waiting(10), 4u);
}

TYPED_TEST(StoreContract, CountsWhatASinkRejects) {
  this->commit_readings({1, 2, 3});
  this->settle("vm", 2, {{1, "bad name"}, {3, "not settled yet"}});
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(values(this->peek("vm")), (std::vector<double>{3}));
    const auto cursors = this->store_->status().cursors;
    ASSERT_EQ(cursors.size(), 1u);
    EXPECT_EQ(cursors[0].sink, "vm");
    EXPECT_EQ(cursors[0].settled, 2u);
    EXPECT_EQ(cursors[0].rejected, 1u);
    this->reopen();
  }
}

TYPED_TEST(StoreContract, OffersDeadLettersAgainUntilTheyAreAcceptedOrRefused) {
  this->commit_readings({1, 2, 3});
  this->settle("vm", 3, {{1, "no"}, {3, "no"}});
  this->settle("nats", 3, {{2, "no"}});
  this->store_.reset();
  this->place_.retry_dead_letters("vm");
  this->reopen();
  EXPECT_TRUE(run(this->store_->peek_retries("nats", 10)).value().empty());
  ASSERT_EQ(run(this->store_->peek_retries("vm", 1)).value().size(), 1u);
  const auto offered = run(this->store_->peek_retries("vm", 10)).value();
  ASSERT_EQ(offered.size(), 2u);
  EXPECT_EQ(offered[0].sequence, 1u);
  EXPECT_EQ(offered[1].sequence, 3u);
  run(this->store_->settle_retries("vm", {{1}, {{3, "still not"}}})).value();
  EXPECT_TRUE(run(this->store_->peek_retries("vm", 10)).value().empty());
  const auto status = this->store_->status();
  const auto cursor = std::ranges::find(status.cursors, "vm", &ports::StoreStatus::Cursor::sink);
  EXPECT_EQ(cursor->rejected, 1u);
}

TYPED_TEST(StoreContract, LooksBackAtReadings) {
  this->commit({{reading(kIncomer, kStart, 1), interval(kPress, kStart, 250'000), reading(kIncomer, kStart, 3),
                 reading(kIncomer, kStart, 4)},
                {},
                {}});
  const auto before = [&](std::uint64_t sequence, std::uint64_t rows) {
    return values(run(this->store_->readings_before(sequence, rows)).value());
  };
  EXPECT_EQ(before(4, 100), (std::vector<double>{1, 3}));
  EXPECT_EQ(before(4, 2), std::vector<double>{3}) << "two rows, one of which is a reading";
  EXPECT_EQ(before(1, 100), std::vector<double>{});
  EXPECT_EQ(before(5, 1), std::vector<double>{4});
}

TYPED_TEST(StoreContract, HasAnIdThatStays) {
  const std::string id = this->store_->status().id;
  EXPECT_FALSE(id.empty());
  this->reopen();
  EXPECT_EQ(this->store_->status().id, id);
}

TYPED_TEST(StoreContract, NeverUsesASequenceTwice) {
  this->commit_readings({1, 2});
  this->reopen();
  this->commit_readings({3});
  EXPECT_EQ(this->peek("vm").back().sequence, 3u);
  EXPECT_EQ(this->store_->status().last_sequence, 3u);
}

TYPED_TEST(StoreContract, DoesNothingWhenThereIsNothingToCommit) {
  this->commit({});
  EXPECT_EQ(this->store_->status().commits, 0u);
  this->commit_readings({1});
  EXPECT_EQ(this->store_->status().commits, 1u);
  EXPECT_EQ(this->store_->status().rows_appended, 1u);
}

}  // namespace
}  // namespace carbongate::store_test
