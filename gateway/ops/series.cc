// Of history_json.h: what energy users consumed and how much of it was watched, by calendar intervals.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <tuple>

#include "gateway/model/account_of.h"
#include "gateway/ops/history_json.h"
#include "gateway/ops/json.h"
#include "gateway/ops/live.h"
#include "gateway/ops/names.h"
#include "gateway/ops/problem.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/store/history.h"

namespace carbongate::ops {

namespace json = boost::json;

namespace {

constexpr std::size_t kIntervalsMax = 40'000;  // a year of quarter hours, and some

// The intervals of a stretch of time, whole ones.
class Intervals {
 public:
  Intervals(const std::string& zone, model::Period period, Instant from, Instant until) : period_(period) {
    pipeline::Calendar calendar(zone);
    for (pipeline::Span span = calendar.period(period, from); span.begin < until;
         span = calendar.period(period, span.end)) {
      if (begins_.size() == kIntervalsMax) {
        throw Refusal{400, "more than 40000 intervals; ask for a shorter time, or longer intervals"};
      }
      begins_.push_back(span.begin);
      end_ = span.end;
    }
  }
  std::size_t size() const { return begins_.size(); }
  std::span<const Instant> begins() const { return begins_; }
  Instant begin() const { return begins_.front(); }
  Instant end() const { return end_; }
  model::Period period() const { return period_; }
  Duration length(std::size_t i) const { return (i + 1 < begins_.size() ? begins_[i + 1] : end_) - begins_[i]; }

  // In which one it lies; nullopt: in none of them.
  std::optional<std::size_t> find(Instant at) const {
    if (begins_.empty() || at < begins_.front() || at >= end_) return std::nullopt;
    return static_cast<std::size_t>(std::ranges::upper_bound(begins_, at) - begins_.begin()) - 1;
  }
  json::array seconds() const {
    json::array list;
    list.reserve(begins_.size());
    for (const Instant at : begins_) {
      list.push_back(std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count());
    }
    return list;
  }

