#include "gateway/ops/live.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>

#include "gateway/ops/presence.h"

namespace carbongate::ops {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr Instant kNow{1'790'000'000s};

// A works: `park` has an incomer and a roof, `press-shop` is part of it, `paint-line` is told by a person.
class Works final : public Facts {
 public:
  Works() {
    site_.name = "works";
    add("incomer", "park", false);
    add("roof", "park", true);
    add("press", "press-shop", false);
    site_.containments.push_back({.user = "press-shop", .carrier = "electricity", .own_supply = false, .of = "park"});
    state_.now = kNow;
    state_.drivers.emplace_back();
    for (const Point& point : site_.points) {
      DeviceStatus& device = state_.drivers[0].devices.emplace_back();
      device.device = point.device;
      device.state = DeviceStatus::State::online;
      fixed_.driver_of[point.device] = "mqtt";
    }
    const double kilowatts[] = {160, 20, 50};
    for (std::size_t i = 0; i < 3; ++i) {
      accounts_.points[i].last_at = kNow - 5s;
      accounts_.accounts[i].amount_per_hour = kilowatts[i];
      accounts_.accounts[i].co2e_kg_per_hour = i == 1 ? 0 : kilowatts[i] / 2;
    }
  }

  void add(const std::string& device, const std::string& user, bool own) {
    Point point;
    point.id = PointId(site_.points.size());
    point.device = device;
    point.name = "energy";
    point.kind = Kind::cumulative;
    point.unit = *find_unit("kWh");
    point.limits.interval = 10s;
    site_.points.push_back(point);
    model::Account account;
    account.id = model::AccountId(site_.accounts.size());
    account.user = user;
    account.user_name = user;
    account.carrier = model::find_carrier("electricity");
    account.scope = model::Scope::energy;
    account.source = point.id;
    if (own)
      account.factor = model::FactorChoice{.set = std::string(model::kOwnGeneration), .region = "", .method = ""};
    site_.accounts.push_back(account);
    accounts_.points.emplace_back();
    accounts_.accounts.emplace_back();
  }
  void silence(std::size_t meter, Duration since) { accounts_.points.at(meter).last_at = kNow - since; }
  void take_offline(std::size_t meter) { state_.drivers[0].devices.at(meter).state = DeviceStatus::State::offline; }

  const Fixed& fixed() const override { return fixed_; }
  const model::Site& site() const override { return site_; }
  const pipeline::FactorRegistry& factors() const override { return factors_; }
  const model::Checkpoint& accounts() const override { return accounts_; }
  State state() const override { return state_; }
  Instant now() const override { return kNow; }

  json::object told() const { return Live(*this).now(state_); }
  json::object user(std::string_view id) const {
    const json::object all = Live(*this).energy_users(state_);
    for (const json::value& one : all.at("energy_users").as_array()) {
      if (one.at("id").as_string() == id) return one.as_object();
    }
    return {};
  }

