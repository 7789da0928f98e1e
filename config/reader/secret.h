// Secrets come from files or the environment and never appear in messages, logs or exports.
#pragma once

#include <string>
#include <utility>

#include "config/reader/reader.h"

namespace carbongate::config {

// A text that does not print: no operator<<, no formatter; reveal() is easy to grep for.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

// Reads `<key>_file` (first line of that file, relative to the configuration file) or `<key>_env` (an environment
// variable); both absent: an empty secret. Both present, a missing file or an unset variable: an error. A file that
// others may read: a warning. A plain `<key>` with the secret itself: an error that says what to write instead.
Secret read_secret(Reader& in, std::string_view key);

}  // namespace carbongate::config
