// A seal: the signed statement that the chain stood at a certain hash. Whoever has the public key knows by one seal
// that every entry up to it is as it was then.
//
//   line      = "carbongate-seal-1" TAB site TAB number TAB first TAB last TAB head TAB sealed_at TAB key TAB next_key
//
//   site       of the entries; escaped as in canonical.h
//   number     of the seal, from 1 without gaps
//   first,last numbers of the entries since the seal before; last = first - 1: there are none
//   head       hash[last], 64 hexadecimal digits (chain.h)
//   sealed_at  UTC, as in canonical.h
//   key        the public key (RFC 8032, 32 octets) as 64 hexadecimal digits
//   next_key   empty, or the public key by which all later seals are signed
//
//   signature = Ed25519( private key, line )
//
// A key is replaced in two seals: the old key announces the new one, and the new one signs in turn.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "drivers/api/reading.h"
#include "gateway/ledger/chain.h"
#include "gateway/ledger/key.h"

namespace carbongate::ledger {

inline constexpr std::string_view kSealFormat = "carbongate-seal-1";

struct Seal {
  std::string site;  // as in the entries' lines: escaped
  std::uint64_t number = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  Hash head{};
  Instant sealed_at{};
  PublicKey key{};
  std::optional<PublicKey> next_key;
  friend bool operator==(const Seal&, const Seal&) = default;
};

std::string to_line(const Seal& seal);
std::optional<Seal> parse_seal(std::string_view line);  // what to_line() writes

struct SignedSeal {
  Seal seal;
  Signature signature{};
  friend bool operator==(const SignedSeal&, const SignedSeal&) = default;
};

SignedSeal sign(Seal seal, const SigningKey& key);  // fills in `key`
bool is_genuine(
    const SignedSeal& seal);  // signed by the key it names; whether that is the right one is another question

}  // namespace carbongate::ledger
