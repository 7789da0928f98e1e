#include "drivers/hj212/data_map.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>

#include "config/reader/text.h"
#include "drivers/json/text_value.h"
#include "drivers/json/timestamp.h"

namespace carbongate::hj212_driver {
namespace {

constexpr std::size_t kShownMax = 32;

// Some loggers fill a value up with blanks.
std::string_view without_blanks(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
  return text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

// Reads one segment into a Decoded.
class Decoder {
 public:
  Decoder(const DataMap& map, const std::vector<hj212::Item>& area, Instant received, Decoded& out)
      : map_(map), area_(area), received_(received), out_(out) {
    if (const auto time = hj212::find(area, "DataTime")) time_ = read_time("DataTime", *time);
  }

  void read(std::size_t point) {
    const FactorMap& factor = map_.points[point];
    const std::string name = factor.factor + "-" + factor.field;
    const auto text = hj212::find(area_, name);
    const char flag = json_payload::flag_in(hj212::find(area_, factor.factor + "-Flag").value_or(""));
    if (!text && flag == '\0') return;
    std::optional<Instant> at = time_;
    const std::string own = factor.factor + "-SampleTime";
    if (const auto time = hj212::find(area_, own)) at = read_time(own, *time);
    if (!at) {
      if (!has_said_time_) problem("no time: there is no DataTime that can be read");
      has_said_time_ = true;
      return;
    }
    Sample sample{.point = point, .stamped_by = StampedBy::device, .hj212_flag = flag, .at = *at + factor.length};
    if (!text || text->empty()) {  // nothing but what the logger says of it
      sample.availability = Availability::not_available;
      sample.value = std::numeric_limits<double>::quiet_NaN();
    } else if (const auto number = json_payload::number_in(without_blanks(*text))) {
      sample.value = *number * factor.scale;
    } else {  // it is answered: the journal has what came of it
      sample.value = std::numeric_limits<double>::quiet_NaN();
      problem(name + ": '" + config::printable(*text, kShownMax) + "' is not a number");
    }
    out_.samples.push_back(sample);
  }

 private:
  std::optional<Instant> read_time(std::string_view name, std::string_view text) {
    const auto time = json_payload::read_time(text, json_payload::TimeFormat::compact, map_.zone, received_);
    if (time) return *time;
    problem(std::string(name) + ": " + time.error());
    return std::nullopt;
  }

  void problem(std::string text) { out_.problems.push_back(std::move(text)); }

  const DataMap& map_;
  const std::vector<hj212::Item>& area_;
  Instant received_;
  Decoded& out_;
  std::optional<Instant> time_;
  bool has_said_time_ = false;
};

}  // namespace

Decoded decode(const DataMap& map, std::string_view command, const std::vector<hj212::Item>& area, Instant received) {
  Decoded decoded;
  std::optional<Decoder> decoder;  // a packet with none of the points needs no time
  for (std::size_t point = 0; point < map.points.size(); ++point) {
    if (map.points[point].command != command) continue;
    if (!decoder) decoder.emplace(map, area, received, decoded);
    decoder->read(point);
  }
  return decoded;
}

}  // namespace carbongate::hj212_driver
