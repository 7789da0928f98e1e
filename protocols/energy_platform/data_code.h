// The code of one item of the key-energy-user platform (重点用能单位能耗在线监测系统):
//
//   process(2) "-" unit(2) "-" equipment(2) equipment unit(2) "-" class(2) type(4) "-" usage(2)
//
// 16 digits, with the dashes or without them. What the digits mean is in the dictionary that a platform delivers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace carbongate::energy_platform {

struct DataCode {
  std::string digits;  // 16

  std::string_view process() const { return part(0, 2); }
  std::string_view process_unit() const { return part(2, 2); }
  std::string_view equipment() const { return part(4, 2); }
  std::string_view equipment_unit() const { return part(6, 2); }
  std::string_view energy_class() const { return part(8, 2); }
  std::string_view energy_type() const { return part(10, 4); }
  std::string_view usage() const { return part(14, 2); }

  std::string text(bool with_dashes) const;  // "00-00-0000-023300-11" or "0000000000023300" and so on

  friend bool operator==(const DataCode&, const DataCode&) = default;
  friend auto operator<=>(const DataCode&, const DataCode&) = default;

 private:
  std::string_view part(std::size_t at, std::size_t count) const { return std::string_view(digits).substr(at, count); }
};

// Either notation. nullopt: anything else, also dashes in other places.
std::optional<DataCode> parse_data_code(std::string_view text);

}  // namespace carbongate::energy_platform
