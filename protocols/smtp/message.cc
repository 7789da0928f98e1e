#include "protocols/smtp/message.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "protocols/wire/base64.h"
#include "protocols/wire/one_line.h"
#include "protocols/wire/utf8.h"

namespace carbongate::smtp {
namespace {

constexpr std::size_t kWordBytes = 42;  // of an encoded word: 56 of base64, "=?UTF-8?B?" and "?=" around them
constexpr std::size_t kBase64LineBytes = 76;
constexpr std::size_t kSubjectBytesMax = 500;
constexpr std::size_t kAddressBytesMax = 254;  // RFC 5321, 4.5.3.1.3 without brackets

bool is_plain(std::string_view text) {
  return text.size() <= 60 && text.find("=?") == std::string_view::npos &&
         std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F; });
}

std::string encoded_words(std::string_view text) {
  std::string words;
  while (!text.empty()) {
    std::string_view piece = wire::first_bytes(text, kWordBytes);
    if (piece.empty()) piece = text.substr(0, 1);  // no UTF-8
    text.remove_prefix(piece.size());
    words += fmt::format("{}=?UTF-8?B?{}?=", words.empty() ? "" : "\r\n ", wire::base64(piece));
  }
  return words;
}

}  // namespace

std::string to_message(const Mail& mail) {
  const std::string subject = wire::one_line(mail.subject, kSubjectBytesMax);
  std::string message = fmt::format(
      "From: <{}>\r\nTo: <{}>\r\nSubject: {}\r\nDate: {:%a, %d %b %Y %H:%M:%S} +0000\r\nMessage-ID: <{}@{}>\r\n"
      "{}Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: base64\r\n\r\n",
      mail.from, mail.to, is_plain(subject) ? subject : encoded_words(subject), mail.date, mail.id, mail.domain,
      mail.is_urgent ? "X-Priority: 1\r\n" : "");
  std::string text;
  for (const char c : mail.text) {
    if (c == '\n') text += '\r';
    text += c;
  }
  const std::string body = wire::base64(text);
  for (std::size_t i = 0; i < body.size(); i += kBase64LineBytes) {
    message += body.substr(i, kBase64LineBytes) + "\r\n";
  }
  return message;
}

bool is_address(std::string_view text) {
  const std::size_t at = text.rfind('@');
  return at != std::string_view::npos && at != 0 && at + 1 < text.size() && text.size() <= kAddressBytesMax &&
         text.find('@') == at && std::ranges::none_of(text, [](char c) {
           return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F || c == '<' || c == '>';
         });
}

}  // namespace carbongate::smtp
