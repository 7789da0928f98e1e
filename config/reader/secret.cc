#include "config/reader/secret.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "config/reader/text_file.h"
#include "config/reader/unused_secrets.h"

namespace carbongate::config {
namespace {

constexpr std::size_t kSecretBytesMax = 4096;

std::string octal_mode(mode_t mode) {
  std::string out = "0";
  for (int shift = 6; shift >= 0; shift -= 3) out += static_cast<char>('0' + ((mode >> shift) & 7u));
  return out;
}

Secret read_file(Reader& in, const std::string& key, const std::string& name) {
  const auto beside = std::filesystem::path(in.node().place().file).parent_path();
  const std::string file = (beside / name).lexically_normal().string();  // an absolute name stays as it is
  std::string reason;
  auto read = read_text_file(file, kSecretBytesMax + 1, reason);
  if (!read) {
    in.error(key, "cannot read '" + file + "': " + reason);
    return {};
  }
  struct stat info{};
  if (::stat(file.c_str(), &info) == 0 && (info.st_mode & S_IROTH) != 0) {
    in.warning(key,
               "'" + file + "' can be read by everyone (mode " + octal_mode(info.st_mode) + "); run: chmod o= " + file);
  }
  std::string text = std::move(*read);
  const bool too_long = text.size() > kSecretBytesMax && text.find('\n') == std::string::npos;
  text.resize(std::min(text.find_first_of("\r\n"), text.size()));
  if (too_long) {
    in.error(key, "the first line of '" + file + "' is longer than " + std::to_string(kSecretBytesMax) + " bytes");
    return {};
  }
  if (text.empty()) in.error(key, "the first line of '" + file + "' is empty");
  return Secret(std::move(text));
}

Secret read_environment(Reader& in, const std::string& key, const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') {
    in.error(key, "the environment variable '" + name + "' is not set");
    return {};
  }
  return Secret(value);
}

}  // namespace

Secret read_secret(Reader& in, std::string_view key) {
  const std::string plain(key);
  const std::string file_key = plain + "_file";
  const std::string environment_key = plain + "_env";
  const auto file = in.optional<std::string>(file_key);
  const auto environment = in.optional<std::string>(environment_key);
  if (in.has(plain)) {
    in.child(plain);  // known, so that it is not reported a second time
    in.error(plain, "a secret does not belong in this file; write it to a file of its own and give its name as '" +
                        file_key + "', or name an environment variable as '" + environment_key + "'");
    return {};
  }
  if (file && environment) {
    in.error(environment_key, "'" + file_key + "' is given too; one of them is enough");
    return {};
  }
  if (UnusedSecrets::apply()) return {};
  if (file) return read_file(in, file_key, *file);
  if (environment) return read_environment(in, environment_key, *environment);
  return {};
}

}  // namespace carbongate::config
