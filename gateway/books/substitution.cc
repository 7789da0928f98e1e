#include "gateway/books/substitution.h"

#include <algorithm>
#include <utility>

namespace carbongate::books {
namespace {

using namespace std::chrono_literals;
using model::Activity;
using model::Rule;

constexpr std::size_t kHoursOfQuarter = 2160;  // of a year: 90 days
constexpr std::size_t kDayHours = 24;
constexpr int kWeeksBack = 8;

bool needs_substitute(const Hour& hour) {
  return hour.operating && !hour.valid && !hour.settled;
}

// Valid hours in percent of those of operation.
std::size_t valid_percent(std::span<const Hour> hours) {
  const auto operating = static_cast<std::size_t>(std::ranges::count_if(hours, &Hour::operating));
  const auto valid =
      static_cast<std::size_t>(std::ranges::count_if(hours, [](const Hour& h) { return h.operating && h.valid; }));
  return operating == 0 ? 0 : valid * 100 / operating;
}

// How much of the quarter of the year is valid, for each hour in turn.
class QuarterShare {
 public:
  QuarterShare(std::span<const Hour> hours, pipeline::Calendar& calendar) : hours_(hours), calendar_(calendar) {}

  std::size_t percent(std::size_t hour) {
    const Instant begin = hours_[hour].begin;
    if (!quarter_.contains(begin)) {
      quarter_ = calendar_.quarter_of_year(begin);
      const auto first = std::ranges::lower_bound(hours_, quarter_.begin, {}, &Hour::begin);
      const auto end = std::ranges::lower_bound(hours_, quarter_.end, {}, &Hour::begin);
      is_over_ = hours_.back().begin + 1h >= quarter_.end;
      if (is_over_) percent_ = valid_percent({first, end});
    }
    if (is_over_) return percent_;
    const auto until_here = hours_.first(hour + 1);
    return valid_percent(until_here.last(std::min(until_here.size(), kHoursOfQuarter)));
  }
  // Of the hour asked for last.
  bool is_of_quarter() const { return is_over_; }

 private:
  std::span<const Hour> hours_;
  pipeline::Calendar& calendar_;
  pipeline::Span quarter_;
  bool is_over_ = false;
  std::size_t percent_ = 0;
};

struct Found {
  Activity amount;
  std::vector<Instant> from;
};

// Of the newest `count` valid hours.
std::optional<Found> greatest(std::span<const Hour> history, std::size_t count) {
  const Hour* greatest = nullptr;
  for (auto hour = history.rbegin(); hour != history.rend() && count != 0; ++hour) {
    if (!hour->valid || !hour->operating) continue;
    if (!greatest || greatest->amount < hour->amount) greatest = &*hour;
    --count;
  }
  return greatest ? std::optional(Found{greatest->amount, {greatest->begin}}) : std::nullopt;
}

struct Choice {
  std::size_t hours;
  Rule rule;
};
std::optional<Choice> choose(std::size_t share_percent, std::size_t gap_hours) {
  if (share_percent < 75) return std::nullopt;
  if (share_percent < 90) return Choice{kHoursOfQuarter, Rule::max_2160h};
  if (gap_hours > kDayHours) return Choice{720, Rule::max_720h};
  return Choice{180, Rule::max_180h};
}

// When the clock on the wall showed the same, so many weeks before; nullopt: it skipped that.
std::optional<Instant> weeks_before(Instant at, int weeks, pipeline::Calendar& calendar) {
  const Instant shown = at + calendar.utc_offset(at) - weeks * 24h * 7;
  const Instant then = shown - calendar.utc_offset(at - weeks * 24h * 7);
  return then + calendar.utc_offset(then) == shown ? std::optional(then) : std::nullopt;
}

std::optional<Found> weekday_mean(std::span<const Hour> before, Instant at, pipeline::Calendar& calendar) {
  std::int64_t sum = 0;
  std::vector<Instant> from;
  for (int weeks = 1; weeks <= kWeeksBack; ++weeks) {
    const auto then = weeks_before(at, weeks, calendar);
    const auto hour = then ? std::ranges::lower_bound(before, *then, {}, &Hour::begin) : before.end();
    if (hour == before.end() || hour->begin != then || !hour->valid || !hour->operating) continue;
    sum += hour->amount.quanta();
    from.push_back(hour->begin);
  }
  if (from.empty()) return std::nullopt;
  const auto count = static_cast<std::int64_t>(from.size());
  return Found{Activity::of(sum / count + (sum % count > 0 ? 1 : 0)), std::move(from)};
}

}  // namespace

Duration looked_back(SubstitutionMethod method) {
  switch (method) {
    case SubstitutionMethod::none: return {};
    case SubstitutionMethod::hj75: return 24h * 366;
    case SubstitutionMethod::same_weekday: return kWeeksBack * 24h * 7 + 24h;  // and where the clocks change
  }
  return {};
}

Substitution substitute(std::span<const Hour> hours, Instant from, Instant until, SubstitutionMethod method,
                        pipeline::Calendar& calendar) {
  Substitution result;
  if (method == SubstitutionMethod::none) return result;
  QuarterShare share(hours, calendar);
  std::size_t begin = 0;
  while (begin < hours.size()) {
    if (!needs_substitute(hours[begin])) {
      ++begin;
      continue;
    }
    std::size_t end = begin;
    while (end < hours.size() && needs_substitute(hours[end])) ++end;
    for (std::size_t i = begin; i < end; ++i) {
      const Hour& hour = hours[i];
      if (hour.begin < from || hour.begin >= until) continue;
      std::optional<Found> found;
      std::optional<Chosen> chosen;
      Rule rule = Rule::same_weekday;
      if (method == SubstitutionMethod::hj75) {
        chosen =
            Chosen{.gap_hours = end - begin, .valid_percent = share.percent(i), .of_quarter = share.is_of_quarter()};
        if (const auto choice = choose(chosen->valid_percent, chosen->gap_hours)) {
          found = greatest(hours.first(begin), choice->hours);
          rule = choice->rule;
        }
      } else {
        found = weekday_mean(hours.first(i), hour.begin, calendar);
      }
      if (found) {
        result.hours.push_back(
            {hour.begin, std::max(found->amount, hour.amount), rule, std::move(found->from), chosen});
      } else {
        result.refused.push_back(hour.begin);
      }
    }
    begin = end;
  }
  return result;
}

Activity by_mean(Activity known, Duration covered, Duration lacking) {
  using Wide = __int128;
  if (covered <= Duration::zero() || lacking <= Duration::zero()) return {};
  const Wide twice = Wide{known.quanta()} * lacking.count() * 2;
  const Wide half = twice < 0 ? -Wide{covered.count()} : Wide{covered.count()};
  return Activity::of(static_cast<std::int64_t>((twice + half) / (Wide{covered.count()} * 2)));
}

}  // namespace carbongate::books
