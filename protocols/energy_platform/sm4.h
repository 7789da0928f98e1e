// Field encryption of some provinces: SM4 (GB/T 32907), ECB, PKCS#7 padding, output in lower-case hexadecimal.
//
// ECB of short values shows which of them are equal: a property of the interface, not a choice of ours.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace carbongate::energy_platform {

// Whether it is a key: 32 hexadecimal digits, 16 bytes.
bool is_sm4_key(std::string_view key_hex);

// nullopt: `key_hex` is no key, or OpenSSL of this machine has no SM4.
std::optional<std::string> sm4_encrypt(std::string_view key_hex, std::string_view plain);

// nullopt: no key, no whole blocks in hexadecimal, or the padding is wrong, as with another key.
std::optional<std::string> sm4_decrypt(std::string_view key_hex, std::string_view cipher_hex);

}  // namespace carbongate::energy_platform
