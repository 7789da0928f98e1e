// Random bytes, handed in wherever they are needed: tests hand in bytes they know.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace carbongate::access {

// Fills the span. Throws std::runtime_error if the machine has no randomness to give.
using Randomness = std::function<void(std::span<std::uint8_t>)>;

// OpenSSL's generator for secrets, seeded by the kernel. Any thread.
void system_randomness(std::span<std::uint8_t> bytes);

// 256 bits in hex: more than anyone can guess.
std::string random_secret(const Randomness& randomness);

// Whether they are equal, in a time that depends on their lengths alone.
bool are_equal_in_constant_time(std::string_view one, std::string_view other);

}  // namespace carbongate::access
