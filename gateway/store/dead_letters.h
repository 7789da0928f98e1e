// What sinks refused for good, for people: to read, to offer again, to give up.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "gateway/model/errors.h"
#include "gateway/model/rows.h"

namespace carbongate::store {

struct DeadLetter {
  std::string sink;
  std::uint64_t sequence = 0;           // of the row in the journal
  Instant at{};                         // of the row: when read, or where it begins
  std::string reason;                   // the far end's words
  bool retry = false;                   // to be offered again, before the journal's rows, when the gateway runs
  std::optional<model::StoredRow> row;  // nullopt: the journal does not keep it any longer; it cannot be offered again
};

// Visits the list, by sink and sequence; `sink` empty: of all sinks. Reads beside a running gateway, in short
// transactions. Fault: no store there, damaged, or of another version.
model::Result<void> each_dead_letter(const std::filesystem::path& directory, const std::string& sink,
                                     const std::function<bool(const DeadLetter&)>& visit);  // false: enough

struct DeadLetterChange {
  std::uint64_t rows = 0;
  std::uint64_t gone = 0;  // of those asked for, left as they are: not in the journal any longer
};

// Marks the list, of one sink or of all, to be offered again by the next gateway. A row leaves the list only when its
// sink has accepted it, so that a crash at any time loses none. Needs the store for itself; fault: in use, not there,
// or as Store::commit().
model::Result<DeadLetterChange> retry_dead_letters(const std::filesystem::path& directory, const std::string& sink);

// Empties the list, of one sink or of all; the rows stay in the journal and count as rejected. As above.
model::Result<DeadLetterChange> drop_dead_letters(const std::filesystem::path& directory, const std::string& sink);

}  // namespace carbongate::store
