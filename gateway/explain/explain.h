// Why a figure in the books is what it is. What the command `explain` shows, and what any other front may ask for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gateway/explain/explanation.h"
#include "gateway/explain/formula.h"
#include "gateway/explain/question.h"
#include "gateway/explain/readings.h"
#include "gateway/model/errors.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/factor_registry.h"
#include "gateway/pipeline/gwp.h"
#include "gateway/store/history.h"

namespace carbongate::explain {

// What is known beside the store: the configuration as it is now, which may be another one than the entry was booked
// by. Everything outlives the call.
struct Knowledge {
  const model::Site& site;
  const pipeline::FactorRegistry& factors;
  const pipeline::GwpSet* gwp = nullptr;  // by which `factors` were loaded; nullptr: not known
  std::span<const model::Certificate> certificates = {};

  // The same factors by another GWP set, "AR6"; nullopt: it is not known. Asked for what was booked by it.
  std::function<std::optional<FactorsByGwp>(const std::string&)> by_gwp = [](const std::string&) {
    return std::nullopt;
  };
  // A factor that `factors` do not have, by id and version.
  std::function<std::optional<model::Factor>(std::string_view, std::string_view)> former = {};

  // Of a reading of this point with this value; nullopt: no device has the point.
  std::function<std::optional<Origin>(PointId, double)> origin = [](PointId, double) { return std::nullopt; };

  // The right value where a stored one was wrong; NaN where none follows. Asked for entries that a repaired
  // configuration has corrected.
  std::function<double(PointId, Instant, double)> repaired = [](PointId, Instant, double value) { return value; };

  // The results of a derived point and of those that it is computed from, as a correction of what begins in [begin,
  // end) works them out of the readings heard up to that place in the journal: by time; and these readings, repaired
  // and judged in that order. Asked for entries that late data or another configuration have corrected; where there are
  // none, the stored ones stand.
  using ResultsAgain = std::map<PointId, std::vector<StoredReading>>;
  std::function<model::Result<ResultsAgain>(store::History&, PointId, Instant begin, Instant end,
                                            std::uint64_t through)>
      results_again = [](store::History&, PointId, Instant, Instant, std::uint64_t) -> model::Result<ResultsAgain> {
    return ResultsAgain();
  };

  // What people announced about the values of this point at that time, such as a repair: one text each.
  std::function<std::vector<std::string>(PointId, Instant)> notes = [](PointId, Instant) {
    return std::vector<std::string>();
  };
};

struct Limits {
  std::size_t readings = 12;           // shown of an interval; of more the middle is left out
  std::size_t entries = 20;            // shown of a period
  std::optional<Instant> result = {};  // of a derived point: the one to take apart; nullopt: the last of the interval
};

// Reads only, beside a running gateway as well as after it has stopped. One thread, which may be any; a call lasts as
// long as the store takes. Points are known by name: what the configuration has no more is said to be unknown.
//
// Faults: argument_out_of_domain where the books hold nothing of that name, or no such result of a derived point; the
// text names what is near. Those of
// store::History for a store that is none, or damaged.
model::Result<Answer> explain(const std::filesystem::path& store, const Knowledge& known, const Question& question,
                              const Limits& limits = {});

}  // namespace carbongate::explain
