// Topic names and topic filters of MQTT, as section 4.7 of MQTT 5.0 (and of 3.1.1) defines them.
//
//   topic  = level *( "/" level )                  a level may be empty: "/gw/x" has three
//   filter = topic, in which a whole level may be "+", and the last level may be "#"
//   shared = "$share/" name "/" filter             section 4.8.2
//
// Both are UTF-8 of 1 to 65535 bytes without U+0000. Pure; no allocation besides what is returned.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace carbongate::mqtt {

// What is wrong with it, in words for the configuration's author; nullopt: it is valid.
std::optional<std::string> topic_problem(std::string_view topic);
std::optional<std::string> filter_problem(std::string_view filter);

// Whether a message published to `topic` is meant by `filter`. Both must be valid. A filter that begins with a wildcard
// never matches a topic that begins with "$" (4.7.2). "a/#" also matches "a" (4.7.1.2).
bool matches(std::string_view filter, std::string_view topic);

// What the wildcards stood for, from left to right: one level for each "+", and the remaining levels, with their
// slashes, for "#" ("" where "a/#" matched "a"). nullopt: no match. The views are into `topic`.
std::optional<std::vector<std::string_view>> capture(std::string_view filter, std::string_view topic);

// The filter that messages are matched by: without "$share/<name>/".
std::string_view without_share(std::string_view filter);

}  // namespace carbongate::mqtt
