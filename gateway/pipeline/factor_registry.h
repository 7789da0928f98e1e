// The emission factors a site may use: dated, sourced, versioned; read from config/factors or the site's own
// `factors/`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/reader/data_files.h"
#include "config/reader/problem.h"
#include "gateway/model/account.h"
#include "gateway/model/factor.h"
#include "gateway/pipeline/gwp.h"

namespace carbongate::pipeline {

// Which sets, and by which global warming potentials they become CO2e.
struct FactorSources {
  std::vector<std::string> sets;  // of emissions and of standard coal, in any order
  std::string gwp = std::string(kDefaultGwp);
  std::vector<model::Factor> own;  // of the site's configuration: factor_set.h
};

// Constant once loaded; pointers to its factors stay valid as long as the registry, also when it is moved.
//
// Lookup order, for (set, carrier, region, method, instant):
//   1. the series of exactly this set, carrier, region and method; else
//   2. the series of this set, carrier and method without a region (a fuel burns alike everywhere); else nothing. Of
//      coal_set_of() a set only where its emissions are those without a region, too.
//   In the series found: the factor that began last at or before the instant. If its `valid_until` has passed, nothing;
//   an older one of the series never comes back.
// Nothing else is guessed. A province never falls back to the nation, because the choice of level belongs to the
// purpose of the account; a set never falls back to another; a method never to another. Where nothing applies,
// explain_missing() says which part of the question has no answer.
class FactorRegistry {
 public:
  // Reads the sets named, each once. Dates begin at midnight in `time_zone`. Problems (a set that does not exist, two
  // factors for one series and date, a unit that does not fit its carrier...) go to `problems` with their place; what
  // could be read is there in any case.
  //
  // A factor for year Y is valid from 1 January of Y until a newer one of its series begins; the newest stays valid
  // until its own `valid_until`, if it has one.
  static FactorRegistry load(const config::DataFiles& data, const FactorSources& sources, std::string_view time_zone,
                             config::Problems& problems);
  static FactorRegistry load(const config::DataFiles& data, std::span<const std::string> sets,
                             std::string_view time_zone, config::Problems& problems) {
    return load(data, {.sets = {sets.begin(), sets.end()}, .own = {}}, time_zone, problems);
  }

  const model::Factor* find(std::string_view set, std::string_view carrier, std::string_view region,
                            std::string_view method, Instant at) const;

  const model::Factor* find(const model::FactorChoice& choice, const model::Carrier& carrier, Instant at) const {
    return find(choice.set, carrier.id, choice.region, choice.method, at);
  }

  // The series by which an account's standard coal goes at an instant. nullptr: by none.
  const model::FactorChoice* coal_choice(const model::Account& account, Instant at) const;

  // The factor at an instant and how long that answer holds: [from, until). `factor` is nullptr where none applies.
  struct Holding {
    const model::Factor* factor = nullptr;
    Instant from{};
    Instant until{};
  };
  Holding look_up(std::string_view set, std::string_view carrier, std::string_view region, std::string_view method,
                  Instant at) const;

  // For people, when find() gives nothing: which part of the question has no answer and what there is instead, for
  // example "cn-grid has no factor for electricity, CN-SC, average before 2021-01-01 (cn-grid/CN-SC/average/2021)". ""
  // if it does.
  std::string explain_missing(std::string_view set, std::string_view carrier, std::string_view region,
                              std::string_view method, Instant at) const;

  // What there is, sorted; for messages that offer the nearest right name. A region "" means: without a region.
  // sets() are those of emissions, unless asked for those of standard coal.
  std::vector<std::string> sets(model::FactorKind kind = model::FactorKind::emission) const;
  std::vector<std::string> carriers(std::string_view set) const;
  std::vector<std::string> regions(std::string_view set, std::string_view carrier) const;
  std::vector<std::string> methods(std::string_view set, std::string_view carrier, std::string_view region) const;

  std::span<const model::Factor> all() const { return factors_; }  // sorted by series, then validity
  // Makes a live series known (live_factors.h): it is among the sets and methods, and has no factors here. `source`
  // names its point. False: there is one already.
  bool declare_live(const model::FactorChoice& choice, const std::string& carrier, const std::string& source);
  bool is_live(const model::FactorChoice& choice, const model::Carrier& carrier) const;

  const model::Factor* find_id(std::string_view id) const;
  const std::string& time_zone() const { return time_zone_; }
  const std::string& gwp() const { return gwp_; }  // "AR5"

 private:
  struct Series {
    std::size_t begin = 0;  // in factors_, ascending by valid_from
    std::size_t end = 0;
    model::FactorKind kind = model::FactorKind::emission;
    std::string live_source{};  // of a live one, which is empty here
  };
  using Key = std::vector<std::string>;  // set, carrier, region, method

  const Series* series(std::string_view set, std::string_view carrier, std::string_view region,
                       std::string_view method) const;
  void index();

  std::string time_zone_;
  std::string gwp_;
  std::vector<model::Factor> factors_;
  std::map<Key, Series> series_;
};

}  // namespace carbongate::pipeline
