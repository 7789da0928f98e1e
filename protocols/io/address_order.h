// Which of several addresses is tried first.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

namespace carbongate::io {

// Addresses of one destination are tried in their order, within one time limit. One that is switched off does not
// refuse, it lets the whole time pass, and those behind it would never have their turn: the next attempt begins with
// another one. `Address`: compared by ==. Not thread-safe.
template <class Address>
class AddressOrder {
 public:
  // Puts those last that came first when the time was over, until all of them did.
  void arrange(std::vector<Address>& addresses) {
    std::vector<Address> last;
    std::erase_if(addresses, [&](const Address& one) {
      const bool is_late = std::ranges::find(late_, one) != late_.end();
      if (is_late) last.push_back(one);
      return is_late;
    });
    late_ = addresses.empty() ? std::vector<Address>{} : last;
    addresses.insert(addresses.end(), last.begin(), last.end());
    first_ = addresses.empty() ? std::nullopt : std::optional(addresses.front());
  }

  // Nothing came of those that were arranged last.
  void failed() {
    if (first_) late_.push_back(*first_);
  }

 private:
  std::vector<Address> late_;
  std::optional<Address> first_;
};

}  // namespace carbongate::io
