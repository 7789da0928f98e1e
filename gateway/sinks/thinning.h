// Which readings a sink gets that wants at most one of each point in each slot of time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "gateway/model/rows.h"

namespace carbongate::sinks {

// Time is cut into slots of `every`, from 1970 UTC on. A usable reading is kept if none of the same point and slot is
// among the kWindow rows of the journal before it: the first of each slot, also of late ones that come between others.
// One that is not usable is left out. So what is kept follows from the journal alone: not from how rows are offered,
// how often, or where a restart falls. Twice in a slot it keeps a point whose readings lie more than kWindow rows
// apart, or that were thinned out of the journal meanwhile.
//
// Not thread-safe. Memory: some 100 bytes for each point and slot within the window, and for each point.
class Thinning {
 public:
  static constexpr std::uint64_t kWindow = 65'536;  // rows

  explicit Thinning(Duration every) : every_(every) {}

  // Whether it knows what lies before this sequence, which follows the one `after`: between them there is nothing. If
  // not, call begin().
  bool knows_before(std::uint64_t sequence, std::uint64_t after = 0) const {
    return known_through_ && sequence > *known_through_ && after <= *known_through_;
  }

  // `readings`: of the kWindow rows before `sequence` those that are selected but for this; ascending.
  void begin(std::uint64_t sequence, std::span<const model::StoredRow> readings);

  // Whether to keep each of these readings, ascending behind what is known. Nothing is known of them for good until
  // passed().
  class Decision {
   public:
    explicit Decision(const Thinning& thinning) : thinning_(thinning) {}
    bool keeps(const model::StoredRow& reading);

   private:
    friend class Thinning;
    const Thinning& thinning_;
    std::unordered_map<std::string, std::uint64_t> seen_;
  };

  // They were settled; `through` is the last of all rows that were.
  void passed(std::span<const model::StoredRow* const> readings, std::uint64_t through);

 private:
  std::string slot_of(const model::StoredRow& reading, const model::JudgedReading& body) const;
  void remember(const model::StoredRow& reading);
  void forget_old();

  Duration every_;
  std::unordered_map<std::string, std::uint64_t> last_seen_;  // by point and slot: the sequence
  std::optional<std::uint64_t> known_through_;
  std::uint64_t forgotten_at_ = 0;
};

}  // namespace carbongate::sinks
