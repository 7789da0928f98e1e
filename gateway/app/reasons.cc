#include "gateway/app/reasons.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "gateway/books/layers.h"
#include "gateway/model/entry_name.h"

namespace carbongate::app {
namespace {

constexpr std::size_t kPlaysMax = 8;   // of one window without its late readings
constexpr std::size_t kLateNamed = 3;  // in a note

// What one amount gives by another factor, or by another value of the same.
bool differ_by_factor(const model::EmissionEntry& known, const model::EmissionEntry& restated) {
  if (known.amount != restated.amount || known.covered != restated.covered) return false;
  return !books::same_factors(known, restated) ||
         books::comparable(known.quality) == books::comparable(restated.quality);
}

// What differs; where nothing that has a name does, the value itself was changed.
std::string factor_change(const model::EmissionEntry& known, const model::EmissionEntry& restated) {
  const auto text = [](const model::Emission& e) {
    if (e.factor_id.empty()) return std::string("none");
    return e.factor_id + " " + e.factor_version + (e.gwp_set.empty() ? "" : " by " + e.gwp_set);
  };
  const auto coal = [](const model::EmissionEntry& e) { return e.coal_factor_id.empty() ? "none" : e.coal_factor_id; };
  std::string note;
  const auto add = [&](std::string_view what, const std::string& before, const std::string& after) {
    if (before != after) note += (note.empty() ? "" : "; ") + std::string(what) + before + " -> " + after;
  };
  const auto change = [&](std::string_view what, const model::Emission& before, const model::Emission& after) {
    const bool same_factor = before.factor_id == after.factor_id && before.factor_version == after.factor_version;
    const bool unstated = same_factor && before.gwp_set.empty() && !after.gwp_set.empty();
    add(what, text(before) + (unstated ? " by a GWP set not stated" : ""), text(after));
  };
  static const model::Emission kNone;
  change("", known.primary, restated.primary);
  change("market-based ", known.market ? *known.market : kNone, restated.market ? *restated.market : kNone);
  add("standard coal ", coal(known), coal(restated));
  return note.empty() ? "another value of " + text(restated.primary) : note;
}

// What its movement was withdrawn for.
std::string note_of(const model::Site& site, const model::FoundWrong& wrong) {
  return "glitch: what " + site.points.at(index(wrong.point)).full_name() + " showed at " +
         model::format_utc(wrong.first) + " was wrong, as the readings after it say";
}

// Which readings came late: of a derived point those of its inputs.
std::string note_of(const WindowReadings& window, std::span<const Point* const> late) {
  std::string note = "late readings of ";
  for (std::size_t i = 0; i < std::min(late.size(), kLateNamed); ++i)
    note += (i == 0 ? "" : ", ") + late[i]->full_name();
  if (late.size() > kLateNamed) note += " and " + std::to_string(late.size() - kLateNamed) + " others";
  return window.is_computed() ? note + ", of which " + window.point().full_name() + " is made" : note;
}

}  // namespace

void Reasons::note_booked(model::AccountId account, const model::EmissionEntry& entry, std::uint64_t sequence) {
  // What stands beside the readings says nothing of which of them were there.
  if (!entry.correction || !model::is_restated(entry.correction->cause)) return;
  if (entry.correction->cause == model::Cause::configuration) configured_.emplace(account, entry.correction->note);
  std::uint64_t& newest = corrected_at_[{account, entry.begin}];
  const std::uint64_t through = entry.correction->readings_through;
  newest = std::max(newest, through != 0 ? through : sequence);
  std::uint64_t& last = restated_last_[window_of_account_.at(account)];
  last = std::max(last, newest);
}

// An earlier version carried what was left of a rate's amount on to the next quarter hour.
bool Reasons::same_amount(const Figures& a, const Figures& b) {
  return std::abs((a.amount - b.amount).quanta()) <= 1;
}

// In what is compared. The note has its reason, beside that of whoever booked it.
bool Reasons::is_booked(const Repair& repair, model::AccountId account) const {
  return std::ranges::any_of(configured_, [&](const auto& of) {
    return of.first == account && of.second.find(repair.reason) != std::string::npos;
  });
}

books::Reason Reasons::reason(model::AccountId account, const model::EmissionEntry* known,
                              const model::EmissionEntry* restated) {
  const WindowReadings& window = *window_of_account_.at(account);
  if (known && restated && differ_by_factor(*known, *restated)) {
    return reason_of_factor(site_.accounts.at(model::index(account)), *known, *restated);
  }
  books::Reason reason = reason_of_amount(window, account, known, restated);
  if (known && restated && !books::same_factors(*known, *restated)) {
    reason.note += "; and another factor: " + factor_change(*known, *restated);
  }
  return reason;
}

// The cause is that of the amount; the factor, where it differs as well, stands in the note. A repair waits for a
// person; once it is booked, and of what is not in the books yet, what comes late is late data like any other.
books::Reason Reasons::reason_of_amount(const WindowReadings& window, model::AccountId account,
                                        const model::EmissionEntry* known, const model::EmissionEntry* restated) {
  const model::EmissionEntry& entry = restated ? *restated : *known;
  const bool late = window.holds_late(entry.begin, entry.end);
  const Repair* repair = window.repair_of(entry.begin, entry.end);
  if (repair && known && !is_booked(*repair, account)) return {model::Cause::configuration, repair->reason, late};
  const auto corrected = corrected_at_.find({account, entry.begin});
  const std::uint64_t behind = corrected == corrected_at_.end() ? 0 : corrected->second;
  if (window.late_touches(entry.begin, entry.end, behind) &&
      follows_from_late(window, account, entry, restated != nullptr, behind)) {
    return {model::Cause::late_data, note_of(window, window.late_points(entry.begin, entry.end, behind)), true};
  }
  if (const auto wrong = replay_.with_wrong(window, Replay::kEverything, account, entry.begin, entry.end)) {
    const Figures booked = booked_figures(account, entry.begin);
    const bool no_telling = window.is_computed() || window.late_touches(entry.begin, entry.end, 0);
    if (no_telling || (same_amount(booked, {wrong->amount, wrong->covered}) && booked.covered == wrong->covered)) {
      return {model::Cause::late_data, note_of(site_, *wrong->reading), late};
    }
  }
  if (repair) return {model::Cause::configuration, repair->reason, late};
  return {model::Cause::configuration, "by the present configuration of " + window.point().full_name(), late};
}

// Of what late readings behind that place touch: whether the books have what follows from all others. Else a
// difference is there without them, by another configuration than it was booked by. Where there is no telling it is
// theirs, for they came; of more places than are played it is as of the others.
bool Reasons::follows_from_late(const WindowReadings& window, model::AccountId account,
                                const model::EmissionEntry& entry, bool is_closed, std::uint64_t behind) {
  if (window.is_computed()) return true;  // live results wait for what is late of an input, in ways of their own
  if (window.late_counted(entry.begin, entry.end, behind)) return true;
  const Figures booked = booked_figures(account, entry.begin);
  auto& plays = without_late_[&window];
  const auto last = restated_last_.find(&window);
  // What a restatement agreed with it does not say.
  for (const std::uint64_t place : {behind, last == restated_last_.end() ? behind : last->second}) {
    if (!plays.contains(place) && plays.size() == kPlaysMax) return !contradicted_.contains(&window);
    const WithoutLate& without = this->without_late(window, place);
    if (!without.is_sure) return true;
    if (without.closed_until < entry.end) return is_closed;  // else that is so with them, too
    const auto found = without.figures.find({account, entry.begin});
    const Figures figures = found == without.figures.end() ? Figures{} : found->second;
    if (same_amount(booked, figures) && booked.covered == figures.covered) return true;
    const auto with = replay_.with_wrong(window, place, account, entry.begin, entry.end);
    if (with && same_amount(booked, {with->amount, with->covered}) && booked.covered == with->covered) return true;
  }
  contradicted_.insert(&window);
  return false;
}

const Reasons::WithoutLate& Reasons::without_late(const WindowReadings& window, std::uint64_t behind) {
  const auto [known, is_new] = without_late_[&window].try_emplace(behind);
  WithoutLate& without = known->second;
  if (!is_new) return without;
  without.is_sure = window.has_lead_without(behind);
  if (!without.is_sure) return without;
  const auto take = [&](model::AccountId account, const model::EmissionEntry& entry) {
    without.figures[{account, entry.begin}] = {entry.amount, entry.covered};
  };
  without.closed_until = replay_.play(window, behind, take).until;
  return without;
}

// Without what stands beside it.
Reasons::Figures Reasons::booked_figures(model::AccountId account, Instant begin) const {
  const auto key = [](const model::AccountEntry& booked) { return EntryKey(booked.account, booked.entry.begin); };
  std::vector<model::EmissionEntry> revisions;
  for (const auto& booked : std::ranges::equal_range(booked_, EntryKey(account, begin), {}, key)) {
    revisions.push_back(booked.entry);
  }
  if (revisions.empty()) return {};
  const books::Layers layers = books::layers_of(revisions);
  return layers.has_computed ? Figures{layers.computed.amount, layers.computed.covered} : Figures{};
}

// Of a live series the value may have come late, or be repaired; all else is another factor.
books::Reason Reasons::reason_of_factor(const model::Account& account, const model::EmissionEntry& known,
                                        const model::EmissionEntry& restated) const {
  const std::string change = factor_change(known, restated);
  std::string late_from;
  std::string revised;
  bool all_late = known.coal_factor_id == restated.coal_factor_id;
  const auto look = [&](model::Basis basis, const model::Emission& before, const model::Emission& after) {
    if (live_.came_late(account, basis, known.begin, before, after)) {
      late_from = live_.source_of(account, basis);
    } else if (before.factor_id != after.factor_id || before.factor_version != after.factor_version) {
      all_late = false;
    } else if (const std::string now = live_.revision_of(account, basis, known.begin, after.factor_id);
               !now.empty() && revised.empty() && before.emitted != after.emitted) {
      revised = "revised value of " + live_.source_of(account, basis) + ": " + now;
    }
    return live_.repair_of(account, basis, after);
  };
  const Repair* repair = look(model::Basis::primary, known.primary, restated.primary);
  if (restated.market) {
    static const model::Emission kNone;
    const Repair* of_market = look(model::Basis::market, known.market ? *known.market : kNone, *restated.market);
    if (!repair) repair = of_market;
  }
  if (all_late && !late_from.empty()) {
    return {model::Cause::late_data, "late values of " + late_from + ": " + change};
  }
  if (all_late && !revised.empty()) return {model::Cause::late_data, revised};
  if (repair) return {model::Cause::configuration, repair->reason};
  return {model::Cause::factor, change};
}

}  // namespace carbongate::app
