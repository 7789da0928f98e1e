// States of a damaged store, counted again from the journal.
#include "gateway/app/catch_up.h"

#include <filesystem>
#include <string>

#include "gateway/store/database.h"
#include "gateway/store/salvage.h"
#include "tests/support/rounds.h"
#include "tests/unit/gateway/app/restate_fixture.h"

namespace carbongate::app::restating {
namespace {

namespace fs = std::filesystem;

// What a power cut leaves: the files as they are now.
fs::path killed(const Books& books, const fs::path& to) {
  fs::create_directories(to);
  for (const char* suffix : {"", "-wal"}) {
    const std::string name = std::string(store::kDatabaseFile) + suffix;
    fs::copy_file(books.path() / name, to / name);
  }
  return to;
}

void damage(const fs::path& store, const std::string& sql) {
  store::Database(store / store::kDatabaseFile, store::Database::Mode::read_write).execute(sql.c_str());
}

// That late data were restated meanwhile is not noted in what is counted again: they are looked at once more, in vain.
model::Checkpoint but_for_late_data(model::Checkpoint checkpoint) {
  for (model::PointState& point : checkpoint.points) point.late.reset();
  return checkpoint;
}

class CatchUpTest : public ::testing::Test {
 protected:
  CatchUpTest() {
    points_.push_back(site_.add("press", Kind::cumulative, "kWh"));
    points_.push_back(site_.add("mill", Kind::instantaneous, "kW"));
    points_.push_back(site_.add("oven", Kind::interval, "kWh"));
  }

  // A day, in some fifty commits, some readings late and restated meanwhile.
  void count(Books& books, Random& random) {
    const std::vector<Reading> readings = make_readings(random, points_, 24h);
    std::vector<Reading> late;
    std::vector<Reading> commit;
    for (const Reading& reading : readings) {
      (random.one_in(20) ? late : commit).push_back(reading);
      if (!random.one_in(20)) continue;
      books.hear(commit);
      commit.clear();
      if (!random.one_in(5)) continue;
      books.hear(late);
      late.clear();
      books.restate_late_data();
    }
    books.hear(commit);
  }

  void expect_same(const model::Checkpoint& counted, const model::Checkpoint& truth) {
    const model::Checkpoint a = but_for_late_data(counted);
    const model::Checkpoint b = but_for_late_data(truth);
    for (std::size_t i = 0; i < points_.size(); ++i) EXPECT_EQ(a.points[i], b.points[i]) << site_.site.points[i].name;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      EXPECT_EQ(a.accounts[i], b.accounts[i]) << site_.site.points[i].name;
    }
  }

  TestSite site_;
  std::vector<PointId> points_;
  TemporaryDirectory directory_;
};

TEST_F(CatchUpTest, BringsStatesOfAnyEarlierRecordToTheEnd) {
  for (unsigned seed = 1; seed <= static_cast<unsigned>(rounds(30)); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Books books(site_);
    count(books, random);
    const fs::path copy = killed(books, directory_.path() / std::to_string(seed));
    const std::int64_t records = store::Database(copy / store::kDatabaseFile, store::Database::Mode::read_only)
                                     .integer("SELECT max(number) FROM state_log");
    ASSERT_GT(records, 10);
    if (seed % 2 == 0) {  // any, the last one too
      damage(copy, "UPDATE state_log SET body = x'01ff' WHERE number = " + std::to_string(records - random.below(3)));
    } else {  // the last one taken out without a trace would be no damage: as if that commit had never been
      damage(copy, "DELETE FROM state_log WHERE number = " + std::to_string(1 + random.below(records - 1)));
    }
    ASSERT_FALSE(store::find_damage(copy).value().empty());
    Books after(site_, copy);
    EXPECT_NE(after.store().status().repaired.find("counts the readings behind it again"), std::string::npos)
        << after.store().status().repaired;
    after.catch_up_with_journal();
    expect_same(after.state(), books.state());
    after.open();
    EXPECT_FALSE(after.state().behind) << "once";
    expect_same(after.state(), books.state());
    EXPECT_EQ(after.book(after.everything()), books.book(books.everything()));

    // And goes on as if nothing had been.
    std::vector<Reading> more;
    for (int minute = 0; minute < 90; ++minute) more.push_back(at(points_[1], 25h + minute * 1min, 100));
    books.hear(more);
    after.hear(more);
    EXPECT_TRUE(after.known() == books.known());
    EXPECT_TRUE(after.rollups() == books.rollups());
  }
}

}  // namespace
}  // namespace carbongate::app::restating
