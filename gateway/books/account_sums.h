// The sums of one account in a period: what a statement's lines are made of.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/books/statement.h"

namespace carbongate::books {

// Under which factors a quarter hour is counted.
struct FactorsOf {
  std::string_view primary;
  std::string_view market;
  bool has_market = false;
};

// Sums of an account's quarter hours that have the same series of factors.
struct FactorSums {
  std::string factors_of;
  std::string market_of;
  bool has_market = false;
  Figures first;
  Figures now;
  model::PerBasis<bool> unstated{};  // an entry emits by a meter or factor that states no uncertainty, or has no factor
  std::uint64_t entries = 0;
  std::uint64_t corrections = 0;
  std::optional<model::Quality> worst;
  std::optional<model::Quality> worst_moved;  // of what was published here and is booked in another line now
  std::vector<FactorUse> factors;
  std::vector<FactorUse> market_factors;
  std::vector<std::string> gwp_sets;
  std::vector<std::string> superseded_by;  // series to which corrections moved quarter hours...
  std::vector<std::string> supersedes;     // ...and from which

  bool is_of(const FactorsOf& other) const {
    return factors_of == other.primary && market_of == other.market && has_market == other.has_market;
  }
  std::string_view series(model::Basis basis) const {
    return basis == model::Basis::market && has_market ? std::string_view(market_of) : std::string_view(factors_of);
  }
};

// One quarter hour, of which more revisions may follow.
class QuarterHour {
 public:
  explicit QuarterHour(Instant begin) : begin_(begin) {}

  void add(const model::EmissionEntry& entry);
  void book_first(FactorSums& sums) const { sums.first += first(); }
  void book_now(FactorSums& sums, model::Scope scope) const;
  void book_time(OriginTimes& times) const;

  // As first published, and with all corrections. Where there is no market-based result the primary one is in its
  // place.
  Figures first() const { return with_market(first_, first_has_market_); }
  model::Quality first_quality() const { return first_quality_; }
  Figures now() const { return with_market(now_, has_market_); }

  Instant begin() const { return begin_; }
  bool published() const { return published_; }
  Duration covered() const { return covered_; }
  FactorsOf factors() const { return {factor_series(factor_.id), factor_series(market_.id), has_market_}; }
  FactorsOf first_factors() const {
    return {factor_series(first_factor_), factor_series(first_market_), first_has_market_};
  }

 private:
  static Figures with_market(Figures figures, bool has_market);

  Instant begin_;
  Instant end_;
  Figures first_;
  model::Quality first_quality_;
  Figures now_;
  bool first_has_market_ = false;
  bool has_market_ = false;
  bool published_ = false;
  bool corrected_ = false;
  std::uint32_t newest_ = 0;  // revision of what follows
  Duration covered_{};
  model::Quality quality_;
  FactorUse factor_;
  FactorUse market_;
  std::string gwp_set_;
  std::string market_gwp_set_;
  std::string first_factor_;
  std::string first_market_;
};

class AccountSums {
 public:
  void add(const model::EmissionEntry& entry);
  void close();  // books the last quarter hour

  model::Series series;     // as last described
  bool own_supply = false;  // as expected
  std::optional<Instant> open_since;
  Duration covered() const { return covered_; }
  const OriginTimes& time_by_origin() const { return time_by_origin_; }
  const std::list<FactorSums>& by_factors() const { return by_factors_; }

 private:
  FactorSums& sums(const FactorsOf& factors);

  Duration covered_{};
  OriginTimes time_by_origin_{};
  std::list<FactorSums> by_factors_;
  FactorSums* last_ = nullptr;  // nearly always the one that is needed
  std::optional<QuarterHour> open_;
};

}  // namespace carbongate::books
