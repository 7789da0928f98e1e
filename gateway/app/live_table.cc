#include "gateway/app/live_table.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "gateway/model/coverage.h"
#include "gateway/pipeline/counter.h"

namespace carbongate::app {
namespace {

constexpr std::string_view kWaits = "?";  // beside an amount that lacks a step in doubt
constexpr std::size_t kWaitingShown = 5;  // the table is one screen

// Code points that a terminal draws two columns wide (the East Asian "wide" blocks of UAX #11).
bool is_wide(char32_t c) {
  constexpr std::array<std::pair<char32_t, char32_t>, 8> kWide{{{0x1100, 0x115F},
                                                                {0x2E80, 0xA4CF},
                                                                {0xAC00, 0xD7A3},
                                                                {0xF900, 0xFAFF},
                                                                {0xFE30, 0xFE6F},
                                                                {0xFF00, 0xFF60},
                                                                {0xFFE0, 0xFFE6},
                                                                {0x20000, 0x3FFFD}}};
  return std::ranges::any_of(kWide, [c](const auto& block) { return c >= block.first && c <= block.second; });
}

// The character that begins at `at` of a UTF-8 text.
struct Glyph {
  std::size_t bytes;
  std::size_t columns;
};
Glyph glyph_at(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t c = bytes == 1 ? lead : lead & (0x7F >> bytes);
  for (std::size_t k = 1; k < bytes && at + k < text.size(); ++k) {
    c = (c << 6) | (static_cast<unsigned char>(text[at + k]) & 0x3F);
  }
  return {bytes, is_wide(c) ? 2U : 1U};
}

std::string left(std::string_view text, std::size_t width) {
  const std::size_t used = display_width(text);
  return std::string(text) + std::string(used < width ? width - used : 1, ' ');
}

std::string right(std::string_view text, std::size_t width) {
  const std::size_t used = display_width(text);
  return std::string(used < width ? width - used : 1, ' ') + std::string(text);
}

std::string fixed(std::int64_t quanta, std::int64_t quanta_per_unit, int decimals) {
  return fmt::format("{:.{}f}", static_cast<double>(quanta) / static_cast<double>(quanta_per_unit), decimals);
}

std::string local_time(Instant at, const std::string& zone) {
  return date::format("%F %T", date::make_zoned(zone, date::floor<std::chrono::seconds>(at)));
}

// "kWh" per hour is a power; other carriers flow.
std::string rate_unit(const model::Carrier& carrier) {
  return carrier.display.symbol == "kWh" ? "kW" : std::string(carrier.display.symbol) + "/h";
}

// A counter whose newest step is in doubt: nothing since `step.since` is booked until its next readings decide.
struct Waiting {
  std::string point;
  pipeline::Pending step;
  std::vector<PointId> of;  // the points whose amounts lack it: its own, and those derived from it
};

std::vector<Waiting> waiting_points(const model::Site& site, const model::Checkpoint& checkpoint) {
  std::vector<Waiting> all;
  const auto note = [&](const std::string& name, const std::optional<pipeline::Pending>& step, PointId of) {
    if (!step) return;
    const auto known = std::ranges::find(all, name, &Waiting::point);
    if (known == all.end()) {
      all.push_back({.point = name, .step = *step, .of = {of}});
    } else {
      known->of.push_back(of);
    }
  };
  const std::size_t known = std::min(site.points.size(), checkpoint.points.size());
  for (const Point& point : std::span(site.points).first(known)) {
    const model::PointState& state = checkpoint.points[index(point.id)];
    note(point.full_name(), pipeline::pending(state.counter), point.id);
    for (const model::DerivedInputState& input : state.derived.inputs) {
      note(input.point, pipeline::pending(input.counter), point.id);
    }
  }
  return all;
}

// Sum over the accounts of one user and one carrier: what a person calls "the press shop's electricity".
struct Line {
  const model::Account* account;
  model::Activity amount;
  model::Co2e co2e;
  double amount_per_hour = 0;
  double co2e_kg_per_hour = 0;
  bool waits = false;  // for a step that is in doubt
  Duration covered{};  // of the day, so far
  Duration elapsed{};  // of it
};

std::vector<Line> lines_of(const model::Site& site, const model::Checkpoint& accounts,
                           const std::vector<Waiting>& waiting) {
  std::vector<Line> lines;
  for (const model::Account& account : site.accounts) {
    auto line = std::ranges::find_if(lines, [&](const Line& l) {
      return l.account->user == account.user && l.account->carrier == account.carrier &&
             l.account->flow == account.flow;
    });
    if (line == lines.end()) line = lines.insert(lines.end(), Line{.account = &account, .amount = {}, .co2e = {}});
    const model::AccountState& state = accounts.accounts[model::index(account.id)];
    line->amount += state.amount;
    line->co2e += state.emissions[model::Basis::primary].total.co2e;
    line->amount_per_hour += state.amount_per_hour;
    line->co2e_kg_per_hour += state.co2e_kg_per_hour;
    const auto& day = state.open[static_cast<std::size_t>(model::Period::day)];
    if (day && state.live_at) {
      line->covered += day->covered;
      line->elapsed += std::max(std::min(*state.live_at, day->end) - day->begin, day->covered);
    }
    line->waits = line->waits || std::ranges::any_of(waiting, [&](const Waiting& w) {
                    return std::ranges::find(w.of, account.source) != w.of.end();
                  });
  }
  return lines;
}

// What each user consumes of a carrier that others are part of, less what they consume, since the first reading of
// each.
std::vector<Line> unallocated_lines(const model::Site& site, const model::Checkpoint& accounts) {
  std::vector<Line> lines;
  const auto add = [&](Line& line, const model::Account& account, std::int64_t sign) {
    const model::AccountState& state = accounts.accounts[model::index(account.id)];
    line.amount += model::Activity::of(sign * state.amount.quanta());
    line.co2e += model::Co2e::of(sign * state.emissions[model::Basis::primary].total.co2e.quanta());
    line.amount_per_hour += static_cast<double>(sign) * state.amount_per_hour;
    line.co2e_kg_per_hour += static_cast<double>(sign) * state.co2e_kg_per_hour;
  };
  for (const model::Account& whole : site.accounts) {
    const auto is_same = [&](const Line& l) {
      return l.account->user == whole.user && l.account->carrier == whole.carrier;
    };
    const auto is_part = [&](const model::Account& account) {
      const model::Containment* container = model::container_of(site, account);
      return container && container->of == whole.user && account.carrier == whole.carrier;
    };
    const bool is_whole = whole.flow == model::Flow::consumed && std::ranges::any_of(site.accounts, is_part);
    if (!is_whole) continue;
    auto line = std::ranges::find_if(lines, is_same);
    if (line == lines.end()) {
      line = lines.insert(lines.end(), Line{.account = &whole, .amount = {}, .co2e = {}});
      for (const model::Account& account : site.accounts) {
        if (is_part(account)) add(*line, account, -1);
      }
    }
    add(*line, whole, 1);
  }
  return lines;
}

// Of the day so far, as far as its readings reach.
std::string coverage(const Line& line) {
  if (line.elapsed <= Duration::zero()) return "";
  return model::coverage_percent(line.covered, line.elapsed) + " %";
}

// Of the total: of each of its metering points the day so far, as far as the newest reading of any of them. So one that
// is silent lowers it.
std::string coverage_of_total(const model::Site& site, const model::Checkpoint& accounts) {
  std::map<PointId, const model::AccountState*> points;
  Instant begin = Instant::min();
  Instant end = Instant::min();
  const auto day_of = [](const model::AccountState& state) -> const auto& {
    return state.open[static_cast<std::size_t>(model::Period::day)];
  };
  for (const model::Account& account : site.accounts) {
    if (!model::in_site_total(site, account)) continue;
    const model::AccountState& state = accounts.accounts[model::index(account.id)];
    points.try_emplace(account.source, &state);
    if (!day_of(state) || !state.live_at) continue;
    begin = std::max(begin, day_of(state)->begin);
    end = std::max(end, std::min(*state.live_at, day_of(state)->end));
  }
  Duration covered{};
  Duration elapsed{};
  for (const auto& [point, state] : points) {
    const auto& day = day_of(*state);
    const Duration watched = day && day->begin == begin ? day->covered : Duration::zero();
    covered += watched;
    if (begin < end) elapsed += std::max(end - begin, watched);
  }
  return elapsed <= Duration::zero() ? "" : model::coverage_percent(covered, elapsed) + " %";
}

std::string figures(const Line& line) {
  const model::Carrier& carrier = *line.account->carrier;
  return right(fmt::format("{:.2f} {}", line.amount_per_hour, rate_unit(carrier)), 16) +
         right(fixed(line.amount.quanta(), carrier.quanta_per_display, 3) + " " + std::string(carrier.display.symbol),
               20) +
         std::string(line.waits ? kWaits : " ") + right(fmt::format("{:.3f}", line.co2e_kg_per_hour), 12) +
         right(fixed(line.co2e.quanta(), model::kMilligramsPerKilogram, 4), 14);
}

void append_users(std::string& out, const model::Site& site, const model::Checkpoint& accounts) {
  out += left("energy user 用能单位", 34) + left("carrier 能源品种", 20) + right("power 功率", 16) +
         right("energy 用量", 20) + right("CO2e kg/h", 13) + right("CO2e kg", 14) + right("day covered 覆盖率", 20) +
         "\n";
  const std::vector<Waiting> waiting = waiting_points(site, accounts);
  for (const Line& line : lines_of(site, accounts, waiting)) {
    const model::Carrier& carrier = *line.account->carrier;
    const std::string name =
        line.account->user_name.empty() ? line.account->user : line.account->user + " " + line.account->user_name;
    const model::Flow flow = line.account->flow;
    const std::string what =
        flow == model::Flow::consumed ? std::string(carrier.name_zh) : std::string(to_string(flow));
    out += left(name, 34) + left(std::string(carrier.id) + " " + what, 20) + figures(line) + right(coverage(line), 20) +
           "\n";
  }
  for (const Line& line : unallocated_lines(site, accounts)) {
    out += left("unallocated 未分配 " + line.account->user, 34) +
           left(std::string(line.account->carrier->id) + " " + std::string(line.account->carrier->name_zh), 20) +
           figures(line) + "\n";
  }
  model::Co2e total;
  std::vector<std::string> parts;
  for (const model::Account& account : site.accounts) {
    if (model::in_site_total(site, account)) {
      total += accounts.accounts[model::index(account.id)].emissions[model::Basis::primary].total.co2e;
    }
    const bool is_part = model::container_of(site, account) != nullptr;
    if (is_part && std::ranges::find(parts, account.user) == parts.end()) parts.push_back(account.user);
  }
  out += left("total 合计", 103) + right(fixed(total.quanta(), model::kMilligramsPerKilogram, 4), 14) +
         right(coverage_of_total(site, accounts), 20) + "\n";
  if (!parts.empty()) {
    out += fmt::format("without what is part of another 已含于上级, 不重复计入: {}\n", fmt::join(parts, ", "));
  }
  for (std::size_t i = 0; i < std::min(waiting.size(), kWaitingShown); ++i) {
    out += fmt::format("{} {}: not counted since {} 待确认: {}; its next readings decide\n", kWaits, waiting[i].point,
                       local_time(waiting[i].step.since, site.time_zone), waiting[i].step.reason);
  }
  if (waiting.size() > kWaitingShown) {
    out += fmt::format("{} and {} more counters wait for their next readings 待确认\n", kWaits,
                       waiting.size() - kWaitingShown);
  }
}

std::uint64_t rate_of(const GatewayStatus& status, const std::string& sink) {
  const auto pace = status.paces.find(sink);
  return pace == status.paces.end() ? 0 : pace->second.backfill_rate;
}

// How many alerts fire, the worst first; and how many conditions others hold back.
std::string alerts_line(const model::Site& site, const model::Checkpoint& state) {
  if (site.watches.empty()) return {};
  std::array<std::size_t, model::kSeverityCount> firing{};
  std::size_t all = 0;
  std::size_t held_back = 0;
  for (const model::Watch& watch : site.watches) {
    if (model::index(watch.id) >= state.alerts.size()) break;
    const model::AlertState& one = state.alerts[model::index(watch.id)];
    if (one.held_back) ++held_back;
    if (!one.since) continue;
    ++all;
    ++firing.at(static_cast<std::size_t>(site.alert_rules.at(watch.rule_place).severity));
  }
  std::string line = fmt::format("alerts 告警 {} firing", all);
  for (std::size_t i = model::kSeverityCount; i-- > 0;) {
    const auto severity = static_cast<model::Severity>(i);
    if (firing.at(i) != 0) line += fmt::format(", {} {} {}", firing.at(i), to_string(severity), to_string_zh(severity));
  }
  if (held_back != 0) line += fmt::format(", {} held back 被抑制", held_back);
  return line + "\n";
}

void append_health(std::string& out, const model::Site& site, const model::Checkpoint& accounts,
                   const GatewayStatus& status) {
  std::size_t online = 0;
  std::size_t devices = 0;
  for (const DriverStatus& driver : status.drivers) {
    devices += driver.devices.size();
    online +=
        static_cast<std::size_t>(std::ranges::count(driver.devices, DeviceStatus::State::online, &DeviceStatus::state));
  }
  out += fmt::format("devices {}/{} online   readings {}   journal {} rows   waiting {}\n", online, devices,
                     status.readings, status.store.last_sequence, status.inbox_readings);
  out += alerts_line(site, accounts);
  for (const DriverStatus& driver : status.drivers) {
    for (const DeviceStatus& device : driver.devices) {
      if (device.state != DeviceStatus::State::offline) continue;
      out += fmt::format("  offline: {} ({}): {}\n", device.device, driver.name, device.detail);
    }
  }
  if (!status.time_is_known) {
    out += "  the time is not known: readings are kept, and counted once it is 时间未知, 读数已保存, 待校时后计入\n";
  }
  if (status.memory_holds != 0) {
    out += fmt::format("  memory: {} MiB in use; drivers had to wait {} times 内存不足, 采集曾暂停\n",
                       status.memory >> 20, status.memory_holds);
  }
  if (!status.store_trouble.empty()) out += "  store: " + status.store_trouble + "\n";
  for (const ports::SinkStatus& sink : status.sinks) {
    const auto known = std::ranges::find(status.store.cursors, sink.name, &ports::StoreStatus::Cursor::sink);
    const ports::StoreStatus::Cursor cursor =
        known == status.store.cursors.end() ? ports::StoreStatus::Cursor{} : *known;
    const std::string skipped =
        sink.rows_skipped == 0 ? std::string() : fmt::format(", {} not selected", sink.rows_skipped);
    out += fmt::format("sink {}: {}, {} rows delivered, {} rejected{}, {} waiting{}\n", sink.name,
                       sink.healthy ? "healthy" : "out of reach", sink.rows_accepted, sink.rows_rejected, skipped,
                       cursor.waiting(status.store.last_sequence),
                       sink.healthy || sink.detail.empty() ? "" : ": " + sink.detail);
    if (!cursor.ahead.empty()) {
      out += fmt::format(
          "  newest first: at row {}; the backlog is at row {} and has {} to go, {} a second at most 补传\n",
          cursor.live(), cursor.settled, cursor.behind(), rate_of(status, sink.name));
    }
    const auto account = std::ranges::find(status.sink_accounts, sink.name, &ports::SinkAccount::sink);
    const bool is_behind = !sink.healthy || !cursor.ahead.empty();
    if (is_behind && account != status.sink_accounts.end() && account->oldest) {
      out +=
          fmt::format("  of what waits the oldest is of {} 最早待传\n", local_time(*account->oldest, site.time_zone));
    }
    if (cursor.missed != 0) {
      out += fmt::format("  {} readings and running totals were dropped before it had them 已丢弃\n", cursor.missed);
    }
  }
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size();) {
    const Glyph glyph = glyph_at(text, i);
    width += glyph.columns;
    i += glyph.bytes;
  }
  return width;
}

std::string cut_lines(std::string_view table, std::size_t columns) {
  std::string out;
  std::size_t width = 0;
  for (std::size_t i = 0; i < table.size();) {
    const Glyph glyph = glyph_at(table, i);
    const bool end_of_line = table[i] == '\n';
    width = end_of_line ? 0 : width + glyph.columns;
    if (end_of_line || width <= columns) out += table.substr(i, glyph.bytes);
    i += glyph.bytes;
  }
  return out;
}

std::string accounts_table(const model::Site& site, const model::Checkpoint& accounts, Instant now) {
  std::string out =
      fmt::format("{}  {}  {} ({})\n", site.id, site.name, local_time(now, site.time_zone), site.time_zone);
  append_users(out, site, accounts);
  return out;
}

std::string live_table(const model::Site& site, const model::Checkpoint& accounts, const GatewayStatus& status,
                       Instant now) {
  std::string out = accounts_table(site, accounts, now);
  append_health(out, site, accounts, status);
  return out;
}

}  // namespace carbongate::app
