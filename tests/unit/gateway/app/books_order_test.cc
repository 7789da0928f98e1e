// Whatever comes first: late data, a bill, a repair, another factor, the pass over hours without data. Once each has
// been looked at again, the books say the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <random>

#include "gateway/app/manual.h"
#include "gateway/app/substitute.h"
#include "tests/support/rounds.h"
#include "tests/unit/gateway/app/books_fixture.h"

namespace carbongate::app {
namespace {

using model::Activity;
using model::Basis;
using model::Period;

constexpr Duration kEnd = 60h;
constexpr std::int64_t kKilowattHour = 1'000'000;

enum class Event { late, bill, pass, repair, factor };
constexpr std::array kEvents{Event::late, Event::bill, Event::pass, Event::repair, Event::factor};

// A rate and a counter. Of both some hours are never heard, and some late.
class Course {
 public:
  Course(std::int64_t bill_kwh, model::SubstitutionMethod method) : bill_kwh_(bill_kwh) {
    site_.add("oven", Kind::instantaneous, "kW").substitution = method;
    site_.add("press", Kind::cumulative, "kWh");
    books_.emplace(site_);
    std::vector<Reading> heard;
    std::mt19937_64 random(9);
    double total = 0;
    for (Duration at{}; at < kEnd; at += 5min) {
      const bool lost = at > 30h + 10min && at < 33h + 20min;
      const bool late =
          (at > 20h && at < 22h + 5min) || (at > 31h && at < 31h + 40min) || (at > 41h && at < 41h + 30min);
      total += static_cast<double>(random() % 5'000) / 1'000;
      const Reading oven{.point = PointId{0}, .at = kMarch + at, .value = static_cast<double>(random() % 90)};
      const Reading press{.point = PointId{1}, .at = kMarch + at, .value = total};
      for (const Reading& reading : {oven, press}) {
        if (late) late_.push_back(reading);
        if (!late && !lost) heard.push_back(reading);
      }
    }
    books_->hear(heard);
  }

  std::size_t happens(Event event) {
    switch (event) {
      case Event::late: books_->hear(std::exchange(late_, {})); return recompute();
      case Event::bill: return enter();
      case Event::pass: return substitute();
      case Event::repair: return repair();
      case Event::factor:
        for (model::Account& account : site_.site.accounts) account.factor = {"cn-grid", "CN", "average"};
        return recompute();
    }
    return 0;
  }
  std::size_t looks_again() { return recompute() + enter() + substitute(); }

  struct Known {
    Activity amount;
    std::int64_t co2e_mg = 0;
    Duration covered{};
  };
  // By user and quarter hour; what is nothing and was never watched is left out: it may have carried a milligram.
  std::map<EntryKey, Known> known() const {
    std::map<EntryKey, Known> found;
    for (const auto& [key, revisions] : books_->entries()) {
      Known sum;
      for (const model::EmissionEntry& entry : revisions) {
        sum.amount += entry.amount;
        sum.co2e_mg += entry.primary.emitted.co2e.quanta();
        sum.covered = entry.covered;
      }
      if (sum.amount != Activity{} || sum.covered != Duration::zero()) found[key] = sum;
    }
    return found;
  }
  Activity billed(const std::string& user) const {
    Activity sum;
    for (const auto& [key, of_quarter] : known()) {
      if (key.first == user && key.second >= kMarch + kBilledFrom && key.second < kMarch + kBilledTo) {
        sum += of_quarter.amount;
      }
    }
    return sum;
  }

  // By user.
  std::map<std::string, Known> totals() const {
    std::map<std::string, Known> found;
    for (const auto& [key, revisions] : books_->entries()) {
      for (const model::EmissionEntry& entry : revisions) {
        found[key.first].amount += entry.amount;
        found[key.first].co2e_mg += entry.primary.emitted.co2e.quanta();
      }
    }
    return found;
  }

  // The running totals and the sums of days say what the entries do.
  void expect_sums() const {
    auto sums = totals();
    std::map<EntryKey, Activity> days;
    for (const auto& [key, of_quarter] : known()) {
      days[{key.first, std::chrono::floor<std::chrono::days>(key.second)}] += of_quarter.amount;
    }
    for (const model::Account& account : site_.site.accounts) {
      const model::AccountState& state = books_->pipeline().state().accounts[model::index(account.id)];
      const auto& open = state.open[0];
      EXPECT_EQ(state.amount - (open ? open->amount : Activity{}), sums[account.user].amount);
      const model::Co2e of_open = open ? open->emitted[Basis::primary].co2e : model::Co2e{};
      EXPECT_EQ((state.emissions[Basis::primary].total.co2e - of_open).quanta(), sums[account.user].co2e_mg);
      for (const Duration day : {0h, 24h}) {
        EXPECT_EQ(books_->rollup(account.user, Period::day, kMarch + day).amount, (days[{account.user, kMarch + day}]));
      }
    }
  }

 private:
  static constexpr Duration kBilledFrom = 29h;
  static constexpr Duration kBilledTo = 42h;

  std::size_t recompute() { return books_->recompute_all({}, repairs_); }
  std::size_t enter() {
    std::vector<ManualEntry> bills;
    for (const model::Account& account : site_.site.accounts) {
      bills.push_back({.account = account.id,
                       .begin = kMarch + kBilledFrom,
                       .end = kMarch + kBilledTo,
                       .amount = Activity::of(bill_kwh_ * kKilowattHour),
                       .note = "bill"});
    }
    return books_->run([&](KnownBooks& known, const TakeAmendments& take) {
      EXPECT_TRUE(enter_manually(known, site_.site, site_.factors, bills, books_->now(), take).has_value());
    });
  }
  std::size_t substitute() {
    return books_->run([&](KnownBooks& known, const TakeAmendments& take) {
      const SubstitutionRange range{
          .from = kMarch, .to = kMarch + kEnd, .user = "", .closed_until = [&](PointId point) {
            return books_->pipeline().counted_until(point);
          }};
      EXPECT_TRUE(substitute_missing(known, site_.site, site_.factors, range, books_->now(), take).has_value());
    });
  }
  std::size_t repair() {
    for (const PointId point : {PointId{0}, PointId{1}}) {
      Repair& repair = repairs_.emplace_back();
      repair.point = point;
      repair.from = kMarch + (point == PointId{0} ? 15h : -1h);
      repair.until = kMarch + (point == PointId{0} ? 32h : kEnd + 1h);
      repair.scale = 2;
      repair.reason = "scale";
    }
    return recompute();
  }

  std::int64_t bill_kwh_;
  BooksSite site_;
  std::optional<StoredBooks> books_;
  std::vector<Reading> late_;
  std::vector<Repair> repairs_;
};

class BooksInAnyOrder : public ::testing::TestWithParam<unsigned> {};

TEST_P(BooksInAnyOrder, EndAlike) {
  std::mt19937 random(GetParam());
  const std::int64_t bill_kwh = random() % 2 == 0 ? 5'000 : 300;
  const auto method = random() % 2 == 0 ? model::SubstitutionMethod::hj75 : model::SubstitutionMethod::same_weekday;
  Course expected(bill_kwh, method);
  for (const Event event : {Event::late, Event::repair, Event::factor, Event::bill, Event::pass}) {
    expected.happens(event);
  }
  EXPECT_EQ(expected.looks_again(), 0u) << "in this order nothing is left to do";

  Course found(bill_kwh, method);
  std::vector<Event> events(kEvents.begin(), kEvents.end());
  std::ranges::shuffle(events, random);
  std::string order;
  for (const Event event : events) {
    order += std::to_string(static_cast<int>(event));
    for (const Event between : {Event::bill, Event::pass}) {
      if (random() % 4 == 0) found.happens(between);
    }
    found.happens(event);
    found.expect_sums();
  }
  found.looks_again();
  found.expect_sums();
  EXPECT_EQ(found.looks_again(), 0u) << order;
  EXPECT_EQ(found.billed("oven"), Activity::of(bill_kwh * kKilowattHour));
  EXPECT_EQ(found.billed("press"), Activity::of(bill_kwh * kKilowattHour));

  const auto there = found.known();
  const auto should_be = expected.known();
  for (const auto& [key, known] : there) {
    EXPECT_TRUE(should_be.contains(key)) << key.first << " " << (key.second - kMarch) / 15min << ": "
                                         << known.amount.quanta() << ", " << known.co2e_mg << " mg after " << order;
  }
  for (const auto& [key, known] : should_be) {
    const std::string what = key.first + " " + std::to_string((key.second - kMarch) / 15min) + " after " + order;
    ASSERT_TRUE(there.contains(key)) << what;
    EXPECT_EQ(there.at(key).amount, known.amount) << what;
    EXPECT_EQ(there.at(key).covered, known.covered) << what;
    EXPECT_LE(std::abs(there.at(key).co2e_mg - known.co2e_mg), 6) << what;  // what revisions carried
  }
  for (auto& [user, total] : expected.totals()) {
    EXPECT_LE(std::abs(found.totals()[user].co2e_mg - total.co2e_mg), 6) << user << " after " << order;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, BooksInAnyOrder, ::testing::Range(1u, 1u + static_cast<unsigned>(rounds(12))));

}  // namespace
}  // namespace carbongate::app
