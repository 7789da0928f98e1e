#include "protocols/energy_platform/messages.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cmath>

#include "protocols/energy_platform/sm4.h"
#include "protocols/wire/utf8.h"

namespace carbongate::energy_platform {

namespace json = boost::json;

namespace {

constexpr std::size_t kMessageBytesMax = 200;
constexpr std::size_t kTextBytesMax = 2'048;  // of an id, a url or a token
constexpr std::int64_t kTokenSecondsMax = 366 * 86'400;

// Text, also of a whole number; "" of anything else.
std::string text_of(const json::object& body, std::string_view field) {
  const json::value* value = field.empty() ? nullptr : body.if_contains(field);
  if (value == nullptr) return {};
  if (const auto* text = value->if_string()) return std::string(*text);
  if (value->is_int64() || value->is_uint64()) return json::serialize(*value);
  return {};
}

std::optional<std::int64_t> number_of(const json::object& body, std::string_view field) {
  const std::string text = text_of(body, field);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string one_line(std::string_view text) {
  std::string line(wire::first_bytes(text, kMessageBytesMax));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return line;
}

bool is_plain(std::string_view text) {
  return text.size() <= kTextBytesMax &&
         std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c < 0x7F; });
}

std::optional<std::chrono::seconds> time_of_day(std::string_view text) {
  if (text.size() != 8 || text[2] != ':' || text[5] != ':') return std::nullopt;
  int parts[3] = {};
  for (int i = 0; i < 3; ++i) {
    const char* begin = text.data() + i * 3;
    const auto [end, error] = std::from_chars(begin, begin + 2, parts[i]);
    if (error != std::errc() || end != begin + 2) return std::nullopt;
  }
  if (parts[0] > 23 || parts[1] > 59 || parts[2] > 59 || std::ranges::min(parts) < 0) return std::nullopt;
  return std::chrono::seconds(parts[0] * 3600 + parts[1] * 60 + parts[2]);
}

std::string clock_text(std::chrono::seconds time) {
  const auto two = [](std::int64_t number) {
    return std::string(1, static_cast<char>('0' + number / 10)) + static_cast<char>('0' + number % 10);
  };
  const std::int64_t all = time.count();
  return two(all / 3600) + ":" + two(all / 60 % 60) + ":" + two(all % 60);
}

}  // namespace

std::optional<Answer> decode_answer(std::string_view text, const Dialect& dialect, std::string& why) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error || !value.is_object()) {
    why = "answers with what is no JSON object";
    return std::nullopt;
  }
  Answer answer;
  answer.body = std::move(value.get_object());
  answer.code = one_line(text_of(answer.body, dialect.code_field));
  answer.message = one_line(text_of(answer.body, dialect.message_field));
  if (answer.code.empty()) {
    why = "answers without a " + dialect.code_field;
    return std::nullopt;
  }
  answer.is_success = std::ranges::find(dialect.success, answer.code) != dialect.success.end();
  return answer;
}

std::optional<Registration> decode_registration(const Answer& answer, const Dialect& dialect, std::string& why) {
  Registration registration;
  registration.device_id = text_of(answer.body, "deviceId");
  if (registration.device_id.empty() || !is_plain(registration.device_id)) {
    why = "the registration has no deviceId";
    return std::nullopt;
  }
  registration.secret_key = text_of(answer.body, "secretKey");
  if (dialect.encrypts && !is_sm4_key(registration.secret_key)) {
    why = "the registration has no secretKey of 32 hexadecimal digits, and this dialect encrypts";
    return std::nullopt;
  }
  for (std::size_t i = 0; i < kOperationCount; ++i) {
    const Place& place = dialect.places[i];
    std::string url = text_of(answer.body, place.field);
    if (url.empty()) url = place.path;
    if (!is_plain(url)) {
      why = "the registration's " + place.field + " is no address";
      return std::nullopt;
    }
    registration.urls[i] = std::move(url);
  }
  if (registration.urls[static_cast<std::size_t>(Operation::data)].empty()) {
    why = "the registration does not say where data go";
    return std::nullopt;
  }
  registration.upload_time = time_of_day(text_of(answer.body, "uploadTime"));
  return registration;
}

