#include "drivers/hj212/shown_packet.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace carbongate::hj212_driver {
namespace {

// PW, and what commands call the next one: NewPW.
bool names_a_password(std::string_view name) {
  constexpr std::string_view kPassword = "pw";
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
  return std::ranges::search(name, kPassword, same).begin() != name.end();
}

bool hide(std::vector<hj212::Value>& values) {
  bool hidden = false;
  for (hj212::Value& value : values) {
    if (!value.text || value.text->empty() || !names_a_password(value.name)) continue;
    value.text = "******";
    hidden = true;
  }
  return hidden;
}

}  // namespace

std::string shown_packet(const hj212::Frame& frame, hj212::Segment segment) {
  bool hidden = hide(segment.fields);
  if (segment.area) {
    for (hj212::Item& item : *segment.area) hidden |= hide(item);
  }
  if (!hidden) return encode(frame);
  return fmt::format("##{:04}{}****\r\n", frame.segment.size(), to_text(segment));
}

}  // namespace carbongate::hj212_driver
