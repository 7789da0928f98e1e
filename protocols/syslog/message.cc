#include "protocols/syslog/message.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "protocols/wire/utf8.h"

namespace carbongate::syslog {
namespace {

// Table 1; the codes are the places.
constexpr std::array<std::string_view, 24> kFacilities{"kern",   "user",   "mail",   "daemon", "auth",     "syslog",
                                                       "lpr",    "news",   "uucp",   "cron",   "authpriv", "ftp",
                                                       "ntp",    "audit",  "alert",  "clock",  "local0",   "local1",
                                                       "local2", "local3", "local4", "local5", "local6",   "local7"};

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// PRINTUSASCII of at most so many bytes; "-" for nothing.
std::string field(std::string_view text, std::size_t most) {
  if (text.empty()) return "-";
  std::string field(text.substr(0, most));
  std::ranges::replace_if(field, [](char c) { return c <= 0x20 || c >= 0x7F; }, '_');
  return field;
}

// Section 6.3.3.
std::string param_value(std::string_view text) {
  std::string value;
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == ']') value += '\\';
    value += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return value;
}

std::string structured_data(const Message& message) {
  if (message.data_id.empty()) return "-";
  std::string text = "[" + field(message.data_id, 32);
  for (const auto& [name, value] : message.data) {
    if (!value.empty()) text += fmt::format(" {}=\"{}\"", field(name, 32), param_value(value));
  }
  return text + "]";
}

std::string one_line(std::string_view text) {
  std::string line(wire::first_bytes(text, kTextBytesMax));
  std::ranges::replace_if(line, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  return line;
}

}  // namespace

std::uint8_t facility_of(std::string_view name) {
  const auto found = std::ranges::find(kFacilities, name);
  return found == kFacilities.end() ? kNoFacility : static_cast<std::uint8_t>(found - kFacilities.begin());
}

std::string to_text(const Message& message) {
  const auto second = std::chrono::floor<std::chrono::seconds>(message.at);
  return fmt::format("<{}>1 {:%Y-%m-%dT%H:%M:%S}.{:03}Z {} {} - {} {} {}{}",
                     message.facility * 8 + static_cast<int>(message.severity), second, (message.at - second).count(),
                     field(message.host, 255), field(message.app, 48), field(message.id, 32), structured_data(message),
                     kByteOrderMark, one_line(message.text));
}

std::string to_frame(std::string_view text) {
  return fmt::format("{} {}", text.size(), text);
}

}  // namespace carbongate::syslog
