#include "protocols/line_protocol/response.h"

#include <array>
#include <boost/json/parse.hpp>
#include <charconv>
#include <string>

#include "protocols/http/phrases.h"

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

bool speaks_of_room(std::string_view words) {
  return words.find("limit exceeded") != words.npos;  // "partial write: max-series-per-database limit exceeded: (1)"
}

bool speaks_of_lines(int status, std::string_view words) {
  constexpr auto kPhrases = std::to_array<std::string_view>({
      "partial write",                  // InfluxDB 1.x, 2.x, 3.x
      "unable to parse",                // InfluxDB: no line of the body could be read
      "failed to parse line protocol",  // QuestDB
      "parsing failed for write",       // InfluxDB 3, with accept_partial=false
      "field type conflict", "time outside range", "beyond retention policy",
      "Failed to parse InfluxDB line protocol",  // GreptimeDB
      " incompatible, expected: ",               // GreptimeDB: lines of one body differ in the type of a column
      "Timestamp overflow",                      // GreptimeDB
  });
  // Of taosAdapter, with any status but mostly 500, TDengine's own code of an error.
  constexpr auto kCodes = std::to_array<std::string_view>({
      "[0x21b]",   // 2.x: syntax error in line
      "[0x60b]",   // timestamp out of range: beyond KEEP
      "[0x3002]",  // invalid data format
      "[0x3004]",  // not the same type like before
  });
  if (http::has_one_of(words, kCodes)) return true;
  if (status != 400 && status != 422) return false;
  // GreptimeDB: a column of another type. If it is the one of the times, all lines are wrong, and the table is to
  // blame.
  constexpr std::string_view kExpectsType = " expect type ";
  const auto expects = words.find(kExpectsType);
  if (expects != words.npos) return !words.substr(expects + kExpectsType.size()).starts_with("Timestamp");
  return http::has_one_of(words, kPhrases);
}

}  // namespace

http::WriteAnswer read_write_answer(int status, std::string_view body) {
  const std::string full = words_of(body);
  http::WriteAnswer answer = http::answer_by_status(status, full);
  if (status < 400 || (answer.verdict != http::Verdict::failed && answer.verdict != http::Verdict::busy)) return answer;
  if (answer.verdict == http::Verdict::failed && speaks_of_room(full)) {
    answer.verdict = http::Verdict::busy;
  } else if (speaks_of_lines(status, full)) {
    answer.verdict = http::Verdict::refused;
    answer.dropped = dropped_in(full);
  }
  return answer;
}

}  // namespace carbongate::line_protocol
