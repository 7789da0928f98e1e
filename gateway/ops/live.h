// The park at one moment, from where its accounts stand: GET /now, GET /energy-users, and the totals of /metrics.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>

#include "gateway/model/checkpoint.h"
#include "gateway/model/site.h"
#include "gateway/ops/facts.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/factor_registry.h"

namespace carbongate::ops {

class Presence;

// Where an account's carrier comes from: "grid", "own", or the carrier itself: "heat", "natural-gas".
std::string supply_of(const model::Account& account);

// kWh that one display unit of the account's carrier stands for: exact for energies, by the calorific value of its
// standard coal factor for fuels; nullopt: it has none.
std::optional<double> kwh_per_unit(const model::Account& account, const pipeline::FactorRegistry& factors, Instant now);

// "kW", "Nm3/h".
std::string rate_unit(const model::Carrier& carrier);

// Pure but for the calendar, which remembers. Loop thread.
class Live {
 public:
  // `facts` outlives it.
  explicit Live(const Facts& facts) : facts_(facts), calendar_(facts.site().time_zone) {}

  boost::json::object now(const State& state);
  boost::json::object energy_users(const State& state);

  // Rates are of the meters that are heard, and nullopt if all that count are silent.
  struct Totals {
    std::optional<double> power_kw;
    std::optional<double> co2e_kg_per_h;
    bool power_is_whole = true;    // no meter of electricity is silent
    std::size_t stale_points = 0;  // accounted, and silent
    double electricity_kwh = 0;    // since the first reading
    double co2e_kg = 0;            // the same
  };
  Totals totals(const State& state) const;

 private:
  struct Sums;
  Totals totals(const Presence& present) const;
  Sums sums_of(model::Period period, const std::string* user, Instant now);
  boost::json::object period_of(const Sums& sums) const;
  boost::json::array sources(const Presence& present) const;
  boost::json::array quotas(Instant now);
  boost::json::value grid(const Presence& present) const;
  boost::json::object flows(const Presence& present) const;
  boost::json::array carriers(const std::string* user, const Presence& present);

  const Facts& facts_;
  pipeline::Calendar calendar_;
};

}  // namespace carbongate::ops
