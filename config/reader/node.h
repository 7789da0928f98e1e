// A configuration file as a tree of values, each of which knows its place. Text only: types are the reader's business.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/reader/problem.h"

namespace carbongate::config {

// Immutable once parsed. Children are owned by their parents; references live as long as the root.
class Node {
 public:
  enum class Type { null, scalar, sequence, map };

  Type type() const { return type_; }
  const Place& place() const { return place_; }
  const std::string& path() const { return path_; }  // "devices[2].address": how messages name it
  bool is_null() const { return type_ == Type::null; }
  bool is_map() const { return type_ == Type::map; }
  bool is_sequence() const { return type_ == Type::sequence; }
  bool is_scalar() const { return type_ == Type::scalar; }

  const std::string& scalar() const { return scalar_; }      // type() == scalar
  bool quoted() const { return quoted_; }                    // "1" in quotes is text, 1 a number
  const std::vector<Node>& items() const { return items_; }  // type() == sequence

  struct Member {
    std::string key;
    Place key_place;
    std::unique_ptr<Node> value;
  };
  const std::vector<Member>& members() const { return members_; }  // type() == map; in the order of the file
  const Node* find(std::string_view key) const;                    // nullptr: no such key, or not a map

  // False: an included file could not be read, and this map may go on there. What it lacks, or what is not in it, is no
  // problem of its own then.
  bool is_complete() const { return complete_; }

 private:
  friend class NodeBuilder;
  Type type_ = Type::null;
  Place place_;
  std::string path_;
  std::string scalar_;
  bool quoted_ = false;
  bool complete_ = true;
  std::vector<Node> items_;
  std::vector<Member> members_;
};

// Parses a file, and what its top-level `include:` names (a path or a list of paths, relative to the file; sequences
// are appended, maps merged, a key given twice is a problem). Syntax errors, unreadable files and duplicate keys go to
// `problems`. Of a file that cannot be parsed nothing is known: for the file itself a null node is returned; where it
// is an included one, the others are there, and the root and the maps below it are not complete.
//
// Anchors, aliases and the merge key `<<` work. Limits: 4 MiB a file, 64 files, 32 levels, 200 000 values and 32 MiB of
// text with aliases expanded.
Node parse_file(const std::filesystem::path& file, Problems& problems);

// Parses text; `name` stands for the file in messages. No includes.
Node parse_text(std::string_view text, std::string name, Problems& problems);

}  // namespace carbongate::config
