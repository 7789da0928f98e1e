#include "gateway/explain/breakdown.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "config/reader/problem.h"
#include "gateway/books/restate.h"
#include "gateway/books/statement.h"
#include "gateway/explain/containment.h"
#include "gateway/model/carrier.h"
#include "gateway/store/series_table.h"

namespace carbongate::explain {
namespace {

using model::Period;
using store::History;

std::string account_name(const model::Series& series) {
  return series.user + "/" + series.carrier + "/" + series.device + "." + series.point;
}

bool asked_for(const Question& question, const model::Series& series) {
  return (question.whole_site || series.user == question.user) &&
         (!question.scope || series.scope == *question.scope) &&
         (question.carrier.empty() || series.carrier == question.carrier) &&
         (question.device.empty() || (series.device == question.device && series.point == question.point));
}

// Emissions of one entry or sum, without its amount, which is another carrier's.
void add_emissions(const model::EmissionEntry& entry, model::EmissionEntry& sum) {
  const model::Activity amount = sum.amount;
  const Duration covered = sum.covered;
  books::add(entry, sum);
  sum.amount = amount;
  sum.covered = covered + entry.covered;
  sum.quality = worse(sum.quality, entry.quality);
}

// "2026-01-03" of the period that begins there, as question.h reads it.
std::string date_of(Period period, Instant begin, pipeline::Calendar& calendar) {
  // The middle of the day is the same date in UTC shifted by half a day at most; so the date is looked for.
  const auto guess = std::chrono::floor<std::chrono::days>(begin + std::chrono::hours(12));
  for (const int shift : {0, -1, 1}) {
    const std::chrono::year_month_day date(guess + std::chrono::days(shift));
    if (calendar.begin_of_day(static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                              static_cast<unsigned>(date.day())) != begin) {
      continue;
    }
    const std::string text = model::format_utc(Instant(guess + std::chrono::days(shift)));
    return text.substr(0, period == Period::year ? 4 : period == Period::month ? 7 : 10);
  }
  return model::format_utc(begin);
}

bool larger(const BreakdownLine& a, const BreakdownLine& b) {
  const auto size = [](const BreakdownLine& line) { return std::abs(line.sum.primary.emitted.co2e.quanta()); };
  return std::tuple(-size(a), a.begin, a.name) < std::tuple(-size(b), b.begin, b.name);
}

class Summing {
 public:
  Summing(const model::Site& site, const Question& question, std::size_t entries_max)
      : calendar_(site.time_zone),
        question_(question),
        entries_max_(entries_max),
        statement_(question.span),
        in_site_(question.span) {
    for (const model::Account& account : site.accounts) {
      const model::Series series = store::describe(site, account);
      const model::Containment* container = model::container_of(site, account);
      if (question.whole_site && container) contained_.emplace(account_name(series), container->of);
      if (!asked_for(question, series)) continue;
      statement_.expect(series, model::is_own_supply(account));
      if (model::in_site_total(site, account)) in_site_.expect(series, model::is_own_supply(account));
    }
    if (question.whole_site) {
      for (const model::Containment& containment : site.containments) statement_.contain(containment);
    }
    out_.period = *question.period;
    out_.span = question.span;
    out_.name = question.account() + "@" + date_of(out_.period, question.span.begin, calendar_);
  }

  // The revisions of one entry follow each other.
  void add(const model::StoredRow& row) {
    if (!asked_for(question_, *row.series)) return;
    const auto& entry = row.body.get<model::EmissionEntry>();
    statement_.add(row.series, entry);
    if (question_.whole_site && counts(*row.series)) in_site_.add(row.series, entry);
    if (entry_ && (entry_->begin != entry.begin || account_name(entry_->series) != account_name(*row.series))) finish();
    if (!entry_) {
      entry_ = line_of(*row.series, entry.begin, entry.end);
      entry_->name += "@" + model::format_utc(entry.begin);
      entry_->entries = 1;
      entry_->sum = entry;
      if (entry.revision == 0) entry_->first = entry.primary.emitted.co2e;
      return;
    }
    const Duration covered = entry.covered;  // no sum: what is known now
    books::add(entry, entry_->sum);
    entry_->sum.covered = covered;
    entry_->sum.quality = entry.quality;
    ++entry_->revisions;
  }

