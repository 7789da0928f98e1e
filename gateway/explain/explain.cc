#include "gateway/explain/explain.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <ranges>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gateway/books/layers.h"
#include "gateway/books/restate.h"
#include "gateway/explain/breakdown.h"
#include "gateway/explain/derived.h"
#include "gateway/explain/formula.h"
#include "gateway/explain/gathering.h"
#include "gateway/explain/ledger_place.h"
#include "gateway/explain/readings.h"
#include "gateway/model/carrier.h"
#include "gateway/pipeline/lead.h"
#include "gateway/pipeline/live_factors.h"
#include "gateway/pipeline/quality.h"
#include "gateway/store/history.h"

namespace carbongate::explain {
namespace {

using model::Fault;
using store::History;

constexpr Duration kLateFor = std::chrono::hours(24);     // so far on one that came late is looked for
constexpr Duration kAsWritten = std::chrono::seconds(1);  // a result is asked for by its time, to the second
constexpr Instant kEver = Instant::max() - std::chrono::hours(24 * 365);

Fault absent(std::string text) {
  return {make_error_code(boost::system::errc::argument_out_of_domain), std::move(text)};
}

// The names by which the present configuration may know the entry's account and point.
struct Configured {
  const model::Account* account = nullptr;
  const Point* point = nullptr;
};

Configured find(const model::Site& site, const model::Series& series) {
  Configured found;
  for (const Point& point : site.points) {
    if (point.device == series.device && point.name == series.point) found.point = &point;
  }
  for (const model::Account& account : site.accounts) {
    if (found.point && account.source == found.point->id && account.user == series.user &&
        account.carrier->id == series.carrier) {
      found.account = &account;
    }
  }
  return found;
}

class Explaining {
 public:
  Explaining(const std::filesystem::path& store, History& history, const Knowledge& known, const Question& question,
             const Limits& limits)
      : store_(store), history_(history), known_(known), question_(question), limits_(limits) {}

  model::Result<Explanation> run() {
    if (auto found = find_entry(); found.has_error()) return found.error();
    if (out_.revisions.empty()) {
      const auto why = explain_absence(history_, known_.site, question_);
      return why.has_error() ? why.error() : absent(*why);
    }
    if (auto chosen = choose_revisions(); chosen.has_error()) return chosen.error();
    out_.carrier = model::find_carrier(out_.series.carrier);
    if (!out_.carrier) {
      return Fault{make_error_code(boost::system::errc::bad_message),
                   "the store holds amounts of '" + out_.series.carrier + "', a carrier this program does not know"};
    }
    configured_ = find(known_.site, out_.series);
    if (auto places = find_places(store_, out_.series, out_.revisions); places.has_error()) return places.error();
    auto checkpoint = history_.checkpoint(known_.site);
    if (checkpoint.has_error()) return checkpoint.error();
    explain_account(*checkpoint);
    if (auto interval = find_interval(); interval.has_error()) return interval.error();
    if (auto point = explain_point(*checkpoint); point.has_error()) return point.error();
    find_certificates();
    return std::move(out_);
  }

 private:
  std::span<const Revision> explained() const { return std::span(out_.revisions).first(explained_); }

  model::Result<void> find_entry() {
    return history_.each(History::What::entries, {question_.span.begin, question_.span.end},
                         [this](const model::StoredRow& row) {
                           const model::Series& s = *row.series;
                           if (s.user != question_.user || s.carrier != question_.carrier ||
                               s.device != question_.device || s.point != question_.point) {
                             return true;
                           }
                           out_.series = s;
                           out_.revisions.push_back(
                               {.entry = row.body.get<model::EmissionEntry>(), .sequence = row.sequence, .ledger = {}});
                           return true;
                         });
  }

