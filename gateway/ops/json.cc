#include "gateway/ops/json.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <iterator>

namespace carbongate::ops {
namespace {

namespace json = boost::json;

void append(std::string& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::object: {
      char separator = '{';
      for (const auto& member : value.get_object()) {
        out += separator;
        out += json::serialize(json::string(member.key()));
        out += ':';
        append(out, member.value());
        separator = ',';
      }
      out += separator == '{' ? "{}" : "}";
      return;
    }
    case json::kind::array: {
      char separator = '[';
      for (const json::value& item : value.get_array()) {
        out += separator;
        append(out, item);
        separator = ',';
      }
      out += separator == '[' ? "[]" : "]";
      return;
    }
    case json::kind::double_: {
      const double number = value.get_double();
      if (!std::isfinite(number)) {
        out += "null";
      } else {
        fmt::format_to(std::back_inserter(out), "{}", number);
      }
      return;
    }
    case json::kind::int64: fmt::format_to(std::back_inserter(out), "{}", value.get_int64()); return;
    case json::kind::uint64: fmt::format_to(std::back_inserter(out), "{}", value.get_uint64()); return;
    default: out += json::serialize(value);
  }
}

}  // namespace

std::string to_text(const json::value& value) {
  std::string out;
  append(out, value);
  return out;
}

}  // namespace carbongate::ops
