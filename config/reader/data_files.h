// The data that ships with the program (device profiles, factor sets), and the site's own beside its configuration.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/reader/problem.h"

namespace carbongate::config {

// Looks a data file up by kind and name: first `<site directory>/<kind>/<name>.yaml`, then the files compiled into the
// program from config/<kind>/. So one binary is a complete installation, and a site can still bring a profile of its
// own.
class DataFiles {
 public:
  explicit DataFiles(std::filesystem::path site_directory) : site_directory_(std::move(site_directory)) {}

  struct File {
    std::string name;   // "eastron-sdm630"
    std::string where;  // for messages: a path, or "built-in profiles/eastron-sdm630.yaml"
    std::string text;
  };
  std::optional<File> find(std::string_view kind, std::string_view name) const;

  // All names of a kind ("profiles", "factors"), sorted, site's own included.
  std::vector<std::string> names(std::string_view kind) const;

  // Warns of the site's own files that find() passes over, so that another one of that name counts, or none: another
  // ending, no name, a link to nowhere, two that mean the same.
  void warn_of_unread(Problems& problems) const;

 private:
  std::filesystem::path site_directory_;
};

}  // namespace carbongate::config
