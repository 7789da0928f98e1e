#include "config/reader/server_keys.h"

#include <filesystem>

#include "config/reader/text.h"
#include "config/reader/text_file.h"
#include "config/reader/unused_secrets.h"

namespace carbongate::config {

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

std::string read_file_name(Reader& in, std::string_view key) {
  const auto name = in.value_or(key, "");
  if (name.empty()) return {};
  const auto beside = std::filesystem::path(in.node().place().file).parent_path();
  std::string file = (beside / name).lexically_normal().string();
  if (UnusedSecrets::apply()) return file;
  if (const std::string why = why_unreadable(file); !why.empty()) {
    in.error(key, "cannot read '" + printable(file) + "': " + why);
  }
  return file;
}

}  // namespace carbongate::config
