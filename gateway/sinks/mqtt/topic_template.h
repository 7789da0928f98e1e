// Under which topic a row is published.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/model/rows.h"

namespace carbongate::sinks::mqtt {

// "carbongate/{site}/{kind}/{device}/{point}": names in braces stand for site, kind (readings, intervals, entries,
// rollups, totals, alerts, reports), device, point, user, carrier, period (15min, hour, day, month, year), and rule of
// an alert. What a row does not have is "-". In names, what would be another level or a wildcard is written as in URLs:
// "%2F" for
// '/', "%2B", "%23",
// "%25".
class TopicTemplate {
 public:
  // nullopt: see problem_of().
  static std::optional<TopicTemplate> parse(std::string_view text);
  static std::string problem_of(std::string_view text);  // empty: none

  std::string topic_of(const model::StoredRow& row) const;

 private:
  enum class Name : std::uint8_t { none, site, kind, device, point, user, carrier, period, rule };
  struct Piece {
    std::string text;  // before the name
    Name name = Name::none;
  };

  static Name name_of(std::string_view word);
  static std::string_view value_of(Name name, const model::StoredRow& row);

  std::vector<Piece> pieces_;
};

}  // namespace carbongate::sinks::mqtt
