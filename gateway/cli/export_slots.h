// Readings by slots of time, as `carbongate export --every` writes them.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tuple>

#include "gateway/model/rows.h"
#include "gateway/tables/local_time.h"
#include "gateway/tables/table_writer.h"

namespace carbongate::cli {

std::span<const tables::TableWriter::Column> slot_columns();

// One row for each point and slot in which it was read: of its usable readings the first, last, least, greatest and
// mean value; beside their number that of those rejected. Slots begin at multiples of `every` since 1970 UTC. Memory: a
// slot. `writer` and `time` outlive it.
class SlotExport {
 public:
  SlotExport(tables::TableWriter& writer, tables::LocalTime& time, Duration every)
      : writer_(writer), time_(time), every_ms_(every.count()) {}

  void add(const model::Series& series, const model::JudgedReading& reading);  // in the order of time
  void finish();

 private:
  struct Slot {
    std::uint64_t count = 0;
    std::uint64_t rejected = 0;
    double first = 0;
    double last = 0;
    double min = 0;
    double max = 0;
    double sum = 0;
    double rest = 0;  // what `sum` has lost (Neumaier)
  };
  static void add(Slot& slot, double value);

  tables::TableWriter& writer_;
  tables::LocalTime& time_;
  std::int64_t every_ms_;
  std::int64_t begin_ms_ = 0;                                                // of the slot
  std::map<std::tuple<std::string, std::string, std::string>, Slot> slots_;  // by device, point, unit
};

}  // namespace carbongate::cli
