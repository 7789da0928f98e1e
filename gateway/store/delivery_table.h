// The record of deliveries, as the running store keeps it: what was sent to whom, when, and what was answered.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/ports/store.h"
#include "gateway/store/database.h"
#include "gateway/store/store_config.h"

namespace carbongate::store {

// One line for a row and its sink: when it was first sent, how often, and how the last attempt ended. Lines go when
// they are StoreConfig::keep_deliveries older than the newest attempt. Throws SqliteError. One thread.
class DeliveryTable {
 public:
  static constexpr std::size_t kAnswerBytesMax = 300;  // longer ones are cut

  DeliveryTable(Database& database, const StoreConfig& config);

  // Within a transaction. An attempt that is told again, with the same `sent`, is the same one. What is sent once more after its receipt, as after a crash, is counted, and stays received.
  void record(const std::string& sink, const std::vector<ports::Attempt>& attempts);

  std::vector<ports::Recorded> recorded(const std::string& sink, std::uint64_t from, std::uint64_t to);

 private:
  void put(const std::string& sink, const ports::Attempt& attempt);

  std::int64_t keep_ms_;
  Statement put_;
  Statement drop_old_;
  Statement recorded_;
};

}  // namespace carbongate::store
