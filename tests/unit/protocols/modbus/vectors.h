// The vectors beside this file.
#pragma once

#include <boost/json.hpp>
#include <string>

#include "tests/support/hex.h"

namespace carbongate::modbus {

inline boost::json::value load_vectors(const std::string& name) {
  const std::string path = CARBONGATE_SOURCE_DIR "/tests/unit/protocols/modbus/vectors/" + name;
  return boost::json::parse(testing::read_text(path));
}

inline std::vector<std::byte> hex_at(const boost::json::value& object, const char* key) {
  return testing::from_hex(object.at(key).as_string());
}

}  // namespace carbongate::modbus
