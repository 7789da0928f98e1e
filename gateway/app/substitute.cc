#include "gateway/app/substitute.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "gateway/books/beside.h"
#include "gateway/books/substitution.h"
#include "gateway/model/entry_name.h"
#include "gateway/pipeline/calendar.h"

namespace carbongate::app {

using namespace std::chrono_literals;

namespace {

using model::AccountId;
using model::Activity;
using model::EmissionEntry;
using model::Period;

constexpr Duration kYear = 24h * 366;

struct KnownQuarter {
  Instant begin{};
  Activity amount;  // without substitutes
  Duration covered{};
  bool settled = false;
  Duration bridged{};  // of a rate, integrated over readings that were rejected: not watched, and lacks nothing
};

struct Substituted {
  Activity amount;
  model::Rule rule = model::Rule::none;
  std::vector<Instant> from = {};  // hours
  std::optional<books::Chosen> chosen = {};
};

// "max-180h: the hour from 2026-01-20T05:00:00Z; a gap of 3 h, 97 % of the quarter's hours valid"; of several hours
// their mean.
std::string note_of(const Substituted& substituted) {
  std::string note(to_string(substituted.rule));
  for (const Instant begin : substituted.from) {
    note += (begin != substituted.from.front() ? ", "
             : substituted.from.size() == 1    ? ": the hour from "
                                               : ": mean of the hours from ") +
            model::format_utc(begin);
  }
  if (const auto& chosen = substituted.chosen) {
    note += fmt::format("; a gap of {} h, {} % of the {} valid", chosen->gap_hours, chosen->valid_percent,
                        chosen->of_quarter ? "quarter's hours" : "2160 hours until then");
  }
  return note;
}

// In a store from before it was noted, of one that was rejected or nothing: all that was not watched.
Duration bridged(const EmissionEntry& computed) {
  const bool is_noted = computed.bridged != Duration::zero() ||
                        computed.quality != model::Quality{model::Origin::estimated, model::Rule::rejected};
  return is_noted ? computed.bridged : computed.end - computed.begin - computed.covered;
}

class Substituting {
 public:
  Substituting(KnownBooks& books, const model::Site& site, const pipeline::FactorRegistry& factors,
               const SubstitutionRange& range, Instant now)
      : books_(books), site_(site), factors_(factors), range_(range), now_(now), calendar_(site.time_zone) {
    Instant closed = range.from;
    for (const Point& point : site.points) closed = std::max(closed, range.closed_until(point.id).value_or(closed));
    from_ = calendar_.period(Period::hour, range.from).begin;
    to_ = calendar_.period(Period::hour, std::min(range.to, closed) - 1ms).end;
    behind_ = to_ + books::kHoursBehind * 1h;
    // Whether a quarter of the year is over is known by its last hour.
    const Instant quarter_end = calendar_.quarter_of_year(to_ - 1ms).end;
    if (quarter_end <= closed) behind_ = std::max(behind_, quarter_end);
    quarters_.resize(site.accounts.size());
    in_hand_.resize(site.accounts.size());
  }

  // By groups, and of each those that lack hours once more by groups: no more than so many quarter hours are held.
  model::Result<std::vector<RefusedHours>> run(const TakeAmendments& take) {
    std::vector<AccountId> with_rule;
    for (const model::Account& account : site_.accounts) {
      if (has_rule(account)) with_rule.push_back(account.id);
      if (!has_rule(account)) in_hand_[model::index(account.id)] = is_asked(account);  // what it has is taken back
    }
    std::span<const AccountId> rest(with_rule);
    do {
      const auto group = take_group(rest, [this](AccountId) { return behind_ - from_; });
      if (const auto decided = decide_group(group); decided.has_error()) return decided.error();
      for (const AccountId id : group) in_hand_[model::index(id)] = true;
      if (const auto corrected = correct(take); corrected.has_error()) return corrected.error();
      in_hand_.assign(in_hand_.size(), false);
      refused_hours_.clear();
    } while (!rest.empty());
    return std::move(refused_);
  }

 private:
  bool is_asked(const model::Account& account) const { return range_.user.empty() || account.user == range_.user; }
  bool has_rule(const model::Account& account) const {
    return is_asked(account) && account.substitution != model::SubstitutionMethod::none;
  }
  const model::Account& account_of(AccountId id) const { return site_.accounts.at(model::index(id)); }

