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

namespace carbongate::pipeline {

// Constant once loaded; pointers to its factors stay valid as long as the registry, also when it is moved.
//
// Lookup order: the newest factor of (set, carrier, region, method) that is valid at the instant. Where the set has no
// series for the region, its series without a region serves (a fuel burns alike everywhere); nothing else is guessed: a
// province never falls back to the nation, because the choice of level belongs to the purpose of the account.
class FactorRegistry {
 public:
  // Reads the sets named, each once. Dates begin at midnight in `time_zone`. Problems (a set that does not exist, two
  // factors for one series and date, a unit that does not fit its carrier...) go to `problems` with their place; what
  // could be read is there in any case.
  //
  // A factor for year Y is valid from 1 January of Y until a newer one of its series begins; the newest stays valid
  // until its own `valid_until`, if it has one.
  static FactorRegistry load(const config::DataFiles& data, std::span<const std::string> sets,
                             std::string_view time_zone, config::Problems& problems);

  const model::Factor* find(std::string_view set, std::string_view carrier, std::string_view region,
                            std::string_view method, Instant at) const;

  const model::Factor* find(const model::FactorChoice& choice, const model::Carrier& carrier, Instant at) const {
    return find(choice.set, carrier.id, choice.region, choice.method, at);
  }

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
  std::vector<std::string> sets() const;
  std::vector<std::string> carriers(std::string_view set) const;
  std::vector<std::string> regions(std::string_view set, std::string_view carrier) const;
  std::vector<std::string> methods(std::string_view set, std::string_view carrier, std::string_view region) const;

  std::span<const model::Factor> all() const { return factors_; }  // sorted by series, then validity
  const std::string& time_zone() const { return time_zone_; }

 private:
  struct Series {
    std::size_t begin = 0;  // in factors_, ascending by valid_from
    std::size_t end = 0;
  };
  using Key = std::vector<std::string>;  // set, carrier, region, method

  const Series* series(std::string_view set, std::string_view carrier, std::string_view region,
                       std::string_view method) const;
  void index();

  std::string time_zone_;
  std::vector<model::Factor> factors_;
  std::map<Key, Series> series_;
};

}  // namespace carbongate::pipeline
