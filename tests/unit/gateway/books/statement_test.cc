#include "gateway/books/statement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "gateway/books/quality_shares.h"
#include "gateway/model/coverage.h"

namespace carbongate::books {
namespace {

using namespace std::chrono_literals;
using model::Basis;
using model::Flow;
using model::Gas;
using model::Scope;

const Instant kBegin = Instant(std::chrono::seconds(1'793'462'400));  // 2026-11-01T00:00:00+08:00
constexpr auto kPeriod = 30min * 48 * 30;                             // 30 days
constexpr std::int64_t kKilogram = 1'000'000;

std::shared_ptr<model::Series> series(const std::string& user, const std::string& device,
                                      const std::string& carrier = "electricity", Flow flow = Flow::consumed) {
  auto made = std::make_shared<model::Series>();
  made->site = "park";
  made->device = device;
  made->point = "energy";
  made->unit = "kWh";
  made->user = user;
  made->user_name = user;
  made->carrier = carrier;
  made->region = "CN-SC";
  made->scope = carrier == "electricity" ? Scope::energy : Scope::direct;
  made->flow = flow;
  return made;
}

// Half-widths in ppm of the CO2e, as the pipeline books them.
model::Emission emission(std::int64_t co2e_kg, std::int64_t meter_ppm, std::int64_t factor_ppm,
                         std::string factor = "cn-grid/CN-SC/average/2023") {
  model::Emission emission;
  emission.emitted.co2e = model::Co2e::of(co2e_kg * kKilogram);
  emission.emitted.gases[Gas::co2] = model::GasMass::of(co2e_kg * kKilogram);
  emission.emitted.u95_activity = model::Co2e::of(std::abs(co2e_kg) * meter_ppm);
  emission.emitted.u95_factor = model::Co2e::of(std::abs(co2e_kg) * factor_ppm);
  emission.factor_id = std::move(factor);
  emission.factor_version = "2025-12-31";
  return emission;
}

model::EmissionEntry entry(int quarter, std::int64_t amount, model::Emission primary) {
  model::EmissionEntry made;
  made.begin = kBegin + quarter * 15min;
  made.end = made.begin + 15min;
  made.amount = model::Activity::of(amount * kKilogram);
  made.coal = model::StandardCoal::of(amount * 122'900);
  made.primary = std::move(primary);
  made.covered = 15min;
  return made;
}

class StatementTest : public testing::Test {
 protected:
  const Line& line(Level level, Sum sum, const std::string& user = "") {
    for (const Line& one : lines_) {
      if (one.level == level && one.sum == sum && one.user == user) return one;
    }
    ADD_FAILURE() << "no line " << to_string(level) << " " << to_string(sum) << " " << user;
    static const Line kNone;
    return kNone;
  }
  static double u95(const Line& line, Basis basis = Basis::primary) {
    return static_cast<double>(line.uncertainty[basis].u95.quanta()) / kKilogram;
  }
  static std::int64_t co2e(const Line& line, Basis basis = Basis::primary) {
    return line.now.emitted[basis].co2e.quanta() / kKilogram;
  }
  static Duration time_of(const Line& line, model::Origin origin) {
    return line.time_by_origin[static_cast<std::size_t>(origin)];
  }
  void cut(By by = By::user) { lines_ = statement_.lines(by); }

  Statement statement_{{kBegin, kBegin + kPeriod}};
  std::vector<Line> lines_;
};

TEST_F(StatementTest, AddsWhatErrsInCommonAndSquaresWhatErrsIndependently) {
  // Two meters, 100 t and 50 t, each +-1 %; one factor, +-5 %.
  statement_.add(series("a", "m1"), entry(0, 200'000, emission(100'000, 10'000, 50'000)));
  statement_.add(series("b", "m2"), entry(0, 100'000, emission(50'000, 10'000, 50'000)));
  cut();
  // EF^2 sum u^2(AD_i) + (sum AD_i)^2 u^2(EF) = 1000^2 + 500^2 + (150 000 * 5 %)^2
  const Line& site = line(Level::site, Sum::total);
  EXPECT_EQ(co2e(site), 150'000);
  EXPECT_NEAR(u95(site), std::sqrt(1'000.0 * 1'000 + 500 * 500 + 7'500 * 7'500), 1e-6);
  EXPECT_EQ(site.uncertainty[Basis::primary].stated, Stated::all);
  EXPECT_NEAR(u95(line(Level::user, Sum::total, "a")), std::sqrt(1'000.0 * 1'000 + 5'000 * 5'000), 1e-6);
}

TEST_F(StatementTest, TakesOneMeterReadByTwoUsersAsOneError) {
  statement_.add(series("a", "m1"), entry(0, 200, emission(100, 10'000, 0)));
  statement_.add(series("b", "m1"), entry(0, 100, emission(50, 10'000, 0)));
  cut();
  EXPECT_NEAR(u95(line(Level::site, Sum::total)), 1.5, 1e-6);
  EXPECT_EQ(line(Level::site, Sum::total).points, 1);
  EXPECT_EQ(line(Level::site, Sum::total).uncertainty[Basis::primary].stated, Stated::part) << "no factor states one";
}

TEST_F(StatementTest, TakesIndependentMetersWithDifferentFactorsAsIndependent) {
  statement_.add(series("a", "m1"), entry(0, 200, emission(300, 10'000, 0)));
  statement_.add(series("a", "gas", "natural-gas"),
                 entry(0, 100, emission(400, 10'000, 20'000, "cn-fuels/natural-gas/default/2011")));
  statement_.add(series("a", "diesel", "diesel"),
                 entry(0, 100, emission(600, 0, 10'000, "cn-fuels/diesel/default/2011")));
  cut();
  EXPECT_NEAR(u95(line(Level::site, Sum::total)), std::sqrt(3.0 * 3 + 4 * 4 + 8 * 8 + 6 * 6), 1e-6);
}

TEST_F(StatementTest, NamesTheGwpSetsByWhichALineWasAddedUp) {
  const auto diesel = series("a", "tank", "diesel");
  model::EmissionEntry by_ar6 = entry(0, 100, emission(300, 0, 0, "ipcc-2006/diesel/default/2006"));
  by_ar6.primary.gwp_set = "AR6";
  model::EmissionEntry second = entry(1, 100, emission(300, 0, 0, "ipcc-2006/diesel/default/2006"));
  second.primary.gwp_set = "AR6";
  model::EmissionEntry correction = second;
  correction.primary.gwp_set = "AR5";
  correction.revision = 1;
  statement_.add(diesel, by_ar6);
  statement_.add(diesel, second);
  cut();
  EXPECT_EQ(line(Level::account, Sum::consumed, "a").gwp_sets, std::vector<std::string>{"AR6"});
  statement_.add(diesel, second);
  statement_.add(diesel, correction);
  statement_.add(series("b", "m1"), entry(0, 100, emission(50, 0, 0)));
  cut();
  EXPECT_EQ(line(Level::account, Sum::consumed, "a").gwp_sets, (std::vector<std::string>{"AR5", "AR6"}));
  EXPECT_EQ(line(Level::site, Sum::total).gwp_sets, (std::vector<std::string>{"AR5", "AR6"}));
  EXPECT_TRUE(line(Level::account, Sum::consumed, "b").gwp_sets.empty()) << "CO2 alone";
}

TEST_F(StatementTest, TakesAllYearsAndVersionsOfAFactorAsOneSeries) {
  const auto meter = series("a", "m1");
  statement_.add(meter, entry(0, 200, emission(100, 0, 50'000, "cn-grid/CN-SC/average/2022")));
  statement_.add(meter, entry(1, 200, emission(100, 0, 50'000, "cn-grid/CN-SC/average/2023")));
  statement_.add(series("a", "m2"), entry(1, 200, emission(100, 0, 50'000, "cn-grid/CN/average/2023")));
  cut();
  EXPECT_NEAR(u95(line(Level::site, Sum::total)), std::hypot(10.0, 5.0), 1e-6);
  const Line& account = line(Level::account, Sum::consumed, "a");
  EXPECT_EQ(account.factors_of, "cn-grid/CN-SC/average");
  ASSERT_EQ(account.factors.size(), 2u);
  EXPECT_EQ(account.factors[0].id, "cn-grid/CN-SC/average/2022");
  EXPECT_EQ(factor_series("one"), "one");
  EXPECT_EQ(factor_series(""), "");
}

TEST_F(StatementTest, StatesNoUncertaintyOfWhatHasNoFactor) {
  statement_.add(series("a", "m1"), entry(0, 200, emission(0, 0, 0, "")));
  statement_.add(series("b", "m2"), entry(0, 200, emission(100, 10'000, 20'000)));
  cut();
  EXPECT_EQ(line(Level::user, Sum::total, "a").uncertainty[Basis::primary], (Uncertainty{{}, Stated::none}));
  EXPECT_EQ(line(Level::user, Sum::total, "b").uncertainty[Basis::primary].stated, Stated::all);
  EXPECT_EQ(line(Level::site, Sum::total).uncertainty[Basis::primary].stated, Stated::part) << "more was emitted";
}

TEST_F(StatementTest, DoesNotTakeWhatNobodyStatedForCertain) {
  statement_.add(series("a", "m1"), entry(0, 200, emission(100, 0, 0)));
  cut();
  EXPECT_EQ(line(Level::site, Sum::total).uncertainty[Basis::primary], (Uncertainty{{}, Stated::none}));
  statement_.add(series("b", "m2"), entry(0, 0, emission(0, 0, 0)));
  statement_.add(series("c", "m3"), entry(0, 200, emission(100, 10'000, 20'000)));
  cut();
  EXPECT_EQ(line(Level::site, Sum::total).uncertainty[Basis::primary].stated, Stated::part);
  EXPECT_EQ(line(Level::user, Sum::total, "c").uncertainty[Basis::primary].stated, Stated::all);
  EXPECT_EQ(line(Level::user, Sum::total, "b").uncertainty[Basis::primary].stated, Stated::all) << "nothing emitted";
}

TEST_F(StatementTest, ChangesByACorrectionWhatIsKnownAndNotWhatWasPublished) {
  const auto meter = series("a", "m1");
  statement_.add(meter, entry(0, 1'000, emission(500, 10'000, 50'000)));
  auto correction = entry(0, -100, emission(-50, 0, 0));
  correction.primary.emitted.u95_activity = model::Co2e::of(-50 * 10'000);
  correction.primary.emitted.u95_factor = model::Co2e::of(-50 * 50'000);
  correction.revision = 1;
  correction.covered = 10min;
  correction.quality = {model::Origin::substituted, model::Rule::gap};
  statement_.add(meter, correction);
  statement_.add(meter, entry(1, 1'000, emission(500, 10'000, 50'000)));
  cut();
  const Line& account = line(Level::account, Sum::consumed, "a");
  EXPECT_EQ(account.first.amount.quanta(), 2'000 * kKilogram);
  EXPECT_EQ(account.now.amount.quanta(), 1'900 * kKilogram);
  EXPECT_EQ(account.first.emitted[Basis::primary].co2e.quanta(), 1'000 * kKilogram);
  EXPECT_EQ(co2e(account), 950);
  EXPECT_EQ(account.now.coal.quanta(), 1'900 * 122'900);
  EXPECT_NEAR(u95(account), std::hypot(9.5, 47.5), 1e-6);
  EXPECT_EQ(account.entries, 2u);
  EXPECT_EQ(account.corrections, 1u);
  EXPECT_EQ(account.covered, 25min);
  EXPECT_EQ(account.worst->origin, model::Origin::substituted);
  EXPECT_EQ(time_of(account, model::Origin::substituted), 15min) << "the amount stands for all of the quarter hour";
  EXPECT_EQ(time_of(account, model::Origin::measured), 15min);
}

TEST_F(StatementTest, IsMissingWhatIsNotCovered) {
  // Two days of thirty, all of it measured: 6.67 % is covered.
  for (int quarter = 0; quarter < 4 * 24 * 2; ++quarter) {
    statement_.add(series("a", "m1"), entry(quarter, 1, emission(1, 0, 0)));
  }
  cut();
  const QualityShares expected{667, 0, 0, 0, 0, 9'333};
  for (const Line& one : lines_) {
    EXPECT_EQ(quality_shares(one, kPeriod), expected) << to_string(one.level);
    EXPECT_EQ(model::coverage(one.covered, kPeriod * one.points), 667);
  }
}

TEST_F(StatementTest, SharesItsWholeTimeOutToTheLastHundredthOfAPercent) {
  // Of one meter a quarter hour of each origin, half of each watched; of another one nothing at all.
  for (int origin = 0; origin < static_cast<int>(kOriginCount); ++origin) {
    auto one = entry(origin, 1, emission(1, 0, 0));
    one.covered = 450s;
    one.quality.origin = static_cast<model::Origin>(origin);
    statement_.add(series("a", "m1"), one);
  }
  statement_.expect(*series("b", "m2"));
  cut();
  const Line& site = line(Level::site, Sum::total);
  EXPECT_EQ(time_of(site, model::Origin::measured), 15min) << "also the watched half of the one that is missing";
  EXPECT_EQ(time_of(site, model::Origin::late), 450s);
  EXPECT_EQ(time_of(site, model::Origin::estimated), 15min);
  // Three halves and three wholes of 12 quarter hours: 4.1667 %, 8.3333 %, and what is missing.
  const QualityShares expected{834, 417, 833, 833, 833, 6'250};
  EXPECT_EQ(quality_shares(site, 90min), expected);
  EXPECT_EQ(quality_shares(line(Level::user, Sum::total, "b"), 90min), (QualityShares{0, 0, 0, 0, 0, 10'000}));
  for (int minutes = 90; minutes < 2'000; minutes += 7) {
    const auto shares = quality_shares(site, std::chrono::minutes(minutes));
    ASSERT_TRUE(shares);
    EXPECT_EQ(std::accumulate(shares->begin(), shares->end(), std::int64_t{0}), 10'000) << minutes;
  }
  EXPECT_FALSE(quality_shares(Line{}, kPeriod));
}

TEST_F(StatementTest, HasNothingMeasuredOfWhatNoFactorApplied) {
  auto one = entry(0, 1, emission(0, 0, 0));
  one.quality = {model::Origin::missing, model::Rule::no_factor};
  statement_.add(series("a", "m1"), one);
  cut();
  EXPECT_EQ(quality_shares(line(Level::site, Sum::total), 15min), (QualityShares{0, 0, 0, 0, 0, 10'000}));
}

TEST_F(StatementTest, CountsThePointOfTwoAccountsOnceInItsShares) {
  for (const char* user : {"a", "b"}) {
    for (int quarter = 0; quarter < 4; ++quarter) {
      statement_.add(series(user, "m1"), entry(quarter, 1, emission(1, 0, 0)));
    }
  }
  cut();
  EXPECT_EQ(time_of(line(Level::site, Sum::total), model::Origin::measured), 1h);
  EXPECT_EQ(quality_shares(line(Level::site, Sum::total), 2h)->front(), 5'000);
}

TEST_F(StatementTest, MovesACorrectedQuarterHourToItsNewFactor) {
  const auto meter = series("a", "m1");
  statement_.add(meter, entry(0, 1'000, emission(500, 0, 0, "cn-grid/CN/average/2023")));
  auto correction = entry(0, 0, emission(-300, 0, 0, "cn-grid/CN-SC/average/2023"));
  correction.revision = 1;
  statement_.add(meter, correction);
  cut();
  ASSERT_EQ(lines_[0].factors_of, "cn-grid/CN-SC/average");
  EXPECT_EQ(lines_[0].now.amount.quanta(), 1'000 * kKilogram);
  EXPECT_EQ(co2e(lines_[0]), 200);
  EXPECT_EQ(lines_[0].first, Figures{});
  ASSERT_EQ(lines_[1].factors_of, "cn-grid/CN/average");
  EXPECT_EQ(lines_[1].now, Figures{});
  EXPECT_EQ(lines_[1].first.emitted[Basis::primary].co2e.quanta(), 500 * kKilogram);
  EXPECT_EQ(lines_[1].worst, model::Quality{}) << "as it was published: nothing is counted there any more";
  EXPECT_EQ(lines_[1].superseded_by, std::vector<std::string>{"cn-grid/CN-SC/average"}) << "and why";
  EXPECT_EQ(lines_[0].supersedes, std::vector<std::string>{"cn-grid/CN/average"});
  EXPECT_TRUE(lines_[0].superseded_by.empty());
  EXPECT_TRUE(line(Level::site, Sum::total).superseded_by.empty());
  EXPECT_EQ(co2e(line(Level::site, Sum::total)), 200);
  EXPECT_EQ(line(Level::site, Sum::total).worst->origin, model::Origin::measured);
}

TEST_F(StatementTest, SubtractsExportsInTheNetLineAlone) {
  // 100 MWh bought, 20 MWh sold, the same factor: what is common to both cancels in the net.
  statement_.add(series("a", "in"), entry(0, 100'000, emission(50'000, 10'000, 50'000)));
  statement_.add(series("a", "out", "electricity", Flow::exported), entry(0, 20'000, emission(10'000, 10'000, 50'000)));
  statement_.add(series("a", "pv", "electricity", Flow::produced), entry(0, 7'000, emission(0, 0, 0, "")));
  cut();
  EXPECT_EQ(co2e(line(Level::user, Sum::total, "a")), 50'000);
  EXPECT_EQ(co2e(line(Level::user, Sum::exported, "a")), 10'000);
  EXPECT_EQ(co2e(line(Level::user, Sum::net, "a")), 40'000);
  EXPECT_EQ(line(Level::site, Sum::net).first.emitted[Basis::primary].co2e.quanta(), 40'000 * kKilogram);
  EXPECT_NEAR(u95(line(Level::site, Sum::net)), std::sqrt(500.0 * 500 + 100 * 100 + 2'000 * 2'000), 1e-6);
  EXPECT_EQ(line(Level::carrier, Sum::produced, "a").now.amount.quanta(), 7'000 * kKilogram);
}

TEST_F(StatementTest, HasANetLineOfTheSiteAlways) {
  statement_.add(series("a", "in"), entry(0, 100, emission(50, 0, 0)));
  cut();
  EXPECT_EQ(co2e(line(Level::site, Sum::net)), 50);
  EXPECT_EQ(std::ranges::count(lines_, Sum::net, &Line::sum), 1);
  EXPECT_EQ(std::ranges::count(lines_, Sum::exported, &Line::sum), 0);
}

TEST_F(StatementTest, TakesTheMarketBasedResultWhereThereIsOne) {
  auto bought = entry(0, 1'000, emission(500, 10'000, 50'000));
  bought.market = emission(600, 10'000, 100'000, "cn-grid/CN/residual/2023");
  statement_.add(series("a", "m1"), bought);
  statement_.add(series("a", "gas", "natural-gas"),
                 entry(0, 100, emission(200, 20'000, 20'000, "cn-fuels/natural-gas/default/2011")));
  cut();
  const Line& site = line(Level::site, Sum::total);
  EXPECT_TRUE(site.has_market);
  EXPECT_EQ(co2e(site), 700);
  EXPECT_EQ(co2e(site, Basis::market), 800);
  EXPECT_NEAR(u95(site, Basis::market), std::sqrt(6.0 * 6 + 4 * 4 + 60 * 60 + 4 * 4), 1e-6);
  EXPECT_EQ(site.market_factors.size(), 1u);
  cut(By::carrier);
  ASSERT_EQ(lines_[0].carrier, "natural-gas");
  EXPECT_FALSE(lines_[0].has_market);
}

TEST_F(StatementTest, CountsASilentMeterAsNotCovered) {
  for (int quarter = 0; quarter < 4 * 24 * 30; ++quarter) {
    statement_.add(series("a", "m1"), entry(quarter, 1, emission(1, 0, 0)));
  }
  statement_.expect(*series("a", "m1"));
  statement_.expect(*series("b", "m2"));
  cut();
  EXPECT_EQ(line(Level::user, Sum::total, "a").covered, kPeriod);
  EXPECT_EQ(line(Level::account, Sum::consumed, "b").covered, Duration::zero());
  EXPECT_EQ(line(Level::account, Sum::consumed, "b").worst->origin, model::Origin::missing);
  const Line& site = line(Level::site, Sum::total);
  EXPECT_EQ(site.covered, kPeriod);
  EXPECT_EQ(site.points, 2) << "half of what should have been watched";
  EXPECT_EQ(site.worst->origin, model::Origin::missing);
}

TEST_F(StatementTest, KnowsTheCoverageOfATotalWhoseFiguresAllStandBeside) {
  statement_.add(series("stack", "cems", "co2", Flow::measured), entry(0, 50, emission(50, 0, 0)));
  cut();
  const Line& total = line(Level::user, Sum::total, "stack");
  EXPECT_EQ(co2e(total), 0);
  EXPECT_EQ(total.covered, 15min);
  EXPECT_EQ(total.points, 1);
  EXPECT_EQ(total.worst->origin, model::Origin::measured);
  EXPECT_EQ(quality_shares(total, 1h)->front(), 2'500);
  statement_.add(series("a", "m1"), entry(0, 1, emission(1, 0, 0)));
  statement_.add(series("a", "m1"), entry(1, 1, emission(1, 0, 0)));
  cut();
  EXPECT_EQ(line(Level::site, Sum::total).covered, 30min) << "where there is something in it, of that alone";
}

TEST_F(StatementTest, KeepsBiogenicCarbonApart) {
  auto wood = entry(0, 1'000, emission(0, 0, 0, "own/wood/default/2020"));
  wood.primary.emitted.gases[Gas::co2_biogenic] = model::GasMass::of(1'800 * kKilogram);
  wood.primary.emitted.gases[Gas::ch4] = model::GasMass::of(3);
  statement_.add(series("a", "wood", "briquettes"), wood);
  cut();
  const Line& site = line(Level::site, Sum::net);
  EXPECT_EQ(co2e(site), 0);
  EXPECT_EQ(site.now.emitted[Basis::primary].gases[Gas::co2_biogenic].quanta(), 1'800 * kKilogram);
  EXPECT_EQ(site.now.emitted[Basis::primary].gases[Gas::ch4].quanta(), 3);
}

TEST_F(StatementTest, CutsByUserScopeAndCarrier) {
  statement_.add(series("b", "m2"), entry(0, 1, emission(1, 0, 0)));
  statement_.add(series("a", "m1"), entry(0, 1, emission(1, 0, 0)));
  statement_.add(series("a", "gas", "natural-gas"), entry(0, 1, emission(1, 0, 0, "f/natural-gas/default/1")));
  const auto shape = [&](By by) {
    std::string text;
    for (const Line& one : statement_.lines(by)) {
      text += std::string(to_string(one.level)) + ":" + one.user + ":" +
              std::string(one.scope ? model::to_string(*one.scope) : "") + ":" + one.carrier + ":" +
              std::string(to_string(one.sum)) + "\n";
    }
    return text;
  };
  EXPECT_EQ(shape(By::user),
            "account:a:1:natural-gas:consumed\n"
            "account:a:2:electricity:consumed\n"
            "carrier:a:1:natural-gas:consumed\n"
            "carrier:a:2:electricity:consumed\n"
            "scope:a:1::total\n"
            "scope:a:2::total\n"
            "user:a:::total\n"
            "account:b:2:electricity:consumed\n"
            "carrier:b:2:electricity:consumed\n"
            "scope:b:2::total\n"
            "user:b:::total\n"
            "scope::1::total\n"
            "scope::2::total\n"
            "site::::total\n"
            "site::::net\n");
  EXPECT_EQ(shape(By::scope), "scope::1::total\nscope::2::total\nsite::::total\nsite::::net\n");
  EXPECT_EQ(shape(By::carrier),
            "carrier::1:natural-gas:consumed\ncarrier::2:electricity:consumed\nsite::::total\nsite::::net\n");
}

// A stack of 117 kg beside fuel that is calculated to emit 100 kg of CO2, of which 4 are biogenic, and some CH4.
TEST_F(StatementTest, SaysHowFarWhatIsMeasuredLiesFromWhatIsCalculated) {
  model::Emission fuel = emission(98, 10'000, 20'000, "cn-fuels/natural-gas/default/2024");
  fuel.emitted.gases[Gas::co2] = model::GasMass::of(96 * kKilogram);
  fuel.emitted.gases[Gas::co2_biogenic] = model::GasMass::of(4 * kKilogram);
  fuel.emitted.gases[Gas::ch4] = model::GasMass::of(kKilogram / 10);
  statement_.compare({.measured_by = "stack", .calculated_of = {"boilers"}});
  statement_.add(series("boilers", "gas", "natural-gas"), entry(0, 40, fuel));
  statement_.add(series("boilers", "power"), entry(0, 10, emission(5, 0, 0)));  // not out of this stack
  statement_.add(series("stack", "cems", "co2", Flow::measured),
                 entry(0, 117, emission(117, 50'000, 0, "direct/co2/default/2024")));
  cut();
  const Line& difference = line(Level::user, Sum::difference, "stack");
  EXPECT_EQ(co2e(difference), 17);
  EXPECT_EQ(difference.now.emitted[Basis::primary].gases[Gas::co2].quanta(), 17 * kKilogram);
  EXPECT_EQ(difference.now.emitted[Basis::primary].gases[Gas::ch4].quanta(), 0);
  EXPECT_EQ(difference.calculated.quanta(), 100 * kKilogram);
  EXPECT_NEAR(u95(difference), std::hypot(117 * 0.05, 98 * 0.01, 98 * 0.02), 1e-5);
  EXPECT_EQ(co2e(line(Level::user, Sum::total, "stack")), 0) << "it is in no total";
  EXPECT_EQ(co2e(line(Level::site, Sum::total)), 98 + 5);
}

TEST_F(StatementTest, OfNothingIsNothing) {
  cut();
  ASSERT_EQ(lines_.size(), 2u);
  EXPECT_EQ(lines_[0].now, Figures{});
  EXPECT_EQ(lines_[0].points, 0);
  EXPECT_EQ(lines_[0].uncertainty[Basis::primary].stated, Stated::none);
}

}  // namespace
}  // namespace carbongate::books
