// Sums of what is entered by hand, while their periods are not over.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/model/rows.h"
#include "gateway/sinks/energy_platform/config.h"
#include "protocols/energy_platform/messages.h"

namespace carbongate::sinks::energy_platform {

// Such a sum is revised by each entry, and no row comes when its period ends: the newest of each is remembered until it
// is sent. Of each item and period one. Not thread-safe.
class SumsUnderWay {
 public:
  struct Sum {
    std::uint64_t sequence = 0;  // of the row it came by
    model::Period period = model::Period::day;
    Instant end{};
    carbongate::energy_platform::Record record;
  };

  void put(Sum sum);  // takes the place of the one before it

  // A record was sent, or refused for good, by that row: what is older is done.
  void drop(const carbongate::energy_platform::Record& record, std::uint64_t sequence);

  std::vector<Sum> all() const;  // by sequence

  bool is_changed() const { return is_changed_; }  // since to_text() was asked for
  std::string to_text();
  void keep_again() { is_changed_ = true; }  // what it gave is not kept
  // What to_text() gave; of items that are still configured.
  void read(std::string_view text, const std::vector<Item>& items);

 private:
  using Key = std::pair<std::string, std::string>;  // digits of the code with the type of the period, and its begin

  static Key key_of(const carbongate::energy_platform::Record& record);

  std::map<Key, Sum> sums_;
  bool is_changed_ = false;
};

}  // namespace carbongate::sinks::energy_platform
