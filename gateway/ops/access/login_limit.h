// How often somebody may try to log in: token buckets in a table that cannot grow without end.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/ops/access/sessions.h"

namespace carbongate::access {

struct BucketSize {
  unsigned tries = 0;  // at once
  Steady each{};       // another one after this time
};

// One bucket a key. Where the table is full of buckets that are not full again, all other keys share one.
class Buckets {
 public:
  Buckets(BucketSize size, std::size_t keys_max) : size_(size), keys_max_(keys_max) {}

  // Zero: a try was taken. Otherwise how long until there is one.
  Steady take(const std::string& key, Steady now);
  void give_back(const std::string& key, Steady now);  // what take() took

  std::size_t keys() const { return buckets_.size(); }
  std::uint64_t shared() const { return shared_; }  // takes from the bucket that is shared

 private:
  // Full again at this time; each try moves it on by `each` (the generic cell rate algorithm).
  using Bucket = Steady;
  Bucket& bucket_of(const std::string& key, Steady now);

  BucketSize size_;
  std::size_t keys_max_;
  std::unordered_map<std::string, Bucket> buckets_;
  Bucket common_{};
  std::uint64_t shared_ = 0;
};

// The key of an address: an IPv4 address itself, of IPv6 the /64, which is what one machine is given.
std::string network_of(std::string_view address);

// Tries of one address, and at one user's name.
struct LoginTries {
  BucketSize per_address{.tries = 10, .each = std::chrono::seconds(10)};
  BucketSize per_user{.tries = 20, .each = std::chrono::seconds(10)};
};

// By address and by user's name, be there such a user or not. A login that succeeds gives its try back, so nobody who
// knows his password is kept out by his own use; others who guess at his name are slowed down, and he with them.
class LoginLimit {
 public:
  static constexpr std::size_t kKeysMax = 4096;

  explicit LoginLimit(LoginTries tries) : addresses_(tries.per_address, kKeysMax), users_(tries.per_user, kKeysMax) {}

  Steady take(std::string_view address, std::string_view user, Steady now);
  void succeeded(std::string_view address, std::string_view user, Steady now);

  std::uint64_t shared() const { return addresses_.shared() + users_.shared(); }

 private:
  Buckets addresses_;
  Buckets users_;
};

}  // namespace carbongate::access