std::string to_text(const Registration& registration) {
  json::object urls;
  for (std::size_t i = 0; i < kOperationCount; ++i) {
    urls[to_string(static_cast<Operation>(i))] = registration.urls[i];
  }
  json::object text{{"deviceId", registration.device_id}, {"urls", std::move(urls)}};
  if (registration.upload_time) text["uploadTime"] = clock_text(*registration.upload_time);
  return json::serialize(text);
}

std::optional<Registration> registration_of(std::string_view text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_object()) return std::nullopt;
  Registration registration;
  registration.device_id = text_of(value.get_object(), "deviceId");
  registration.upload_time = time_of_day(text_of(value.get_object(), "uploadTime"));
  const json::value* urls = value.get_object().if_contains("urls");
  if (registration.device_id.empty() || urls == nullptr || !urls->is_object()) return std::nullopt;
  for (std::size_t i = 0; i < kOperationCount; ++i) {
    registration.urls[i] = text_of(urls->get_object(), to_string(static_cast<Operation>(i)));
  }
  return registration;
}

Versions decode_versions(const Answer& answer) {
  return {.registration = number_of(answer.body, "regVersion").value_or(0),
          .dictionary = number_of(answer.body, "dicVersion").value_or(0)};
}

std::optional<Token> decode_token(const Answer& answer, const Dialect& dialect, std::string& why) {
  Token token;
  token.text = text_of(answer.body, dialect.token.field);
  if (token.text.empty() || !is_plain(token.text)) {
    why = "answers without the token " + dialect.token.field;
    return std::nullopt;
  }
  token.good_for = std::chrono::seconds(
      std::clamp<std::int64_t>(number_of(answer.body, dialect.token.expires).value_or(3'600), 1, kTokenSecondsMax));
  return token;
}

std::string_view to_string(StatType type) {
  constexpr std::array<std::string_view, 4> kNames{"15min", "day", "month", "year"};
  return kNames.at(static_cast<std::size_t>(type));
}

// Written by hand: a decimal stays as it is, digit by digit.
std::optional<std::string> encode_data(std::span<const Record> records, const Registration& registration,
                                       const std::string& enterprise_code, const Dialect& dialect) {
  std::string out = "{\"deviceId\":" + json::serialize(json::string(registration.device_id)) +
                    ",\"enterpriseCode\":" + json::serialize(json::string(enterprise_code)) + ",\"data\":[";
  bool is_whole = true;
  const auto put = [&](std::string_view name, std::string_view text, bool is_text) {
    std::string value(text);
    if (dialect.encrypts) {
      const auto cipher = sm4_encrypt(registration.secret_key, text);
      is_whole = is_whole && cipher.has_value();
      value = cipher.value_or("");
      is_text = true;
    }
    if (out.back() != '{') out += ',';
    out += '"';
    out += name;
    out += "\":";
    out += is_text ? json::serialize(json::string(value)) : value;
  };
  for (const Record& record : records) {
    const bool is_text = dialect.numbers_as_text;
    out += out.back() == '[' ? "{" : ",{";
    put("dataCode", record.code.text(dialect.dashes), true);
    put("dataValue", record.value, is_text);
    put("inputType", std::to_string(record.input_type), is_text);
    put("statType", std::to_string(static_cast<int>(record.stat_type)), is_text);
    put("statDate", record.stat_date, true);
    put("uploadDate", record.upload_date, true);
    put("scope", std::to_string(record.scope), is_text);
    put("valid", record.is_valid ? dialect.valid : dialect.invalid, false);
    out += '}';
  }
  out += "]}";
  if (!is_whole) return std::nullopt;
  return out;
}

}  // namespace carbongate::energy_platform
