// The audit log: who did what, when, from where, and what came of it. A line of JSON each:
//
//   {"number":17,"at":1790000000123,"user":"li.wei","by":"session","address":"192.0.2.7","action":"log in",
//    "outcome":"done","detail":""}
//
// Numbers go up by one, so that what is missing shows; `at` in ms since 1970.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/api/reading.h"

namespace carbongate::access {

struct AuditEntry {
  std::uint64_t number = 0;  // from 1; the file gives it
  Instant at{};
  std::string user;     // who, by his own word if the outcome is a refusal; "" if nobody said
  std::string by;       // "session", "token", "command line"; "" without logins
  std::string address;  // of the client; "" of the command line
  std::string action;   // "log in", "acknowledge alert"
  std::string outcome;  // "done", or the code of the refusal
  std::string detail;   // of what
  friend bool operator==(const AuditEntry&, const AuditEntry&) = default;
};

inline constexpr std::size_t kAuditTextMax = 500;  // bytes of each text; the rest is cut off

// With its line feed. Whatever the texts hold, it is one line of valid JSON.
std::string to_line(const AuditEntry& entry);

// nullopt: it is none, as of a line that a power cut tore.
std::optional<AuditEntry> parse_audit_line(std::string_view line);

}  // namespace carbongate::access
