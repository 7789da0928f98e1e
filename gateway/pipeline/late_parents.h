// What holds alerts back that are judged by late data, and what groups of them count: in the times in which that should
// have fired. What was told of it may begin and end at others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

#include "gateway/model/errors.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/late_alerts.h"

namespace carbongate::pipeline {

// Of one pass of judgements: what it finds is kept until it is destroyed. Not thread-safe.
class LateParents {
 public:
  // Judges a watch in that time; what it makes of what holds it back is asked of put_right() with the same argument.
  enum class For : std::uint8_t { itself, its_children };
  using Judge = std::function<model::Result<LateJudgement>(const LateWatch& late, For whom)>;

  // `site` outlives it.
  LateParents(const model::Site& site, Judge judge);

  // `parents`: as they were told, of what holds `child` back, or of the members of a group. More than kParentsPlayed
  // are left so.
  model::Result<void> put_right(std::vector<AlertsOf>& parents, const LateWatch& child, For whom);

 private:
  struct Asked {
    Span of{};  // that was asked for: what is right of a rate may end before
    Right right;
  };

  model::Result<void> find(model::WatchId watch, const Span& of);
  model::Result<bool> judge_again(model::WatchId watch, const Span& of);
  const model::AlertRule& rule_of(model::WatchId watch) const;

  const model::Site& site_;
  Judge judge_;
  std::map<model::WatchId, Asked> right_;
  std::map<std::size_t, Span> settled_;  // of rules of which one alert fires at a time
};

// Of more that hold a watch back counts what was told.
inline constexpr std::size_t kParentsPlayed = 32;

}  // namespace carbongate::pipeline
