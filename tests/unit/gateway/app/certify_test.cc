// Certificates against a real store: the market-based result as they make it, never more than was consumed, each once.
#include "gateway/app/certify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "gateway/books/certificates.h"
#include "tests/support/rounds.h"
#include "tests/unit/gateway/app/books_fixture.h"

namespace carbongate::app {
namespace {

using model::Activity;
using model::EmissionEntry;

constexpr std::int64_t kKilowattHour = 1'000'000;  // in mWh

model::Certificate certificate(std::string serial, double kwh, Instant from = kMarch, Instant until = kMarch + 24h,
                               std::string user = "press") {
  model::Certificate c;
  c.serial = std::move(serial);
  c.users = {std::move(user)};
  c.carrier = "electricity";
  c.volume = Activity::of(static_cast<std::int64_t>(kwh * kKilowattHour));
  c.generated_from = from;
  c.generated_until = until;
  return c;
}

class Certify : public ::testing::Test {
 protected:
  Certify() {
    site_.add("press", Kind::cumulative, "kWh");
    site_.add("oven", Kind::cumulative, "kWh");
    books_.emplace(site_);
  }

  void consume(Duration from, Duration until, double start = 0, double per_step = 1) {
    books_->hear(counter(PointId{0}, from, until, start, per_step));
    books_->hear(counter(PointId{1}, from, until, start, per_step / 3));
  }

  std::size_t certify(Instant from = kMarch, Instant to = kMarch + 24h * 100, const std::string& user = "") {
    return books_->run([&](KnownBooks& known, const TakeAmendments& take) {
      groups_ = certified_groups(site_.site, certificates_, from, to, user);
      auto unused = app::certify(known, site_.site, groups_, books_->now(), take);
      ASSERT_TRUE(unused.has_value()) << unused.error().text;
      unused_ = std::move(*unused);
    });
  }

  // Σ certified over the entries, held against all that must be true of each of them.
  Activity certified_by_the_books() {
    Activity all;
    std::map<std::string, double> off;  // mg of the sum of a user's entries
    for (const auto& [key, revisions] : books_->entries()) {
      const books::Layers layers = books::layers_of(revisions);
      const EmissionEntry without = layers.without_certificates();
      model::Emitted market = without.market->emitted;
      Activity matched;
      if (layers.has_certificates) {
        market += layers.certificates.market->emitted;
        EXPECT_EQ(layers.certificates.amount, Activity{});
        EXPECT_EQ(layers.certificates.primary.emitted, model::Emitted{}) << "location-based stays";
        matched = matched_by(layers.certificate_note);
      }
      EXPECT_LE(matched, std::max(without.amount, Activity{}));
      const double exact = static_cast<double>(without.market->emitted.co2e.quanta()) *
                           static_cast<double>((without.amount - matched).quanta()) /
                           static_cast<double>(std::max<std::int64_t>(without.amount.quanta(), 1));
      EXPECT_NEAR(static_cast<double>(market.co2e.quanta()), exact, 1.01) << key.first;
      if (matched == without.amount) EXPECT_EQ(market, model::Emitted{}) << key.first;
      if (matched == Activity{}) EXPECT_EQ(market, without.market->emitted) << key.first;
      off[key.first] += static_cast<double>(market.co2e.quanta()) - exact;
      all += matched;
    }
    // Rounded once in each time that is joined by certificates.
    const double times = 0.51 * static_cast<double>(std::max<std::size_t>(certificates_.size(), 1));
    for (const auto& [user, mg] : off) EXPECT_NEAR(mg, 0, times) << user;
    return all;
  }

  static Activity matched_by(const std::string& note) {
    std::int64_t sum = 0;
    std::string_view rest = note;
    for (const std::string& serial : books::serials_in(note)) {
      const auto at = rest.find(serial + ": ") + serial.size() + 2;
      sum += std::llround(std::stod(std::string(rest.substr(at))) * static_cast<double>(kKilowattHour));
      rest.remove_prefix(at);
    }
    return Activity::of(sum);
  }

