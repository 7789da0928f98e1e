#include "gateway/ledger/seal.h"

#include <charconv>

#include "gateway/ledger/canonical.h"
#include "gateway/model/entry_name.h"

namespace carbongate::ledger {
namespace {

std::optional<std::uint64_t> whole(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number > kNumberMax || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string to_line(const Seal& seal) {
  std::string line(kSealFormat);
  for (const std::string& field : {seal.site, std::to_string(seal.number), std::to_string(seal.first),
                                   std::to_string(seal.last), to_hex(seal.head), model::format_utc(seal.sealed_at),
                                   to_hex(seal.key), seal.next_key ? to_hex(*seal.next_key) : std::string()}) {
    (line += '\t') += field;
  }
  return line;
}

std::optional<Seal> parse_seal(std::string_view line) {
  const auto fields = split_fields(line);
  if (fields.size() != 9 || fields[0] != kSealFormat) return std::nullopt;
  const auto number = whole(fields[2]), first = whole(fields[3]), last = whole(fields[4]);
  const auto head = from_hex<32>(fields[5]);
  const auto sealed_at = model::parse_utc(fields[6]);
  const auto key = from_hex<32>(fields[7]);
  const auto next_key = from_hex<32>(fields[8]);
  if (!number || !first || !last || !head || !sealed_at || !key) return std::nullopt;
  Seal seal{.site = std::string(fields[1]),
            .number = *number,
            .first = *first,
            .last = *last,
            .head = *head,
            .sealed_at = *sealed_at,
            .key = *key,
            .next_key = next_key};
  if (to_line(seal) != line) return std::nullopt;
  return seal;
}

SignedSeal sign(Seal seal, const SigningKey& key) {
  seal.key = key.public_key();
  const Signature signature = key.sign(to_line(seal));
  return {.seal = std::move(seal), .signature = signature};
}

bool is_genuine(const SignedSeal& seal) {
  return is_signed(to_line(seal.seal), seal.signature, seal.seal.key);
}

}  // namespace carbongate::ledger
