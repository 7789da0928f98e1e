#include "protocols/line_protocol/response.h"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <charconv>

#include "protocols/wire/one_line.h"

namespace carbongate::line_protocol {
namespace {

// Of InfluxDB 3 Core the first line it objects to: {"error": "...", "data": [{"error_message": "...", ...}, ...]}; of a
// request that was refused as a whole "data" is such an object itself.
std::string first_objection(const boost::json::object& answer) {
  const auto* data = answer.if_contains("data");
  if (data != nullptr && data->is_array()) data = data->get_array().empty() ? nullptr : &data->get_array().front();
  if (data == nullptr || !data->is_object()) return {};
  const auto* message = data->get_object().if_contains("error_message");
  return message != nullptr && message->is_string() ? ": " + std::string(message->get_string()) : std::string();
}

// {"error": "..."} of InfluxDB 1.x and 3.x, {"code": "...", "message": "..."} of 2.x and QuestDB; any other text is
// taken as it is.
std::string words_of(std::string_view body) {
  boost::system::error_code bad;
  const boost::json::value json = boost::json::parse(body, bad);
  if (!bad && json.is_object()) {
    for (const char* key : {"error", "message"}) {
      const auto* value = json.get_object().if_contains(key);
      if (value != nullptr && value->is_string())
        return std::string(value->get_string()) + first_objection(json.get_object());
    }
  }
  return std::string(body);
}

std::optional<std::size_t> dropped_in(std::string_view words) {
  constexpr std::string_view kKey = "dropped=";
  const auto at = words.rfind(kKey);
  if (at == std::string_view::npos) return std::nullopt;
  std::size_t count = 0;
  const char* begin = words.data() + at + kKey.size();
  const auto [end, error] = std::from_chars(begin, words.data() + words.size(), count);
  if (error != std::errc{}) return std::nullopt;
  return count;
}

bool speaks_of_lines(std::string_view words) {
  constexpr std::array<std::string_view, 7> kPhrases{
      "partial write",                  // InfluxDB 1.x, 2.x, 3.x
      "unable to parse",                // InfluxDB: no line of the body could be read
      "failed to parse line protocol",  // QuestDB
      "parsing failed for write",       // InfluxDB 3, with accept_partial=false
      "field type conflict",
      "time outside range",
      "beyond retention policy",
  };
  return std::ranges::any_of(kPhrases, [&](std::string_view phrase) { return words.find(phrase) != words.npos; });
}

// No store says anything to a write that went well, but {}; who does is something before it, or an error of an old one.
bool is_silent(std::string_view words) {
  const std::string said = wire::one_line(std::string(words));
  return said.empty() || said == "{}";
}

Verdict verdict_of(int status, std::string_view words) {
  if (status >= 200 && status < 300) return is_silent(words) ? Verdict::written : Verdict::failed;
  switch (status) {
    case 400:
    case 422: return speaks_of_lines(words) ? Verdict::lines_refused : Verdict::failed;
    case 401:
    case 403: return Verdict::denied;
    case 404: return Verdict::not_found;
    case 413: return Verdict::too_large;
    case 429:
    case 503: return Verdict::busy;
    default: return Verdict::failed;
  }
}

}  // namespace

WriteAnswer read_write_answer(int status, std::string_view body) {
  const std::string full = words_of(body);
  WriteAnswer answer;
  answer.verdict = verdict_of(status, full);
  answer.dropped = dropped_in(full);
  answer.words = wire::one_line(full);
  if (answer.words.empty()) answer.words = "HTTP " + std::to_string(status);
  if (answer.verdict == Verdict::failed && status < 300) {
    answer.words =
        wire::one_line("HTTP " + std::to_string(status) + " with words, which is no store's answer: " + answer.words);
  }
  return answer;
}

}  // namespace carbongate::line_protocol