  // Which of them are explained, and what their sum is.
  model::Result<void> choose_revisions() {
    std::ranges::sort(out_.revisions, {}, [](const Revision& r) { return std::pair(r.entry.revision, r.sequence); });
    const std::uint32_t last = out_.revisions.back().entry.revision;
    const std::uint32_t wanted = question_.revision.value_or(last);
    out_.one_revision = question_.revision.has_value() && wanted != last;
    explained_ = 0;
    for (const Revision& revision : out_.revisions) explained_ += revision.entry.revision <= wanted ? 1 : 0;
    if (explained_ == 0 || out_.revisions[explained_ - 1].entry.revision != wanted) {
      std::string known;
      for (const Revision& revision : out_.revisions) {
        known += (known.empty() ? "" : ", ") + std::to_string(revision.entry.revision);
      }
      return absent(question_.account() + "@" + model::format_utc(question_.span.begin) + " has no revision " +
                    std::to_string(wanted) + "; it has " + known);
    }
    if (out_.revisions.front().entry.revision == 0) out_.published = out_.revisions.front().entry;
    out_.known = out_.revisions.front().entry;
    for (std::size_t i = 1; i < explained_; ++i) {
      const model::EmissionEntry& newer = out_.revisions[i].entry;
      model::EmissionEntry sum = newer;
      books::add(out_.known, sum);
      sum.covered = newer.covered;
      out_.known = std::move(sum);
    }
    out_.name = model::name_of(out_.series, out_.known);
    return {};
  }

  void explain_account(const model::Checkpoint& checkpoint) {
    pipeline::LiveFactors live(known_.site.live_factors, known_.factors);
    for (std::size_t i = 0; i < checkpoint.points.size(); ++i) {
      if (checkpoint.points[i].live) live.restore(static_cast<PointId>(i), *checkpoint.points[i].live);
    }
    const FactorSource source{&known_.factors, &live, configured_.account, known_.gwp, known_.by_gwp, known_.former};
    out_.formulas = formulas_of(explained(), *out_.carrier, source);
    out_.gwp_set = out_.known.primary.gwp_set;
    if (configured_.account) {
      out_.meter = configured_.account->meter;
      out_.activity_u95_ppm = configured_.account->activity_u95_ppm;
    } else {
      out_.account_missing = "the configuration has no account of " + out_.series.user + " and " + out_.series.carrier +
                             " from " + out_.series.device + "." + out_.series.point +
                             " any more: its meter's class and its choice of factors are not known";
    }
  }

  model::Result<void> find_interval() {
    return history_.each(History::What::intervals, {question_.span.begin, question_.span.end},
                         [this](const model::StoredRow& row) {
                           if (row.series->device != out_.series.device || row.series->point != out_.series.point) {
                             return true;
                           }
                           out_.interval = row.body.get<model::EnergyInterval>();
                           return false;
                         });
  }

  // Late ones came before their correction was booked; while one is still to come, they may lie anywhere.
  Instant heard_until(const model::Checkpoint& checkpoint) const {
    Instant until = out_.known.end;
    for (const Revision& revision : out_.revisions) {
      if (revision.entry.correction) until = std::max(until, revision.entry.correction->booked_at);
    }
    if (configured_.point) {
      const auto& late = checkpoint.points.at(index(configured_.point->id)).late;
      if (late && late->earliest <= out_.known.end) until = kEver;
    }
    return std::min(until, kEver);
  }