 private:
  model::Period period_;
  std::vector<Instant> begins_;
  Instant end_{};
};

struct Cell {
  double value = 0;
  Duration covered{};
  bool is_there = false;
};

// One account's.
using Column = std::vector<Cell>;

struct Figures {
  model::Activity amount;
  model::StandardCoal coal;
  model::PerBasis<model::Co2e> co2e;
};

model::PerBasis<model::Co2e> co2e_of(const model::PerBasis<model::Emitted>& emitted) {
  model::PerBasis<model::Co2e> co2e;
  for (const auto basis : {model::Basis::primary, model::Basis::market}) co2e[basis] = emitted[basis].co2e;
  return co2e;
}

// Of what was published with neither amount nor coverage only the rule is known: a counter began anew.
bool is_known(model::Activity amount, Duration covered, std::uint32_t revision) {
  return amount != model::Activity{} || covered > Duration::zero() || revision != 0;
}

double value_of(const SeriesAsk& ask, const model::Account& account, const Figures& figures) {
  if (ask.measure == SeriesMeasure::energy) {
    return static_cast<double>(figures.amount.quanta()) / static_cast<double>(account.carrier->quanta_per_display);
  }
  const bool market = ask.market && account.market;
  const std::int64_t milligrams = ask.measure == SeriesMeasure::kgce
                                      ? figures.coal.quanta()
                                      : figures.co2e[market ? model::Basis::market : model::Basis::primary].quanta();
  return static_cast<double>(milligrams) / static_cast<double>(model::kMilligramsPerKilogram);
}

void check(const model::Result<void>& result) {
  if (result.has_error()) throw Refusal{503, result.error().text};
}

std::unique_ptr<store::History> open_store(const std::filesystem::path& directory) {
  auto history = store::History::open(directory);
  if (history.has_error()) throw Refusal{503, history.error().text};
  return std::move(*history);
}

// Longer than a quarter hour: as published last, from the rollups that begin at these instants.
void read_rollups(store::History& history, const model::Site& site, const SeriesAsk& ask, const Intervals& intervals,
                  std::map<model::AccountId, Column>& columns) {
  model::AccountOf account_of(site);
  const auto wanted = [&](const model::Series& series) {
    const auto account = account_of(series);
    return account && columns.contains(*account);
  };
  check(history.rollups_at(intervals.begins(), wanted, [&](const model::StoredRow& row) {
    const auto& rollup = row.body.get<model::RollupRow>();
    if (rollup.period != intervals.period()) return true;
    const model::AccountId id = *account_of(*row.series);
    const auto place = intervals.find(rollup.begin);
    if (!place) return true;
    columns.at(id)[*place] = {
        value_of(ask, site.accounts.at(model::index(id)), {rollup.amount, rollup.coal, co2e_of(rollup.emitted)}),
        rollup.covered, is_known(rollup.amount, rollup.covered, rollup.revision)};
    return true;
  }));
}

// Quarter hours: the sums of entries and their corrections, each of which holds a difference.
void read_entries(store::History& history, const model::Site& site, const SeriesAsk& ask, const Intervals& intervals,
                  std::map<model::AccountId, Column>& columns) {
  model::AccountOf account_of(site);
  const auto wanted = [&](const model::Series& series) {
    const auto account = account_of(series);
    return account && columns.contains(*account);
  };
  std::map<model::AccountId, std::pair<Instant, Duration>> last;  // begin and coverage of an account's entry before
  check(history.each_booked({intervals.begin(), intervals.end()}, wanted, [&](const store::History::Booked& booked) {
    const store::EntryFigures& entry = booked.figures;
    const model::AccountId id = *account_of(*booked.series);
    const auto place = intervals.find(entry.begin);
    if (!place) return true;
    Cell& cell = columns.at(id)[*place];
    cell.value += value_of(ask, site.accounts.at(model::index(id)), {entry.amount, entry.coal, entry.co2e});
    auto& [begin, covered] = last[id];
    if (entry.revision != 0 && begin == entry.begin) cell.covered -= covered;
    cell.covered += entry.covered;
    cell.is_there = cell.is_there || is_known(entry.amount, entry.covered, entry.revision);
    begin = entry.begin;
    covered = entry.covered;
    return true;
  }));
}

void add_open(const model::Site& site, const SeriesAsk& ask, const Intervals& intervals, const OpenPeriods& open,
              std::map<model::AccountId, Column>& columns) {
  for (auto& [id, column] : columns) {
    const auto& period = open.at(model::index(id));
    if (!period || !period->has_counted()) continue;
    const auto place = intervals.find(period->begin);
    if (!place || intervals.begins()[*place] != period->begin) continue;
    column[*place] = {
        value_of(ask, site.accounts.at(model::index(id)), {period->amount, period->coal, co2e_of(period->emitted)}),
        period->covered, true};
  }
}

bool is_of(const SeriesAsk& ask, bool whole_site, const model::Site& site, const model::Account& account) {
  if (whole_site ? !model::in_site_total(site, account) : account.user != ask.user) return false;
  if (ask.scope && account.scope != *ask.scope) return false;
  if (ask.measure == SeriesMeasure::kgce && !account.coal) return false;
  return ask.measure != SeriesMeasure::co2e || account.factor;
}

// Of all columns together: the mean share of each interval that was watched.
json::array coverage_of(const std::vector<const Column*>& columns, const Intervals& intervals) {
  json::array list;
  list.reserve(intervals.size());
  for (std::size_t i = 0; i < intervals.size(); ++i) {
    Duration covered{};
    bool is_there = false;
    for (const Column* column : columns) {
      covered += (*column)[i].covered;
      is_there = is_there || (*column)[i].is_there;
    }
    const double whole = static_cast<double>(intervals.length(i).count()) * static_cast<double>(columns.size());
    list.push_back(is_there ? percent_of(static_cast<double>(covered.count()), whole) : json::value(nullptr));
  }
  return list;
}

json::array values_of(const std::vector<const Column*>& columns, std::size_t size) {
  json::array list;
  list.reserve(size);
  for (std::size_t i = 0; i < size; ++i) {
    double sum = 0;
    bool is_there = false;
    for (const Column* column : columns) {
      sum += (*column)[i].value;
      is_there = is_there || (*column)[i].is_there;
    }
    if (is_there) {
      list.push_back(std::round(sum * 1e6) / 1e6);
    } else {
      list.push_back(nullptr);
    }
  }
  return list;
}

std::string_view word_of(SeriesMeasure measure) {
  return measure == SeriesMeasure::energy ? "energy" : measure == SeriesMeasure::kgce ? "kgce" : "co2e";
}

}  // namespace

OpenPeriods open_periods(const model::Checkpoint& accounts, model::Period period) {
  OpenPeriods open;
  for (const model::AccountState& state : accounts.accounts) {
    open.push_back(state.open.at(static_cast<std::size_t>(period)));
  }
  return open;
}

std::string series_text(const std::filesystem::path& store, const model::Site& site, const SeriesAsk& ask,
                        const OpenPeriods& open) {
  const bool is_user = std::ranges::find(site.accounts, ask.user, &model::Account::user) != site.accounts.end();
  if (!is_user && ask.user != "site") throw Refusal{404, "there is no such energy user"};
  const Intervals intervals(site.time_zone, ask.interval, ask.from, ask.until);
  std::map<model::AccountId, Column> columns;
  for (const model::Account& account : site.accounts) {
    if (is_of(ask, !is_user, site, account)) columns.emplace(account.id, Column(intervals.size()));
  }
  if (!columns.empty()) {
    const auto history = open_store(store);
    if (ask.interval == model::Period::quarter_hour) {
      read_entries(*history, site, ask, intervals, columns);
    } else {
      read_rollups(*history, site, ask, intervals, columns);
    }
    add_open(site, ask, intervals, open, columns);
  }
  using Key = std::tuple<const model::Carrier*, model::Flow, std::string>;
  std::vector<std::pair<Key, std::vector<const Column*>>> groups;
  std::map<Key, const model::Account*> like;
  for (const auto& [id, column] : columns) {
    const model::Account& account = site.accounts.at(model::index(id));
    const Key key{account.carrier, account.flow, supply_of(account)};
    like.emplace(key, &account);
    auto group = std::ranges::find(groups, key, &std::pair<Key, std::vector<const Column*>>::first);
    if (group == groups.end()) group = groups.insert(groups.end(), {key, {}});
    group->second.push_back(&column);
  }
  json::array series;
  for (const auto& [key, members] : groups) {
    const model::Account& account = *like.at(key);
    const std::string_view unit = ask.measure == SeriesMeasure::energy ? account.carrier->display.symbol
                                  : ask.measure == SeriesMeasure::kgce ? std::string_view("kgce")
                                                                       : std::string_view("kg");
    series.push_back(json::object{{"carrier", account.carrier->id},
                                  {"flow", to_string(account.flow)},
                                  {"supply", supply_of(account)},
                                  {"scope", scope_number(account.scope)},
                                  {"unit", unit},
                                  {"values", values_of(members, intervals.size())},
                                  {"coverage_percent", coverage_of(members, intervals)}});
  }
  return to_text(json::object{{"energy_user", ask.user},
                              {"measure", word_of(ask.measure)},
                              {"interval", word_of(ask.interval)},
                              {"from", model::format_utc(intervals.begin())},
                              {"until", model::format_utc(intervals.end())},
                              {"begin", intervals.seconds()},
                              {"series", std::move(series)}});
}

std::string coverage_text(const std::filesystem::path& store, const model::Site& site, const CoverageAsk& ask,
                          const OpenPeriods& hours, const OpenPeriods& days) {
  const bool is_known = std::ranges::find(site.points, ask.device, &Point::device) != site.points.end();
  if (!is_known) throw Refusal{404, "there is no such device"};
  std::map<model::AccountId, Column> none;
  for (const model::Account& account : site.accounts) {
    if (site.points.at(index(account.source)).device == ask.device) none.emplace(account.id, Column());
  }
  const auto history = open_store(store);
  const auto percents = [&](model::Period period, const OpenPeriods& open) {
    const Intervals intervals(site.time_zone, period, ask.from, ask.until);
    std::map<model::AccountId, Column> columns = none;
    std::vector<const Column*> all;
    for (auto& [id, column] : columns) column.resize(intervals.size());
    if (!columns.empty()) read_rollups(*history, site, {}, intervals, columns);
    add_open(site, {}, intervals, open, columns);
    for (const auto& [id, column] : columns) all.push_back(&column);
    return json::object{{"begin", intervals.seconds()}, {"percent", coverage_of(all, intervals)}};
  };
  json::object hour_list = percents(model::Period::hour, hours);
  json::object day_list = percents(model::Period::day, days);
  return to_text(json::object{{"device", ask.device},
                              {"from", model::format_utc(ask.from)},
                              {"until", model::format_utc(ask.until)},
                              {"hours", std::move(hour_list)},
                              {"days", std::move(day_list)}});
}

}  // namespace carbongate::ops
