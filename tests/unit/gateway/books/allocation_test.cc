// Sub-meters behind an incomer: in no total of the site, and what is left of the incomer beside them.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "gateway/books/statement.h"

namespace carbongate::books {
namespace {

using namespace std::chrono_literals;
using model::Basis;
using model::Flow;

const Instant kBegin = Instant(std::chrono::seconds(1'793'462'400));  // 2026-11-01T00:00:00+08:00
constexpr auto kPeriod = 24h;
constexpr int kQuarters = 96;
constexpr const char* kGrid = "cn-grid/CN-SC/average/2023";
constexpr const char* kRoof = "own-generation/renewable/1970";

struct Amounts {
  std::int64_t amount = 0;
  std::int64_t coal = 0;
  std::int64_t co2e = 0;
  std::int64_t market = 0;

  Amounts& operator+=(const Amounts& other) {
    amount += other.amount, coal += other.coal, co2e += other.co2e, market += other.market;
    return *this;
  }
  friend Amounts operator-(Amounts a, const Amounts& b) {
    a.amount -= b.amount, a.coal -= b.coal, a.co2e -= b.co2e, a.market -= b.market;
    return a;
  }
  friend bool operator==(const Amounts&, const Amounts&) = default;
};

Amounts amounts_of(const Figures& figures) {
  return {figures.amount.quanta(), figures.coal.quanta(), figures.emitted[Basis::primary].co2e.quanta(),
          figures.emitted[Basis::market].co2e.quanta()};
}

model::EmissionEntry entry(int quarter, const Amounts& amounts, const char* factor = kGrid) {
  model::EmissionEntry made;
  made.begin = kBegin + quarter * 15min;
  made.end = made.begin + 15min;
  made.amount = model::Activity::of(amounts.amount);
  made.coal = model::StandardCoal::of(amounts.coal);
  made.primary.emitted.co2e = model::Co2e::of(amounts.co2e);
  made.primary.factor_id = factor;
  made.market = made.primary;
  made.market->emitted.co2e = model::Co2e::of(amounts.market);
  made.covered = 15min;
  return made;
}

class AllocationTest : public testing::Test {
 protected:
  // A meter of that user, which has one for each name.
  std::shared_ptr<model::Series> series(const std::string& user, const std::string& meter = "",
                                        const std::string& carrier = "electricity", Flow flow = Flow::consumed) {
    auto& made = series_[{user, meter, carrier}];
    if (made) return made;
    made = std::make_shared<model::Series>();
    made->device = meter.empty() ? user : meter;
    made->point = carrier;
    made->user = user;
    made->user_name = user;
    made->carrier = carrier;
    made->scope = model::Scope::energy;
    made->flow = flow;
    return made;
  }
  void contain(const std::string& user, const std::string& of, bool own_supply = false) {
    statement_.contain({.user = user, .carrier = "electricity", .own_supply = own_supply, .of = of});
  }
  void add(const std::string& user, std::int64_t amount, const char* factor = kGrid, const std::string& meter = "") {
    statement_.add(series(user, meter), entry(0, {amount, amount * 2, amount * 3, amount * 4}, factor));
  }

  const Line& line(Level level, Sum sum, const std::string& user = "") {
    for (const Line& one : lines_) {
      if (one.level == level && one.sum == sum && one.user == user) return one;
    }
    ADD_FAILURE() << "no line " << to_string(level) << " " << to_string(sum) << " " << user;
    static const Line kNone;
    return kNone;
  }
  std::int64_t amount(Level level, Sum sum, const std::string& user = "") {
    return line(level, sum, user).now.amount.quanta();
  }
  void cut(By by = By::user) { lines_ = statement_.lines(by); }

  Statement statement_{{kBegin, kBegin + kPeriod}};
  std::map<std::tuple<std::string, std::string, std::string>, std::shared_ptr<model::Series>> series_;
  std::vector<Line> lines_;
};

TEST_F(AllocationTest, CountsWhatSubMetersCountInNoTotalOfTheSite) {
  contain("press", "park");
  contain("lathe", "park");
  add("park", 100);
  add("press", 60);
  add("lathe", 25);
  statement_.add(series("press", "boiler", "heat"), entry(0, {7, 7, 7, 7}));
  cut();
  EXPECT_EQ(amount(Level::carrier, Sum::unallocated, "park"), 15);
  EXPECT_EQ(amount(Level::site, Sum::total), 100 + 7);
  EXPECT_EQ(amount(Level::site, Sum::net), 100 + 7);
  EXPECT_EQ(line(Level::scope, Sum::total).now.amount.quanta(), 100 + 7);
  EXPECT_EQ(amount(Level::user, Sum::total, "press"), 60 + 7) << "its own total is what it consumes";
  EXPECT_EQ(line(Level::account, Sum::consumed, "lathe").part_of, "park");
  EXPECT_EQ(line(Level::user, Sum::total, "lathe").part_of, "park");
  EXPECT_EQ(line(Level::user, Sum::total, "press").part_of, "park (electricity)") << "its heat is not";
  std::int64_t accounts = 0;
  for (const Line& one : lines_) {
    if (one.level == Level::account && one.part_of.empty()) accounts += one.now.amount.quanta();
  }
  EXPECT_EQ(accounts, amount(Level::site, Sum::total));
  EXPECT_EQ(line(Level::carrier, Sum::unallocated, "park").part_of, "");
  EXPECT_FALSE(is_below_zero(line(Level::carrier, Sum::unallocated, "park")));
  cut(By::carrier);
  EXPECT_EQ(line(Level::carrier, Sum::consumed).carrier, "electricity");
  EXPECT_EQ(amount(Level::carrier, Sum::consumed), 100);
  cut(By::scope);
  EXPECT_EQ(amount(Level::site, Sum::total), 100 + 7);
}

TEST_F(AllocationTest, NamesWhatOfALineIsContained) {
  contain("office", "park");
  add("park", 100);
  add("office", 40);
  add("office", 5, kRoof, "roof");
  cut();
  EXPECT_EQ(line(Level::user, Sum::total, "office").part_of, "park (electricity, without own generation)");
  EXPECT_EQ(amount(Level::site, Sum::total), 100 + 5);
}

TEST_F(AllocationTest, CountsNestedPartsWhereTheyAreContainedFirst) {
  contain("hall", "park");
  contain("mill", "hall");
  contain("lathe", "hall");
  add("park", 100);
  add("hall", 70);
  add("mill", 30);
  add("lathe", 20);
  cut();
  EXPECT_EQ(amount(Level::carrier, Sum::unallocated, "park"), 30);
  EXPECT_EQ(amount(Level::carrier, Sum::unallocated, "hall"), 20);
  EXPECT_EQ(amount(Level::site, Sum::total), 100);
  const auto allocations = statement_.allocations();
  ASSERT_EQ(allocations.size(), 2u);
  EXPECT_EQ(allocations[0].whole.user, "hall");
  EXPECT_EQ(allocations[0].parts.size(), 2u);
  EXPECT_EQ(allocations[0].parts[0].user, "lathe");
  EXPECT_EQ(allocations[1].whole.user, "park");
  EXPECT_EQ(allocations[1].parts.size(), 1u);
}

TEST_F(AllocationTest, ShowsBelowZeroWhatPartsCountTooMuch) {
  contain("press", "park");
  add("park", 100);
  add("press", 101);
  cut();
  const Line& rest = line(Level::carrier, Sum::unallocated, "park");
  EXPECT_EQ(amounts_of(rest.now), (Amounts{-1, -2, -3, -4}));
  EXPECT_EQ(rest.whole.quanta(), 100);
  EXPECT_TRUE(is_below_zero(rest));
  EXPECT_EQ(amount(Level::site, Sum::total), 100);
}

TEST_F(AllocationTest, KeepsOwnGenerationOutOfWhatTheGridMeterCounts) {
  contain("press", "park");
  add("park", 100);
  add("press", 60);
  add("press", 40, kRoof, "roof");
  cut();
  EXPECT_EQ(amount(Level::carrier, Sum::unallocated, "park"), 40);
  EXPECT_EQ(amount(Level::site, Sum::total), 140) << "the grid's and the roof's";
  contain("press", "park", true);  // the park accounts for its roofs too
  add("park", 45, kRoof, "roofs");
  cut();
  EXPECT_EQ(amount(Level::carrier, Sum::unallocated, "park"), 100 + 45 - 60 - 40);
  EXPECT_EQ(amount(Level::site, Sum::total), 145);
}

TEST_F(AllocationTest, KnowsTheSupplyOfAnAccountWithoutEntriesAsExpected) {
  contain("press", "park");
  statement_.expect(*series("park"));
  statement_.expect(*series("press"));
  statement_.expect(*series("press", "roof"), true);
  cut();
  EXPECT_EQ(line(Level::site, Sum::total).points, 2) << "the incomer and the roof";
}

TEST_F(AllocationTest, IsCoveredAsItsWorstMeterAndOfItsWorstQuality) {
  contain("press", "park");
  for (int quarter = 0; quarter < kQuarters; ++quarter) {
    statement_.add(series("park"), entry(quarter, {10, 0, 0, 0}));
    auto part = entry(quarter, {4, 0, 0, 0});
    part.covered = quarter < 24 ? 15min : 5min;
    if (quarter == 30) part.quality = {model::Origin::estimated, model::Rule::gap};
    statement_.add(series("press"), part);
  }
  cut();
  const Line& rest = line(Level::carrier, Sum::unallocated, "park");
  EXPECT_EQ(rest.points, 1);
  EXPECT_EQ(rest.covered, 24 * 15min + 72 * 5min);
  EXPECT_EQ(rest.worst->origin, model::Origin::estimated);
  EXPECT_EQ(line(Level::site, Sum::total).covered, kPeriod) << "the incomer alone";
}

// Users, nested at random, whose meters count at random and are corrected at random: for every one that contains
// others, published and as now known, parts and unallocated are the whole, and the site is what is contained nowhere.
class RandomSplit : public AllocationTest, public testing::WithParamInterface<unsigned> {};

TEST_P(RandomSplit, AddsUpToTheLastUnit) {
  std::mt19937_64 random(GetParam());
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  const int users = 2 + static_cast<int>(below(9));
  std::map<std::string, std::string> container;
  std::map<std::string, Amounts> first, now;
  const auto name = [](std::int64_t user) { return "u" + std::to_string(user); };
  for (int user = 1; user < users; ++user) {
    if (below(8) == 0) continue;  // a second incomer
    container[name(user)] = name(below(user));
    contain(name(user), container[name(user)]);
  }
  for (int user = 0; user < users; ++user) {
    for (int meter = 0; meter <= below(3); ++meter) {
      const auto of = series(name(user), name(user) + "-" + std::to_string(meter));
      for (int quarter = 0; quarter < kQuarters; ++quarter) {
        if (below(10) == 0) continue;
        const auto figures = [&] { return Amounts{below(1'000'000'007), below(1'000'003), below(997), below(99'991)}; };
        const Amounts published = figures();
        statement_.add(of, entry(quarter, published));
        first[name(user)] += published;
        now[name(user)] += published;
        for (std::uint32_t revision = 1; revision <= below(3); ++revision) {
          const Amounts difference = figures() - figures();
          auto correction = entry(quarter, difference, below(2) == 0 ? kGrid : "cn-grid/CN/average/2023");
          correction.revision = revision;
          statement_.add(of, correction);
          now[name(user)] += difference;
        }
      }
    }
  }
  const auto allocations = statement_.allocations();
  std::size_t parts = 0;
  for (const Allocation& allocation : allocations) {
    Amounts sum_first = amounts_of(allocation.unallocated.first);
    Amounts sum_now = amounts_of(allocation.unallocated.now);
    for (const Line& part : allocation.parts) {
      EXPECT_EQ(container[part.user], allocation.whole.user);
      EXPECT_EQ(amounts_of(part.now), now[part.user]);
      sum_first += amounts_of(part.first);
      sum_now += amounts_of(part.now);
      ++parts;
    }
    EXPECT_EQ(sum_first, first[allocation.whole.user]);
    EXPECT_EQ(sum_now, now[allocation.whole.user]);
    EXPECT_EQ(amounts_of(allocation.whole.now), now[allocation.whole.user]);
    EXPECT_EQ(is_below_zero(allocation.unallocated),
              std::ranges::any_of(std::initializer_list<std::int64_t>{amounts_of(allocation.unallocated.now).amount,
                                                                      amounts_of(allocation.unallocated.now).co2e,
                                                                      amounts_of(allocation.unallocated.now).market},
                                  [](std::int64_t figure) { return figure < 0; }));
  }
  EXPECT_EQ(parts, container.size());
  Amounts site_first, site_now;
  for (const auto& [user, amounts] : now) {
    if (container.contains(user)) continue;
    site_first += first[user];
    site_now += amounts;
  }
  for (const By by : {By::user, By::scope, By::carrier}) {
    cut(by);
    EXPECT_EQ(amounts_of(line(Level::site, Sum::total).first), site_first);
    EXPECT_EQ(amounts_of(line(Level::site, Sum::total).now), site_now);
    EXPECT_EQ(amounts_of(line(Level::site, Sum::net).now), site_now);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomSplit, testing::Range(1u, 61u));

}  // namespace
}  // namespace carbongate::books
