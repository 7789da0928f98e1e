// Any names and values: a line that is written reads back as the point it was made of, by the rules of the format. Any
// answer of a server: its words are one short line.
#include <fuzzer/FuzzedDataProvider.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/line_protocol/encode.h"
#include "protocols/line_protocol/response.h"
#include "protocols/wire/one_line.h"

namespace {

using namespace carbongate::line_protocol;
namespace http = carbongate::http;

void require(bool holds) {
  if (!holds) std::abort();
}

// Takes a name up to one of `ends`, which is not part of it. A backslash counts only before one of `special`.
std::string take_name(std::string_view& line, std::string_view special, std::string_view ends) {
  std::string name;
  while (!line.empty() && ends.find(line[0]) == std::string_view::npos) {
    if (line[0] == '\\' && line.size() > 1 && special.find(line[1]) != std::string_view::npos) line.remove_prefix(1);
    name += line[0];
    line.remove_prefix(1);
  }
  return name;
}

void take(std::string_view& line, char expected) {
  require(!line.empty() && line[0] == expected);
  line.remove_prefix(1);
}

std::string take_string(std::string_view& line) {
  std::string text;
  take(line, '"');
  while (!line.empty() && line[0] != '"') {
    if (line[0] == '\\') line.remove_prefix(1);
    require(!line.empty());
    text += line[0];
    line.remove_prefix(1);
  }
  take(line, '"');
  return text;
}

void check_line(FuzzedDataProvider& in) {
  const std::string measurement = in.ConsumeRandomLengthString(40);
  const std::string tag_key = in.ConsumeRandomLengthString(40);
  const std::string tag_value = in.ConsumeRandomLengthString(40);
  const std::string text = in.ConsumeRandomLengthString(40);
  const double number = in.ConsumeFloatingPoint<double>();
  const auto time = in.ConsumeIntegral<std::int64_t>();
  const std::vector<Tag> tags{{tag_key, tag_value}};
  const std::vector<Field> fields{{"text", std::string_view(text)}, {"number", number}};
  std::string out = "before\n";
  if (!append_line(out, {measurement, tags, fields, time})) {
    require(out == "before\n");
    return;
  }
  std::string_view line = std::string_view(out).substr(7);
  require(take_name(line, ", ", ", ") == measurement);
  take(line, ',');
  require(take_name(line, ", =", "=") == tag_key);
  take(line, '=');
  require(take_name(line, ", =", " ,") == tag_value);
  take(line, ' ');
  require(take_name(line, ", =", "=") == "text");
  take(line, '=');
  require(take_string(line) == text);
  take(line, ',');
  require(take_name(line, ", =", "=") == "number");
  take(line, '=');
  require(std::strtod(take_name(line, "", " ").c_str(), nullptr) == number);
  require(line == " " + std::to_string(time) + "\n");
}

void check_answer(FuzzedDataProvider& in) {
  const int status = in.ConsumeIntegralInRange(100, 599);
  const http::WriteAnswer answer = read_write_answer(status, in.ConsumeRemainingBytesAsString());
  require(!answer.words.empty() && answer.words.size() <= carbongate::wire::kWordsBytesMax);
  for (const char c : answer.words) require(static_cast<unsigned char>(c) >= 0x20);
  const bool is_success = status >= 200 && status < 300;
  require(answer.verdict != http::Verdict::written || is_success);
  require((read_write_answer(status, " ").verdict == http::Verdict::written) == is_success);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider in(data, size);
  if (in.ConsumeBool()) {
    check_line(in);
  } else {
    check_answer(in);
  }
  return 0;
}
