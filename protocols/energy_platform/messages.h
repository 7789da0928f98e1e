// Requests and answers of the key-energy-user platform as JSON. Pure; whatever comes in is bounded by who reads it.
#pragma once

#include <array>
#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "protocols/energy_platform/data_code.h"
#include "protocols/energy_platform/dialect.h"

namespace carbongate::energy_platform {

struct Answer {
  std::string code;     // responseCode, also where it came as a number
  std::string message;  // responseMessage, on one line, at most 200 bytes
  boost::json::object body;
  bool is_success = false;
};

// nullopt: it is no JSON object with a responseCode; `why` says so.
std::optional<Answer> decode_answer(std::string_view text, const Dialect& dialect, std::string& why);

struct Registration {
  std::string device_id;
  std::string secret_key;                           // 32 hexadecimal digits; "": none. Never logged, never stored
  std::optional<std::chrono::seconds> upload_time;  // since midnight: when days may come
  std::array<std::string, kOperationCount> urls;    // as told, or below the server: begins with '/'; "": there is none

  friend bool operator==(const Registration&, const Registration&) = default;
};

// nullopt: what is needed is not in it; `why` says what.
std::optional<Registration> decode_registration(const Answer& answer, const Dialect& dialect, std::string& why);

// Without the key.
std::string to_text(const Registration& registration);
std::optional<Registration> registration_of(std::string_view text);

struct Versions {
  std::int64_t registration = 0;
  std::int64_t dictionary = 0;
  friend bool operator==(const Versions&, const Versions&) = default;
};
Versions decode_versions(const Answer& answer);  // 0: not told

struct Token {
  std::string text;
  std::chrono::seconds good_for{};
};
std::optional<Token> decode_token(const Answer& answer, const Dialect& dialect, std::string& why);

enum class StatType : std::uint8_t { real_time = 0, day = 1, month = 2, year = 3 };
std::string_view to_string(StatType type);  // "15min", "day", "month", "year"

inline constexpr int kHandFilled = 5;  // inputType

// All eight are mandatory.
struct Record {
  DataCode code;
  std::string value;  // a decimal number
  int input_type = 4;
  StatType stat_type = StatType::real_time;
  std::string stat_date;    // "2026-08-01 00:00:00": begin of the period, local time
  std::string upload_date;  // the same, now
  int scope = 1;
  bool is_valid = true;
};

// The body of an upload. nullopt: the dialect encrypts, and `registration` has no key for it.
std::optional<std::string> encode_data(std::span<const Record> records, const Registration& registration,
                                       const std::string& enterprise_code, const Dialect& dialect);

}  // namespace carbongate::energy_platform
