#include "config/reader/node.h"

// The only file that knows the YAML parser. Its event interface is used, not its tree: events carry the place of every
// value, and limits hold while reading, not after.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <unordered_map>

#include "config/reader/node_builder.h"
#include "config/reader/text.h"

namespace carbongate::config {
namespace {

// A site of some thousand points is far below every one of these; an alias bomb or a wrong file is not.
constexpr std::size_t kDepthMax = 32;
constexpr std::size_t kNodesMax = 200'000;        // over all included files, aliases expanded
constexpr std::size_t kTextBytesMax = 32u << 20;  // same, of all scalars and keys
constexpr std::size_t kKeyBytesMax = 256;

// Leaves the parser, which knows no other way to stop.
struct Stop {
  Place place;
  std::string text;
};

// Byte positions of the parser to line and column in characters, as editors count.
class LineIndex {
 public:
  LineIndex(std::string_view text, std::string file) : text_(text), file_(std::move(file)) {
    starts_.push_back(0);
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') starts_.push_back(i + 1);
    }
  }

  Place place(int line, int byte_column) {
    if (line < 0 || byte_column < 0) return {file_, 1, 1};
    if (static_cast<std::size_t>(line) >= starts_.size()) return place_of_byte(text_.size());
    const std::size_t start = starts_[static_cast<std::size_t>(line)];
    const std::size_t end = std::min(start + static_cast<std::size_t>(byte_column), text_.size());
    // Places come in ascending order, so counting goes on where it stopped: a line of megabytes stays linear.
    if (line != line_ || end < counted_to_) {
      line_ = line;
      counted_to_ = start;
      characters_ = 0;
    }
    for (; counted_to_ < end; ++counted_to_) {
      if ((static_cast<unsigned char>(text_[counted_to_]) & 0xC0u) != 0x80u) ++characters_;
    }
    return {file_, line + 1, characters_ + 1};
  }

  // Byte column of a tab before the first word of the line.
  std::optional<int> indenting_tab(int line) const {
    if (line < 0 || static_cast<std::size_t>(line) >= starts_.size()) return std::nullopt;
    const std::string_view rest = text_.substr(starts_[static_cast<std::size_t>(line)]);
    const std::size_t first = rest.find_first_not_of(' ');
    if (first == std::string_view::npos || rest[first] != '\t') return std::nullopt;
    return static_cast<int>(first);
  }

  Place place_of_byte(std::size_t offset) {
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
    const auto line = static_cast<std::size_t>(after - starts_.begin()) - 1;
    return place(static_cast<int>(line), static_cast<int>(offset - starts_[line]));
  }

 private:
  std::string_view text_;
  std::string file_;
  std::vector<std::size_t> starts_;
  int line_ = -1;
  std::size_t counted_to_ = 0;
  int characters_ = 0;
};

std::string advice(const std::string& message) {
  static const std::pair<std::string_view, std::string_view> kAdvice[] = {
      {"illegal map value", "a second ':' in one line; put the text in quotes if the ':' belongs to it"},
      {"end of map not found", "this line does not fit the ones above; check the indentation"},
      {"end of sequence not found", "this line does not fit the list above; check the indentation"},
      {"end of map flow not found", "a '{' is never closed"},
      {"end of sequence flow not found", "a '[' is never closed"},
      {"illegal EOF in scalar", "a quote is never closed"},
      {"illegal tab when looking for indentation", "a tab; indent with spaces"},
      {"unknown token", "this character cannot begin a value; put the text in quotes"},
      {"the referenced anchor is not defined",
       "no anchor of this name above; put the text in quotes if it is no reference"},
  };
  for (const auto& [from, to] : kAdvice) {
    if (message == from) return std::string(to);
  }
  return message;
}

}  // namespace

// Builds one document from the parser's events.
class NodeBuilder::Events final : public YAML::EventHandler {
 public:
  Events(LineIndex& lines, Problems& problems, ParseUse& use) : lines_(lines), problems_(problems), use_(use) {}

