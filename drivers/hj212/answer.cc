#include "drivers/hj212/answer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>
#include <vector>

namespace carbongate::hj212_driver {
namespace {

constexpr std::size_t kEchoedMax = 64;  // of a peer that may say anything

// The command that answers this one; nullptr: none does.
const char* answering(std::string_view command) {
  if (command == "1013") return "9013";
  const bool is_data = command.size() == 4 && (command.front() == '2' || command == "3020" || command == "3019");
  return is_data ? "9014" : nullptr;
}

}  // namespace

std::optional<hj212::Segment> answer_to(const hj212::Head& head) {
  const char* command = answering(head.cn);
  const bool fits = head.qn.size() <= kEchoedMax && head.pw.size() <= kEchoedMax;
  if (command == nullptr || !fits || !head.flag || !head.flag->wants_answer()) return std::nullopt;
  const hj212::Head answer{.qn = head.qn,
                           .st = "91",
                           .cn = command,
                           .pw = head.pw,
                           .mn = head.mn,
                           .flag = hj212::Flag{static_cast<std::uint8_t>(head.flag->version() << 2)},
                           .part = {},
                           .deviations = {}};
  return hj212::Segment{.fields = fields_of(answer), .area = std::vector<hj212::Item>()};
}

std::string deviations_of(const hj212::Frame& frame, const hj212::Head& head) {
  std::vector<std::string> all = head.deviations;
  if (frame.lower_case) all.emplace_back("the CRC has small letters");
  return fmt::format("{}", fmt::join(all, "; "));
}

}  // namespace carbongate::hj212_driver
