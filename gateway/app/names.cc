#include "gateway/app/names.h"

#include <algorithm>

#include "config/reader/text.h"

namespace carbongate::app {

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

std::string read_id(config::Reader& in, std::string_view key) {
  std::string id = in.required<std::string>(key);
  if (in.has(key) && in.child(key)->is_scalar() && !is_id(id)) {
    in.error(key, "'" + config::printable(id) + "' is not an id: write 1 to 64 of a-z, 0-9, '_' and '-'");
  }
  return id;
}

void UniqueIds::add(config::Reader& in, std::string_view key, const std::string& id) {
  const config::Node* at = in.child(key);
  if (id.empty() || !at) return;
  const auto [first, is_new] = places_.try_emplace(id, at->place());
  if (is_new) return;
  const config::Place& place = first->second;
  in.error(key, "the " + what_ + " '" + config::printable(id) + "' is configured twice; first at " + place.file + ":" +
                    std::to_string(place.line) + ":" + std::to_string(place.column));
}

}  // namespace carbongate::app
