// The readings that an entry was counted from, as far as its revisions are explained.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gateway/explain/explain.h"
#include "gateway/explain/explanation.h"
#include "gateway/explain/readings.h"
#include "gateway/model/errors.h"
#include "gateway/model/site.h"
#include "gateway/store/history.h"

namespace carbongate::explain {

struct Gathered {
  std::map<std::string, ReadingsOfPoint> readings;  // of the point, and of all that it is computed from
  std::vector<StoredReading> rejected_terms;        // by time; of a sum no reading of its own says so
  bool worked_out = false;                          // as the newest correction explained made them of what was heard
};

class Gathering {
 public:
  // `point`: nullptr where it is not configured any more. `explained`: revisions, from the first one on. `are_later`:
  // there are others, whose readings had not been heard then. All of it outlives this.
  Gathering(store::History& history, const Knowledge& known, const Point* point, std::span<const Revision> explained,
            bool are_later)
      : history_(history), known_(known), point_(point), explained_(explained), are_later_(are_later) {}

  model::Result<Gathered> find(ReadingsWanted wanted) const;

  // Puts in the values that a restatement would count, where there was one.
  void repair(std::vector<StoredReading>& readings, PointId point) const;

 private:
  std::optional<std::uint64_t> looked_through() const;
  model::Result<void> work_out_again(Gathered& out, const ReadingsWanted& wanted, std::uint64_t through) const;
  std::vector<StoredReading> find_rejected_terms(const Gathered& out) const;

  store::History& history_;
  const Knowledge& known_;
  const Point* point_;
  std::span<const Revision> explained_;
  bool are_later_;
};

}  // namespace carbongate::explain