  Breakdown take() {
    if (entry_) finish();
    std::ranges::sort(out_.entries, larger);
    take_sums();
    for (auto& [name, user] : users_) {
      user.accounts = std::ranges::count_if(
          accounts_, [&](const auto& one) { return one.second.series.user == name && counts(one.second.series); });
    }
    take_stated();
    for (auto& [name, line] : users_) out_.users.push_back(std::move(line));
    std::ranges::sort(out_.users, larger);
    for (auto& [name, line] : accounts_) out_.accounts.push_back(std::move(line));
    std::ranges::sort(out_.accounts, larger);
    return std::move(out_);
  }

 private:
  // What makes the total; where there is nothing, what stands beside it, if it is of one flow.
  void take_sums() {
    if (counted_.total.entries == 0 && beside_.size() == 1) out_.beside = beside_.begin()->first;
    Sums& sums = out_.beside ? beside_.begin()->second : counted_;
    const auto is_in_it = [&](const auto& account) { return out_.beside || counts(account.second.series); };
    sums.total.name = out_.name;
    sums.total.begin = question_.span.begin;
    sums.total.end = question_.span.end;
    sums.total.accounts = std::ranges::count_if(accounts_, is_in_it);
    if (out_.beside) take_carrier(sums.total);
    out_.total = std::move(sums.total);
    out_.market = sums.market;
    for (auto& [begin, part] : sums.parts) {
      part.accounts = out_.total.accounts;
      out_.parts.push_back(std::move(part));
    }
  }

  // Of accounts of one carrier the amounts add up.
  void take_carrier(BreakdownLine& sum) const {
    const BreakdownLine& first = accounts_.begin()->second;
    for (const auto& [name, account] : accounts_) {
      if (account.carrier != first.carrier) return;
      sum.sum.amount += account.sum.amount;
    }
    sum.series.carrier = first.series.carrier;
    sum.series.flow = first.series.flow;
    sum.carrier = first.carrier;
  }

  BreakdownLine line_of(const model::Series& series, Instant begin, Instant end) const {
    BreakdownLine line;
    line.name = account_name(series);
    if (const auto container = contained_.find(line.name); container != contained_.end()) {
      line.part_of = container->second;
    }
    line.series = series;
    line.carrier = model::find_carrier(series.carrier);
    line.begin = begin;
    line.end = end;
    return line;
  }

  void finish() {
    const BreakdownLine line = *std::exchange(entry_, std::nullopt);
    auto& account = accounts_
                        .try_emplace(line.name.substr(0, line.name.find('@')),
                                     line_of(line.series, question_.span.begin, question_.span.end))
                        .first->second;
    if (account.entries == 0) account.name += out_.name.substr(out_.name.find('@'));
    account.sum.amount += line.sum.amount;
    add_to(account, line);
    if (counts(line.series)) {
      add_to(counted_, line);
      if (question_.whole_site) add_to(user(line.series), line);
    } else if (!question_.whole_site) {
      add_to(beside_[line.series.flow], line);
    }
    out_.entries.push_back(line);
    std::ranges::push_heap(out_.entries, larger);  // the smallest at the front
    if (out_.entries.size() > entries_max_) {
      std::ranges::pop_heap(out_.entries, larger);
      out_.entries.pop_back();
    }
  }

  // What leaves the user is no part of its sum; of one account alone it is all there is.
  // What is contained in another account is none of the site's.
  bool counts(const model::Series& series) const {
    if (!question_.device.empty()) return true;
    return model::in_total(series.flow) && !contained_.contains(account_name(series));
  }

