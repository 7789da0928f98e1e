// An internet message (RFC 5322) of plain text, in UTF-8.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace carbongate::smtp {

struct Mail {
  std::string from;  // an address: "gateway@park.example"
  std::string to;
  std::string subject = {};  // control characters become blanks
  std::string text = {};     // lines end with \n
  std::string id = {};       // of Message-ID, in front of the '@': letters, digits, '-', '.'; of a repeat the same
  std::string domain = {};   // behind it
  std::chrono::sys_seconds date = {};
  bool is_urgent = false;  // X-Priority: 1
};

// With CRLF, no line longer than 78 bytes but for those of addresses and the id; the body as base64 (RFC 2045), a
// subject beyond ASCII as encoded words (RFC 2047).
std::string to_message(const Mail& mail);

// Whether it can be an address in a command of SMTP: one '@' with something around it, and no blanks, control
// characters or brackets.
bool is_address(std::string_view text);

}  // namespace carbongate::smtp
