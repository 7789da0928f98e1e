#include "gateway/ops/access/login_limit.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "gateway/ledger/chain.h"

namespace carbongate::access {
namespace {

// As long a key for every name, be it a megabyte.
std::string key_of(std::string_view user) {
  return ledger::to_hex(ledger::sha256(user)).substr(0, 32);
}

}  // namespace

Buckets::Bucket& Buckets::bucket_of(const std::string& key, Steady now) {
  const auto found = buckets_.find(key);
  if (found != buckets_.end()) return found->second;
  if (buckets_.size() >= keys_max_) {
    std::erase_if(buckets_, [&](const auto& item) { return item.second <= now; });
  }
  if (buckets_.size() >= keys_max_) return common_;
  return buckets_.emplace(key, now).first->second;
}

Steady Buckets::take(const std::string& key, Steady now) {
  Bucket& full_at = bucket_of(key, now);
  if (&full_at == &common_) ++shared_;
  const Steady after = std::max(full_at, now) + size_.each;
  const Steady until = after - now - size_.each * size_.tries;
  if (until > Steady::zero()) return until;
  full_at = after;
  return Steady::zero();
}

void Buckets::give_back(const std::string& key, Steady now) {
  const auto found = buckets_.find(key);
  Bucket& full_at = found != buckets_.end() ? found->second : common_;
  full_at = std::max(now, full_at - size_.each);
}

std::string network_of(std::string_view address) {
  std::string text(address.substr(0, address.find('%')));  // without the zone of a link-local address
  std::array<unsigned char, 16> bytes{};
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return text.substr(0, 64);
  constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};  // ::ffff:192.0.2.7
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
    return ::inet_ntop(AF_INET, bytes.data() + kMapped.size(), out.data(), out.size());
  }
  std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
  return std::string(::inet_ntop(AF_INET6, bytes.data(), out.data(), out.size())) + "/64";
}

Steady LoginLimit::take(std::string_view address, std::string_view user, Steady now) {
  const std::string network = network_of(address);
  const Steady by_address = addresses_.take(network, now);
  if (by_address > Steady::zero()) return by_address;
  const Steady by_user = users_.take(key_of(user), now);
  if (by_user > Steady::zero()) addresses_.give_back(network, now);
  return by_user;
}

void LoginLimit::succeeded(std::string_view address, std::string_view user, Steady now) {
  addresses_.give_back(network_of(address), now);
  users_.give_back(key_of(user), now);
}

}  // namespace carbongate::access
