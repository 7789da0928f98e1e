// The data files compiled into the program. The definition is generated from config/profiles and config/factors.
#pragma once

#include <span>
#include <string_view>

namespace carbongate::config {

struct BuiltinFile {
  std::string_view kind;  // "profiles"
  std::string_view stem;  // "eastron_sdm630"
  std::string_view text;
};

std::span<const BuiltinFile> builtin_files();  // static storage

}  // namespace carbongate::config
