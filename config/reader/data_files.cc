#include "config/reader/data_files.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "config/reader/builtin_files.h"

namespace carbongate::config {
namespace {

// In configurations names are written with hyphens, in the file system some prefer underscores: both mean the same.
std::string with_hyphens(std::string_view text) {
  std::string out(text);
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

std::string with_underscores(std::string_view text) {
  std::string out(text);
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

// A name is no path: nothing outside of the data folders is ever read by one.
bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text[0] != '.' && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

}  // namespace

std::optional<DataFiles::File> DataFiles::find(std::string_view kind, std::string_view name) const {
  if (!is_name(name)) return std::nullopt;
  for (const std::string& stem : {std::string(name), with_hyphens(name), with_underscores(name)}) {
    const auto path = site_directory_ / kind / (stem + ".yaml");
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(path, ignored)) continue;
    std::ifstream in(path, std::ios::binary);
    if (!in) continue;
    constexpr std::size_t kBytesMax = (4u << 20) + 4;  // one more than a configuration file may have
    std::string text(kBytesMax, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    return File{with_hyphens(name), path.string(), std::move(text)};
  }
  for (const BuiltinFile& file : builtin_files()) {
    if (file.kind == kind && with_hyphens(file.stem) == with_hyphens(name)) {
      return File{with_hyphens(name), "built-in " + std::string(kind) + "/" + std::string(file.stem) + ".yaml",
                  std::string(file.text)};
    }
  }
  return std::nullopt;
}

std::vector<std::string> DataFiles::names(std::string_view kind) const {
  std::set<std::string> names;
  for (const BuiltinFile& file : builtin_files()) {
    if (file.kind == kind) names.insert(with_hyphens(file.stem));
  }
  std::error_code code;
  for (auto it = std::filesystem::directory_iterator(site_directory_ / kind, code);
       !code && it != std::filesystem::directory_iterator(); it.increment(code)) {
    if (it->path().extension() == ".yaml" && is_name(it->path().stem().string())) {
      names.insert(with_hyphens(it->path().stem().string()));
    }
  }
  return {names.begin(), names.end()};
}

void DataFiles::warn_of_unread(Problems& problems) const {
  std::set<std::string_view> kinds;
  for (const BuiltinFile& file : builtin_files()) kinds.insert(file.kind);
  for (const std::string_view kind : kinds) {
    std::set<std::filesystem::path> paths;
    std::error_code code;
    for (auto it = std::filesystem::directory_iterator(site_directory_ / kind, code);
         !code && it != std::filesystem::directory_iterator(); it.increment(code)) {
      paths.insert(it->path());
    }
    std::map<std::string, std::string> by_name;
    for (const std::filesystem::path& path : paths) {
      const auto warn = [&](const std::string& why) { problems.warning({.file = path.string()}, why); };
      const std::string stem = path.stem().string();
      if (path.extension() == ".yml") warn("not read: files end in .yaml here; rename it to " + stem + ".yaml");
      if (path.extension() != ".yaml") continue;
      std::error_code ignored;
      if (!is_name(stem)) {
        warn("not read: a name has at most 64 letters, digits, '-', '_' and '.', and no '.' in front; rename it");
      } else if (!std::filesystem::is_regular_file(path, ignored) || !std::ifstream(path)) {
        warn("not read: it is no file, a link to none, or one that may not be read; put it right or remove it");
      } else if (const auto [other, is_new] = by_name.try_emplace(with_hyphens(stem), path.filename().string());
                 !is_new) {
        warn("means the same as " + other->second + ", and only one of them is read; remove the other");
      }
    }
  }
}

}  // namespace carbongate::config
