// A state as what changed of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace carbongate::store {

// Both states are protobuf messages, whichever. What comes out is how much further each of their numbers is: mostly
// nothing, or a small number. nullopt: they do not have the same fields, so that it would tell too little.
std::optional<std::string> state_delta(std::string_view before, std::string_view after);

// Throws DamagedRecord unless `delta` is one from a state with the fields of `before`.
std::string apply_state_delta(std::string_view before, std::string_view delta);

}  // namespace carbongate::store
