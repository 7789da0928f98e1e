#include "gateway/ledger/chain.h"

#include <openssl/evp.h>

#include <charconv>
#include <initializer_list>
#include <memory>
#include <stdexcept>

namespace carbongate::ledger {
namespace {

constexpr std::string_view kChainFormat = "carbongate-ledger-1";

struct Digest {
  // Fetched once: to look an algorithm up costs more than to hash a line.
  std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> algorithm{EVP_MD_fetch(nullptr, "SHA256", nullptr), &EVP_MD_free};
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

Hash hash_of(std::initializer_list<std::string_view> parts) {
  thread_local const Digest digest;
  Hash hash{};
  bool good = digest.algorithm && digest.context &&
              EVP_DigestInit_ex2(digest.context.get(), digest.algorithm.get(), nullptr) == 1;
  for (const std::string_view part : parts) {
    good = good && EVP_DigestUpdate(digest.context.get(), part.data(), part.size()) == 1;
  }
  if (!good || EVP_DigestFinal_ex(digest.context.get(), hash.data(), nullptr) != 1) {
    throw std::runtime_error("SHA-256 is not to be had from OpenSSL");
  }
  return hash;
}

}  // namespace

Hash sha256(std::string_view bytes) {
  return hash_of({bytes});
}

Hash genesis(std::string_view site) {
  return hash_of({kChainFormat, "\t", site});
}

Hash next_hash(const Hash& before, std::string_view line) {
  return hash_of({{reinterpret_cast<const char*>(before.data()), before.size()}, line});
}

std::string to_string(const Head& head) {
  return std::to_string(head.number) + ':' + to_hex(head.hash);
}

std::optional<Head> parse_head(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  Head head;
  const auto [end, error] = std::from_chars(text.data(), text.data() + colon, head.number);
  const auto hash = from_hex<32>(text.substr(colon + 1));
  if (error != std::errc{} || end != text.data() + colon || !hash || head.number > kNumberMax) return std::nullopt;
  head.hash = *hash;
  if (to_string(head) != text) return std::nullopt;
  return head;
}

}  // namespace carbongate::ledger
