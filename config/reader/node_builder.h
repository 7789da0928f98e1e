// How nodes are made: the one class that may change them. For node.cc and parse_file.cc only.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "config/reader/node.h"
#include "config/reader/problem.h"

namespace carbongate::config {

inline constexpr std::size_t kFileBytesMax = 4u << 20;

// What has been used up of the limits that hold over all files of one configuration.
struct ParseUse {
  std::size_t nodes = 0;
  std::size_t text_bytes = 0;
};

class NodeBuilder {
 public:
  class Events;  // builds a tree from the parser's events

  // nullopt: a syntax error or a limit, reported; `stopped_at` is its place. Paths are not set yet.
  static std::optional<Node> parse(std::string_view text, const std::string& name, ParseUse& use, Problems& problems,
                                   Place& stopped_at);

  // Names every node by its way from the root, once the tree is complete.
  static void name_all(Node& node, std::string path);

  // Adds what an included file says: lists are appended, maps merged.
  static void merge(Node& into, Node&& from, const std::string& path, Problems& problems);

  // Says that the map, and every map below it that is no element of a list, may go on in a file that was not read.
  static void leave_open(Node& map);

  static std::optional<Node::Member> take_member(Node& map, std::string_view key);
  static Node nothing_at(Place place);
};

}  // namespace carbongate::config
