// Derived points whose inputs come far apart, or at very different rates.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include "tests/support/rounds.h"
#include "tests/unit/gateway/app/restate_fixture.h"

namespace carbongate::app::restating {
namespace {

using model::Cause;
using model::EmissionEntry;

constexpr int kHours = kSanitized ? 4 : 12;

// Gas by the minute, its temperature from elsewhere: farther apart than a result allows, in whatever order.
class InputsTooFarApart : public ::testing::Test {
 protected:
  InputsTooFarApart() {
    const PointId volume = site_.add("volume", Kind::cumulative, "m3", "natural-gas");
    const PointId temperature = site_.add("temperature", Kind::instantaneous, "°C", "natural-gas");
    site_.site.accounts.clear();
    const PointId result = site_.add("normal", Kind::cumulative, "Nm3", "natural-gas");
    site_.site.points.back().computed = true;
    site_.site.derived.push_back({.result = result,
                                  .formula = model::Formula::gas_at_reference,
                                  .inputs = {{.role = model::Role::volume, .point = volume},
                                             {.role = model::Role::temperature, .point = temperature},
                                             {.role = model::Role::pressure, .point = {}, .constant = 200'000}},
                                  .wait = 5s});
    for (int minute = 0; minute <= kHours * 60; ++minute) {
      volumes_.push_back(at(volume, minute * 1min, 1'000 + minute));
      temperatures_.push_back(at(temperature, minute * 1min, 10 + minute % 7));
    }
  }

  // Each of them so much later than it was taken.
  std::vector<Reading> heard(const std::function<Duration(const Reading&)>& delay) const {
    std::vector<Reading> all = volumes_;
    all.insert(all.end(), temperatures_.begin(), temperatures_.end());
    std::ranges::sort(all, {},
                      [&](const Reading& r) { return std::tuple(r.at + delay(r), r.point == volumes_[0].point); });
    return all;
  }
  std::vector<Reading> in_order() const {
    return heard([](const Reading&) { return 0ms; });
  }

  static std::map<Instant, std::pair<std::int64_t, Duration>> amounts(Books& books) {
    std::map<Instant, std::pair<std::int64_t, Duration>> found;
    for (const auto& [key, known] : books.known()) found[key.second] = {known.amount, known.covered};
    return found;
  }

  // By the gateway, between the readings as well, and at last by hand.
  void expect_same_accounts(const std::vector<Reading>& readings) {
    Books right(site_);
    right.hear(in_order());
    const auto expected = amounts(right);
    EXPECT_EQ(expected.size(), kHours * 4u);
    for (const bool by_hand : {true, false}) {
      Books books(site_);
      for (std::size_t i = 0; i < readings.size(); i += 100) {
        books.hear(std::span(readings).subspan(i, std::min<std::size_t>(100, readings.size() - i)));
        if (!by_hand) books.restate_late_data();
      }
      if (by_hand) {
        EXPECT_NE(amounts(books), expected);
        books.book(books.everything(kStart - 1h));
      } else {
        books.restate_late_data();
      }
      EXPECT_EQ(amounts(books), expected) << by_hand;
      books.expect_sums_of_entries();
      EXPECT_EQ(books.look(books.everything(kStart - 1h)).differences.size(), 0u) << by_hand;
      for (const EmissionEntry& entry : books.entries()) {
        if (entry.correction) EXPECT_EQ(entry.correction->cause, Cause::late_data);
      }
    }
  }

  TestSite site_;
  std::vector<Reading> volumes_;
  std::vector<Reading> temperatures_;
};

TEST_F(InputsTooFarApart, OneIsAlwaysHalfAnHourLate) {
  expect_same_accounts(heard([&](const Reading& r) { return r.point == temperatures_[0].point ? 30min : 0min; }));
}

TEST_F(InputsTooFarApart, OneComesAfterAllOfTheOther) {
  for (const std::vector<Reading>* late : {&temperatures_, &volumes_}) {
    expect_same_accounts(heard([&](const Reading& r) { return r.point == late->front().point ? 24h : 0h; }));
  }
}

TEST_F(InputsTooFarApart, TheLastHoursComeLate) {
  const Instant last = kStart + kHours * 3 / 4 * 1h;
  expect_same_accounts(
      heard([&](const Reading& r) { return r.point == temperatures_[0].point && r.at > last ? 24h : 0h; }));
}

TEST_F(InputsTooFarApart, InAnyOrder) {
  for (const std::uint32_t seed : {1u, 2u, 3u}) {
    std::vector<Reading> all = in_order();
    std::ranges::shuffle(all, std::mt19937(seed));
    expect_same_accounts(all);
  }
}

// Each value in a message of its own, the followed one first: what is booked is right as it comes, and nothing is left
// to restate.
TEST_F(InputsTooFarApart, NoneInMessagesOfTheirOwn) {
  Books right(site_);
  right.hear(in_order());
  for (const bool followed_first : {true, false}) {
    std::vector<std::pair<Reading, Duration>> readings;
    for (const Reading& reading : volumes_) readings.emplace_back(reading, followed_first ? 100ms : 2s);
    for (const Reading& reading : temperatures_) readings.emplace_back(reading, followed_first ? 3s : 200ms);
    Books books(site_);
    books.hear_later(readings);
    EXPECT_EQ(amounts(books), amounts(right)) << followed_first;
    EXPECT_FALSE(books.state().points.back().late) << followed_first;
    EXPECT_EQ(books.look(books.everything(kStart - 1h)).differences.size(), 0u) << followed_first;
  }
}

// Inputs that say now and then that they have no value, each by one of the ways there are.
class InputsWithdrawn : public ::testing::TestWithParam<char> {
 protected:
  static constexpr char kNull = '0';
  static constexpr auto kSeeds = static_cast<unsigned>(rounds(4));

  InputsWithdrawn() {
    for (const char* name : {"volume", "steady"}) {
      meters_.push_back(site_.add(name, Kind::cumulative, "m3", "natural-gas"));
    }
    meters_.push_back(site_.add("temperature", Kind::instantaneous, "°C", "natural-gas"));
    meters_.push_back(site_.add("pressure", Kind::instantaneous, "kPa", "natural-gas"));
    site_.site.accounts.clear();
    for (const std::size_t volume : {0, 1}) {
      const PointId result = site_.add(volume == 0 ? "normal" : "other", Kind::cumulative, "Nm3", "natural-gas");
      site_.site.points.back().computed = true;
      site_.site.derived.push_back({.result = result,
                                    .formula = model::Formula::gas_at_reference,
                                    .inputs = {{.role = model::Role::volume, .point = meters_[volume]},
                                               {.role = model::Role::temperature, .point = meters_[2]},
                                               {.role = model::Role::pressure, .point = meters_[3]}},
                                    .max_age = 20min,
                                    .wait = 5s});
    }
  }

  Reading withdrawn(PointId point, Duration after) const {
    Reading reading = at(point, after, std::numeric_limits<double>::quiet_NaN());
    if (GetParam() == kNull) {
      reading.availability = Availability::not_available;
    } else if (GetParam() != 'N') {
      reading.value = 7;  // whatever it shows
      reading.hj212_flag = GetParam();
    }
    return reading;
  }

  // By the minute. Stretches without a value are of up to half an hour; the steady meter has none, nor has any at the
  // end: what the newest results closed stays as it is while none follows.
  std::vector<Reading> readings(Random& random, Duration length) const {
    std::vector<Reading> all;
    for (std::size_t i = 0; i < 4; ++i) {
      double value = i == 2 ? 20 : i == 3 ? 200 : 1'000;
      std::int64_t missing = 0;
      for (Duration time{}; time < length; time += 1min) {
        const auto step = static_cast<double>(random.below(5));
        value = i < 2 ? value + step : (i == 2 ? 20 : 200) + step;
        if (missing == 0 && i != 1 && time < length - 1h && random.one_in(40)) missing = 1 + random.below(30);
        const bool is_missing = missing > 0;
        if (is_missing) --missing;
        all.push_back(is_missing ? withdrawn(meters_[i], time) : at(meters_[i], time, value));
      }
    }
    // The meters last, so that each finds what stands beside it.
    std::ranges::sort(all, {}, [&](const Reading& r) { return std::tuple(r.at, r.point <= meters_[1], r.point); });
    return all;
  }

  static std::size_t differing(Books& books, Duration from) {
    return books.look(books.everything(kStart + from)).differences.size();
  }

  // By the gateway, between the readings as well.
  void expect_corrected_to(Books& right, std::span<const Reading> readings, std::size_t at_once) {
    Books books(site_);
    for (std::size_t i = 0; i < readings.size(); i += at_once) {
      books.hear(readings.subspan(i, std::min(at_once, readings.size() - i)));
      books.restate_late_data();
    }
    EXPECT_EQ(books.known(), right.known());
    EXPECT_EQ(differing(books, -1h), 0u);
    for (const EmissionEntry& entry : books.entries()) {
      if (entry.correction) EXPECT_EQ(entry.correction->cause, Cause::late_data);
    }
  }

  TestSite site_;
  std::vector<PointId> meters_;
};

TEST_P(InputsWithdrawn, AreNothingToCorrect) {
  Random random(11);
  Books books(site_);
  books.hear(readings(random, 24h));
  EXPECT_GT(books.known().size(), 100u);
  for (Duration from = -1h; from < 24h; from += 5h) EXPECT_EQ(differing(books, from), 0u) << from / 1h;
}

TEST_P(InputsWithdrawn, ForLongerThanALead) {
  Random random(12);
  std::vector<Reading> all = readings(random, 96h);
  for (Reading& reading : all) {
    const Duration after = reading.at - kStart;
    if (reading.point == meters_[2] && after > 6h && after < 72h) reading = withdrawn(reading.point, after);
  }
  Books books(site_);
  books.hear(all);
  const std::vector<Duration> looks =
      kSanitized ? std::vector<Duration>{30h, 73h} : std::vector<Duration>{-1h, 7h, 30h, 71h, 73h};
  for (const Duration from : looks) EXPECT_EQ(differing(books, from), 0u) << from / 1h;
}

TEST_P(InputsWithdrawn, ComeLateThemselvesOrBesideLateReadings) {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const std::vector<Reading> all = readings(random, 12h);
    std::vector<Reading> in_time;
    std::vector<Reading> late;
    for (const Reading& reading : all) (random.one_in(60) ? late : in_time).push_back(reading);
    in_time.insert(in_time.end(), late.begin(), late.end());
    Books right(site_);
    right.hear(all);
    expect_corrected_to(right, in_time, in_time.size() - late.size());
  }
}

TEST_P(InputsWithdrawn, InAnyOrder) {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    std::vector<Reading> all = readings(random, 12h);
    Books right(site_);
    right.hear(all);
    std::ranges::shuffle(all, random.engine());
    expect_corrected_to(right, all, 300);
  }
}

// N: a value that is no number. All flags go one way, which is why a sanitizer looks at one of them.
constexpr std::string_view kWays = kSanitized ? "ND" : "N0MDCTB?";
INSTANTIATE_TEST_SUITE_P(ByAllWays, InputsWithdrawn, ::testing::ValuesIn(kWays));

// A sum of two counters, read one after the other each minute.
class SumOfMinutes : public ::testing::Test {
 protected:
  SumOfMinutes() {
    for (const char* name : {"incomer", "press"}) meters_.push_back(site_.add(name, Kind::cumulative, "mWh"));
    site_.site.accounts.clear();
    const PointId result = site_.add("rest", Kind::interval, "mWh");
    site_.site.points.back().computed = true;
    site_.site.derived.push_back({.result = result,
                                  .formula = model::Formula::sum,
                                  .inputs = {{.role = model::Role::term, .point = meters_[0]},
                                             {.role = model::Role::term, .point = meters_[1], .weight = -0.5}}});
    std::int64_t counters[] = {0, 0};
    for (int minute = 0; minute <= 720; ++minute) {
      for (const std::size_t i : {0, 1}) {
        counters[i] += 300'000 + random_.below(100'000);
        readings_.push_back(at(meters_[i], minute * 1min + 7s * i, static_cast<double>(counters[i])));
      }
    }
  }

  // Some come later, and the gateway corrects now and then.
  static void hear_late(Books& books, std::vector<Reading> readings, std::span<const std::size_t> late, int by) {
    for (const std::size_t i : late) {
      std::rotate(readings.begin() + static_cast<std::ptrdiff_t>(i),
                  readings.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                  readings.begin() + static_cast<std::ptrdiff_t>(i) + by);
    }
    for (std::span<const Reading> left = readings; !left.empty();) {
      const std::size_t count = std::min<std::size_t>(left.size(), 20);
      books.hear(left.first(count));
      books.restate_late_data();
      left = left.subspan(count);
    }
  }

  // CO2e of each but for the remainder that is carried from one to the next.
  static void expect_same(Books& books, Books& right) {
    const KnownBooks found = books.known();
    const KnownBooks expected = right.known();
    ASSERT_EQ(found.size(), expected.size());
    for (const auto& [key, known] : expected) {
      EXPECT_EQ(found.at(key).amount, known.amount) << (key.second - kStart) / 1min;
      EXPECT_EQ(found.at(key).covered, known.covered) << (key.second - kStart) / 1min;
    }
  }

  TestSite site_;
  std::vector<PointId> meters_;
  std::vector<Reading> readings_;
  Random random_{3};
};

// After it one of them is a reading ahead of the other.
TEST_F(SumOfMinutes, ALateReadingOfOneIsCorrectedAndShiftsNothingForGood) {
  Books right(site_);
  right.hear(readings_);
  for (const std::size_t i : {200u, 221u, 378u, 605u, 1'001u}) {
    Books books(site_);
    hear_late(books, readings_, std::array{i}, 9);
    expect_same(books, right);
    EXPECT_EQ(books.look(books.everything()).differences.size(), 0u) << i;
    EXPECT_FALSE(books.state().points[2].late) << i;
  }
}

TEST_F(SumOfMinutes, ManyLateReadingsAreCorrected) {
  Books right(site_);
  right.hear(readings_);
  std::vector<std::size_t> late;
  for (std::size_t i = 40; i < 1'300; i += 1 + static_cast<std::size_t>(random_.below(60))) late.push_back(i);
  Books books(site_);
  hear_late(books, readings_, late, 7);
  expect_same(books, right);
  EXPECT_EQ(books.look(books.everything()).differences.size(), 0u);
}

// A sum of two counters, of which one is read far more often than the other.
class UnequalRates : public ::testing::Test {
 protected:
  UnequalRates() {
    for (const char* name : {"fast", "slow"}) meters_.push_back(site_.add(name, Kind::cumulative, "mWh"));
    site_.site.accounts.clear();
    const PointId result = site_.add("both", Kind::interval, "mWh");
    site_.site.points.back().computed = true;
    site_.site.derived.push_back(
        {.result = result,
         .formula = model::Formula::sum,
         .inputs = {{.role = model::Role::term, .point = meters_[0]}, {.role = model::Role::term, .point = meters_[1]}},
         .max_age = 30min});
  }

  std::vector<Reading> readings(Duration fast, Duration slow, Duration length) {
    std::vector<Reading> all;
    for (const std::size_t i : {0, 1}) {
      const Duration every = i == 0 ? fast : slow;
      double counter = 1e9;
      for (Duration time = i == 0 ? Duration{} : slow - 59s; time < length; time += every) {
        counter += static_cast<double>(random_.below(every.count()));
        all.push_back(at(meters_[i], time, counter));
      }
    }
    std::ranges::sort(all, {}, &Reading::at);
    return all;
  }

  static std::size_t differing(Books& books, Duration from, Duration to) {
    std::vector<Window> windows = books.everything(kStart + from);
    std::erase_if(windows, [](const Window& window) { return window.point != PointId{2}; });
    windows.front().to = kStart + to;
    return books.look(windows).differences.size();
  }

  TestSite site_;
  std::vector<PointId> meters_;
  Random random_{4};
};

TEST_F(UnequalRates, OfTenSecondsAndAQuarterHourAreNothingToCorrect) {
  Books books(site_);
  books.hear(readings(10s, 15min, 12h));
  for (const Duration to : {3h, 5h, 9h}) {
    EXPECT_EQ(differing(books, -1h, to), 0u) << to / 1h;
    EXPECT_EQ(differing(books, to - 1h, to), 0u) << to / 1h;
  }
}

TEST_F(UnequalRates, OfAMinuteAndThreeHoursAreNothingToCorrect) {
  constexpr int kDays = kSanitized ? 15 : 40;
  Books books(site_);
  books.hear(readings(1min, 3h, 24h * kDays));
  for (Duration from = 0h; from < 24h * kDays; from += 24h * 7) EXPECT_EQ(differing(books, from, from + 24h * 7), 0u);
  EXPECT_EQ(differing(books, 24h * 7 - 75min, 24h * 7 + 285min), 0u);
}

TEST_F(UnequalRates, OfFiveMinutesAndADayAndAHalfAreNothingToCorrect) {
  constexpr int kDays = kSanitized ? 20 : 60;
  Books books(site_);
  books.hear(readings(5min, 36h, 24h * kDays));
  for (Duration from = 24h; from < 24h * (kDays - 10); from += 24h * 7) {
    EXPECT_EQ(differing(books, from, from + 24h * 7), 0u);
    EXPECT_EQ(differing(books, from, from + 1h), 0u);
  }
}

// A slow meter that loses two readings, 45 hours apart, and sends them later.
TEST_F(UnequalRates, LateReadingsOfTheSlowOneCorrectWhatTheyTouchAlone) {
  constexpr int kDays = kSanitized ? 12 : 30;
  const auto all = readings(1min, 3h, 24h * kDays);
  std::vector<Reading> in_time;
  std::vector<Reading> late;
  for (const Reading& reading : all) {
    const Duration since = reading.at - (kStart + 24h * (kDays - 10) + 3h - 59s);
    const bool lost = reading.point == meters_[1] && (since == 0h || since == 45h);
    (lost ? late : in_time).push_back(reading);
  }
  ASSERT_EQ(late.size(), 2u);
  Books in_order(site_);
  in_order.hear(all);
  Books books(site_);
  books.hear(in_time);
  books.hear(late);
  EXPECT_GT(books.restate_late_data(), 10u);
  for (const EmissionEntry& entry : books.entries()) {
    if (entry.correction) EXPECT_EQ(entry.correction->cause, Cause::late_data) << (entry.begin - kStart) / 15min;
  }
  const KnownBooks expected = in_order.known();
  const KnownBooks found = books.known();
  EXPECT_EQ(found.size(), expected.size());
  for (const auto& [key, known] : expected) {
    ASSERT_TRUE(found.contains(key)) << (key.second - kStart) / 15min;
    EXPECT_EQ(found.at(key).amount, known.amount) << (key.second - kStart) / 15min;
  }
  EXPECT_EQ(differing(books, 0h, 24h * kDays), 0u);
}

// While one of two counters is in doubt, a reading of the other comes hours late: what is closed for want of a result
// up to then is found again once the doubt is decided.
TEST_F(UnequalRates, WhatALateReadingClosesWhileTheOtherIsInDoubtIsCorrectedOnceThatIsDecided) {
  const Reading late = at(meters_[1], 20min, 1e9 + 20'000);
  const auto hear = [&](Books& books, Duration late_at) {
    for (Duration time{}; time <= 12h; time += 5min) {
      const double counter = 1e9 + static_cast<double>(time / 1min) * 1'000;
      const bool is_doubtful = time >= 5h && time <= 5h + 50min;  // it stands elsewhere, and comes back
      books.hear(std::vector{at(meters_[0], time, is_doubtful ? 5e8 : counter)});
      if (time == late_at) books.hear({&late, 1});
      if (time != 20min) books.hear(std::vector{at(meters_[1], time + 7s, counter)});
    }
  };
  Books in_order(site_);
  hear(in_order, 20min);
  Books books(site_);
  hear(books, 5h + 45min);
  EXPECT_GT(books.restate_late_data(), 0u);
  EXPECT_EQ(books.waiting(), 0u);
  const KnownBooks found = books.known();
  for (const auto& [key, known] : in_order.known()) {
    ASSERT_TRUE(found.contains(key)) << (key.second - kStart) / 15min;
    EXPECT_EQ(found.at(key).amount, known.amount) << (key.second - kStart) / 15min;
    EXPECT_EQ(found.at(key).covered, known.covered) << (key.second - kStart) / 15min;
  }
  EXPECT_EQ(differing(books, -1h, 12h), 0u);
}

}  // namespace
}  // namespace carbongate::app::restating
