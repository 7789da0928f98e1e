// Names that people choose in a configuration: ids of sites, devices, points and energy users.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "config/reader/reader.h"

namespace carbongate::app {

// a-z, 0-9, '_' and '-', 1 to 64 characters: safe as an MQTT topic level, a tag, a file name and an argument.
bool is_id(std::string_view text);

// Reads and checks the required `key`; a bad one is reported and returned all the same, "" if it is missing.
std::string read_id(config::Reader& in, std::string_view key);

// Ids of one kind, each of which may be given once.
class UniqueIds {
 public:
  explicit UniqueIds(std::string what) : what_(std::move(what)) {}

  // Reports an id that is taken already at `key` of `in`. An empty id is nobody's.
  void add(config::Reader& in, std::string_view key, const std::string& id);
  bool contains(const std::string& id) const { return places_.contains(id); }

 private:
  std::string what_;  // "device"
  std::map<std::string, config::Place> places_;
};

}  // namespace carbongate::app
