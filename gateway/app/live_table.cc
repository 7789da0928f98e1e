#include "gateway/app/live_table.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "gateway/books/live_sums.h"
#include "gateway/model/coverage.h"

namespace carbongate::app {
namespace {

using books::LiveSum;
using books::Waiting;

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

// "79.17 %"; empty where nobody knows.
std::string coverage(const LiveSum& sum) {
  return sum.elapsed <= Duration::zero() ? "" : model::coverage_percent(sum.covered, sum.elapsed) + " %";
}

// "± 0.0011"; with ">" where only part of what it may be is stated.
std::string uncertainty(const LiveSum& sum) {
  if (sum.stated == model::Stated::none) return "";
  return (sum.stated == model::Stated::all ? "± " : "± >") + fixed(sum.u95.quanta(), model::kMilligramsPerKilogram, 4);
}

// The last columns, of any sum.
std::string trust(const LiveSum& sum) {
  return right(fixed(sum.co2e.quanta(), model::kMilligramsPerKilogram, 4), 14) + " " + left(uncertainty(sum), 14) +
         right(coverage(sum), 16);
}

std::string figures(const LiveSum& sum) {
  const model::Carrier& carrier = *sum.account->carrier;
  return right(fmt::format("{:.2f} {}", sum.amount_per_hour, rate_unit(carrier)), 16) +
         right(fixed(sum.amount.quanta(), carrier.quanta_per_display, 3) + " " + std::string(carrier.display.symbol),
               20) +
         std::string(sum.waits ? kWaits : " ") + right(fmt::format("{:.3f}", sum.co2e_kg_per_hour), 12) + trust(sum);
}

void append_users(std::string& out, const model::Site& site, const model::Checkpoint& accounts) {
  out += left("energy user 用能单位", 34) + left("carrier 能源品种", 20) + right("power 功率", 16) +
         right("energy 用量", 20) + right("CO2e kg/h", 13) + right("CO2e kg", 14) + " " + left("± 95 %", 14) +
         right("covered 覆盖率", 16) + "\n";
  const std::vector<Waiting> waiting = books::waiting_points(site, accounts);
  for (const LiveSum& sum : books::user_sums(site, accounts, waiting)) {
    const model::Carrier& carrier = *sum.account->carrier;
    const std::string name =
        sum.account->user_name.empty() ? sum.account->user : sum.account->user + " " + sum.account->user_name;
    const model::Flow flow = sum.account->flow;
    const std::string what =
        flow == model::Flow::consumed ? std::string(carrier.name_zh) : std::string(to_string(flow));
    out += left(name, 34) + left(std::string(carrier.id) + " " + what, 20) + figures(sum) + "\n";
  }
  for (const LiveSum& sum : books::unallocated_sums(site, accounts)) {
    out += left("unallocated 未分配 " + sum.account->user, 34) +
           left(std::string(sum.account->carrier->id) + " " + std::string(sum.account->carrier->name_zh), 20) +
           figures(sum) + "\n";
  }
  out += left("total 合计", 103) + trust(books::site_sum(site, accounts)) + "\n";
  std::vector<std::string> parts;
  for (const model::Account& account : site.accounts) {
    const bool is_part = model::container_of(site, account) != nullptr;
    if (is_part && std::ranges::find(parts, account.user) == parts.end()) parts.push_back(account.user);
  }
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