  model::Result<void> explain_point(const model::Checkpoint& checkpoint) {
    PointUsed& used = out_.point;
    used.device = out_.series.device;
    used.point = out_.series.point;
    used.unit = out_.series.unit;
    const std::string name = used.device + "." + used.point;
    ReadingsWanted wanted{.points = {name},
                          .counters = {},
                          .begin = out_.known.begin,
                          .end = out_.known.end,
                          .heard_until = heard_until(checkpoint)};
    if (const Point* point = configured_.point) {
      wanted.points = points_behind(known_.site, point->id);
      for (const Point& one : known_.site.points) {
        if (one.kind == Kind::cumulative && wanted.points.contains(one.full_name()))
          wanted.counters.insert(one.full_name());
      }
      used.kind = point->kind;
    } else {
      used.missing = "the configuration has no point " + name +
                     " any more: where it was read and how its values were scaled are not known";
    }
    const auto thinned = history_.is_thinned();
    if (thinned.has_error()) return thinned.error();
    used.dropped = *thinned;  // unless one from before is found
    const Gathering gathering(history_, known_, configured_.point, explained(), out_.one_revision);
    auto found = gathering.find(wanted);
    if (found.has_error()) return found.error();
    find_beside();
    if (used.kind && !is_what_is_booked(gathering, *found, name)) {  // a step in doubt, or the next reading came late
      wanted.behind = pipeline::kReadingsBehind;
      wanted.heard_until = std::max(wanted.heard_until, std::min(wanted.end, kEver - kLateFor) + kLateFor);
      found = gathering.find(wanted);
      if (found.has_error()) return found.error();
    }
    used.worked_out = found->worked_out;
    const ReadingsOfPoint& readings = found->readings.at(name);
    if (!readings.unit.empty()) used.unit = readings.unit;
    show_readings(readings.all, count_here(gathering, *found, name), found->rejected_terms);
    const model::Derived* derived = configured_.point ? maker_of(known_.site, configured_.point->id) : nullptr;
    if (limits_.result && !derived) return absent(name + " is no derived point: it has readings, and no results");
    if (!configured_.point) return {};
    describe_point(*configured_.point);
    if (derived) {
      used.origin.reset();
      if (used.worked_out) {
        used.notes.emplace_back(
            std::string("results are shown as the correction made them of all readings of the inputs, in the order of "
                        "their times") +
            (used.kind == Kind::cumulative ? ", the counter from 0 on" : "") +
            "; what was made of them as they were heard is stored, and counted in what was published first");
      }
      const auto at = result_to_take_apart(readings.all);
      if (!at && limits_.result) return absent(no_such_result(*configured_.point));
      if (at) used.derived = take_apart(known_.site, *derived, *at, found->readings, known_.origin);
    }
    return {};
  }

  std::optional<CountedAgain> count_here(const Gathering& gathering, const Gathered& found,
                                         const std::string& name) const {
    ReadingsOfPoint readings = found.readings.at(name);
    const std::string& unit = readings.unit.empty() ? out_.point.unit : readings.unit;
    if (!configured_.point || configured_.point->unit.symbol != unit) return std::nullopt;
    gathering.repair(readings.all, configured_.point->id);
    std::vector<Instant> rejected;
    for (const StoredReading& reading : found.rejected_terms) rejected.push_back(reading.at);
    return count_again(readings.all, *configured_.point, *out_.carrier, known_.site.future_tolerance, out_.known.begin,
                       out_.known.end, amounts_of(known_.site, configured_.point->id), rejected);
  }

  // By what was counted again. `readings`: in their order.
  void show_unwatched(std::span<const StoredReading> readings, std::span<const StoredReading> rejected_terms,
                      const CountedAgain& counted) {
    for (std::size_t i = 0; i < readings.size(); ++i) {
      const auto& from = counted.by_reading[i].unwatched_from;
      if (!from || *from >= out_.known.end || readings[i].at <= out_.known.begin) continue;
      Unwatched& unwatched = out_.point.unwatched.emplace_back(Unwatched{*from, readings[i].at, {}});
      for (const auto& among : {readings, rejected_terms}) {
        const auto first = std::ranges::lower_bound(among, *from, {}, &StoredReading::at);
        for (auto r = first; r != among.end() && r->at < readings[i].at; ++r) {
          if (pipeline::withdraws(r->quality)) ++unwatched.rejected[r->quality.rule];
        }
      }
    }
  }

