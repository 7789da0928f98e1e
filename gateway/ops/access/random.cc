#include "gateway/ops/access/random.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <stdexcept>
#include <string_view>

#include "gateway/ledger/chain.h"

namespace carbongate::access {

void system_randomness(std::span<std::uint8_t> bytes) {
  if (RAND_priv_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    throw std::runtime_error("OpenSSL has no random bytes to give");
  }
}

std::string random_secret(const Randomness& randomness) {
  std::array<std::uint8_t, 32> bytes{};
  randomness(bytes);
  return ledger::to_hex(bytes);
}

bool are_equal_in_constant_time(std::string_view one, std::string_view other) {
  return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace carbongate::access
