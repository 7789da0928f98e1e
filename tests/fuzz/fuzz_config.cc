// Any text as a configuration: the tree is built within its limits, every place is in the text, every type can be asked
// for.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "config/reader/node.h"
#include "config/reader/reader.h"

namespace {

using namespace carbongate::config;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_place(const Place& place, int lines) {
  require(place.line >= 1 && place.line <= lines && place.column >= 1);
}

void walk(const Node& node, int lines, int depth) {
  require(depth <= 33);
  check_place(node.place(), lines);
  for (const Node& item : node.items()) walk(item, lines, depth + 1);
  for (const Node::Member& member : node.members()) {
    check_place(member.key_place, lines);
    require(node.find(member.key) == member.value.get());  // no key twice
    walk(*member.value, lines, depth + 1);
  }
}

void ask(const Node& node, Problems& problems) {
  Reader in(node, problems);
  int turn = 0;
  for (const Node::Member& member : node.members()) {
    switch (turn++ % 8) {
      case 0: in.required<std::string>(member.key); break;
      case 1: in.optional<bool>(member.key); break;
      case 2: in.in_range<int>(member.key, 1, -5, 5); break;
      case 3: in.optional<double>(member.key); break;
      case 4:
        if (const auto time = in.optional<std::chrono::milliseconds>(member.key)) {
          require(parse_duration(format_duration(*time)) == time);
        }
        break;
      case 5: in.optional<std::vector<std::string>>(member.key); break;
      case 6: in.one_of(member.key, {"cumulative", "interval", "instantaneous"}, 0); break;
      default: break;  // unknown
    }
    if (member.value->is_map()) ask(*member.value, problems);
    for (const Node& item : member.value->items()) ask(item, problems);
  }
  in.required<std::uint16_t>("address");
  in.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  int lines = 1;
  for (const char c : text) lines += c == '\n';
  Problems problems;
  const Node root = parse_text(text, "fuzz.yaml", problems);
  if (!problems.has_errors()) walk(root, lines, 1);
  ask(root, problems);
  for (const Problem& problem : problems.all()) require(problem.place.line <= lines);
  problems.to_text();
  return 0;
}
