// What was sent of alerts and reports, for people and for who has to prove it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/model/errors.h"
#include "gateway/model/rows.h"
#include "gateway/ports/sink.h"

namespace carbongate::store {

struct DeliveryLine {
  std::string sink;
  std::string id;  // by which the far end knows a repeat
  Instant first_sent{};
  std::uint32_t attempts = 0;           // each time that it was sent, also one whose answer may still come
  ports::Attempt last;                  // `sequence` is the row's
  std::optional<model::StoredRow> row;  // nullopt: the journal does not keep it any longer
};

std::string_view word_of(ports::Attempt::Outcome outcome);   // "open", "received", "refused", "sent"
std::optional<double> seconds_of(const DeliveryLine& line);  // from the first attempt to the receipt

struct DeliveryQuery {
  std::string sink = {};             // empty: of all
  bool only_open = false;            // without a receipt: open or refused
  std::optional<Instant> from = {};  // by the time of the last attempt
  std::optional<Instant> to = {};    // that one not included
};

// Visits the record, by sink and sequence. Reads beside a running gateway. Fault: no store
// there, damaged, or of another version.
model::Result<void> each_delivery(const std::filesystem::path& directory, const DeliveryQuery& query,
                                  const std::function<bool(const DeliveryLine&)>& visit);  // false: enough

}  // namespace carbongate::store