  // The first ones that are held at once, by the time that each takes; one at least. Takes them away from `rest`.
  template <class TimeOf>
  std::span<const AccountId> take_group(std::span<const AccountId>& rest, const TimeOf& time_of) const {
    std::size_t count = 0;
    for (Duration sum{}; count < rest.size(); ++count) {
      sum += time_of(rest[count]);
      if (count != 0 && static_cast<std::size_t>(sum / 15min) > range_.quarters_at_once) break;
    }
    const auto group = rest.first(count);
    rest = rest.subspan(count);
    return group;
  }

  // What the rules look back on is read only of accounts that lack an hour of the time asked for: a valid one needs no
  // other.
  model::Result<void> decide_group(std::span<const AccountId> group) {
    if (const auto read = gather(group, from_, behind_); read.has_error()) return read;
    std::vector<AccountId> lacking;
    for (const AccountId id : group) {
      if (may_lack(account_of(id))) {
        lacking.push_back(id);
      } else {
        decide(account_of(id));
      }
    }
    const auto looked_back = [this](AccountId id) { return books::looked_back(account_of(id).substitution); };
    for (std::span<const AccountId> rest(lacking); !rest.empty();) {
      const auto some = take_group(rest, looked_back);
      std::vector<std::vector<KnownQuarter>> asked_for;
      for (const AccountId id : some) asked_for.push_back(std::exchange(quarters_[model::index(id)], {}));
      if (const auto read = gather_history(some); read.has_error()) return read;
      for (std::size_t i = 0; i < some.size(); ++i) {
        auto& quarters = quarters_[model::index(some[i])];
        quarters.insert(quarters.end(), asked_for[i].begin(), asked_for[i].end());
        decide(account_of(some[i]));
      }
    }
    return {};
  }

  model::Result<void> gather_history(std::span<const AccountId> of) {
    Duration longest{};
    for (const AccountId id : of) longest = std::max(longest, books::looked_back(account_of(id).substitution));
    if (const auto read = gather(of, from_ - longest, from_); read.has_error()) return read;
    std::vector<AccountId> silent;  // all that time, or not begun yet
    for (const AccountId id : of) {
      if (quarters_[model::index(id)].empty()) silent.push_back(id);
    }
    return gather(silent, from_ - kYear, from_ - longest);
  }

  model::Result<void> gather(std::span<const AccountId> of, Instant from, Instant to) {
    if (of.empty()) return {};
    std::vector<bool> wanted(site_.accounts.size());
    for (const AccountId id : of) wanted[model::index(id)] = true;
    const auto visit = [&](AccountId id, std::span<const EmissionEntry> revisions) {
      const model::Account& account = account_of(id);
      const books::Layers layers = books::layers_of(revisions);
      KnownQuarter quarter{.begin = revisions.front().begin, .amount = {}, .covered = {}, .settled = layers.has_manual};
      if (layers.has_computed) {
        quarter.amount = layers.computed.amount;
        quarter.covered = layers.computed.covered;
        const bool counts_on = site_.points.at(index(account.source)).kind == Kind::cumulative;
        quarter.bridged = bridged(layers.computed);
        if (counts_on && layers.computed.quality.origin == model::Origin::estimated) quarter.settled = true;
      }
      if (layers.has_manual) quarter.amount = layers.without_certificates().amount;
      // Of what is too long ago it matters that there was something.
      if (quarter.begin < from_ - books::looked_back(account.substitution)) quarters_[model::index(id)].clear();
      quarters_[model::index(id)].push_back(quarter);
      return true;
    };
    return books_.each(from, to, visit, [&wanted](AccountId id) { return wanted[model::index(id)]; });
  }

  // By the time asked for alone. A gap that began before it may be there too, if it does not begin with an entry.
  bool may_lack(const model::Account& account) {
    std::span<const KnownQuarter> quarters = quarters_[model::index(account.id)];
    const Instant end = std::min(to_, range_.closed_until(account.source).value_or(from_));
    if (from_ >= end) return false;
    if (quarters.empty() || quarters.front().begin != from_) return true;
    for (pipeline::Span hour = calendar_.period(Period::hour, from_); hour.end <= end;
         hour = calendar_.period(Period::hour, hour.end)) {
      std::vector<std::pair<pipeline::Span, KnownQuarter>> of_hour;
      if (!take_hour(hour, quarters, of_hour).valid) return true;
    }
    return false;
  }

