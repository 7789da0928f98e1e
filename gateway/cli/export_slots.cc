#include "gateway/cli/export_slots.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "gateway/tables/number_text.h"

namespace carbongate::cli {
namespace {

using Column = tables::TableWriter::Column;
using Type = tables::TableWriter::Type;

std::string number(double value) {
  return std::isfinite(value) ? tables::number_text(value) : std::string();
}

std::int64_t begin_of(std::int64_t at_ms, std::int64_t every_ms) {
  const std::int64_t into = at_ms % every_ms;
  return at_ms - into - (into < 0 ? every_ms : 0);
}

}  // namespace

std::span<const Column> slot_columns() {
  static constexpr std::array kColumns = {Column{"time"},
                                          Column{"device"},
                                          Column{"point"},
                                          Column{"unit"},
                                          Column{"count", Type::number},
                                          Column{"first", Type::number},
                                          Column{"last", Type::number},
                                          Column{"min", Type::number},
                                          Column{"max", Type::number},
                                          Column{"mean", Type::number},
                                          Column{"rejected", Type::number}};
  return kColumns;
}

void SlotExport::add(const model::Series& series, const model::JudgedReading& reading) {
  const std::int64_t begin_ms = begin_of(reading.at.time_since_epoch().count(), every_ms_);
  if (begin_ms != begin_ms_) finish();
  begin_ms_ = begin_ms;
  Slot& slot = slots_[{series.device, series.point, series.unit}];
  if (model::usable(reading.quality) && std::isfinite(reading.value)) {
    add(slot, reading.value);
  } else {
    ++slot.rejected;
  }
}

void SlotExport::add(Slot& slot, double value) {
  if (slot.count++ == 0) slot.first = slot.min = slot.max = value;
  slot.last = value;
  slot.min = std::min(slot.min, value);
  slot.max = std::max(slot.max, value);
  const double sum = slot.sum + value;
  slot.rest += std::abs(slot.sum) >= std::abs(value) ? (slot.sum - sum) + value : (value - sum) + slot.sum;
  slot.sum = sum;
}

void SlotExport::finish() {
  for (const auto& [name, slot] : slots_) {
    const auto& [device, point, unit] = name;
    const auto value = [&](double figure) { return slot.count == 0 ? std::string() : number(figure); };
    writer_.cell(time_(Instant(Duration(begin_ms_)))).cell(device).cell(point).cell(unit);
    writer_.cell(std::to_string(slot.count)).cell(value(slot.first)).cell(value(slot.last));
    writer_.cell(value(slot.min)).cell(value(slot.max));
    writer_.cell(value((slot.sum + slot.rest) / static_cast<double>(slot.count)));
    writer_.cell(std::to_string(slot.rejected));
  }
  slots_.clear();
}

}  // namespace carbongate::cli
