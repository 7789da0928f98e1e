// What a sink has remembered, and what it has delivered, for people: beside a running gateway, or after it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "drivers/api/reading.h"
#include "gateway/model/errors.h"

namespace carbongate::store {

struct SinkProgress {
  std::map<std::string, std::string> kept;                     // Store::keep(), by name
  std::uint64_t settled = 0;                                   // up to this row of the journal
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ahead;  // and behind the first of a pair up to the second
  std::uint64_t rejected = 0;
  std::set<std::uint64_t> dead;  // rows on its list of dead letters

  bool is_delivered(std::uint64_t sequence) const;
};

// When the store was last written to. What sinks have delivered since then is not in there: a running gateway writes it
// with its next commit, and at the latest a minute later. Fault: no store there.
model::Result<Instant> written_at(const std::filesystem::path& directory);

// One short transaction. A sink that was never there has remembered and delivered nothing. Fault: no store there,
// damaged, or of another version.
model::Result<SinkProgress> sink_progress(const std::filesystem::path& directory, const std::string& sink);

}  // namespace carbongate::store
