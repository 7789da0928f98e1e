// Messages of syslog (RFC 5424), and how a stream is parted into them (RFC 6587 section 3.4.1, RFC 5425 section 4.3).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carbongate::syslog {

// Section 6.2.1, table 2.
enum class Severity : std::uint8_t { critical = 2, warning = 4, notice = 5, informational = 6 };

// Its code by its name: "local0" is 16; nullopt-like 255 if it is none of table 1.
inline constexpr std::uint8_t kNoFacility = 255;
std::uint8_t facility_of(std::string_view name);

struct Message {
  std::uint8_t facility = 16;
  Severity severity = Severity::notice;
  std::chrono::sys_time<std::chrono::milliseconds> at;
  std::string host;  // what is no printable ASCII becomes '_'; empty: none
  std::string app;
  std::string id;                                              // MSGID: the kind of message
  std::string data_id = {};                                    // SD-ID: "alert@32473"; empty: no structured data
  std::vector<std::pair<std::string, std::string>> data = {};  // its parameters; empty ones are left out
  std::string text;                                            // UTF-8, one line
};

inline constexpr std::size_t kTextBytesMax = 1'500;  // receivers must take 2048 bytes of a message, section 6.1

std::string to_text(const Message& message);

// The message behind its length: "27 <134>1 ...".
std::string to_frame(std::string_view text);

}  // namespace carbongate::syslog
