#include "gateway/sinks/hj212/packets.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "gateway/model/carrier.h"
#include "gateway/model/coverage.h"
#include "protocols/wire/utf8.h"

namespace carbongate::sinks::hj212 {
namespace {

using carbongate::hj212::Item;
using carbongate::hj212::to_data_time;
using carbongate::hj212::Value;

constexpr std::string_view kUnknown = "9999.99";
constexpr std::size_t kTextBytesMax = 800;  // of 3020: less than 890 between the slashes
constexpr std::size_t kSubjectBytesMax = 300;

std::string decimal(double value, std::uint8_t decimals) {
  std::string text = fmt::format("{:.{}f}", value, decimals);
  if (text.find_first_not_of("-0.") == std::string::npos && text.front() == '-') text.erase(0, 1);
  return text;
}

std::vector<Item> data_time(Instant at, const StationClock& clock) {
  return {{Value{"DataTime", to_data_time(clock.local(at))}}};
}

// What would end the text, or the data area, is broken up.
std::string broken_up(std::string text) {
  for (const std::string_view pair : {"//", "&&"}) {
    for (std::size_t at = 0; (at = text.find(pair, at)) != std::string::npos; at += 1) text.insert(at + 1, " ");
  }
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return text;
}

// Cut between characters of UTF-8.
std::string quotable(std::string text) {
  text = broken_up(std::move(text));
  text.resize(wire::first_bytes(text, kTextBytesMax).size());
  if (text.ends_with('/')) text += ' ';
  if (text.starts_with('/')) text.insert(0, " ");
  return text;
}

}  // namespace

std::string_view command_of(model::ReportKind kind) {
  switch (kind) {
    case model::ReportKind::real_time: return "2011";
    case model::ReportKind::minute: return "2051";
    case model::ReportKind::hour: return "2061";
    case model::ReportKind::day: return "2031";
  }
  return "2011";
}

Data data_of(const model::Report& report, const StationClock& clock, bool marks_unknown) {
  Data data{.command = command_of(report.kind), .repeated = data_time(report.begin, clock), .items = {}};
  const bool is_instant = report.kind == model::ReportKind::real_time;
  for (const model::ReportValue& value : report.values) {
    Item item;
    const auto put = [&](std::string_view field, std::optional<double> number, std::uint8_t decimals) {
      if (!number || !std::isfinite(*number)) return;
      item.push_back({value.code + "-" + std::string(field), decimal(*number, decimals)});
    };
    const bool is_silent = value.total == 0 && value.flag != 'N';
    const auto put_reduced = [&](std::string_view field, std::optional<double> number) {
      if (!number && marks_unknown && value.has_reduced && !is_silent) {
        item.push_back({value.code + "-" + std::string(field), std::string(kUnknown)});
      } else {
        put(field, number, value.decimals);
      }
    };
    put("Cou", value.amount, value.amount_decimals);
    if (is_instant) {
      put("Rtd", value.figures.value, value.decimals);
      put_reduced("ZsRtd", value.reduced.value);
    } else {
      put("Min", value.figures.min, value.decimals);
      put("Avg", value.figures.value, value.decimals);
      put("Max", value.figures.max, value.decimals);
      put_reduced("ZsMin", value.reduced.min);
      put_reduced("ZsAvg", value.reduced.value);
      put_reduced("ZsMax", value.reduced.max);
    }
    if (value.total > 0 || is_silent) item.push_back({value.code + "-Flag", std::string(1, value.flag)});
    if (!item.empty()) data.items.push_back(std::move(item));
  }
  return data;
}

Data data_of(const model::Alert& alert, const model::Series& series, const StationClock& clock) {
  const std::string stage = fmt::format("[{}][{}] ", to_string_zh(alert.severity), to_string_zh(alert.stage));
  const std::string subject = broken_up(model::subject_name(series.device, series.point, series.user, series.carrier));
  const auto [value, limit] = model::figures_text(alert.value, alert.limit, alert.unit);
  std::string figures = subject.empty() ? "" : " " + std::string(wire::first_bytes(subject, kSubjectBytesMax));
  if (!std::isnan(alert.value)) figures += ", 当前值 " + value;
  if (!std::isnan(alert.limit)) figures += ", 限值 " + limit;
  if (alert.of) {
    figures += fmt::format(", 时段 {}-{}", to_data_time(clock.local(alert.of->begin)),
                           to_data_time(clock.local(alert.of->end)));
    if (alert.of->coverage) {
      figures += fmt::format(", 覆盖率 {}%", model::format_fixed(*alert.of->coverage, model::kPerPercent));
    }
  }
  figures += fmt::format(", 起始 {}, 编号 {}-{}", to_data_time(clock.local(alert.since)), alert.id, alert.revision);
  // A name may be long: what tells the alert is behind it, and goes in whole.
  const std::string name = broken_up(alert.name_zh.empty() ? alert.name : alert.name_zh);
  const std::size_t room = kTextBytesMax - std::min(kTextBytesMax, stage.size() + figures.size());
  std::string text = stage + std::string(wire::first_bytes(name, room)) + figures;
  if (!alert.by.empty()) text += ", 确认 " + alert.by;
  if (!alert.note.empty()) text += ", 备注 " + alert.note;
  Data data{.command = "3020", .repeated = data_time(alert.at, clock), .items = {}};
  data.items.push_back({Value{"i11001-Info", "//" + quotable(std::move(text)) + "//"}});
  return data;
}

}  // namespace carbongate::sinks::hj212