  Node take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (std::exchange(started_, true)) throw Stop{place(mark), "a second document ('---'); one file is one document"};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(make(Node::Type::null, mark), anchor); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw Stop{place(mark), "this reference is inside of what it refers to"};
    if (open_.size() + height(found->second) > kDepthMax) throw too_deep(place(mark));
    add(clone(found->second, place(mark)), 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node = make(Node::Type::scalar, mark);
    charge(node.place_, 0, value.size());
    if (find_invalid_text(value)) throw Stop{node.place_, "an escaped control character; no value contains one"};
    node.scalar_ = value;
    node.quoted_ = tag == "!";  // what the parser calls a scalar in quotes
    add(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(make(Node::Type::sequence, mark), anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(make(Node::Type::map, mark), anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor = 0;
    std::optional<Node> key;                             // of a map: the key whose value comes next
    std::unordered_map<std::string, std::size_t> index;  // of a map: its members by key
    std::vector<Node> merges;                            // of a map: what `<<` refers to
  };

  Place place(const YAML::Mark& mark) { return lines_.place(mark.line, mark.column); }
  static Stop too_deep(Place place) {
    return {std::move(place), "nested deeper than " + std::to_string(kDepthMax) + " levels"};
  }

  void charge(const Place& place, std::size_t nodes, std::size_t bytes) {
    use_.nodes += nodes;
    use_.text_bytes += bytes;
    if (use_.nodes > kNodesMax)
      throw Stop{place, "more than " + std::to_string(kNodesMax) + " values, references expanded"};
    if (use_.text_bytes > kTextBytesMax) throw Stop{place, "more than 32 MiB of text, references expanded"};
  }

  Node make(Node::Type type, const YAML::Mark& mark) {
    Node node;
    node.type_ = type;
    node.place_ = place(mark);
    charge(node.place_, 1, 0);
    return node;
  }

  static std::size_t height(const Node& node) {
    std::size_t deepest = 0;
    for (const Node& item : node.items_) deepest = std::max(deepest, height(item));
    for (const Node::Member& member : node.members_) deepest = std::max(deepest, height(*member.value));
    return node.is_map() || node.is_sequence() ? deepest + 1 : 0;
  }

  // A copy keeps the places of the original: there is where a wrong value is put right.
  Node clone(const Node& node, const Place& at) {
    charge(at, 1, node.scalar_.size());
    Node copy;
    copy.type_ = node.type_;
    copy.place_ = node.place_;
    copy.scalar_ = node.scalar_;
    copy.quoted_ = node.quoted_;
    for (const Node& item : node.items_) copy.items_.push_back(clone(item, at));
    for (const Node::Member& member : node.members_) {
      charge(at, 0, member.key.size());
      copy.members_.push_back({member.key, member.key_place, std::make_unique<Node>(clone(*member.value, at))});
    }
    return copy;
  }

  void open(Node node, YAML::anchor_t anchor) {
    if (open_.size() >= kDepthMax) throw too_deep(node.place_);
    Open frame;
    frame.node = std::move(node);
    frame.anchor = anchor;
    open_.push_back(std::move(frame));
  }

  void close() {
    Open frame = std::move(open_.back());
    open_.pop_back();
    for (Node& source : frame.merges) {  // what the map says itself comes first
      for (Node::Member& member : source.members_) {
        if (frame.index.try_emplace(member.key, frame.node.members_.size()).second) {
          frame.node.members_.push_back(std::move(member));
        }
      }
    }
    add(std::move(frame.node), frame.anchor);
  }

  void add(Node node, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_.insert_or_assign(anchor, clone(node, node.place_));
    if (open_.empty()) {
      root_ = std::move(node);
    } else if (Open& parent = open_.back(); parent.node.is_sequence()) {
      parent.node.items_.push_back(std::move(node));
    } else if (!parent.key) {
      parent.key = std::move(node);
    } else {
      add_member(parent, *std::exchange(parent.key, std::nullopt), std::move(node));
    }
  }

  void add_member(Open& map, Node key, Node value) {
    if (!key.is_scalar()) {
      problems_.error(key.place_, "a key is a plain word, not a list, a map or nothing");
      return;
    }
    if (key.scalar_.size() > kKeyBytesMax) {
      problems_.error(key.place_, "a key longer than " + std::to_string(kKeyBytesMax) + " bytes");
      return;
    }
    if (key.scalar_ == "<<" && !key.quoted_) {
      add_merge(map, std::move(value));
      return;
    }
    const auto [same, is_new] = map.index.try_emplace(key.scalar_, map.node.members_.size());
    if (!is_new) {
      const Place& first = map.node.members_[same->second].key_place;
      problems_.error(key.place_, "key '" + printable(key.scalar_) + "' is given twice; first in line " +
                                      std::to_string(first.line));
      return;
    }
    if (value.is_null()) value.place_ = key.place_;  // the parser puts "nothing" where the next thing begins
    map.node.members_.push_back(
        {std::move(key.scalar_), std::move(key.place_), std::make_unique<Node>(std::move(value))});
  }

  void add_merge(Open& map, Node value) {
    if (value.is_map()) {
      map.merges.push_back(std::move(value));
      return;
    }
    for (Node& item : value.items_) {
      if (item.is_map()) {
        map.merges.push_back(std::move(item));
      } else {
        problems_.error(item.place_, "'<<' takes maps only");
      }
    }
    if (!value.is_sequence()) problems_.error(value.place_, "'<<' takes a map, or a list of maps");
  }

  LineIndex& lines_;
  Problems& problems_;
  ParseUse& use_;
  bool started_ = false;
  Node root_;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, Node> anchors_;
};

std::optional<Node> NodeBuilder::parse(std::string_view text, const std::string& name, ParseUse& use,
                                       Problems& problems, Place& stopped_at) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  // Where a text ends with a line, the parser takes an open quote for closed: let it end with a comment.
  std::string ended(text);
  ended += text.ends_with('\n') ? "#" : "\n#";
  LineIndex lines(text, name);
  const auto stop = [&](Place at, std::string message) {
    stopped_at = at;
    problems.error(std::move(at), std::move(message));
    return std::nullopt;
  };
  if (text.size() > kFileBytesMax) return stop({name, 0, 0}, "larger than 4 MiB, the largest allowed");
  if (const auto bad = find_invalid_text(text)) {
    return stop(lines.place_of_byte(*bad), "not a text in UTF-8: a byte that no text contains");
  }
  try {
    Events events(lines, problems, use);
    std::istringstream stream(ended);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(events)) {
    }
    Node root = events.take_root();
    if (root.place().line == 0) root = nothing_at({name, 1, 1});
    return root;
  } catch (const YAML::Exception& error) {
    if (const auto tab = lines.indenting_tab(error.mark.line)) {  // at times the parser blames what comes after it
      return stop(lines.place(error.mark.line, *tab), "YAML syntax: a tab; indent with spaces");
    }
    return stop(lines.place(error.mark.line, error.mark.column), "YAML syntax: " + advice(error.msg));
  } catch (Stop& limit) {
    return stop(std::move(limit.place), std::move(limit.text));
  }
}

const Node* Node::find(std::string_view key) const {
  for (const Member& member : members_) {
    if (member.key == key) return member.value.get();
  }
  return nullptr;
}

Node parse_text(std::string_view text, std::string name, Problems& problems) {
  ParseUse use;
  Place stopped_at;
  auto root = NodeBuilder::parse(text, name, use, problems, stopped_at);
  if (!root) return NodeBuilder::nothing_at(std::move(stopped_at));
  NodeBuilder::name_all(*root, "");
  return std::move(*root);
}

}  // namespace carbongate::config