  // The sum of what is asked for, and what it consists of by time.
  struct Sums {
    BreakdownLine total;
    model::Co2e market;
    std::map<Instant, BreakdownLine> parts;
  };

  void add_to(Sums& sums, const BreakdownLine& line) {
    add_to(sums.total, line);
    sums.market += line.sum.market ? line.sum.market->emitted.co2e : line.sum.primary.emitted.co2e;
    if (out_.period != Period::day) add_to(part(sums, line.begin), line);
  }

  static void add_to(BreakdownLine& sum, const BreakdownLine& line) {
    ++sum.entries;
    sum.first += line.first;
    add_emissions(line.sum, sum.sum);
  }

  BreakdownLine& user(const model::Series& series) {
    const auto [found, is_new] = users_.try_emplace(series.user);
    BreakdownLine& line = found->second;
    if (is_new) {
      line = line_of(series, question_.span.begin, question_.span.end);
      line.name = series.user + question_.part() + out_.name.substr(out_.name.find('@'));
      line.carrier = nullptr;  // sums of several
      line.part_of.clear();
    }
    return line;
  }

  // What a statement of what is asked for says of the same sums: how uncertainties combine is known there.
  void take_stated() {
    using books::Level;
    constexpr auto kPrimary = model::Basis::primary;
    std::set<std::string> seen;
    for (const books::Line& line : statement_.lines(books::By::user)) {
      if (line.level == Level::account) {
        const auto found = accounts_.find(line.user + "/" + line.carrier + "/" + line.device + "." + line.point);
        if (found == accounts_.end()) continue;
        // An account has a line for each factor that it was counted by: of several nothing is said.
        found->second.uncertainty.reset();
        if (seen.insert(found->first).second) found->second.uncertainty = line.uncertainty[kPrimary];
      }
      if (out_.beside && line.level == Level::carrier && line.carrier == out_.total.series.carrier) {
        out_.total.uncertainty = line.uncertainty[kPrimary];
      }
      if (line.sum != books::Sum::total || !question_.device.empty()) continue;
      if (line.level != (question_.whole_site ? Level::site : Level::user)) continue;
      out_.total.sum.covered = line.covered;
      out_.total.accounts = line.points;
      if (out_.beside) continue;
      out_.total.sum.primary.emitted = line.now.emitted[kPrimary];
      out_.total.sum.coal = line.now.coal;
      out_.total.first = line.first.emitted[kPrimary].co2e;
      out_.total.uncertainty = line.uncertainty[kPrimary];
      out_.market = line.now.emitted[model::Basis::market].co2e;
    }
    // Of a user of which a part is contained in another one, what counts here is not its whole total.
    for (const books::Line& line : in_site_.lines(books::By::user)) {
      const auto found = users_.find(line.user);
      if (found == users_.end() || line.level != Level::user || line.sum != books::Sum::total) continue;
      found->second.uncertainty = line.uncertainty[kPrimary];
    }
    if (!question_.device.empty() && accounts_.size() == 1) {
      out_.total.uncertainty = accounts_.begin()->second.uncertainty;
    }
  }

  BreakdownLine& part(Sums& sums, Instant at) {
    const Period shorter = out_.period == Period::year ? Period::month : Period::day;
    const pipeline::Span span = calendar_.period(shorter, at);
    const auto [found, is_new] = sums.parts.try_emplace(span.begin);
    if (is_new) {
      found->second.name = question_.account() + "@" + date_of(shorter, span.begin, calendar_);
      found->second.begin = span.begin;
      found->second.end = span.end;
    }
    return found->second;
  }

