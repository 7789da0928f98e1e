// How one province's platform differs from the others. Data: config/platforms/*.yaml.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace carbongate::energy_platform {

// What is asked of a platform once it has registered us.
enum class Operation : std::uint8_t { version_check, dictionary, configuration, meters, data };
inline constexpr std::size_t kOperationCount = 5;

constexpr std::string_view to_string(Operation operation) {
  constexpr std::array<std::string_view, kOperationCount> kNames{"version_check", "dictionary", "configuration",
                                                                 "meters", "data"};
  return kNames.at(static_cast<std::size_t>(operation));
}

// Where an operation is.
struct Place {
  std::string field;  // of the registration's answer; "": it names none
  std::string path;   // on the server of the registration, if the answer names none; "": it cannot be done
};

// A token that requests have to bear, and that expires. Times in an answer are seconds.
struct TokenRules {
  std::string path;     // where it is asked for, on the server of the registration; "": there is none
  std::string header;   // of a request, that it goes in; "": it is the member `field` of the body instead
  std::string field;    // of its answer, and of bodies
  std::string expires;  // of its answer: for how long it is good
  std::string secret;   // of the request for it: what the platform knows us by
};

struct Dialect {
  std::string name;
  std::vector<std::string> success{"0"};  // what responseCode says then
  std::string code_field = "responseCode";
  std::string message_field = "responseMessage";
  std::string register_path;  // behind the configured url; "": the url is it
  std::array<Place, kOperationCount> places;
  TokenRules token;
  bool encrypts = false;         // each value of a record, by SM4 with the key that the registration gives
  bool dashes = true;            // in data codes
  bool numbers_as_text = false;  // values and enumerations of a record
  std::string valid = "true";    // the JSON of a record's member `valid`
  std::string invalid = "false";
  std::vector<std::string> valid_origins{"measured", "late", "manual"};  // of values that are `valid`
  std::uint32_t valid_watched_percent =
      90;                       // of a day and longer: counted over gaps it is valid, if so much was watched
  std::uint32_t month_day = 2;  // of the next month, from which the month is due
  std::map<std::string, std::string> names;  // what members of configuration and meters are called, if not as here
};

}  // namespace carbongate::energy_platform
