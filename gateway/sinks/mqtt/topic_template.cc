#include "gateway/sinks/mqtt/topic_template.h"

#include <algorithm>
#include <array>

#include "config/reader/reader.h"
#include "config/reader/text.h"
#include "gateway/tables/row_cells.h"

namespace carbongate::sinks::mqtt {
namespace {

constexpr std::array<std::string_view, 8> kNames{"site", "kind",    "device", "point",
                                                 "user", "carrier", "period", "rule"};

void append_level(std::string& topic, std::string_view value) {
  if (value.empty()) value = "-";
  for (const char c : value) {
    switch (c) {
      case '/': topic += "%2F"; break;
      case '+': topic += "%2B"; break;
      case '#': topic += "%23"; break;
      case '%': topic += "%25"; break;
      default: topic += c;
    }
  }
}

}  // namespace

TopicTemplate::Name TopicTemplate::name_of(std::string_view word) {
  const auto found = std::ranges::find(kNames, word);
  return found == kNames.end() ? Name::none : static_cast<Name>(found - kNames.begin() + 1);
}

std::string TopicTemplate::problem_of(std::string_view text) {
  if (text.empty()) return "is empty";
  if (text.starts_with('$')) return "must not begin with '$': such topics are the broker's own";
  if (text.find_first_of("+#") != std::string_view::npos) return "must not hold the wildcards + and #";
  while (true) {
    const std::size_t brace = text.find_first_of("{}");
    if (brace == std::string_view::npos) return {};
    const std::size_t end = text.find('}', brace);
    if (text[brace] == '}' || end == std::string_view::npos) return "has a brace without its other one";
    const std::string word(text.substr(brace + 1, end - brace - 1));
    if (name_of(word) == Name::none) {
      return "does not know {" + config::printable(word) + "}" +
             config::suggestion(word, std::vector<std::string>(kNames.begin(), kNames.end()));
    }
    text.remove_prefix(end + 1);
  }
}

std::optional<TopicTemplate> TopicTemplate::parse(std::string_view text) {
  if (!problem_of(text).empty()) return std::nullopt;
  TopicTemplate result;
  while (!text.empty()) {
    const std::size_t brace = std::min(text.find('{'), text.size());
    Piece piece{std::string(text.substr(0, brace)), Name::none};
    text.remove_prefix(brace);
    if (!text.empty()) {
      const std::size_t end = text.find('}');
      piece.name = name_of(text.substr(1, end - 1));
      text.remove_prefix(end + 1);
    }
    result.pieces_.push_back(std::move(piece));
  }
  return result;
}

std::string_view TopicTemplate::value_of(Name name, const model::StoredRow& row) {
  const model::Series& series = *row.series;
  switch (name) {
    case Name::site: return series.site;
    case Name::kind: return tables::name_of(tables::kind_of(row.body));
    case Name::device: return series.device;
    case Name::point: return series.point;
    case Name::user: return series.user;
    case Name::carrier: return series.carrier;
    case Name::period: {
      const auto* rollup = row.body.get_if<model::RollupRow>();
      return rollup ? to_string(rollup->period) : std::string_view();
    }
    case Name::rule: return series.rule;
    case Name::none: break;
  }
  return {};
}

std::string TopicTemplate::topic_of(const model::StoredRow& row) const {
  std::string topic;
  for (const Piece& piece : pieces_) {
    topic += piece.text;
    if (piece.name != Name::none) append_level(topic, value_of(piece.name, row));
  }
  return topic;
}

}  // namespace carbongate::sinks::mqtt
