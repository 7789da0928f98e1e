#include "config/reader/node_builder.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace carbongate::config {
namespace {

constexpr std::size_t kPathBytesMax = 256;

std::string child_path(const std::string& parent, const std::string& key) {
  std::string path = parent.empty() ? key : parent + "." + key;
  if (path.size() > kPathBytesMax) path = "..." + path.substr(path.size() - kPathBytesMax);
  return path;
}

std::string to_text(const Place& place) {
  return place.file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

}  // namespace

void NodeBuilder::name_all(Node& node, std::string path) {
  for (std::size_t i = 0; i < node.items_.size(); ++i) name_all(node.items_[i], path + "[" + std::to_string(i) + "]");
  for (Node::Member& member : node.members_) name_all(*member.value, child_path(path, member.key));
  node.path_ = std::move(path);
}

void NodeBuilder::merge(Node& into, Node&& from, const std::string& path, Problems& problems) {
  for (Node::Member& member : from.members_) {
    const auto same = std::find_if(into.members_.begin(), into.members_.end(),
                                   [&](const Node::Member& other) { return other.key == member.key; });
    if (same == into.members_.end()) {
      into.members_.push_back(std::move(member));
      continue;
    }
    Node& ours = *same->value;
    Node& theirs = *member.value;
    if (theirs.is_null()) continue;
    if (ours.is_null()) {
      ours = std::move(theirs);
    } else if (ours.is_map() && theirs.is_map()) {
      merge(ours, std::move(theirs), child_path(path, member.key), problems);
    } else if (ours.is_sequence() && theirs.is_sequence()) {
      std::move(theirs.items_.begin(), theirs.items_.end(), std::back_inserter(ours.items_));
    } else {
      problems.error(member.key_place, child_path(path, member.key) + ": also given at " + to_text(same->key_place));
    }
  }
}

void NodeBuilder::leave_open(Node& map) {
  map.complete_ = false;
  for (Node::Member& member : map.members_) {
    if (member.value->is_map()) leave_open(*member.value);
  }
}

std::optional<Node::Member> NodeBuilder::take_member(Node& map, std::string_view key) {
  for (auto it = map.members_.begin(); it != map.members_.end(); ++it) {
    if (it->key != key) continue;
    std::optional<Node::Member> out = std::move(*it);
    map.members_.erase(it);
    return out;
  }
  return std::nullopt;
}

Node NodeBuilder::nothing_at(Place place) {
  Node node;
  node.place_ = std::move(place);
  return node;
}

}  // namespace carbongate::config
