#include "gateway/books/restate.h"

#include <gtest/gtest.h>

namespace carbongate::books {
namespace {

using model::Activity;
using model::Cause;
using model::Co2e;
using model::EmissionEntry;
using namespace std::chrono_literals;

constexpr model::AccountId kAccount{0};
constexpr Instant kBegin{std::chrono::milliseconds(1'772'323'200'000)};
constexpr Instant kNow = kBegin + 48h;

EmissionEntry entry(std::int64_t amount, std::int64_t co2e_mg, std::string version = "1") {
  EmissionEntry made;
  made.begin = kBegin;
  made.end = kBegin + 15min;
  made.amount = Activity::of(amount);
  made.primary.emitted.co2e = Co2e::of(co2e_mg);
  made.primary.factor_id = "grid";
  made.primary.factor_version = std::move(version);
  made.covered = 15min;
  return made;
}

EmissionEntry revision(EmissionEntry of, std::uint32_t number, Cause cause) {
  of.revision = number;
  of.correction = model::Correction{cause, "", kBegin};
  return of;
}

std::vector<Difference> compare(std::vector<EmissionEntry> booked, std::vector<EmissionEntry> recomputed) {
  std::vector<model::AccountEntry> a;
  std::vector<model::AccountEntry> b;
  for (EmissionEntry& e : booked) a.push_back({kAccount, std::move(e)});
  for (EmissionEntry& e : recomputed) b.push_back({kAccount, std::move(e)});
  return differences(a, b, [](auto, auto*, auto*) { return Reason{Cause::late_data, "why"}; }, kNow);
}

TEST(Differences, AreBookedAsTheNextRevision) {
  const auto found = compare({entry(100, 50)}, {entry(130, 65)});
  ASSERT_EQ(found.size(), 1u);
  const EmissionEntry& correction = found[0].amendment.correction;
  EXPECT_EQ(correction.amount, Activity::of(30));
  EXPECT_EQ(correction.primary.emitted.co2e, Co2e::of(15));
  EXPECT_EQ(correction.revision, 1u);
  EXPECT_EQ(correction.correction, (model::Correction{Cause::late_data, "why", kNow}));
  EXPECT_EQ(found[0].amendment.covered_before, Duration(15min));
  EXPECT_EQ(found[0].published, entry(100, 50));

  EXPECT_TRUE(compare({entry(100, 50), correction}, {entry(130, 65)}).empty());
  const auto more = compare({entry(100, 50), correction}, {entry(120, 60)});
  ASSERT_EQ(more.size(), 1u);
  EXPECT_EQ(more[0].amendment.correction.amount, Activity::of(-10));
  EXPECT_EQ(more[0].amendment.correction.revision, 2u);
}

TEST(Differences, ACarriedRemainderIsNone) {
  EXPECT_TRUE(compare({entry(100, 50)}, {entry(100, 51)}).empty());
  EXPECT_EQ(compare({entry(100, 50)}, {entry(100, 53)}).size(), 1u);
  EXPECT_EQ(compare({entry(100, 50)}, {entry(101, 50)}).size(), 1u);
}

// The same factor in another version, with remainders in other quarter hours; and one that is more by a little.
TEST(Differences, AnotherVersionThatGivesTheSameIsNone) {
  std::vector<EmissionEntry> booked, same, more;
  for (int i = 0; i < 40; ++i) {
    EmissionEntry one = entry(100, 50 + i % 3 / 2);
    one.begin += i * 15min;
    one.end += i * 15min;
    booked.push_back(one);
    one.primary.factor_version = "2";
    one.primary.emitted.co2e = Co2e::of(50 + (i + 1) % 3 / 2);
    same.push_back(one);
    one.primary.emitted.co2e += Co2e::of(i % 8 == 0 ? 1 : 0);
    more.push_back(one);
  }
  EXPECT_TRUE(compare(booked, same).empty());
  std::int64_t sum = 0;
  for (const Difference& d : compare(booked, more)) sum += d.amendment.correction.primary.emitted.co2e.quanta();
  EXPECT_EQ(sum, 5);
}

TEST(Differences, LateOrInTimeIsNone) {
  EmissionEntry late = entry(100, 50);
  late.quality = {model::Origin::late, model::Rule::stale};
  EXPECT_TRUE(compare({late}, {entry(100, 50)}).empty());
  late.quality = {model::Origin::estimated, model::Rule::gap};
  EXPECT_EQ(compare({late}, {entry(100, 50)}).size(), 1u);
  EmissionEntry by_hand = entry(100, 50);
  by_hand.quality = {model::Origin::manual, model::Rule::none};
  late.quality = {model::Origin::manual, model::Rule::stale};
  EXPECT_TRUE(compare({late}, {by_hand}).empty());
  EXPECT_TRUE(compare({by_hand}, {late}).empty());
  EXPECT_EQ(compare({late}, {entry(100, 50)}).size(), 1u) << "set by hand or not is one";
}

TEST(Differences, WhatLateReadingsChangedWithoutAFactorIsLateWhenThereIsOne) {
  const auto by_factor = [](std::vector<EmissionEntry> booked) {
    std::vector<model::AccountEntry> known;
    for (EmissionEntry& e : booked) known.push_back({kAccount, std::move(e)});
    const std::vector<model::AccountEntry> now{{kAccount, entry(130, 65)}};
    return differences(known, now, [](auto, auto*, auto*) { return Reason{Cause::factor, "grid"}; }, kNow);
  };
  EmissionEntry first = entry(100, 0);
  first.primary.factor_id = first.primary.factor_version = "";
  first.quality = {model::Origin::missing, model::Rule::no_factor};
  EmissionEntry late = revision(first, 1, Cause::late_data);
  late.amount = Activity::of(30);
  auto found = by_factor({first, late});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].amendment.correction.quality, (model::Quality{model::Origin::late, model::Rule::out_of_order}));
  late = revision(first, 1, Cause::configuration);
  late.amount = Activity::of(30);
  found = by_factor({first, late});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].amendment.correction.quality, model::Quality{}) << "the readings were in time";
}