  // Takes what was gathered of it.
  void decide(const model::Account& account) {
    const std::vector<KnownQuarter> gathered = std::exchange(quarters_[model::index(account.id)], {});
    std::span<const KnownQuarter> quarters = gathered;
    const auto closed_until = range_.closed_until(account.source);
    if (quarters.empty() || !closed_until) return;
    const Instant end = std::min(behind_, *closed_until);
    std::vector<books::Hour> hours;
    std::map<Instant, std::vector<std::pair<pipeline::Span, KnownQuarter>>> parts;  // of hours that are not valid
    pipeline::Span hour = calendar_.period(Period::hour, quarters.front().begin);
    // The account did not begin with a whole hour.
    if (quarters.front().begin != hour.begin) hour = calendar_.period(Period::hour, hour.end);
    while (!quarters.empty() && quarters.front().begin < hour.begin) quarters = quarters.subspan(1);
    for (; hour.end <= end; hour = calendar_.period(Period::hour, hour.end)) {
      std::vector<std::pair<pipeline::Span, KnownQuarter>> of_hour;
      hours.push_back(take_hour(hour, quarters, of_hour));
      const bool is_asked_for = from_ <= hour.begin && hour.begin < to_;
      if (hours.back().valid) {
        complete(account, hours.back(), of_hour, is_asked_for);
      } else if (is_asked_for) {
        parts[hour.begin] = std::move(of_hour);
      }
    }
    const books::Substitution found = books::substitute(hours, from_, to_, account.substitution, calendar_);
    for (const books::Substitute& substitute : found.hours) spread(account, substitute, parts.at(substitute.begin));
    for (const Instant begin : found.refused) refused_hours_.emplace(begin, account.id);
    if (!found.refused.empty()) refused_.push_back({account.id, found.refused.size(), found.refused.front()});
  }

  // The first quarters of what is left. Those without an entry were never watched.
  books::Hour take_hour(const pipeline::Span& hour, std::span<const KnownQuarter>& quarters,
                        std::vector<std::pair<pipeline::Span, KnownQuarter>>& of_hour) {
    books::Hour made{.begin = hour.begin, .amount = {}, .valid = false, .operating = true, .settled = true};
    Duration covered{};
    for (Instant at = hour.begin; at < hour.end;) {
      const pipeline::Span span = calendar_.period(Period::quarter_hour, at);
      at = span.end;
      KnownQuarter quarter{.begin = span.begin, .amount = {}, .covered = {}, .settled = false};
      if (!quarters.empty() && quarters.front().begin == span.begin) {
        quarter = quarters.front();
        quarters = quarters.subspan(1);
      }
      made.amount += quarter.amount;
      covered += quarter.covered;
      made.settled = made.settled && (quarter.settled || quarter.covered >= span.end - span.begin);
      of_hour.emplace_back(span, quarter);
    }
    made.valid = covered >= site_.validity.hour_covered;
    made.operating = !(made.valid && made.amount == Activity{});
    made.settled = made.settled && !made.valid;
    return made;
  }

  // The mean of a valid hour stands for all of it. Amounts that a meter told, and did not only imply, are whole.
  void complete(const model::Account& account, books::Hour& hour,
                std::span<const std::pair<pipeline::Span, KnownQuarter>> of_hour, bool is_asked_for) {
    if (site_.points.at(index(account.source)).kind != Kind::instantaneous) return;
    Activity known;
    Duration covered{};
    Duration lacking{};
    std::vector<std::pair<pipeline::Span, KnownQuarter>> parts(of_hour.begin(), of_hour.end());
    for (auto& [span, quarter] : parts) {
      quarter.covered += quarter.bridged;
      if (quarter.settled) continue;
      known += quarter.amount;
      covered += quarter.covered;
      lacking += std::max(span.end - span.begin - quarter.covered, Duration::zero());
    }
    const Activity missing = books::by_mean(known, covered, lacking);
    if (missing == Activity{}) return;
    hour.amount += missing;
    if (is_asked_for) spread(account, {hour.begin, hour.amount, model::Rule::hour_mean, {hour.begin}}, parts);
  }

