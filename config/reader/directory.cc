#include "config/reader/directory.h"

#include <string>
#include <system_error>

namespace carbongate::config {

std::filesystem::path read_directory(Reader& in, std::string_view key) {
  const std::string text = in.required<std::string>(key);
  if (text.empty()) return {};
  const auto beside = std::filesystem::path(in.node().place().file).parent_path();
  std::filesystem::path path = (beside / text).lexically_normal();  // an absolute path stays as it is
  std::error_code ignored;
  for (std::filesystem::path part = path; !part.empty(); part = part.parent_path()) {
    if (std::filesystem::exists(part, ignored)) {
      if (!std::filesystem::is_directory(part, ignored)) in.error(key, "'" + part.string() + "' is not a directory");
      break;
    }
    if (part == part.parent_path()) break;
  }
  return path;
}

}  // namespace carbongate::config
