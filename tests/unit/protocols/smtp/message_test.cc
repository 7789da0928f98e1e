#include "protocols/smtp/message.h"

#include <gtest/gtest.h>

namespace carbongate::smtp {
namespace {

using namespace std::chrono_literals;

Mail mail() {
  return {.from = "gateway@park.example",
          .to = "duty@park.example",
          .subject = "Overload",
          .text = "one\ntwo\n",
          .id = "0123456789abcdef-42",
          .domain = "park.example",
          .date = std::chrono::sys_days(std::chrono::year(2026) / 8 / 1) + 8h + 5min + 9s};
}

TEST(MailMessage, IsWholeAndReadsAsWritten) {
  EXPECT_EQ(to_message(mail()),
            "From: <gateway@park.example>\r\nTo: <duty@park.example>\r\nSubject: Overload\r\n"
            "Date: Sat, 01 Aug 2026 08:05:09 +0000\r\nMessage-ID: <0123456789abcdef-42@park.example>\r\n"
            "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\nb25lDQp0d28NCg==\r\n");
}

TEST(MailMessage, MarksWhatIsUrgent) {
  Mail urgent = mail();
  urgent.is_urgent = true;
  EXPECT_NE(to_message(urgent).find("\r\nX-Priority: 1\r\n"), std::string::npos);
  EXPECT_EQ(to_message(mail()).find("X-Priority"), std::string::npos);
}

// A subject that ends a header line would begin another one.
TEST(MailMessage, HasNoHeaderOutOfASubject) {
  Mail bad = mail();
  bad.subject = "a\r\nBcc: <all@elsewhere.example>";
  const std::string message = to_message(bad);
  EXPECT_EQ(message.find("\nBcc"), std::string::npos);
  EXPECT_NE(message.find("Subject: a  Bcc"), std::string::npos) << message;
}

TEST(MailMessage, PartsALongSubjectBetweenCharacters) {
  Mail chinese = mail();
  chinese.subject.clear();
  for (int i = 0; i < 20; ++i) chinese.subject += "变压器";
  const std::string message = to_message(chinese);
  // 14 characters of three bytes each: 42.
  EXPECT_NE(
      message.find("Subject: =?UTF-8?B?5Y+Y5Y6L5Zmo5Y+Y5Y6L5Zmo5Y+Y5Y6L5Zmo5Y+Y5Y6L5Zmo5Y+Y5Y6L?=\r\n =?UTF-8?B?"),
      std::string::npos)
      << message;
  for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 2) {
    end = message.find("\r\n", begin);
    EXPECT_LE(std::min(end, message.size()) - begin, 78U);
    if (end == std::string::npos) break;
  }
}

TEST(MailAddress, HasSomethingAroundOneAt) {
  EXPECT_TRUE(is_address("duty@park.example"));
  for (const char* wrong : {"", "duty", "@park", "duty@", "a@b@c", "a b@c", "<a@b>", "a@b\r\nRCPT TO:<c@d>"}) {
    EXPECT_FALSE(is_address(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace carbongate::smtp
