#include "gateway/model/alert.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <tuple>

namespace carbongate::model {
namespace {

// FNV-1a of 64 bits.
// http://www.isthe.com/chongo/tech/comp/fnv/
class Hash {
 public:
  void add(std::string_view text) {
    for (const char c : text) add_byte(static_cast<unsigned char>(c));
    add_byte(0);
  }
  void add(std::int64_t number) {
    auto bits = static_cast<std::uint64_t>(number);
    for (int i = 0; i < 8; ++i, bits >>= 8U) add_byte(static_cast<unsigned char>(bits));
  }
  // FNV mixes the last bytes little into the high bits: a finish as that of SplitMix64.
  std::uint64_t value() const {
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }

 private:
  void add_byte(unsigned char byte) { state_ = (state_ ^ byte) * 0x100000001b3U; }
  std::uint64_t state_ = 0xcbf29ce484222325U;
};

// Of bits, so that NaN is NaN.
auto members(const Alert& a) {
  return std::tie(a.at, a.since, a.stage, a.severity, a.id, a.name, a.name_zh, a.unit, a.revision, a.cause, a.by,
                  a.note, a.suppressed, a.of);
}

}  // namespace

bool operator==(const Alert& a, const Alert& b) {
  return members(a) == members(b) && std::bit_cast<std::uint64_t>(a.value) == std::bit_cast<std::uint64_t>(b.value) &&
         std::bit_cast<std::uint64_t>(a.limit) == std::bit_cast<std::uint64_t>(b.limit);
}

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::info: return "info";
    case Severity::warning: return "warning";
    case Severity::critical: return "critical";
  }
  return "unknown";
}

std::string_view to_string_zh(Severity severity) {
  switch (severity) {
    case Severity::info: return "提示";
    case Severity::warning: return "警告";
    case Severity::critical: return "严重";
  }
  return "未知";
}

std::string_view to_string(AlertStage stage) {
  switch (stage) {
    case AlertStage::firing: return "firing";
    case AlertStage::acknowledged: return "acknowledged";
    case AlertStage::resolved: return "resolved";
    case AlertStage::withdrawn: return "withdrawn";
  }
  return "unknown";
}

std::string_view to_string_zh(AlertStage stage) {
  switch (stage) {
    case AlertStage::firing: return "触发";
    case AlertStage::acknowledged: return "已确认";
    case AlertStage::resolved: return "已解除";
    case AlertStage::withdrawn: return "已撤回";
  }
  return "未知";
}

namespace {

constexpr double kPlainBelow = 1e15;

// The fewest digits from which the same double is read again.
std::string whole_text(double value) {
  if (std::isnan(value)) return {};
  char text[400];
  const auto end = std::abs(value) < kPlainBelow
                       ? std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr
                       : std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

std::string short_text(double value) {
  const double amount = std::abs(value);
  if (!(amount < kPlainBelow) || amount == 0) return whole_text(value + 0.0);
  const int decimals = std::clamp(5 - static_cast<int>(std::floor(std::log10(amount))), 1, 15);
  char text[64];
  std::string number(text, std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, decimals).ptr);
  number.resize(number.find_last_not_of('0') + 1);
  if (number.ends_with('.')) number.pop_back();
  if (number == "-0") number = "0";
  return number;
}

}  // namespace

AlertFigures figures_text(double value, double limit, std::string_view unit) {
  AlertFigures text{short_text(value), short_text(limit)};
  if (text.value == text.limit && value != limit) text = {whole_text(value), whole_text(limit)};
  if (unit.empty() || unit == "1") return text;
  for (std::string* number : {&text.value, &text.limit}) {
    if (!number->empty()) number->append(" ").append(unit);
  }
  return text;
}

std::string subject_name(std::string_view device, std::string_view point, std::string_view user,
                         std::string_view carrier) {
  std::string name(user.empty() ? device : user);
  if (user.empty() && !point.empty()) name.append(".").append(point);
  if (!user.empty() && !carrier.empty()) name.append("/").append(carrier);
  return name;
}

std::string alert_id(std::string_view site, std::string_view rule, std::string_view subject, Instant since) {
  constexpr std::string_view kHex = "0123456789abcdef";
  Hash hash;
  hash.add(site);
  hash.add(rule);
  hash.add(subject);
  hash.add(since.time_since_epoch().count());
  std::string id;
  const std::uint64_t value = hash.value();
  for (int shift = 60; shift >= 0; shift -= 4) id += kHex[(value >> static_cast<unsigned>(shift)) & 0xfU];
  return id;
}

}  // namespace carbongate::model