  Fixed fixed_;
  model::Site site_;
  pipeline::FactorRegistry factors_;
  model::Checkpoint accounts_;
  State state_;
};

const json::value& source(const json::object& told, std::string_view id) {
  for (const json::value& one : told.at("sources").as_array()) {
    if (one.at("id").as_string() == id) return one;
  }
  throw std::out_of_range("no such source");
}

TEST(Live, TellsWhatAllMetersSayAsPresent) {
  const Works works;
  const json::object told = works.told();
  EXPECT_DOUBLE_EQ(told.at("power_kw").as_double(), 180);
  EXPECT_EQ(told.at("accounted_points"), 3);
  EXPECT_EQ(told.at("stale_points"), 0);
  EXPECT_TRUE(told.at("stale").as_array().empty());
  EXPECT_DOUBLE_EQ(told.at("oldest_age_s").as_double(), 5);
  EXPECT_FALSE(works.user("park").at("stale").as_bool());
}

TEST(Live, NamesAMeterThatIsSilentAndLeavesItOutOfTheSums) {
  Works works;
  works.silence(0, 140s);
  works.take_offline(0);
  const json::object told = works.told();
  EXPECT_DOUBLE_EQ(told.at("power_kw").as_double(), 20);
  EXPECT_EQ(told.at("stale_points"), 1);
  EXPECT_DOUBLE_EQ(told.at("data_age_s").as_double(), 5);
  EXPECT_DOUBLE_EQ(told.at("oldest_age_s").as_double(), 140);
  const json::object& silent = told.at("stale").as_array().at(0).as_object();
  EXPECT_EQ(silent.at("point"), "incomer.energy");
  EXPECT_EQ(silent.at("device"), "incomer");
  EXPECT_EQ(silent.at("energy_users"), json::array{"park"});
  EXPECT_DOUBLE_EQ(silent.at("age_s").as_double(), 140);
  EXPECT_TRUE(silent.at("offline").as_bool());
  EXPECT_TRUE(source(told, "grid").at("power_kw").is_null());
  EXPECT_TRUE(source(told, "grid").at("stale").as_bool());
  EXPECT_FALSE(source(told, "own").at("stale").as_bool());
  EXPECT_TRUE(told.at("renewable_share_percent").is_null()) << "a share of what is not known";
  for (const json::value& link : told.at("flows").at("links").as_array()) EXPECT_NE(link.at("source"), "source:grid");
  for (const json::value& node : told.at("flows").at("nodes").as_array()) {
    EXPECT_EQ(node.at("stale").as_bool(), node.at("id") == "user:park") << node.at("id");
  }
}

TEST(Live, AUserOfASilentMeterHasNoRate) {
  Works works;
  works.silence(2, 140s);
  works.take_offline(2);
  const json::object press = works.user("press-shop");
  EXPECT_TRUE(press.at("stale").as_bool());
  EXPECT_TRUE(press.at("power_kw").is_null());
  EXPECT_TRUE(press.at("co2e_kg_per_h").is_null());
  EXPECT_TRUE(press.at("carriers").as_array().at(0).at("stale").as_bool());
  EXPECT_TRUE(press.at("carriers").as_array().at(0).at("rate").is_null());
  EXPECT_FALSE(works.user("site").at("stale").as_bool()) << "its total is without what is part of another user";
  EXPECT_DOUBLE_EQ(works.user("site").at("power_kw").as_double(), 180);
  bool is_rest_marked = false;
  const json::object told = works.told();
  for (const json::value& node : told.at("flows").at("nodes").as_array()) {
    if (node.at("id") == "unallocated:park") is_rest_marked = node.at("stale").as_bool();
  }
  EXPECT_FALSE(is_rest_marked) << "without a part that is heard there is no rest";
}

TEST(Live, PartOfAUserThatIsHeardIsToldAsPart) {
  Works works;
  works.silence(1, 61s);
  const json::object park = works.user("park");
  EXPECT_TRUE(park.at("stale").as_bool());
  EXPECT_DOUBLE_EQ(park.at("power_kw").as_double(), 160);
  const json::array& carriers = park.at("carriers").as_array();
  EXPECT_DOUBLE_EQ(carriers.at(0).at("rate").as_double(), 160);
  EXPECT_FALSE(carriers.at(0).at("stale").as_bool());
  EXPECT_TRUE(carriers.at(1).at("rate").is_null());
  EXPECT_TRUE(carriers.at(1).at("stale").as_bool());
}

TEST(Live, TellsNoPowerWhenAllAreSilent) {
  Works works;
  for (std::size_t i = 0; i < 3; ++i) works.silence(i, 10min);
  const json::object told = works.told();
  EXPECT_TRUE(told.at("power_kw").is_null());
  EXPECT_TRUE(told.at("co2e_kg_per_h").is_null());
  EXPECT_EQ(told.at("stale_points"), told.at("accounted_points"));
  EXPECT_TRUE(told.at("flows").at("links").as_array().empty());
  const Live::Totals totals = Live(works).totals(works.state_);
  EXPECT_FALSE(totals.power_kw);
  EXPECT_EQ(totals.stale_points, 3U);
}

TEST(Live, ALongListOfSilentMetersIsCutAndThoseSilentForLongestComeFirst) {
  Works works;
  for (int i = 0; i < 30; ++i) works.add("m" + std::to_string(i), "hall", false);
  for (std::size_t i = 0; i < 30; ++i) works.silence(3 + i, 10min + std::chrono::minutes(i));
  works.accounts_.points[3].last_at = std::nullopt;
  const json::object told = works.told();
  EXPECT_EQ(told.at("stale_points"), 30);
  ASSERT_EQ(told.at("stale").as_array().size(), Presence::kNamedMax);
  EXPECT_TRUE(told.at("stale").as_array().at(0).at("age_s").is_null()) << "never heard";
  EXPECT_EQ(told.at("stale").as_array().at(1).at("point"), "m29.energy");
  EXPECT_DOUBLE_EQ(told.at("oldest_age_s").as_double(), 39 * 60);
}

TEST(Live, ARateIsPresentForAFewIntervals) {
  const auto is_stale = [](Duration interval, Duration gap_max, Duration age, bool is_offline) {
    Works works;
    works.site_.points[0].limits.interval = interval;
    works.site_.points[0].limits.gap_max = gap_max;
    works.silence(0, age);
    if (is_offline) works.take_offline(0);
    return works.told().at("stale_points") == 1;
  };
  EXPECT_FALSE(is_stale(1s, {}, 60s, false));
  EXPECT_TRUE(is_stale(1s, {}, 61s, false));
  EXPECT_TRUE(is_stale(1s, 2h, 61s, false)) << "how long a gap may be says nothing of the present";
  EXPECT_FALSE(is_stale(15min, {}, 45min, false));
  EXPECT_TRUE(is_stale(15min, {}, 46min, false));
  EXPECT_FALSE(is_stale({}, {}, 5min, false)) << "it is not known how often one is due";
  EXPECT_TRUE(is_stale({}, {}, 5min + 1s, false));
  EXPECT_FALSE(is_stale({}, 2h, 2h, false));
  EXPECT_FALSE(is_stale(1s, {}, 15s, true)) << "a connection that comes back at once";
  EXPECT_TRUE(is_stale(1s, {}, 16s, true));
  EXPECT_FALSE(is_stale(15min, {}, 15min, true));
  EXPECT_TRUE(is_stale(15min, {}, 16min, true));
  EXPECT_TRUE(is_stale({}, 2h, 16s, true));
}

TEST(Live, WhatIsComputedIsSilentWithItsDevice) {
  Works works;
  works.add("computed", "hall", false);
  works.site_.derived.push_back(
      {.result = PointId(3), .formula = model::Formula::sum, .inputs = {{.point = PointId(2)}}});
  works.silence(3, 30s);
  EXPECT_EQ(works.told().at("stale_points"), 0);
  works.take_offline(2);
  EXPECT_EQ(works.told().at("stale_points"), 1);
}

TEST(Live, WhatAPersonEntersIsNeverSilent) {
  Works works;
  works.add("by-hand", "hall", false);
  works.fixed_.driver_of["by-hand"] = "manual";
  EXPECT_EQ(works.told().at("stale_points"), 0);
  EXPECT_EQ(works.told().at("accounted_points"), 3);
  EXPECT_FALSE(works.user("hall").at("stale").as_bool());
}

}  // namespace
}  // namespace carbongate::ops
