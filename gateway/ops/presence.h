// Whose rate is known at one moment, and who is silent: a rate is what a meter said last, and is told as present only
// as long as the meter is heard.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <vector>

#include "gateway/model/site.h"
#include "gateway/ops/facts.h"

namespace carbongate::ops {

// Of one moment: made, asked and thrown away. Loop thread.
class Presence {
 public:
  static constexpr std::size_t kNamedMax = 20;  // silent points that are named; the others are counted

  // `facts` outlives it; `state` is not kept.
  Presence(const Facts& facts, const State& state);

  Instant now() const { return now_; }
  bool is_fresh(const model::Account& account) const { return of(account) == Of::heard; }

  // Silent, or never heard. Not of what a person enters: it has no rate that could be known.
  bool is_stale(const model::Account& account) const { return of(account) == Of::silent; }

  std::size_t stale_points() const { return stale_.size(); }

  // accounted_points, stale_points, oldest_age_s, and stale: which they are, those that are silent for longest first.
  boost::json::object json() const;

 private:
  enum class Of : std::uint8_t { none, heard, silent, entered };
  struct Silent {
    PointId point{};
    std::optional<Instant> heard;
    bool offline = false;  // by its device
  };

  Of of(const model::Account& account) const { return points_.at(index(account.source)); }

  const Facts& facts_;
  Instant now_;
  std::vector<Of> points_;  // by point; none: of no account
  std::size_t accounted_ = 0;
  std::optional<Instant> oldest_;  // newest reading of the point that is silent for longest
  std::vector<Silent> stale_;
};

// Of several accounts: what is known of their rates.
class RateSum {
 public:
  void add(const Presence& present, const model::Account& account, double rate) {
    if (present.is_fresh(account)) {
      sum_ += rate;
      is_heard_ = true;
    }
    is_stale_ = is_stale_ || present.is_stale(account);
  }

  // Without those that are silent; nullopt: all of them are.
  std::optional<double> known() const { return is_stale_ && !is_heard_ ? std::nullopt : std::optional(sum_); }
  bool is_stale() const { return is_stale_; }  // some are silent

 private:
  double sum_ = 0;
  bool is_heard_ = false;
  bool is_stale_ = false;
};

}  // namespace carbongate::ops
