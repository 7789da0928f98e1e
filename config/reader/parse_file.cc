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

  // `mentioned_at`: where the file is named; the file itself for the first one. nullopt: not read, reported; then
  // `stopped_at` is the place of the problem.
  std::optional<Node> load(const std::filesystem::path& file, const Place& mentioned_at, Place& stopped_at) {
    std::error_code ignored;
    std::filesystem::path canonical = std::filesystem::weakly_canonical(file, ignored);
    if (std::find(seen_.begin(), seen_.end(), canonical) != seen_.end()) {
      problems_.error(mentioned_at, "'" + file.string() + "' is included already");
      return NodeBuilder::nothing_at(mentioned_at);  // what it says is there
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
    if (const auto include = NodeBuilder::take_member(*root, "include")) add_included(*root, *include->value, file);
    return root;
  }

  bool all_read() const { return all_read_; }  // what was included, that is

 private:
  std::nullopt_t fail(const Place& at, std::string text, Place& stopped_at) {
    stopped_at = at;
    problems_.error(at, std::move(text));
    return std::nullopt;
  }

  // One that cannot be read leaves the others to be looked at all the same, for their own problems.
  void add_included(Node& root, const Node& include, const std::filesystem::path& from) {
    const auto add = [&](const Node& name) {
      Place stopped_at;
      std::optional<Node> included;
      if (name.is_scalar()) {
        included = load((from.parent_path() / name.scalar()).lexically_normal(), name.place(), stopped_at);
      } else {
        problems_.error(name.place(), "include: expected a file name, or a list of them");
      }
      if (included && included->is_map()) {
        NodeBuilder::merge(root, std::move(*included), "", problems_);
      } else if (!included || !included->is_null()) {
        all_read_ = false;
        if (included) problems_.error(included->place(), "expected a map at the top of an included file");
      }
    };
    if (include.is_sequence()) {
      for (const Node& name : include.items()) add(name);
    } else if (!include.is_null()) {
      add(include);
    }
  }

  Problems& problems_;
  ParseUse use_;
  std::vector<std::filesystem::path> seen_;
  bool all_read_ = true;
};

}  // namespace

Node parse_file(const std::filesystem::path& file, Problems& problems) {
  Place stopped_at;
  FileLoader loader(problems);
  auto root = loader.load(file, {file.string(), 0, 0}, stopped_at);
  if (!root) return NodeBuilder::nothing_at(std::move(stopped_at));
  if (!loader.all_read()) NodeBuilder::leave_open(*root);
  NodeBuilder::name_all(*root, "");
  return std::move(*root);
}

}  // namespace carbongate::config
