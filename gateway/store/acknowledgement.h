// What people say of alerts while a gateway runs: each a file beside its store, which the gateway takes up within a
// second, or when it starts. So nobody needs the store for himself.
//
//   requests/acknowledge-0123456789abcdef   four lines: "1", the time in ms since 1970, who, and a note
//
// A request that is taken up is gone; one that was taken up before a crash, and is found again, changes nothing.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "drivers/api/reading.h"
#include "gateway/model/errors.h"

namespace carbongate::store {

struct Acknowledgement {
  std::string alert;  // its id
  Instant at{};
  std::string by = {};
  std::string note = {};
};

inline constexpr std::size_t kAcknowledgementTextMax = 1'000;  // characters (code points) of `by`, and of `note`

// Why it cannot be kept, whatever the store: the id is none, nobody says it, or name or note is no line of UTF-8 of at
// most so many characters; "": it can.
std::string objection_to(const Acknowledgement& said);

// On disk when this returns. Fault: there is an objection to it (invalid_argument), there is no store in the directory,
// it cannot be written, or somebody else's is there that the gateway has not taken up yet: the first one counts.
model::Result<void> request_acknowledgement(const std::filesystem::path& directory, const Acknowledgement& said);

// The one that waits for that alert.
std::optional<Acknowledgement> waiting_acknowledgement(const std::filesystem::path& directory,
                                                       const std::string& alert);

// Those that wait, by id. What is none is removed and told in `trouble`, a line each.
std::vector<Acknowledgement> waiting_acknowledgements(const std::filesystem::path& directory, std::string& trouble);

// It was taken up, or is about nothing.
void forget_acknowledgement(const std::filesystem::path& directory, const std::string& alert);

}  // namespace carbongate::store
