// A PDU that parses as a read request is written back as it was; an answer is never longer than what was asked for.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

#include "protocols/modbus/pdu.h"

using namespace carbongate::modbus;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto request = parse_request(bytes);
  if (request && std::holds_alternative<ReadRequest>(*request)) {
    const Bytes again = encode(std::get<ReadRequest>(*request));
    if (again.size() != size || std::memcmp(again.data(), data, size) != 0) std::abort();
  }
  (void)parse_response(bytes);
  for (const Function function : {Function::read_coils, Function::read_discrete_inputs,
                                  Function::read_holding_registers, Function::read_input_registers}) {
    const std::uint16_t count = size > 1 && !reads_bits(function) ? data[1] / 2 : 9;
    const auto answer = match_answer({function, 0, count}, bytes);
    if (!answer || !std::holds_alternative<std::span<const std::byte>>(*answer)) continue;
    const std::size_t expected = reads_bits(function) ? 2 : count * 2u;
    if (std::get<std::span<const std::byte>>(*answer).size() != expected) std::abort();
  }
  return 0;
}