  bool is_what_is_booked(const Gathering& gathering, const Gathered& found, const std::string& name) const {
    const auto counted = count_here(gathering, found, name);
    return !counted || counted->sum + sum_of(out_.point.beside) == out_.known.amount ||
           (out_.published && counted->sum == out_.published->amount);
  }

  // By its layers: what later data took the place of is beside no longer.
  void find_beside() {
    std::vector<model::EmissionEntry> entries;
    for (const Revision& revision : explained()) entries.push_back(revision.entry);
    const books::Layers layers = books::layers_of(entries);
    for (const auto& [cause, amount] : {std::pair(model::Cause::substitution, layers.substituted.amount),
                                        std::pair(model::Cause::manual, layers.manual.amount)}) {
      if (amount == model::Activity{}) continue;
      const auto newest = std::ranges::find_if(
          std::views::reverse(entries),
          [cause](const model::EmissionEntry& entry) { return entry.correction && entry.correction->cause == cause; });
      out_.point.beside.push_back({.cause = cause, .amount = amount, .note = newest->correction->note});
    }
  }

  // The one before, those within, the one after: each with what it added.
  void show_readings(const std::vector<StoredReading>& readings, std::optional<CountedAgain> counted,
                     std::span<const StoredReading> rejected_terms) {
    const Instant begin = out_.known.begin;
    const Instant end = out_.known.end;
    PointUsed& used = out_.point;
    std::optional<std::size_t> before;
    std::vector<std::size_t> within, after;
    for (std::size_t i = 0; i < readings.size(); ++i) {
      const bool good = usable(readings[i].quality);
      if (readings[i].at <= begin) {
        if (good || !before) before = i;
      } else if (readings[i].at <= end) {
        within.push_back(i);
      } else if ((good && after.empty()) || (counted && counted->by_reading[i].counted != model::Activity{})) {
        after.push_back(i);
      }
    }
    used.readings_within = within.size();
    within = thin_out(within, readings);
    used.left_out = used.readings_within - within.size();
    const auto show = [&](std::size_t i, ReadingUsed::Place place) {
      used.readings.push_back(reading_of(readings[i], place, counted ? &counted->by_reading[i] : nullptr));
    };
    used.dropped = used.dropped && !before;
    if (used.dropped) counted.reset();
    if (before) show(*before, ReadingUsed::Place::before);
    for (const std::size_t i : within) show(i, ReadingUsed::Place::within);
    for (const std::size_t i : after) show(i, ReadingUsed::Place::after);
    if (!counted || readings.empty()) return;
    used.counted = counted->sum;
    show_unwatched(readings, rejected_terms, *counted);
  }

  ReadingUsed reading_of(const StoredReading& stored, ReadingUsed::Place place, const Moved* moved) {
    ReadingUsed reading;
    reading.at = stored.at;
    reading.value = stored.value;
    reading.quality = stored.quality;
    reading.place = place;
    if (moved && moved->since) {
      reading.moved = moved->whole;
      reading.moved_since = moved->since;
      reading.counted = moved->counted;
      reading.held_until = moved->held_until;
    }
    if (!configured_.point) return reading;
    const double right = known_.repaired(configured_.point->id, stored.at, stored.value);
    if (std::isfinite(right) && right != stored.value) reading.repaired = right;
    if (auto origin = known_.origin(configured_.point->id, reading.repaired.value_or(reading.value))) {
      reading.bytes = std::move(origin->bytes);
      reading.bytes_missing = std::move(origin->bytes_missing);
      out_.point.origin =
          Origin{.where = std::move(origin->where), .decoding = std::move(origin->decoding), .bytes = {}};
    }
    return reading;
  }

