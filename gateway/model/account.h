// Who consumes what from which meter: one account per energy user, carrier and metering point.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/api/point.h"
#include "gateway/model/carrier.h"

namespace carbongate::model {

enum class AccountId : std::uint32_t {};  // dense, from 0, in the order of the configuration; valid for one run
constexpr std::size_t index(AccountId id) {
  return static_cast<std::size_t>(id);
}

// Where an emission belongs (GHG Protocol, ISO 14064-1). Stable numbers: they are stored.
enum class Scope : std::uint8_t {
  none = 0,    // no emission of its own: a product, a working medium
  direct = 1,  // scope 1: burnt, released or set free on the site
  energy = 2,  // scope 2: purchased electricity, heat, steam, cooling
};

// Which way it goes. An export is an account of its own, never a negative consumption. Stable numbers.
enum class Flow : std::uint8_t {
  consumed = 0,
  exported = 1,  // leaves the user: electricity or heat sold
  produced = 2,  // made here: a product, own generation
  emitted = 3,   // released, and measured as a gas: a stack, a leak, a refrigerant lost
  measured = 4,  // the same, of a release that is calculated as well: beside the calculation, in no total
};

// What makes the totals of a user or site; the rest stands beside them.
constexpr bool in_total(Flow flow) {
  return flow == Flow::consumed || flow == Flow::emitted;
}

// The factor set of what is made on the site from renewable sources, and used there.
inline constexpr std::string_view kOwnGeneration = "own-generation";

std::string_view to_string(Scope scope);  // "1", "2"; "" for none
std::string_view to_string(Flow flow);    // "consumed", "exported", "produced", "emitted", "measured"

// A series of factors, without a date.
struct FactorChoice {
  std::string set;     // "cn-grid"
  std::string region;  // "CN-SC"
  std::string method;  // "average"

  friend bool operator==(const FactorChoice&, const FactorChoice&) = default;
};

// The meter that an account is counted from, in the words of its configuration: for statements. "" where nothing is
// said.
struct MeterDescription {
  std::string accuracy = {};     // "0.5S, CT 0.2 %, PT 0.2 %"
  std::string device = {};       // type or number
  std::string calibration = {};  // "2026-03-01"

  friend bool operator==(const MeterDescription&, const MeterDescription&) = default;
};

// What to put in the place of hours without valid data.
enum class SubstitutionMethod : std::uint8_t {
  none,          // what a register difference recovers is exact in sum: a counter needs nothing else
  hj75,          // emission amounts of flue gas, HJ 75-2017: maxima of valid hours, by the share of valid hours
  same_weekday,  // mean of the same hour of the same weekday, at most eight weeks back: for amounts that are no
                 // emission limit
};

struct Account {
  AccountId id{};
  std::string user;                  // "press-shop"
  std::string user_name;             // 冲压车间
  const Carrier* carrier = nullptr;  // static storage
  Scope scope = Scope::direct;
  Flow flow = Flow::consumed;
  PointId source{};
  std::optional<FactorChoice> factor;          // nullopt: nothing is emitted
  std::optional<FactorChoice> market;          // scope 2: the market-based one
  std::vector<FactorChoice> market_else = {};  // while it does not apply, in this order: the GHG Protocol's hierarchy
  std::optional<FactorChoice> coal;            // standard coal
  std::optional<FactorChoice> measured_coal = {};  // before `coal`, where it has a factor: factor_set.h
  std::int32_t activity_u95_ppm = 0;  // half-width of the 95 % interval of the amounts, in millionths: the meter chain
  MeterDescription meter = {};
  SubstitutionMethod substitution = SubstitutionMethod::none;
};

// Not purchased, but made on the site.
inline bool is_own_supply(const Account& account) {
  return account.factor && account.factor->set == kOwnGeneration;
}

}  // namespace carbongate::model
