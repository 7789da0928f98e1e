#include "gateway/sinks/shared/row_kind.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace carbongate::sinks::shared {
namespace {

constexpr std::array<std::string_view, kRowKindCount> kNames{"readings", "intervals", "entries", "rollups",
                                                             "totals",   "alerts",    "reports"};

}  // namespace

RowKind kind_of(const model::RowBody& body) {
  static_assert(model::RowBody::kCount == kRowKindCount, "RowKind follows the order of RowBody");
  return static_cast<RowKind>(body.index());
}

RowKinds read_row_kinds(config::Reader& in) {
  RowKinds kinds;
  const auto words = in.optional<std::vector<std::string>>("rows");
  if (!words) return kinds.set();
  for (const std::string& word : *words) {
    const auto found = std::ranges::find(kNames, word);
    if (found != kNames.end()) {
      kinds.set(static_cast<std::size_t>(found - kNames.begin()));
      continue;
    }
    const std::vector<std::string> known(kNames.begin(), kNames.end());
    in.error("rows", "'" + word + "' is no kind of row" + config::suggestion(word, known));
  }
  if (words->empty()) in.error("rows", "is empty: nothing would be sent; leave it out to send everything");
  return kinds;
}

}  // namespace carbongate::sinks::shared
