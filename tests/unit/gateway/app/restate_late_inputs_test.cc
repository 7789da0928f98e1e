// Inputs that come later than their results wait for them, each in its own order: the gateway books the difference.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "tests/support/rounds.h"
#include "tests/unit/gateway/app/restate_fixture.h"

namespace carbongate::app::restating {
namespace {

using model::Cause;
using model::EmissionEntry;

constexpr auto kSeeds = static_cast<unsigned>(rounds(20));
constexpr Duration kLength = 10h;
constexpr Duration kDay = kSanitized ? 8h : 24h;

using Heard = std::pair<Reading, Duration>;  // so long after it was taken

void sort_as_heard(std::vector<Heard>& heard) {
  std::ranges::sort(heard, {},
                    [](const Heard& h) { return std::tuple(h.first.at + h.second, h.first.at, h.first.point); });
}

// Gas that is counted, gas that flows, and the sum of what two meters count.
class LateInputs : public ::testing::Test {
 protected:
  LateInputs() {
    for (const char* name : {"volume-a", "volume-b"}) followed_.push_back(add(name, Kind::cumulative, "m3"));
    followed_.push_back(add("flow", Kind::instantaneous, "m3/h"));
    for (const char* name : {"celsius-a", "celsius-b", "celsius-c"}) {
      taken_.push_back(add(name, Kind::instantaneous, "°C"));
    }
    std::vector<PointId> results;
    for (const std::size_t i : {0, 1, 2}) {
      const bool is_rate = i == 2;
      results.push_back(site_.add("normal-" + std::to_string(i), is_rate ? Kind::instantaneous : Kind::cumulative,
                                  is_rate ? "Nm3/h" : "Nm3", "natural-gas"));
      site_.site.points.back().computed = true;
      site_.site.derived.push_back({.result = results.back(),
                                    .formula = model::Formula::gas_at_reference,
                                    .inputs = {{.role = model::Role::volume, .point = followed_[i]},
                                               {.role = model::Role::temperature, .point = taken_[i]},
                                               {.role = model::Role::pressure, .point = {}, .constant = 200'000}},
                                    .wait = 5s});
      if (i == 1) site_.site.accounts.pop_back();  // of the sum alone
    }
    sum_ = site_.add("both", Kind::interval, "Nm3", "natural-gas");
    site_.site.points.back().computed = true;
    site_.site.derived.push_back({.result = sum_,
                                  .formula = model::Formula::sum,
                                  .inputs = {{.role = model::Role::term, .point = results[0]},
                                             {.role = model::Role::term, .point = results[1]}}});
    for (std::size_t i = 0; i < site_.site.accounts.size(); ++i) {
      site_.site.accounts[i].id = static_cast<model::AccountId>(i);
    }
  }
  PointId add(const std::string& name, Kind kind, std::string_view unit) {
    const PointId point = site_.add(name, kind, unit, "natural-gas");
    site_.site.accounts.clear();
    return point;
  }

  // What all meters say each minute; now and then one has no value, once each had one.
  std::vector<Reading> readings(Random& random, Duration length, std::int64_t missing) const {
    std::vector<Reading> all;
    for (std::size_t i = 0; i < 6; ++i) {
      const PointId point = i < 3 ? followed_[i] : taken_[i - 3];
      double counter = 1'000;
      for (Duration time{}; time < length; time += 1min) {
        const bool is_troubled = missing != 0 && time >= 20min && time < length - 40min;
        if (is_troubled && random.one_in(4 * missing)) time += random.below(20) * 1min;  // it is silent
        counter += static_cast<double>(random.below(10));
        const bool is_missing = is_troubled && i != 0 && random.one_in(missing);
        const double value = i < 2    ? counter
                             : i == 2 ? 300 + static_cast<double>(random.below(200))
                                      : static_cast<double>(random.below(40));
        all.push_back(at(point, time, is_missing ? std::numeric_limits<double>::quiet_NaN() : value));
      }
    }
    // The meters last, so that each finds what stands beside it.
    std::ranges::sort(all, {}, [&](const Reading& r) { return std::tuple(r.at, r.point <= followed_[2], r.point); });
    return all;
  }

  // Of each point in the order of its times. What is taken, or what is followed, is late now and then, for some
  // readings or one.
  std::vector<Heard> late(Random& random, std::span<const Reading> readings, std::int64_t one_in,
                          std::span<const PointId> points) const {
    std::vector<Heard> heard;
    std::map<PointId, std::pair<Instant, Duration>> of;  // what came last, and how late the device is by now
    for (const Reading& reading : readings) {
      auto& [last, lag] = of[reading.point];
      const bool is_taken = std::ranges::find(points, reading.point) != points.end();
      if (is_taken && reading.at > readings.back().at - 20min) {
        lag = {};
      } else if (is_taken && random.one_in(one_in)) {
        lag = random.one_in(2) ? Duration{} : 7s + random.below(200) * 1s;
      }
      last = std::max(last, reading.at + lag + random.below(900) * 1ms);
      heard.emplace_back(reading, last - reading.at);
    }
    sort_as_heard(heard);
    return heard;
  }

  // The gateway restates now and then, and is killed.
  void hear(Books& books, std::span<const Heard> heard, Random& random) const {
    for (std::span<const Heard> left = heard; !left.empty();) {
      const auto count = std::min<std::size_t>(left.size(), 1 + static_cast<std::size_t>(random.below(250)));
      books.hear_later(left.first(count));
      left = left.subspan(count);
      if (random.one_in(4)) books.open();
      if (random.one_in(2)) books.restate_late_data();
    }
    books.restate_late_data();
  }

  static std::map<std::pair<std::string, Instant>, std::pair<std::int64_t, Duration>> amounts(Books& books) {
    std::map<std::pair<std::string, Instant>, std::pair<std::int64_t, Duration>> found;
    for (const auto& [key, known] : books.known()) found[key] = {known.amount, known.covered};
    return found;
  }

  void expect_as_in_order(unsigned seed, std::int64_t missing, std::int64_t one_in,
                          std::span<const PointId> points) const {
    Random random(seed);
    const std::vector<Reading> all = readings(random, kLength, missing);
    Books right(site_);
    right.hear(all);
    right.restate_late_data();  // terms of one stamp are heard one by one
    Books books(site_);
    hear(books, late(random, all, one_in, points), random);
    EXPECT_EQ(amounts(books), amounts(right));
    EXPECT_EQ(books.look(books.everything(kStart - 1h)).differences.size(), 0u);
    EXPECT_EQ(books.waiting(), 0u);
    books.expect_sums_of_entries();
    std::size_t corrections = 0;
    for (const EmissionEntry& entry : books.entries()) {
      if (!entry.correction) continue;
      EXPECT_EQ(entry.correction->cause, Cause::late_data);
      ++corrections;
    }
    EXPECT_GT(corrections, 5u);
  }

  // The temperatures always a minute and a half late.
  static std::vector<Heard> always_late(std::span<const Reading> readings, std::span<const PointId> points) {
    std::vector<Heard> heard;
    for (const Reading& reading : readings) {
      heard.emplace_back(reading, std::ranges::find(points, reading.point) == points.end() ? 1s : 90s);
    }
    sort_as_heard(heard);
    return heard;
  }
  static void hear_until(Books& books, std::span<const Heard>& left, Duration until) {
    const auto behind =
        std::ranges::find_if(left, [&](const Heard& h) { return h.first.at + h.second >= kStart + until; });
    const auto count = static_cast<std::size_t>(behind - left.begin());
    books.hear_later(left.first(count));
    left = left.subspan(count);
  }

  // All meters, each minute of two hours, soon; the temperatures first.
  std::vector<Heard> two_hours() const {
    Random random(9);
    std::vector<Heard> heard;
    for (const Reading& reading : readings(random, 2h, 0)) {
      heard.emplace_back(reading, std::ranges::find(taken_, reading.point) == taken_.end() ? 2s : 1s);
    }
    return heard;
  }
  static Heard& of(std::vector<Heard>& heard, PointId point, Duration time) {
    return *std::ranges::find_if(heard,
                                 [&](const Heard& h) { return h.first.point == point && h.first.at == kStart + time; });
  }
  static void have_no_value(std::vector<Heard>& heard, PointId point, Duration time) {
    of(heard, point, time).first.value = std::numeric_limits<double>::quiet_NaN();
  }
  static void be_silent(std::vector<Heard>& heard, PointId point, Duration from, Duration until) {
    std::erase_if(heard, [&](const Heard& h) {
      return h.first.point == point && h.first.at >= kStart + from && h.first.at < kStart + until;
    });
  }
  // The second term of the sum waits for its temperature, and the sum for it.
  void be_waited_for(std::vector<Heard>& heard, Duration time) const {
    of(heard, followed_[0], time).second = 3s;
    of(heard, taken_[1], time).second = 4s;
  }

  // The gateway restates at that time, and in the end.
  void expect_as_in_order(std::vector<Heard> heard, Duration restated) const {
    std::vector<Reading> all;
    for (const Heard& h : heard) all.push_back(h.first);
    std::ranges::sort(all, {}, [&](const Reading& r) { return std::tuple(r.at, r.point <= followed_[2], r.point); });
    Books right(site_);
    right.hear(all);
    right.restate_late_data();
    sort_as_heard(heard);
    Books books(site_);
    std::span<const Heard> left(heard);
    hear_until(books, left, restated);
    std::size_t corrections = books.restate_late_data();
    books.hear_later(left);
    corrections += books.restate_late_data();
    EXPECT_GT(corrections, 0u);
    EXPECT_EQ(amounts(books), amounts(right));
    for (Books* const played : {&books, &right}) {
      EXPECT_EQ(played->look(played->everything(kStart - 1h)).differences.size(), 0u);
      EXPECT_EQ(played->waiting(), 0u);
    }
  }

  TestSite site_;
  std::vector<PointId> followed_;
  std::vector<PointId> taken_;
  PointId sum_{};
};

TEST_F(LateInputs, AreBookedByTheGatewayAsIfInOrder) {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    expect_as_in_order(seed, 0, 4 + seed % 20, taken_);
  }
}

TEST_F(LateInputs, AlsoWhereSomeHaveNoValue) {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    expect_as_in_order(seed, 15 + seed % 30, 4 + seed % 20, taken_);
  }
}

// What the others said then is forgotten: the result is made of what they said later.
TEST_F(LateInputs, OrTheMeterThatTheyAreTakenFor) {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    expect_as_in_order(seed, seed % 2 * (15 + seed % 30), 4 + seed % 20, followed_);
  }
}

// Meters of one stamp in messages of their own, one of which says more often something.
TEST_F(LateInputs, TermsOfOneStampGoTogetherInWhateverOrderTheyCome) {
  TestSite site;
  const std::vector<PointId> terms = {site.add("slow", Kind::cumulative, "kWh"),
                                      site.add("fast", Kind::cumulative, "kWh")};
  site.site.accounts.clear();
  const PointId sum = site.add("both", Kind::interval, "kWh");
  site.site.points.back().computed = true;
  site.site.accounts.front().id = model::AccountId{0};
  site.site.derived.push_back(
      {.result = sum,
       .formula = model::Formula::sum,
       .inputs = {{.role = model::Role::term, .point = terms[0]}, {.role = model::Role::term, .point = terms[1]}}});
  std::vector<Reading> all;
  Random random(7);
  double slow = 100;
  double fast = 200;
  for (Duration time{}; time < 3h; time += 1min) {
    all.push_back(at(terms[1], time, fast += static_cast<double>(random.below(10))));
    if (time % 2min == 0min) all.push_back(at(terms[0], time, slow += static_cast<double>(random.below(20))));
  }
  Books right(site);
  right.hear(all);
  std::vector<Heard> heard;
  for (const Reading& reading : all) heard.emplace_back(reading, reading.point == terms[0] ? 1s : 1s + 10ms);
  sort_as_heard(heard);
  Books books(site);
  books.hear_later(heard);
  books.restate_late_data();
  EXPECT_EQ(amounts(books), amounts(right));
  EXPECT_EQ(books.look(books.everything(kStart - 1h)).differences.size(), 0u);
}

TEST_F(LateInputs, OfADeviceThatIsAlwaysLateEachQuarterHourIsCorrectedOnceAndNoMore) {
  Random random(1);
  const std::vector<Reading> all = readings(random, kDay, 0);
  Books right(site_);
  right.hear(all);
  Books books(site_);
  const std::vector<Heard> heard = always_late(all, taken_);
  std::span<const Heard> left(heard);
  std::size_t corrections = 0;
  for (Duration now = 1h; now <= kDay + 1h; now += 1h) {
    hear_until(books, left, now);
    corrections += books.restate_late_data();
    for (const model::PointState& state : books.state().points) {
      if (state.late) EXPECT_GE(state.late->earliest, kStart + std::min(now, kDay) - 30min) << now / 1h;
    }
  }
  EXPECT_EQ(amounts(books), amounts(right));
  const auto entries = books.entries();
  const auto made = static_cast<std::size_t>(
      std::ranges::count_if(entries, [](const EmissionEntry& entry) { return !entry.correction; }));
  EXPECT_GE(corrections, made * 9 / 10);
  EXPECT_LE(corrections, made * 13 / 10) << "the last one of an hour twice";
  for (const EmissionEntry& entry : entries) EXPECT_LE(entry.revision, 2u);
}

TEST_F(LateInputs, AnotherConfigurationIsNotBookedAsLateData) {
  Random random(2);
  const std::vector<Reading> all = readings(random, kDay, 0);
  Books books(site_);
  const std::vector<Heard> heard = always_late(all, taken_);
  std::span<const Heard> left(heard);
  for (Duration now = 1h; now < kDay; now += 1h) {
    hear_until(books, left, now);
    books.restate_late_data();
  }
  hear_until(books, left, kDay - 40min);
  for (model::Derived& derived : site_.site.derived) derived.compressibility = 0.98;
  books.open();
  std::size_t configured = 0;
  std::size_t late = 0;
  for (const auto& difference : books.look(books.everything(kStart - 1h)).differences) {
    const EmissionEntry& entry = difference.amendment.correction;
    const bool is_late = entry.correction->cause == Cause::late_data;
    if (is_late) EXPECT_GE(entry.begin, kStart + kDay - 90min) << "restated as it was configured";
    ++(is_late ? late : configured);
  }
  EXPECT_GT(configured, 3 * static_cast<std::size_t>(kDay / 15min - 16));
  EXPECT_GT(late, 0u);
  EXPECT_EQ(books.waiting(), 0u);
  EXPECT_LE(books.restate_late_data(), 3 * 4u) << "of the last hour alone";
  EXPECT_GT(books.waiting(), 0u) << "what is computed again beside them waits";
}

TEST_F(LateInputs, OneOfThemTouchesNoMoreThanTheResultsAroundIt) {
  Random random(5);
  std::vector<Heard> heard;
  for (const Reading& reading : readings(random, 8h, 0)) {
    const bool is_late = reading.point == taken_[0] && reading.at == kStart + 3h + 5min;
    heard.emplace_back(reading, is_late ? 20s : 1s);
  }
  sort_as_heard(heard);
  Books books(site_);
  books.hear_later(heard);
  for (model::Derived& derived : site_.site.derived) derived.compressibility = 0.98;
  books.open();
  std::size_t late = 0;
  const Recomputation found = books.look(books.everything(kStart - 1h));
  for (const auto& difference : found.differences) {
    const EmissionEntry& entry = difference.amendment.correction;
    if (entry.correction->cause != Cause::late_data) continue;
    ++late;
    EXPECT_EQ(entry.begin, kStart + 3h) << (entry.begin - kStart) / 1min;
  }
  EXPECT_GT(found.differences.size(), 80u);
  EXPECT_GT(late, 0u);
}

// That there is none is heard behind the result that closed a quarter hour: what is booked of that stays until another
// result says more.
TEST_F(LateInputs, ThatTheNewestResultIsMissingTakesNothingAway) {
  Random random(4);
  std::vector<Heard> heard;
  for (Reading reading : readings(random, 91min, 0)) {
    const bool is_last = reading.point == taken_[2] && reading.at == kStart + 90min;
    if (is_last) reading.value = std::numeric_limits<double>::quiet_NaN();
    heard.emplace_back(reading, is_last ? 8s : 1s);
  }
  heard.emplace_back(at(followed_[0], 90min + 10s, 2'000), 0s);  // time passes
  sort_as_heard(heard);
  Books books(site_);
  books.hear_later(heard);
  const auto known = amounts(books);
  books.restate_late_data();
  EXPECT_EQ(amounts(books), known);
  EXPECT_EQ(books.look(books.everything(kStart - 1h)).differences.size(), 0u);
  const PointId flow = site_.site.derived[2].result;
  ASSERT_TRUE(books.state().points[index(flow)].late);
  std::vector<Heard> next;
  for (int minute = 91; minute <= 106; ++minute) {
    next.emplace_back(at(taken_[2], minute * 1min, 20), 0s);
    next.emplace_back(at(followed_[2], minute * 1min, 400), 1s);
  }
  books.hear_later(next);
  EXPECT_GT(books.restate_late_data(), 0u);
  Books right(site_);
  std::vector<Reading> all;
  heard.insert(heard.end(), next.begin(), next.end());
  for (const auto& [reading, later] : heard) all.push_back(reading);
  std::ranges::sort(all, {}, [&](const Reading& r) { return std::tuple(r.at, r.point <= followed_[2], r.point); });
  right.hear(all);
  EXPECT_EQ(amounts(books), amounts(right));
}

// In order it is the last one before a silence. As it comes, it has no result, for that of the next reading waits.
TEST_F(LateInputs, AReadingThatTheNextOneOvertakesMovesWhatIsCountedOverASilence) {
  std::vector<Heard> heard = two_hours();
  be_silent(heard, taken_[2], 70min, 79min);
  of(heard, followed_[2], 74min).second = 63s;
  expect_as_in_order(std::move(heard), 78min);
}

// In order the sum has a result at 1:14. As they come its term is missing until 1:15, and the other one silent from
// then on: what it moved is counted from another time on, up to the next result, wherever that lies.
TEST_F(LateInputs, ARoundThatEndsOtherwiseMovesWhatIsCountedOverASilence) {
  std::vector<Heard> heard = two_hours();
  have_no_value(heard, taken_[0], 73min);
  of(heard, taken_[0], 74min).second = 20s;
  be_silent(heard, followed_[1], 75min, 95min);
  be_waited_for(heard, 95min);
  expect_as_in_order(std::move(heard), 80min);
}

// The sum ends its rounds with the term that is heard first, which goes on alone when the other falls silent.
TEST_F(LateInputs, TermsHeardOneByOneAreLateAlsoForWhatIsCountedOverASilence) {
  std::vector<Heard> heard = two_hours();
  have_no_value(heard, taken_[0], 39min);
  be_silent(heard, followed_[1], 46min, 73min);
  be_waited_for(heard, 73min);
  expect_as_in_order(std::move(heard), 80min);
}

// As they came the sum has a result at 1:15, in order at 1:14 and 1:17: by then it is restated, and what comes late for
// the last one changes the quarter hour before once more.
TEST_F(LateInputs, WhatIsLateForAResultIsLateForTheStepThatItHasInOrder) {
  std::vector<Heard> heard = two_hours();
  have_no_value(heard, taken_[1], 72min);
  of(heard, taken_[1], 73min).second = 70s;
  of(heard, taken_[1], 74min).second = 70s;
  be_silent(heard, followed_[0], 75min, 77min);
  of(heard, taken_[1], 77min).second = 50s;
  expect_as_in_order(std::move(heard), 77min + 40s);
}

// First one term is silent and then the other: the sum has no result from 0:23 to 1:15, though of either more readings
// lie between than a window begins in front of what is late.
TEST_F(LateInputs, WhatIsLateForTheResultBehindASilenceChangesAllThatIsCountedOverIt) {
  std::vector<Heard> heard = two_hours();
  be_silent(heard, followed_[1], 24min, 53min);
  be_silent(heard, followed_[0], 52min, 75min);
  of(heard, taken_[1], 75min).second = 20s;
  expect_as_in_order(std::move(heard), 95min);
}

// The counter of its result begins a minute later, and so does the sum.
TEST_F(LateInputs, OfTheFirstResultOfAllMovesTheBeginOfASum) {
  std::vector<Heard> heard = two_hours();
  of(heard, taken_[1], 0min).second = 20s;
  expect_as_in_order(std::move(heard), 40min);
}

// Two polls, one behind the other: the second one's results lie in front of what the first one read.
TEST_F(LateInputs, WhatOneTermIsMadeOfIsNotLateForTheOther) {
  Random random(3);
  std::vector<Heard> heard;
  for (Reading reading : readings(random, 6h, 0)) {
    const bool is_second = reading.point == followed_[1] || reading.point == taken_[1];
    if (is_second) reading.at += 100ms;
    heard.emplace_back(reading, is_second ? 50ms : 900ms);
  }
  sort_as_heard(heard);
  Books books(site_);
  books.hear_later(heard);
  for (const model::PointState& state : books.state().points) EXPECT_FALSE(state.late);
  for (model::Derived& derived : site_.site.derived) derived.compressibility = 0.98;
  const Recomputation found = books.look(books.everything(kStart - 1h));
  EXPECT_GT(found.differences.size(), 60u);
  for (const auto& difference : found.differences) {
    EXPECT_EQ(difference.amendment.correction.correction->cause, Cause::configuration);
  }
}

}  // namespace
}  // namespace carbongate::app::restating