  BooksSite site_;
  std::optional<StoredBooks> books_;
  std::vector<model::Certificate> certificates_;
  std::vector<CertifiedGroup> groups_;
  std::vector<UnusedCertificate> unused_;
};

TEST_F(Certify, ReducesTheMarketBasedResultAloneAndIsBookedOnce) {
  consume(0h, 25h);
  const auto before = books_->rollup("press", model::Period::day, kMarch);
  certificates_ = {certificate("GEC-1", 100)};
  EXPECT_EQ(certify(), 96u);
  EXPECT_TRUE(unused_.empty());
  EXPECT_EQ(certified_by_the_books(), Activity::of(100 * kKilowattHour));
  const auto after = books_->rollup("press", model::Period::day, kMarch);
  EXPECT_EQ(after.amount, before.amount);
  EXPECT_EQ(after.emitted[model::Basis::primary], before.emitted[model::Basis::primary]);
  EXPECT_LT(after.emitted[model::Basis::market].co2e, before.emitted[model::Basis::market].co2e);
  EXPECT_EQ(after.emitted[model::Basis::market].u95_activity, before.emitted[model::Basis::market].u95_activity)
      << "what the meter errs by is all in what is left";
  EXPECT_LE(after.emitted[model::Basis::market].u95_factor, before.emitted[model::Basis::market].u95_factor);
  EXPECT_EQ(after.covered, before.covered);
  EXPECT_EQ(after.quality, before.quality);
  EXPECT_EQ(certify(), 0u);
  EXPECT_EQ(books_->recompute_all(), 0u) << "stands beside what is computed";
  const auto entry = books_->entries().at({"press", kMarch}).back();
  EXPECT_EQ(entry.correction->cause, model::Cause::certificate);
  EXPECT_THAT(entry.correction->note, ::testing::MatchesRegex("GEC-1: 1\\.04[0-9]* kWh of 3 kWh"));
}

TEST_F(Certify, LooksAtTheWholePeriodWhateverWasAskedFor) {
  consume(0h, 49h);
  certificates_ = {certificate("month", 100, kMarch, kMarch + 24h * 31), certificate("day", 30, kMarch, kMarch + 24h)};
  EXPECT_EQ(certify(kMarch + 40h, kMarch + 41h), 2u * 96 + 3) << "the last quarter hour is still open";
  EXPECT_EQ(certified_by_the_books(), Activity::of(130 * kKilowattHour));
  EXPECT_EQ(certify(), 0u);
}

TEST_F(Certify, TakesBackWhatIsNoLongerConfiguredOrConsumed) {
  consume(0h, 25h);
  certificates_ = {certificate("GEC-1", 100), certificate("GEC-2", 400)};
  certify();
  ASSERT_EQ(unused_.size(), 1u);
  EXPECT_EQ(unused_[0].certificate->serial, "GEC-2");
  EXPECT_EQ(unused_[0].amount, Activity::of((500 - 288) * kKilowattHour));
  EXPECT_EQ(books_->rollup("press", model::Period::day, kMarch).emitted[model::Basis::market], model::Emitted{});

  certificates_.pop_back();
  EXPECT_EQ(certify(), 96u);
  EXPECT_EQ(certified_by_the_books(), Activity::of(100 * kKilowattHour));
  certificates_.clear();
  EXPECT_EQ(certify(kMarch, kMarch + 12h), 48u) << "a window without certificates reaches no further";
  EXPECT_EQ(certify(), 48u);
  EXPECT_EQ(certified_by_the_books(), Activity{});
  EXPECT_EQ(certify(), 0u);
}

TEST_F(Certify, FollowsWhatIsConsumedWhenMoreIsKnown) {
  consume(0h, 10h);
  consume(12h, 25h, 120, 1);
  certificates_ = {certificate("GEC-1", 10, kMarch, kMarch + 10h), certificate("GEC-2", 1'000, kMarch, kMarch + 24h)};
  certify();
  const Activity before = certified_by_the_books();
  books_->hear(counter(PointId{0}, 10h, 12h, 120, 0.01));  // late: the counter stood still, then ran
  EXPECT_GT(books_->recompute_all(), 0u);
  EXPECT_GT(certify(), 0u);
  EXPECT_EQ(certified_by_the_books(), before) << "all of it, before and after";
  EXPECT_EQ(certify(), 0u);
  EXPECT_EQ(books_->recompute_all(), 0u);
}

TEST_F(Certify, LeavesAloneWhatEmitsNothingByItsOwnSupply) {
  site_.add("press", Kind::cumulative, "Wh").market = model::FactorChoice{"own-generation", "", "renewable"};
  site_.site.points.back().name = "pv";
  books_.emplace(site_);
  consume(0h, 25h);
  books_->hear(counter(PointId{2}, 0h, 25h, 0, 1'000));
  certificates_ = {certificate("GEC-1", 100)};
  EXPECT_EQ(certify(), 96u);
  for (const auto& [key, revisions] : books_->entries()) {
    for (const EmissionEntry& entry : revisions) {
      if (entry.correction) EXPECT_NE(entry.market->factor_id.substr(0, 3), "own");
    }
  }
}

TEST_F(Certify, FindsASerialThatMatchesAnotherPeriodAlready) {
  consume(0h, 73h);
  certificates_ = {certificate("GEC-1", 100), certificate("GEC-10", 10, kMarch + 48h, kMarch + 72h)};
  certify();
  auto history = books_->open();
  EXPECT_TRUE(serials_elsewhere(*history, groups_)->empty());
  certificates_[0].generated_from += 24h;
  certificates_[0].generated_until += 24h;
  const auto elsewhere =
      *serials_elsewhere(*history, certified_groups(site_.site, certificates_, kMarch + 24h, kMarch + 48h, ""));
  ASSERT_EQ(elsewhere.size(), 1u);
  EXPECT_EQ(elsewhere[0].certificate->serial, "GEC-1");
  EXPECT_EQ(elsewhere[0].entry, "press/electricity/meter.press@2026-03-01T00:00:00Z#1");
  EXPECT_EQ(elsewhere[0].entries, 96u);
  // From the old period on both are put right.
  EXPECT_EQ(certify(), 2u * 96);
  EXPECT_TRUE(serials_elsewhere(*history, certified_groups(site_.site, certificates_, kMarch + 24h, kMarch + 48h, ""))
                  ->empty());
  EXPECT_EQ(certified_by_the_books(), Activity::of(110 * kKilowattHour));
}

// Power without emissions, delivered to both users.
model::Certificate shared_contract(std::string serial, double kwh, Instant from, Instant until) {
  model::Certificate c = certificate(std::move(serial), kwh, from, until);
  c.users = {"press", "oven"};
  c.contract.emplace().factor_text = "0 kgCO2e/kWh";
  return c;
}

TEST_F(Certify, TakesUsersWhomAContractJoinsTogether) {
  const Instant day = kMarch + 24h;
  certificates_ = {shared_contract("PPA", 100, day, day + 24h)};
  auto groups = certified_groups(site_.site, certificates_, day, day + 1h, "oven");
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups[0].users, (std::vector<std::string>{"oven", "press"}));
  EXPECT_TRUE(groups[0].holds("press", "electricity", day + 23h));
  EXPECT_EQ(certified_groups(site_.site, certificates_, kMarch, day, "").size(), 2u) << "it reaches not into that time";

  // The oven's certificate leads to the contract, and the contract to the press, which was looked at alone before.
  certificates_.push_back(certificate("GEC", 1, kMarch, day + 1h, "oven"));
  groups = certified_groups(site_.site, certificates_, kMarch, kMarch + 1h, "");
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups[0].certificates.size(), 2u);
  EXPECT_EQ(groups[0].from, kMarch);
  EXPECT_EQ(groups[0].to, day + 24h);
}

TEST_F(Certify, SpreadsAContractOverItsUsersWhoeverIsAskedFor) {
  consume(0h, 25h);
  certificates_ = {shared_contract("PPA", 60, kMarch, kMarch + 24h)};
  EXPECT_EQ(certify(kMarch, kMarch + 1h, "oven"), 2u * 96);
  EXPECT_EQ(certified_by_the_books(), Activity::of(60 * kKilowattHour));
  EXPECT_EQ(certify(), 0u);
}

class CertifyAnything : public Certify, public ::testing::WithParamInterface<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Seeds, CertifyAnything, ::testing::Range(1u, 1u + static_cast<unsigned>(rounds(12))));

// Certificates come, go and change; consumption becomes known late. Whatever the history: Σ certified is what a run on
// the final configuration certifies, and no more than was consumed.
TEST_P(CertifyAnything, EndsWhereTheConfigurationSays) {
  std::mt19937 random(GetParam());
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  std::vector<Reading> readings;
  for (const unsigned point : {0u, 1u}) {
    double total = 100;
    for (Duration time{}; time < 50h; time += Duration((1 + below(20)) * 60'000)) {
      readings.push_back({.point = PointId{point}, .at = kMarch + time, .value = total});
      total += below(4'000) / 1000.0;
    }
  }
  std::vector<Reading> late;
  std::erase_if(readings, [&](const Reading& reading) {
    const bool is_late = below(6) == 0 && reading.at < kMarch + 45h;
    if (is_late) late.push_back(reading);
    return is_late;
  });
  std::ranges::sort(readings, {}, &Reading::at);
  books_->hear(readings);
  for (int round = 0; round < 5; ++round) {
    certificates_.clear();
    for (int i = 0; i < below(6); ++i) {
      const Instant from = kMarch + below(40) * 1h;
      certificates_.push_back(certificate("GEC-" + std::to_string(i), below(300), from, from + (1 + below(30)) * 1h,
                                          below(3) == 0 ? "oven" : "press"));
      if (below(4) == 0) {
        certificates_.back() =
            shared_contract("PPA-" + std::to_string(i), below(300), from, from + (1 + below(30)) * 1h);
      }
      certificates_.back().volume += Activity::of(1 + below(1'000));
    }
    if (!late.empty()) {
      const auto part = static_cast<std::size_t>(below(static_cast<int>(late.size()) + 1));
      books_->hear(std::span(late).first(part));
      late.erase(late.begin(), late.begin() + static_cast<std::ptrdiff_t>(part));
      books_->recompute_all();
    }
    if (below(2) == 0) certify(kMarch + below(48) * 1h, kMarch + 49h, below(2) == 0 ? "oven" : "");
    certify();
    Activity expected;
    for (const model::Certificate& c : certificates_) expected += c.volume;
    for (const UnusedCertificate& unused : unused_) expected -= unused.amount;
    ASSERT_EQ(certified_by_the_books(), expected);
    ASSERT_EQ(certify(), 0u);
    ASSERT_EQ(books_->recompute_all(), 0u);
  }
}

}  // namespace
}  // namespace carbongate::app
