// Filter and topic, with a zero byte between them: what the standard says of one must hold of the other.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "protocols/mqtt/topic_filter.h"

namespace mqtt = carbongate::mqtt;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

// A wildcard put back where it was captured gives the topic again.
void check_capture(std::string_view filter, std::string_view topic) {
  const auto captured = mqtt::capture(filter, topic);
  check(captured.has_value() == mqtt::matches(filter, topic));
  if (!captured) return;
  std::string rebuilt;
  std::size_t next = 0;
  for (const char c : filter) {
    if (c == '+' || c == '#') {
      check(next < captured->size());
      rebuilt += (*captured)[next++];
    } else {
      rebuilt += c;
    }
  }
  check(next == captured->size());
  const bool parent_of_hash = filter.ends_with("/#") && rebuilt == std::string(topic) + "/";  // "a/#" matched "a"
  check(rebuilt == topic || parent_of_hash);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t split = input.find('\0');
  const std::string_view filter = input.substr(0, split);
  const std::string_view topic = split == std::string_view::npos ? std::string_view() : input.substr(split + 1);
  const bool topic_is_valid = !mqtt::topic_problem(topic);
  if (topic_is_valid) {
    check(!mqtt::filter_problem(topic) || topic.starts_with("$share/"));  // every topic is a filter
    check(mqtt::matches(topic, topic));
    check(mqtt::matches("#", topic) == !topic.starts_with('$'));
  }
  if (!mqtt::filter_problem(filter) && topic_is_valid) check_capture(mqtt::without_share(filter), topic);
  return 0;
}