TEST(Differences, AnotherFactorVersionIsOne) {
  const auto found = compare({entry(100, 50)}, {entry(100, 60, "2")});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].amendment.correction.amount, Activity{});
  EXPECT_EQ(found[0].amendment.correction.primary.emitted.co2e, Co2e::of(10));
  EXPECT_EQ(found[0].amendment.correction.primary.factor_version, "2");
}

TEST(Differences, AnotherGwpSetIsOneAlsoWhereTheFiguresAgree) {
  EmissionEntry known = entry(100, 50);
  EmissionEntry restated = entry(100, 50);
  known.primary.gwp_set = "AR6";
  restated.primary.gwp_set = "AR5";
  const auto found = compare({known}, {restated});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].amendment.correction.primary.gwp_set, "AR5");
  EXPECT_TRUE(compare({known, found[0].amendment.correction}, {restated}).empty());
}

TEST(Differences, AGwpSetThatWasNotStatedIsNone) {
  EmissionEntry restated = entry(100, 50);
  restated.primary.gwp_set = "AR5";
  EXPECT_TRUE(compare({entry(100, 50)}, {restated}).empty());
}

TEST(Differences, WhatIsTakenAwayKeepsItsGwpSet) {
  EmissionEntry known = entry(100, 50);
  known.primary.gwp_set = "AR6";
  const auto found = compare({known}, {});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].amendment.correction.primary.gwp_set, "AR6");
}

TEST(Differences, WhatShouldNotBeThereGetsItsNegative) {
  const auto found = compare({entry(100, 50)}, {});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].amendment.correction.amount, Activity::of(-100));
  EXPECT_EQ(found[0].amendment.correction.covered, Duration::zero());
  EXPECT_TRUE(compare({entry(100, 50), found[0].amendment.correction}, {}).empty());
}

TEST(Differences, WhatWasNeverPublishedGetsRevisionOneAlone) {
  const auto found = compare({}, {entry(100, 50)});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].amendment.correction.revision, 1u);
  EXPECT_EQ(found[0].amendment.correction.amount, Activity::of(100));
  EXPECT_FALSE(found[0].published.has_value());
  EXPECT_TRUE(compare({found[0].amendment.correction}, {entry(100, 50)}).empty());
}

TEST(Differences, CertificatesAndManualEntriesStandBesideWhatIsComputed) {
  for (const Cause cause : {Cause::certificate, Cause::manual}) {
    EXPECT_TRUE(compare({entry(100, 50), revision(entry(7, -20), 1, cause)}, {entry(100, 50)}).empty());
    const auto found = compare({entry(100, 50), revision(entry(7, -20), 1, cause)}, {entry(110, 55)});
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].amendment.correction.amount, Activity::of(10));
    EXPECT_EQ(found[0].amendment.correction.revision, 2u);
  }
}

TEST(Differences, ASubstitutionStandsUntilThereIsData) {
  EmissionEntry missing = entry(0, 0);
  missing.covered = 1min;
  missing.quality = {model::Origin::missing, model::Rule::gap};
  const EmissionEntry substitution = revision(entry(90, 45), 1, Cause::substitution);
  EXPECT_TRUE(compare({missing, substitution}, {missing}).empty());
  const auto found = compare({missing, substitution}, {entry(100, 50)});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].amendment.correction.amount, Activity::of(10));
  // Taken back once: what is there from now on is the data.
  EXPECT_TRUE(compare({missing, substitution, found[0].amendment.correction}, {entry(100, 50)}).empty());
  const auto more =
      compare({missing, substitution, revision(found[0].amendment.correction, 2, Cause::late_data)}, {entry(120, 60)});
  ASSERT_EQ(more.size(), 1u);
  EXPECT_EQ(more[0].amendment.correction.amount, Activity::of(20));
}

TEST(Differences, ASubstitutionWhereNothingWasPublishedStandsUntilThereIsData) {
  EmissionEntry substitution = revision(entry(90, 45), 1, Cause::substitution);
  substitution.covered = {};
  EXPECT_TRUE(compare({substitution}, {}).empty());
  EmissionEntry unknown = entry(0, 0);
  unknown.covered = {};
  unknown.quality = {model::Origin::missing, model::Rule::reset};
  EXPECT_TRUE(compare({substitution}, {unknown}).empty()) << "why there are no data is none";
  EXPECT_EQ(compare({}, {unknown}).size(), 1u) << "but where nothing stands it is said";
  const auto found = compare({substitution}, {entry(100, 50)});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].amendment.correction.amount, Activity::of(10));
  EXPECT_EQ(found[0].amendment.correction.revision, 2u);
  EXPECT_EQ(found[0].amendment.covered_before, Duration::zero());
  EXPECT_TRUE(compare({substitution, found[0].amendment.correction}, {entry(100, 50)}).empty());
}

}  // namespace
}  // namespace carbongate::books
