#include <algorithm>
#include <system_error>
#include <utility>

#include "config/reader/node.h"
#include "config/reader/node_builder.h"
#include "config/reader/text_file.h"

namespace carbongate::config {
namespace {

constexpr std::size_t kFilesMax = 64;
constexpr std::size_t kBytesRead = kFileBytesMax + 4;  // one more than allowed, besides a byte order mark

// A file and all it includes.
class FileLoader {
 public:
  explicit FileLoader(Problems& problems) : problems_(problems) {}

  // `mentioned_at`: where the file is named; the file itself for the first one. nullopt: not read, reported.
  std::optional<Node> load(const std::filesystem::path& file, const Place& mentioned_at, Place& stopped_at) {
    std::error_code ignored;
    std::filesystem::path canonical = std::filesystem::weakly_canonical(file, ignored);
    if (std::find(seen_.begin(), seen_.end(), canonical) != seen_.end()) {
      return fail(mentioned_at, "'" + file.string() + "' is included already", stopped_at);
    }
    if (seen_.size() >= kFilesMax) {
      return fail(mentioned_at, "more than " + std::to_string(kFilesMax) + " files", stopped_at);
    }
    seen_.push_back(std::move(canonical));

    std::string reason;
    const auto text = read_text_file(file, kBytesRead, reason);
    if (!text) return fail(mentioned_at, "cannot read '" + file.string() + "': " + reason, stopped_at);
    auto root = NodeBuilder::parse(*text, file.string(), use_, problems_, stopped_at);
    if (!root) return std::nullopt;
    const auto include = NodeBuilder::take_member(*root, "include");
    if (include && !add_included(*root, *include->value, file, stopped_at)) return std::nullopt;
    return root;
  }

 private:
  std::nullopt_t fail(const Place& at, std::string text, Place& stopped_at) {
    stopped_at = at;
    problems_.error(at, std::move(text));
    return std::nullopt;
  }

  // False: one of them could not be read. The others are looked at all the same, for their own problems.
  bool add_included(Node& root, const Node& include, const std::filesystem::path& from, Place& stopped_at) {
    bool complete = true;
    const auto add = [&](const Node& name) {
      if (!name.is_scalar()) {
        problems_.error(name.place(), "include: expected a file name, or a list of them");
        return;
      }
      const auto file = (from.parent_path() / name.scalar()).lexically_normal();
      auto included = load(file, name.place(), stopped_at);
      if (!included) {
        complete = false;
      } else if (included->is_map()) {
        NodeBuilder::merge(root, std::move(*included), "", problems_);
      } else if (!included->is_null()) {
        problems_.error(included->place(), "expected a map at the top of an included file");
      }
    };
    if (include.is_sequence()) {
      for (const Node& name : include.items()) add(name);
    } else if (!include.is_null()) {
      add(include);
    }
    return complete;
  }

  Problems& problems_;
  ParseUse use_;
  std::vector<std::filesystem::path> seen_;
};

}  // namespace

Node parse_file(const std::filesystem::path& file, Problems& problems) {
  Place stopped_at;
  auto root = FileLoader(problems).load(file, {file.string(), 0, 0}, stopped_at);
  if (!root) return NodeBuilder::nothing_at(std::move(stopped_at));
  NodeBuilder::name_all(*root, "");
  return std::move(*root);
}

}  // namespace carbongate::config
