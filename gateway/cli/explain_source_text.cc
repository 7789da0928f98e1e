// Of an entry: its interval, readings, registers, derived points, and its place in the ledger.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/cli/explain_sections.h"
#include "gateway/ledger/chain.h"
#include "gateway/ledger/key.h"
#include "gateway/model/carrier.h"
#include "gateway/model/entry_name.h"

namespace carbongate::cli {
namespace {

using explain::DerivedUsed;
using explain::Explanation;
using explain::InputUsed;
using explain::PointUsed;
using explain::ReadingUsed;
using explain::Revision;

std::string_view place_of(ReadingUsed::Place place) {
  switch (place) {
    case ReadingUsed::Place::before: return "before";
    case ReadingUsed::Place::within: return "within";
    case ReadingUsed::Place::after: return "after";
  }
  return "";
}

std::string_view how_counted(Kind kind) {
  switch (kind) {
    case Kind::cumulative:
      return "a counter: readings are subtracted, and cut at the quarter hours in proportion to time";
    case Kind::interval: return "amounts: taken as they are, each over the time since the one before";
    case Kind::instantaneous: return "a rate: integrated by trapezoids";
  }
  return "";
}

void write_origin(Page& page, const PointUsed& point) {
  if (!point.origin) return;
  page.field("Read from 读自", point.origin->where);
  page.field("Decoded as 解码", point.origin->decoding);
}

// "43 9a 00 00 -> 308 kWh". The store has values, not registers.
void write_bytes(Page& page, const PointUsed& point, Figures& figures) {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> reasons;
  bool is_repaired = false;
  for (const ReadingUsed& reading : point.readings) {
    if (!reading.bytes && reading.bytes_missing.empty()) continue;
    const double value = reading.repaired.value_or(reading.value);
    is_repaired |= reading.repaired.has_value();
    rows.push_back({figures.time(reading.at), reading.bytes.value_or("none"), reading.bytes ? "->" : "",
                    std::isnan(value) ? "no number" : Figures::number(value), point.unit});
    if (!reading.bytes && std::ranges::find(reasons, reading.bytes_missing) == reasons.end()) {
      reasons.push_back(reading.bytes_missing);
    }
  }
  if (!rows.empty()) {
    page.field("Bytes 字节", std::string("re-encoded from the value, which is what is stored") +
                                 (is_repaired ? ", or from what a repair makes of it" : "") +
                                 "; of what is no number as they were read");
    for (const std::string& reason : reasons) page.field("  none 无", reason);
    page.table({{"time 时间"}, {"bytes 字节"}, {"", false}, {"value 数值", true}, {"unit 单位"}}, rows);
  }
}

// One that came late says so.
std::string quality_of(const InputUsed& input) {
  return input.point && !input.point->readings.empty() ? Figures::quality(input.point->readings.back().quality) : "";
}

void write_derived(Page& page, const std::string& name, const DerivedUsed& derived, Figures& figures) {
  page.field("Result 结果", fmt::format("{} at {}: {} {}{}", name, figures.time(derived.at),
                                        derived.result ? Figures::number(*derived.result) : "not stored", derived.unit,
                                        derived.moved ? fmt::format(", {} more than the result before",
                                                                    Figures::rounded(*derived.moved))
                                                      : ""));
  page.field("Formula 公式", fmt::format("{}: {}", derived.formula, derived.text));
  std::vector<std::vector<std::string>> rows;
  for (const InputUsed& input : derived.inputs) {
    rows.push_back({input.role + (input.weight == 1 ? "" : " x " + Figures::number(input.weight)),
                    input.point ? input.point->device + "." + input.point->point : "a constant",
                    Figures::number(input.value) + " " + input.unit, input.moved ? Figures::rounded(*input.moved) : "",
                    input.at ? figures.clock(*input.at) : "", quality_of(input)});
  }
  page.table({{"input 输入"}, {"point 点"}, {"value 数值", true}, {"moved 增量", true}, {"at 时间"}, {"quality 质量"}},
             rows);
  for (const explain::FigureUsed& figure : derived.figures) {
    page.field("  " + figure.name, Figures::rounded(figure.value) + " " + figure.unit);
  }
  if (derived.computed) {
    page.field("  worked out again 复算", fmt::format("{} {}", Figures::rounded(*derived.computed), derived.unit));
  }
  if (!derived.missing.empty()) page.field("Not known 未知", derived.missing);
  for (const InputUsed& input : derived.inputs) {
    if (!input.point) continue;
    const std::string input_name = input.point->device + "." + input.point->point;
    page.line("");
    page.field("Input 输入", input_name);
    if (!input.point->missing.empty()) page.field("Not known 未知", input.point->missing);
    for (const std::string& note : input.point->notes) page.field("Note 备注", note);
    write_origin(page, *input.point);
    write_bytes(page, *input.point, figures);
    if (input.point->derived) write_derived(page, input_name, *input.point->derived, figures);
  }
}

// Of rates: what is told with the next accepted reading though it is of a time before it.
void write_held(Page& page, const PointUsed& point, Figures& figures) {
  for (const ReadingUsed& reading : point.readings) {
    if (!reading.held_until || reading.counted == model::Activity{}) continue;
    page.field("Held 保持",
               fmt::format("the value of {} stood until {}, when the next one was rejected: {}, in the row of {}",
                           figures.clock(*reading.moved_since), figures.clock(*reading.held_until),
                           figures.amount(*reading.counted), figures.clock(reading.at)));
  }
}

// Why less was watched than there are readings.
void write_unwatched(Page& page, const PointUsed& point, Figures& figures) {
  constexpr std::size_t kShownMax = 20;
  const std::size_t shown = std::min(point.unwatched.size(), kShownMax);
  for (const explain::Unwatched& unwatched : std::span(point.unwatched).first(shown)) {
    std::string by;
    std::size_t count = 0;
    for (const auto& [rule, times] : unwatched.rejected) {
      by += fmt::format("{}{} {}", by.empty() ? "" : ", ", times, to_string(rule));
      count += times;
    }
    page.field("Not watched 未监测",
               fmt::format("{} to {}: {}", figures.clock(unwatched.from), figures.clock(unwatched.until),
                           count == 0 ? "a reading is rejected by the limits of now"
                                      : fmt::format("{} reading{} rejected ({})", count, count == 1 ? "" : "s", by)));
  }
  if (shown < point.unwatched.size()) {
    page.paragraph(fmt::format("{} more times were not watched: --json has them all", point.unwatched.size() - shown));
  }
}

}  // namespace

void write_interval(Page& page, const Explanation& e, Figures& figures) {
  page.section("6 Interval and readings 区间与读数");
  const PointUsed& point = e.point;
  if (e.interval) {
    page.field("As first counted 首次计数",
               fmt::format("{}, {}, {}", figures.amount(e.interval->amount),
                           Figures::coverage(e.interval->covered, e.interval->end - e.interval->begin),
                           Figures::quality(e.interval->quality)));
  } else {
    page.field("As first counted 首次计数", "not in the store");
  }
  if (point.kind) page.field("Kind 类型", how_counted(*point.kind));
  page.field("Units 单位",
             fmt::format("values in {}; moved, and of it in this interval, in {}; quality as {}", point.unit,
                         figures.unit(), point.worked_out ? "the correction has it" : "first heard"));
  for (const std::string& note : point.notes) page.field("Note 备注", note);
  std::vector<std::vector<std::string>> rows;
  const auto amount = [&](const std::optional<model::Activity>& a) {
    return a ? model::format_fixed(a->quanta(), e.carrier->quanta_per_display) : std::string();
  };
  for (const ReadingUsed& reading : point.readings) {
    rows.push_back({std::string(place_of(reading.place)), figures.clock(reading.at), Figures::number(reading.value),
                    amount(reading.moved), amount(reading.counted), Figures::quality(reading.quality)});
  }
  if (point.dropped) {
    page.paragraph("The readings of that time are no longer kept (store.keep_readings): nothing can be counted again.");
  } else if (rows.empty()) {
    page.paragraph("The store has no readings of this point around that time.");
  }
  if (!rows.empty()) {
    page.table({{"", false},
                {"time 时间", false},
                {"value 数值", true},
                {"moved 增量", true},
                {"of it here 计入", true},
                {"quality 质量", false}},
               rows);
  }
  if (point.left_out != 0) {
    page.paragraph(fmt::format("{} of {} readings within are left out here: --readings {} shows them all",
                               point.left_out, point.readings_within, point.readings_within));
  }
  write_held(page, point, figures);
  write_unwatched(page, point, figures);
  if (!point.counted) return;
  const model::Activity beside = explain::sum_of(point.beside);
  page.field("Counted again 重新计数",
             fmt::format("{}: {}", figures.amount(*point.counted),
                         *point.counted + beside != e.known.amount
                             ? e.published && *point.counted == e.published->amount
                                   ? "equal to what was first published"
                                   : "not what is booked; the configuration, the readings kept or a correction differ"
                         : point.beside.empty()
                             ? "equal to what is booked"
                             : fmt::format("with {} beside it equal to what is booked", figures.amount(beside))));
  for (const explain::BesideReadings& one : point.beside) {
    page.field("Beside it 另计", fmt::format("{}, {}: {}", to_string(one.cause), figures.amount(one.amount), one.note));
  }
}

void write_registers(Page& page, const Explanation& e, Figures& figures) {
  page.section("7 Registers 寄存器");
  page.field("Point 计量点", e.point.device + "." + e.point.point);
  if (!e.point.missing.empty()) page.field("Not known 未知", e.point.missing);
  if (e.point.derived) page.paragraph("A derived point: no device has it; it is computed, see below.");
  write_origin(page, e.point);
  write_bytes(page, e.point, figures);
}

void write_derived(Page& page, const Explanation& e, Figures& figures) {
  if (!e.point.derived) return;
  page.section("8 Derived point 派生量");
  if (e.point.readings_within > 1)
    page.paragraph("One result of the quarter hour; --result TIME takes another one apart.");
  write_derived(page, e.point.device + "." + e.point.point, *e.point.derived, figures);
}

void write_ledger(Page& page, const Explanation& e, Figures& figures) {
  page.section(e.point.derived ? "9 Ledger 账本" : "8 Ledger 账本");
  for (const Revision& revision : e.revisions) {
    const explain::LedgerPlace& place = revision.ledger;
    page.field(fmt::format("Revision 版次 {}", revision.entry.revision),
               place.number == 0
                   ? std::string("no part of the chain")
                   : fmt::format("entry {} of the chain, row {} of the journal", place.number, revision.sequence));
    if (place.number != 0) {
      page.field("  hash 哈希", ledger::to_hex(place.hash));
      page.field("", place.hash_fits ? "= SHA-256 of the hash before it and the entry's line" : "does NOT fit");
    }
    if (place.seal) {
      const ledger::Seal& seal = place.seal->seal;
      page.field("  seal 签封",
                 fmt::format("{}, of {}, for entries {} to {}; {}", seal.number, figures.time(seal.sealed_at),
                             seal.first, seal.last, place.seal_genuine ? "genuine" : "NOT genuine"));
      page.paragraph("key 公钥 " + ledger::fingerprint(seal.key), 5);
    } else if (place.number != 0) {
      page.field("  seal 签封", "not sealed yet");
    }
    if (!place.trouble.empty()) page.field("  trouble 问题", place.trouble);
  }
}

}  // namespace carbongate::cli
