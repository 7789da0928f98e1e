// Words of the verifier's findings.
#pragma once

#include <cstdint>
#include <string>

#include "gateway/ledger/canonical.h"
#include "gateway/ledger/row.h"

namespace carbongate::ledger {

inline std::string name_or_not(std::string_view line) {
  const auto name = name_of(line);
  return name ? model::to_string(*name) : "an entry whose name cannot be read";
}

inline std::string called(const EntryRow& entry) {
  return "entry " + std::to_string(entry.number) + (entry.line.empty() ? "" : " (" + name_or_not(entry.line) + ")");
}

inline std::string range_text(std::uint64_t first, std::uint64_t last) {
  if (first == last) return "entry " + std::to_string(first);
  return "entries " + std::to_string(first) + ".." + std::to_string(last);
}

inline std::string is_or_are(std::uint64_t first, std::uint64_t last) {
  return first == last ? " is" : " are";
}

inline std::string seal_text(const Seal& seal) {
  return "seal " + std::to_string(seal.number) + " (of " + model::format_utc(seal.sealed_at) + ")";
}

}  // namespace carbongate::ledger
