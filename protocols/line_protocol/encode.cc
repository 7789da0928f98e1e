#include "protocols/line_protocol/encode.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace carbongate::line_protocol {
namespace {

using boost::system::result;

class EncodeCategory final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "carbongate.line_protocol"; }
  std::string message(int value) const override {
    switch (static_cast<EncodeError>(value)) {
      case EncodeError::empty_name: return "an empty measurement, tag key or field key";
      case EncodeError::empty_tag_value: return "an empty tag value";
      case EncodeError::control_character: return "a control character in a measurement, tag or field key";
      case EncodeError::trailing_backslash: return "a backslash at the end of a measurement, tag or field key";
      case EncodeError::comment: return "a measurement that begins with '#' reads as a comment";
      case EncodeError::no_fields: return "a point without fields";
      case EncodeError::duplicate_key: return "two tags or two fields of the same key";
      case EncodeError::not_finite: return "a float that is not finite";
      case EncodeError::not_decimal: return "a decimal that is not a number";
      case EncodeError::series_too_long: return "measurement and tags are longer than 65535 bytes";
    }
    return "unknown error";
  }
};

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

result<void> check_name(std::string_view name, EncodeError if_empty) {
  if (name.empty()) return if_empty;
  if (std::ranges::any_of(name, is_control)) return EncodeError::control_character;
  if (name.back() == '\\') return EncodeError::trailing_backslash;
  return {};
}

// Which characters a backslash goes before.
class Special {
 public:
  constexpr explicit Special(std::string_view characters) {
    for (const char c : characters) is_special_[static_cast<unsigned char>(c)] = true;
  }
  constexpr bool operator()(char c) const { return is_special_[static_cast<unsigned char>(c)]; }

 private:
  std::array<bool, 256> is_special_{};
};

constexpr Special kInMeasurement{", "};
constexpr Special kInKey{", ="};
constexpr Special kInString{"\"\\"};

void append_escaped(std::string& out, std::string_view text, const Special& special) {
  for (auto rest = text.begin(); rest != text.end();) {
    const auto next = std::find_if(rest + 1, text.end(), [&](char c) { return special(c); });
    if (special(*rest)) out += '\\';
    out.append(rest, next);
    rest = next;
  }
}

template <class T>
void append_integer(std::string& out, T value) {
  std::array<char, 24> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out.append(buffer.data(), end);
}

void append_float(std::string& out, double value) {
  const double magnitude = std::abs(value);
  const bool plain = value == 0.0 || (magnitude >= 1e-6 && magnitude < 1e17);
  std::array<char, 40> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific)
                       .ptr;
  out.append(buffer.data(), end);
}

bool is_decimal(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const auto digits = [](std::string_view part) {
    return !part.empty() && std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
  };
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return digits(text);
  return digits(text.substr(0, dot)) && digits(text.substr(dot + 1));
}

struct AppendValue {
  std::string& out;

  result<void> operator()(double value) const {
    if (!std::isfinite(value)) return EncodeError::not_finite;
    append_float(out, value);
    return {};
  }
  result<void> operator()(std::int64_t value) const {
    append_integer(out, value);
    out += 'i';
    return {};
  }
  result<void> operator()(std::uint64_t value) const {
    append_integer(out, value);
    out += 'u';
    return {};
  }
  result<void> operator()(bool value) const {
    out += value ? "true" : "false";
    return {};
  }
  result<void> operator()(Decimal value) const {
    if (!is_decimal(value.text)) return EncodeError::not_decimal;
    out += value.text;
    return {};
  }
  result<void> operator()(std::string_view value) const {
    out += '"';
    append_escaped(out, value, kInString);
    out += '"';
    return {};
  }
};

// Points have a handful of keys: comparing each with each is faster than any set.
template <class Keyed>
bool has_duplicates(std::span<const Keyed> items) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (items[i].key == items[j].key) return true;
    }
  }
  return false;
}

result<void> append_series(std::string& out, const PointView& point) {
  if (auto ok = check_name(point.measurement, EncodeError::empty_name); !ok) return ok;
  if (point.measurement.starts_with('#')) return EncodeError::comment;
  if (has_duplicates(point.tags)) return EncodeError::duplicate_key;
  const std::size_t begin = out.size();
  append_escaped(out, point.measurement, kInMeasurement);
  for (const Tag& tag : point.tags) {
    if (auto ok = check_name(tag.key, EncodeError::empty_name); !ok) return ok;
    if (auto ok = check_name(tag.value, EncodeError::empty_tag_value); !ok) return ok;
    out += ',';
    append_escaped(out, tag.key, kInKey);
    out += '=';
    append_escaped(out, tag.value, kInKey);
  }
  if (out.size() - begin > kSeriesBytesMax) return EncodeError::series_too_long;
  return {};
}

result<void> append_fields(std::string& out, std::span<const Field> fields) {
  if (fields.empty()) return EncodeError::no_fields;
  if (has_duplicates(fields)) return EncodeError::duplicate_key;
  char separator = ' ';
  for (const Field& field : fields) {
    if (auto ok = check_name(field.key, EncodeError::empty_name); !ok) return ok;
    out += std::exchange(separator, ',');
    append_escaped(out, field.key, kInKey);
    out += '=';
    if (auto ok = std::visit(AppendValue{out}, field.value); !ok) return ok;
  }
  return {};
}

}  // namespace

const boost::system::error_category& encode_category() {
  static const EncodeCategory category;
  return category;
}

boost::system::error_code make_error_code(EncodeError error) {
  return {static_cast<int>(error), encode_category()};
}

result<void> append_line(std::string& out, const PointView& point) {
  const std::size_t before = out.size();
  auto ok = append_series(out, point);
  if (ok) ok = append_fields(out, point.fields);
  if (!ok) {
    out.resize(before);
    return ok;
  }
  out += ' ';
  append_integer(out, point.time);
  out += '\n';
  return {};
}

}  // namespace carbongate::line_protocol
