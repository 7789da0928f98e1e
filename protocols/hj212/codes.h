// The codes of HJ 212-2017, tables 5, 6, 7 and 9, and those that one implementation of HJ 212-2025 has.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace carbongate::hj212 {

struct Code {
  std::uint16_t code = 0;
  std::string_view name;
  std::string_view name_zh;
};

// nullptr: not one of them.
const Code* find_system(std::string_view st);
const Code* find_command(std::string_view cn);
const Code* find_request_result(std::string_view qn_rtn);
const Code* find_execution_result(std::string_view exe_rtn);

std::span<const Code> commands();  // ascending

}  // namespace carbongate::hj212