  pipeline::Calendar calendar_;
  const Question& question_;
  std::size_t entries_max_;
  Breakdown out_;
  std::optional<BreakdownLine> entry_;
  books::Statement statement_;
  books::Statement in_site_;                      // what counts there alone, where the whole site is asked for
  std::map<std::string, std::string> contained_;  // accounts, and in whose; where the whole site is asked for
  std::map<std::string, BreakdownLine> accounts_;
  Sums counted_;
  std::map<model::Flow, Sums> beside_;
  std::map<std::string, BreakdownLine> users_;
};

// What the books hold of one account, around an instant.
struct Extent {
  Instant first{};
  Instant last{};
  std::optional<Instant> before;
  std::optional<Instant> after;
};

std::string whole_quarter(Instant at, const std::string& time_zone) {
  pipeline::Calendar calendar(time_zone);
  const Instant begin = calendar.period(Period::quarter_hour, at).begin;
  return begin == at ? "" : "; its quarter hour begins at " + model::format_utc(begin);
}

std::string near(const Question& question, const Extent& extent, const std::string& time_zone) {
  if (question.period) {
    return "it has entries from " + model::format_utc(extent.first) + " to " + model::format_utc(extent.last);
  }
  std::string text;
  if (extent.before) text += "the one before begins at " + model::format_utc(*extent.before);
  if (extent.after) {
    text += (text.empty() ? "" : ", ") + std::string("the next one at ") + model::format_utc(*extent.after);
  }
  return text + whole_quarter(question.span.begin, time_zone);
}

}  // namespace

model::Result<Breakdown> break_down(History& history, const model::Site& site, const Question& question,
                                    std::size_t entries_max) {
  Summing sums(site, question, entries_max);
  Containments containments(site, question);
  const auto read =
      history.each(History::What::entries, {question.span.begin, question.span.end}, [&](const model::StoredRow& row) {
        sums.add(row);
        containments.add(row);
        return true;
      });
  if (read.has_error()) return read.error();
  Breakdown breakdown = sums.take();
  containments.tell(breakdown);
  return breakdown;
}

model::Result<std::string> explain_absence(History& history, const model::Site& site, const Question& question) {
  if (question.whole_site) return "the books have no entry of " + question.account() + " in that period";
  std::map<std::string, Extent> accounts;
  auto read = history.each(History::What::entries, {}, [&](const model::StoredRow& row) {
    const auto& entry = row.body.get<model::EmissionEntry>();
    const model::Series& s = *row.series;
    // By as much of the name as was asked for.
    const std::string name = question.carrier.empty()  ? s.user
                             : question.device.empty() ? s.user + "/" + s.carrier
                                                       : account_name(s);
    const auto [found, is_new] = accounts.try_emplace(name);
    Extent& extent = found->second;
    if (is_new) extent.first = entry.begin;
    extent.last = entry.begin;
    if (entry.begin < question.span.begin) extent.before = entry.begin;
    if (entry.begin >= question.span.end && !extent.after) extent.after = entry.begin;
    return true;
  });
  if (read.has_error()) return read.error();
  if (const auto known = accounts.find(question.account()); known != accounts.end()) {
    bool open = false;
    if (!question.period) {
      read = history.each(
          History::What::rollups, {question.span.begin, question.span.end}, [&](const model::StoredRow& row) {
            const auto& rollup = row.body.get<model::RollupRow>();
            open = open ||
                   (row.sequence == 0 && rollup.period == Period::quarter_hour && asked_for(question, *row.series));
            return true;
          });
      if (read.has_error()) return read.error();
    }
    if (open) return question.account() + ": the quarter hour is not complete yet, its entry is still to come";
    return question.account() +
           (question.period ? " has no entries in that period: " : " has no entry that begins then: ") +
           near(question, known->second, site.time_zone);
  }
  std::vector<std::string> names;
  for (const auto& [name, extent] : accounts) names.push_back(name);
  std::string text = "the books have no '" + question.account() + "'" + config::suggestion(question.account(), names);
  for (const model::Account& account : site.accounts) {
    const Point& point = site.points.at(index(account.source));
    if (account.user == question.user && (question.carrier.empty() || account.carrier->id == question.carrier) &&
        (question.device.empty() || (point.device == question.device && point.name == question.point))) {
      return "'" + question.account() + "' is configured, and has no entry in this store yet";
    }
  }
  return text;
}

}  // namespace carbongate::explain
