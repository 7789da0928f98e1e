// Of history_json.h: readings of one point by slots, and entries by pages.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "gateway/model/coverage.h"
#include "gateway/model/entry_name.h"
#include "gateway/model/gas.h"
#include "gateway/model/stated.h"
#include "gateway/ops/history_json.h"
#include "gateway/ops/json.h"
#include "gateway/ops/names.h"
#include "gateway/ops/problem.h"
#include "gateway/store/history.h"

namespace carbongate::ops {

namespace json = boost::json;

namespace {

std::unique_ptr<store::History> open_store(const std::filesystem::path& directory) {
  auto history = store::History::open(directory);
  if (history.has_error()) throw Refusal{503, history.error().text};
  return std::move(*history);
}

struct Slot {
  std::int64_t begin_ms = 0;
  std::uint64_t count = 0;
  std::uint64_t rejected = 0;
  double first = 0, last = 0, min = 0, max = 0, sum = 0;

  void add(const model::JudgedReading& reading) {
    if (!model::usable(reading.quality) || !std::isfinite(reading.value)) {
      ++rejected;
      return;
    }
    if (count++ == 0) first = min = max = reading.value;
    last = reading.value;
    min = std::min(min, reading.value);
    max = std::max(max, reading.value);
    sum += reading.value;
  }
};

double kilograms(std::int64_t milligrams) {
  return static_cast<double>(milligrams) / static_cast<double>(model::kMilligramsPerKilogram);
}

json::value u95_of(const model::Emission& emission, model::Scope scope) {
  if (model::stated(emission, scope) == model::Stated::none) return nullptr;
  return kilograms(emission.emitted.u95().quanta());
}

json::object entry_json(const model::StoredRow& row) {
  const model::Series& series = *row.series;
  const auto& entry = row.body.get<model::EmissionEntry>();
  const model::Carrier* carrier = model::find_carrier(series.carrier);
  const double per_unit = carrier ? static_cast<double>(carrier->quanta_per_display) : 1;
  json::object gases;
  entry.primary.emitted.gases.each(
      [&](model::Gas gas, model::GasMass mass) { gases[to_string(gas)] = kilograms(mass.quanta()); });
  json::value market = nullptr;
  if (entry.market) market = kilograms(entry.market->emitted.co2e.quanta());
  const auto& correction = entry.correction;
  return {
      {"name", to_string(model::name_of(series, entry))},
      {"begin", model::format_utc(entry.begin)},
      {"end", model::format_utc(entry.end)},
      {"energy_user", series.user},
      {"energy_user_name", series.user_name},
      {"carrier", series.carrier},
      {"point", series.device + "." + series.point},
      {"scope", scope_number(series.scope)},
      {"flow", to_string(series.flow)},
      {"part_of", optional_text(series.part_of)},
      {"amount", static_cast<double>(entry.amount.quanta()) / per_unit},
      {"unit", carrier ? carrier->display.symbol : std::string_view("?")},
      {"kgce", kilograms(entry.coal.quanta())},
      {"co2e_kg", kilograms(entry.primary.emitted.co2e.quanta())},
      {"u95_kg", u95_of(entry.primary, series.scope)},
      {"u95_stated", to_string(model::stated(entry.primary, series.scope))},
      {"market_co2e_kg", market},
      {"factor", optional_text(entry.primary.factor_id)},
      {"factor_version", optional_text(entry.primary.factor_version)},
      {"market_factor", optional_text(entry.market ? std::string_view(entry.market->factor_id) : std::string_view())},
      {"gases_kg", std::move(gases)},
      {"coverage_percent",
       static_cast<double>(model::coverage(entry.covered, entry.end - entry.begin)) / model::kPerPercent},
      {"quality", to_string(entry.quality.origin)},
      {"rule", to_string(entry.quality.rule)},
      {"revision", entry.revision},
      {"cause", optional_text(correction ? to_string(correction->cause) : std::string_view())},
      {"note", optional_text(correction ? std::string_view(correction->note) : std::string_view())},
      {"booked_at", optional_time(correction ? std::optional(correction->booked_at) : std::nullopt)},
      {"sequence", row.sequence}};
}

// "1790000000000-4711": where the page before ended.
struct Cursor {
  std::int64_t at_ms = 0;
  std::uint64_t sequence = 0;
};
std::optional<Cursor> parse_cursor(const std::string& text) {
  if (text.empty()) return std::nullopt;
  Cursor cursor;
  const char* end = text.data() + text.size();
  const auto [dash, error] = std::from_chars(text.data(), end, cursor.at_ms);
  if (error == std::errc() && dash != end && *dash == '-') {
    const auto [stop, wrong] = std::from_chars(dash + 1, end, cursor.sequence);
    if (wrong == std::errc() && stop == end) return cursor;
  }
  throw Refusal{400, "cursor: it is none; take `next` of the page before as it is"};
}

}  // namespace

std::string readings_text(const std::filesystem::path& store, const model::Site& site, const ReadingsAsk& ask) {
  const Point& point = site.points.at(index(ask.point));
  const std::int64_t from_ms = ask.from.time_since_epoch().count();
  const std::int64_t whole_ms = std::max<std::int64_t>((ask.until - ask.from).count(), 1);
  const auto slots = static_cast<std::int64_t>(ask.slots);
  const std::int64_t every_ms = std::max<std::int64_t>((whole_ms + slots * 1'000 - 1) / (slots * 1'000), 1) * 1'000;
  std::vector<Slot> found;
  const auto result = open_store(store)->each_reading(
      {ask.from, ask.until},
      [&](const model::Series& series) { return series.device == point.device && series.point == point.name; },
      [&](const model::StoredRow& row) {
        const auto& reading = row.body.get<model::JudgedReading>();
        const std::int64_t at_ms = reading.at.time_since_epoch().count();
        const std::int64_t begin = from_ms + (at_ms - from_ms) / every_ms * every_ms;
        if (found.empty() || found.back().begin_ms != begin) found.push_back({.begin_ms = begin});
        found.back().add(reading);
        return true;
      });
  if (result.has_error()) throw Refusal{503, result.error().text};
  json::array begin, count, rejected;
  for (const Slot& slot : found) {
    begin.push_back(slot.begin_ms / 1'000);
    count.push_back(slot.count);
    rejected.push_back(slot.rejected);
  }
  const auto column = [&](auto value) {
    json::array list;
    for (const Slot& slot : found) {
      list.push_back(slot.count == 0 ? json::value(nullptr) : optional_number(value(slot)));
    }
    return list;
  };
  return to_text(json::object{{"point", point.full_name()},
                              {"unit", point.unit.symbol},
                              {"kind", word_of(point.kind)},
                              {"from", model::format_utc(ask.from)},
                              {"until", model::format_utc(ask.until)},
                              {"every_s", every_ms / 1'000},
                              {"begin", std::move(begin)},
                              {"count", std::move(count)},
                              {"rejected", std::move(rejected)},
                              {"first", column([](const Slot& s) { return s.first; })},
                              {"last", column([](const Slot& s) { return s.last; })},
                              {"min", column([](const Slot& s) { return s.min; })},
                              {"max", column([](const Slot& s) { return s.max; })},
                              {"mean", column([](const Slot& s) { return s.sum / static_cast<double>(s.count); })}});
}

std::string entries_text(const std::filesystem::path& store, const EntriesAsk& ask) {
  using Choice = store::History::Choice;
  const auto cursor = parse_cursor(ask.cursor);
  store::History::Range range{.from = ask.window.from, .to = ask.window.until};
  if (cursor) range.from = Instant(Duration(cursor->at_ms));
  json::array entries;
  bool is_behind = !cursor;
  json::value next = nullptr;
  Cursor last;
  const auto choose = [&](const model::Series& series) {
    const bool wanted = (ask.user.empty() || series.user == ask.user) &&
                        (ask.carrier.empty() || series.carrier == ask.carrier) &&
                        (!ask.scope || series.scope == *ask.scope);
    return wanted ? Choice::take : Choice::skip;
  };
  const auto result =
      open_store(store)->each_of(store::History::What::entries, range, choose, [&](const model::StoredRow& row) {
        const std::int64_t at_ms = row.body.get<model::EmissionEntry>().begin.time_since_epoch().count();
        if (!is_behind) {  // rows of one instant stand together, and the last one of the page before is among them
          is_behind = at_ms > cursor->at_ms;
          if (!is_behind) {
            is_behind = row.sequence == cursor->sequence;
            return true;
          }
        }
        if (entries.size() == ask.limit) {
          next = json::string(fmt::format("{}-{}", last.at_ms, last.sequence));
          return false;
        }
        last = {at_ms, row.sequence};
        entries.push_back(entry_json(row));
        return true;
      });
  if (result.has_error()) throw Refusal{503, result.error().text};
  return to_text(json::object{{"entries", std::move(entries)}, {"next", next}});
}

}  // namespace carbongate::ops
