#include "gateway/sinks/thinning.h"

#include <gtest/gtest.h>

#include <random>

namespace carbongate::sinks {
namespace {

using namespace std::chrono_literals;

model::StoredRow reading(std::uint64_t sequence, Duration at, const char* device = "press",
                         model::Quality quality = {}) {
  auto series = std::make_shared<model::Series>();
  series->device = device;
  series->point = "energy";
  return {sequence, std::move(series), model::JudgedReading{Instant(at), 1, quality}};
}

// Offers them at once, settles them all; returns the sequences kept.
std::vector<std::uint64_t> pass(Thinning& thinning, std::span<const model::StoredRow> rows) {
  std::vector<std::uint64_t> kept;
  std::vector<const model::StoredRow*> all;
  Thinning::Decision decision(thinning);
  for (const model::StoredRow& row : rows) {
    all.push_back(&row);
    if (decision.keeps(row)) kept.push_back(row.sequence);
  }
  thinning.passed(all, rows.back().sequence);
  return kept;
}

using Kept = std::vector<std::uint64_t>;

TEST(Thinning, KeepsTheFirstReadingOfEachPointInEachSlot) {
  Thinning thinning(1min);
  thinning.begin(1, {});
  const model::StoredRow rows[] = {reading(1, 10s), reading(2, 10s, "oven"), reading(3, 20s), reading(4, 59'999ms),
                                   reading(5, 60s), reading(6, 61s, "oven"), reading(7, 119s)};
  EXPECT_EQ(pass(thinning, rows), (Kept{1, 2, 5, 6}));
}

TEST(Thinning, KeepsOneOfEachSlotAlsoWhenLateReadingsComeBetween) {
  Thinning thinning(1min);
  thinning.begin(1, {});
  const model::StoredRow rows[] = {reading(1, 300s), reading(2, 10s),  reading(3, 310s),
                                   reading(4, 20s),  reading(5, 320s), reading(6, 70s)};
  EXPECT_EQ(pass(thinning, rows), (Kept{1, 2, 6}));
}

TEST(Thinning, LeavesOutWhatIsNotUsableAndTakesTheNextOne) {
  Thinning thinning(1min);
  thinning.begin(1, {});
  const model::Quality rejected{model::Origin::missing, model::Rule::not_a_number};
  const model::StoredRow rows[] = {reading(1, 10s, "press", rejected), reading(2, 20s), reading(3, 30s)};
  EXPECT_EQ(pass(thinning, rows), Kept{2});
}

TEST(Thinning, CutsTimeBefore1970Alike) {
  Thinning thinning(1min);
  thinning.begin(1, {});
  const model::StoredRow rows[] = {reading(1, -10s), reading(2, -1s), reading(3, 0s), reading(4, 1s)};
  EXPECT_EQ(pass(thinning, rows), (Kept{1, 3}));
}

TEST(Thinning, DecidesAlikeHoweverRowsAreOfferedAndWhereverARestartFalls) {
  std::mt19937 random(7);
  std::vector<model::StoredRow> journal;
  for (std::uint64_t s = 1; s <= 600; ++s) {
    const auto at = std::chrono::seconds(s) - std::chrono::seconds(random() % 10 == 0 ? random() % 500 : 0);
    journal.push_back(reading(s, at, random() % 2 ? "press" : "oven"));
  }
  Thinning whole(1min);
  whole.begin(1, {});
  const Kept expected = pass(whole, journal);
  for (int round = 0; round < 50; ++round) {
    Kept kept;
    std::optional<Thinning> thinning;
    for (std::size_t at = 0; at < journal.size();) {
      const std::span<const model::StoredRow> before(journal.data(), at);
      if (!thinning || random() % 3 == 0) thinning.emplace(Duration(1min)).begin(at + 1, before);
      const std::size_t count = std::min<std::size_t>(1 + random() % 50, journal.size() - at);
      Thinning::Decision given_up(*thinning);  // offered, and not settled
      for (std::size_t i = at; i < at + count; ++i) given_up.keeps(journal[i]);
      for (const auto s : pass(*thinning, {journal.data() + at, count})) kept.push_back(s);
      at += count;
    }
    ASSERT_EQ(kept, expected) << "round " << round;
  }
}

TEST(Thinning, KnowsNothingBeyondItsWindow) {
  Thinning thinning(24h);
  thinning.begin(1, {});
  const std::uint64_t far = 1 + Thinning::kWindow;
  const model::StoredRow rows[] = {reading(1, 1s), reading(far, 2s)};
  EXPECT_EQ(pass(thinning, rows), Kept{1});
  const model::StoredRow later[] = {reading(far + Thinning::kWindow + 1, 3s)};
  EXPECT_EQ(pass(thinning, later), Kept{later[0].sequence});
}

TEST(Thinning, AsksAgainForWhatItHasPassed) {
  Thinning thinning(1min);
  EXPECT_FALSE(thinning.knows_before(1));
  thinning.begin(5, {});
  EXPECT_TRUE(thinning.knows_before(5));
  const model::StoredRow rows[] = {reading(5, 1s), reading(6, 2s)};
  pass(thinning, rows);
  EXPECT_FALSE(thinning.knows_before(6)) << "offered again: its own trace would be taken for another reading";
  EXPECT_TRUE(thinning.knows_before(7));
}

}  // namespace
}  // namespace carbongate::sinks
