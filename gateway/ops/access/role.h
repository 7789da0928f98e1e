// What somebody may do. Each role may do what those before it may.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace carbongate::access {

enum class Role : std::uint8_t {
  metrics,        // GET /metrics and nothing else: what a scraper's token gets; no user has it
  viewer,         // sees everything but the audit log and the configuration's users
  operator_,      // also acknowledges alerts, has devices read, and sees what they send, byte by byte
  administrator,  // everything
};

inline constexpr std::array<std::string_view, 4> kRoleNames{"metrics", "viewer", "operator", "administrator"};

constexpr std::string_view name_of(Role role) {
  return kRoleNames.at(static_cast<std::size_t>(role));
}

constexpr std::optional<Role> find_role(std::string_view name) {
  for (std::size_t i = 0; i < kRoleNames.size(); ++i) {
    if (kRoleNames.at(i) == name) return static_cast<Role>(i);
  }
  return std::nullopt;
}

constexpr bool covers(Role has, Role needed) {
  return has >= needed;
}

}  // namespace carbongate::access