  // As many as were asked for: half of the room for those that a rule says something about, the rest for the first and
  // the last ones.
  std::vector<std::size_t> thin_out(const std::vector<std::size_t>& all,
                                    const std::vector<StoredReading>& readings) const {
    if (all.size() <= limits_.readings) return all;
    std::vector<std::size_t> kept, plain;
    for (const std::size_t i : all) {
      const bool remarkable = readings[i].quality.rule != model::Rule::none;
      (remarkable && kept.size() < limits_.readings / 2 ? kept : plain).push_back(i);
    }
    const std::size_t room = limits_.readings - kept.size();
    const std::size_t first = (room + 1) / 2;
    kept.insert(kept.end(), plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(first));
    kept.insert(kept.end(), plain.end() - static_cast<std::ptrdiff_t>(room - first), plain.end());
    std::ranges::sort(kept);
    return kept;
  }

  void describe_point(const Point& point) {
    PointUsed& used = out_.point;
    if (!used.origin) used.origin = known_.origin(point.id, 0);
    if (used.origin) used.origin->bytes.reset();
    if (point.unit.symbol != used.unit) {
      used.notes.push_back("stored in " + used.unit + "; the configuration has it in " +
                           std::string(point.unit.symbol) + " now");
    }
    for (std::string& note : notes_on(point, out_.known.begin, out_.known.end)) used.notes.push_back(std::move(note));
    for (std::string& note : known_.notes(point.id, out_.known.begin)) used.notes.push_back(std::move(note));
  }

  // Of the results: the one asked for; else the last within the interval, or the next one. nullopt: there is none.
  std::optional<Instant> result_to_take_apart(const std::vector<StoredReading>& results) const {
    std::optional<Instant> at;
    for (const StoredReading& result : results) {
      if (!usable(result.quality)) continue;
      if (limits_.result) {
        if (result.at >= *limits_.result && result.at < *limits_.result + kAsWritten) return result.at;
      } else if (result.at > out_.known.begin && (result.at <= out_.known.end || !at)) {
        at = result.at;
      }
    }
    return at;
  }

  std::string no_such_result(const Point& point) const {
    std::string known;
    for (const ReadingUsed& reading : out_.point.readings) {
      if (usable(reading.quality)) known += (known.empty() ? "" : ", ") + model::format_utc(reading.at);
    }
    return point.full_name() + " has no result at " + model::format_utc(*limits_.result) +
           "; around that interval it has " + (known.empty() ? "none" : known);
  }

  void find_certificates() {
    for (const model::Certificate& certificate : known_.certificates) {
      if (certificate.may_match(out_.series.user, out_.series.carrier) &&
          certificate.generated_from <= out_.known.begin && out_.known.begin < certificate.generated_until) {
        out_.certificates.push_back(certificate);
      }
    }
  }

  const std::filesystem::path& store_;
  History& history_;
  const Knowledge& known_;
  const Question& question_;
  const Limits& limits_;
  Configured configured_;
  std::size_t explained_ = 0;  // revisions, from the first
  Explanation out_;
};

}  // namespace

model::Result<Answer> explain(const std::filesystem::path& store, const Knowledge& known, const Question& question,
                              const Limits& limits) {
  auto history = History::open(store);
  if (history.has_error()) return history.error();
  if (!question.period) {
    auto explanation = Explaining(store, **history, known, question, limits).run();
    if (explanation.has_error()) return explanation.error();
    return Answer(std::move(*explanation));
  }
  if (limits.result)
    return absent("a result belongs to a quarter hour of a derived point, not to a sum: ask for an entry");
  Question of_all = question;
  of_all.whole_site = question.user == "site" && std::ranges::find(known.site.accounts, "site",
                                                                   &model::Account::user) == known.site.accounts.end();
  auto breakdown = break_down(**history, known.site, of_all, limits.entries);
  if (breakdown.has_error()) return breakdown.error();
  if (breakdown->accounts.empty()) {
    const auto why = explain_absence(**history, known.site, of_all);
    return why.has_error() ? why.error() : absent(*why);
  }
  return Answer(std::move(*breakdown));
}

}  // namespace carbongate::explain