  void spread(const model::Account& account, const books::Substitute& substitute,
              std::span<const std::pair<pipeline::Span, KnownQuarter>> parts) {
    Activity known;
    std::vector<std::int64_t> lacking_ms;
    for (const auto& [span, quarter] : parts) {
      known += quarter.amount;
      const Duration lacking = span.end - span.begin - quarter.covered;
      lacking_ms.push_back(quarter.settled ? 0 : std::max<std::int64_t>(lacking.count(), 0));
    }
    const auto amounts = books::spread(substitute.amount - known, lacking_ms);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (amounts[i] == Activity{}) continue;
      targets_.emplace(std::pair(parts[i].first.begin, account.id),
                       Substituted{amounts[i], substitute.rule, substitute.from, substitute.chosen});
    }
  }

  // What the books have: substitutes to be there, to change or to go. Then those where there is no entry yet.
  model::Result<void> correct(const TakeAmendments& take) {
    AmendmentQueue queue(take);
    const auto visit = [&](AccountId id, std::span<const EmissionEntry> revisions) {
      const model::Account& account = site_.accounts.at(model::index(id));
      const auto target = targets_.find({revisions.front().begin, id});
      const bool has_target = target != targets_.end();
      const books::Layers layers = books::layers_of(revisions);
      if (!has_target && (!layers.has_substituted || layers.has_manual)) return true;
      const Substituted wanted = has_target ? target->second : Substituted{};
      if (has_target) targets_.erase(target);
      return book(queue, account, layers, revisions.front().begin, wanted);
    };
    const auto read = books_.each(from_, to_, visit, [this](AccountId id) { return in_hand_[model::index(id)]; });
    if (read.has_error()) return read;
    for (const auto& [key, wanted] : std::exchange(targets_, {})) {
      if (!book(queue, site_.accounts.at(model::index(key.second)), {}, key.first, wanted)) break;
    }
    return queue.finish();
  }

  bool book(AmendmentQueue& queue, const model::Account& account, const books::Layers& layers, Instant begin,
            const Substituted& wanted) {
    const auto [made, is_new] = factors_of_.try_emplace(account.id, account, factors_);
    books::PriceCarry alone;  // an hour is substituted whatever others are
    const EmissionEntry target = books::price(wanted.amount, calendar_.period(Period::quarter_hour, begin), account,
                                              made->second, {model::Origin::substituted, wanted.rule}, alone);
    const bool is_nothing = wanted.amount == Activity{};
    std::string note = is_nothing ? "no substitute any more" : note_of(wanted);
    const bool is_refused = refused_hours_.contains({calendar_.period(Period::hour, begin).begin, account.id});
    if (is_nothing && is_refused) note += ": too few valid hours";
    const auto correction =
        books::beside_correction(layers, layers.substituted, target,
                                 {.cause = model::Cause::substitution, .note = std::move(note), .booked_at = now_});
    return !correction || queue.add(account.id, *correction);
  }

  KnownBooks& books_;
  const model::Site& site_;
  const pipeline::FactorRegistry& factors_;
  const SubstitutionRange& range_;
  Instant now_;
  pipeline::Calendar calendar_;
  Instant from_{};  // whole hours
  Instant to_{};
  Instant behind_{};
  std::vector<std::vector<KnownQuarter>> quarters_;  // of an account, ascending
  std::vector<bool> in_hand_;                        // accounts whose entries are corrected now
  std::map<std::pair<Instant, AccountId>, Substituted> targets_;
  std::set<std::pair<Instant, AccountId>> refused_hours_;
  std::map<AccountId, pipeline::AccountFactors> factors_of_;
  std::vector<RefusedHours> refused_;
};

}  // namespace

model::Result<std::vector<RefusedHours>> substitute_missing(KnownBooks& books, const model::Site& site,
                                                            const pipeline::FactorRegistry& factors,
                                                            const SubstitutionRange& range, Instant now,
                                                            const TakeAmendments& take) {
  return Substituting(books, site, factors, range, now).run(take);
}

}  // namespace carbongate::app
