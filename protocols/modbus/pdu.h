// Modbus protocol data units: what is the same on every line, without addresses of units and checksums.
// Modbus Application Protocol V1.1b3; sections are named where they apply.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "protocols/modbus/errors.h"
#include "protocols/wire/byte_writer.h"

namespace carbongate::modbus {

using wire::Bytes;

inline constexpr std::size_t kPduBytesMax = 253;         // section 4.1
inline constexpr std::uint16_t kReadRegistersMax = 125;  // sections 6.3, 6.4
inline constexpr std::uint16_t kReadBitsMax = 2000;      // sections 6.1, 6.2

// The functions that read, which are all a gateway needs.
enum class Function : std::uint8_t {
  read_coils = 1,
  read_discrete_inputs = 2,
  read_holding_registers = 3,
  read_input_registers = 4,
};
constexpr bool reads_bits(Function function) {
  return function <= Function::read_discrete_inputs;
}
std::string_view to_string(Function function);  // "input registers"

struct ReadRequest {
  Function function = Function::read_holding_registers;
  std::uint16_t address = 0;  // as on the wire, from 0
  std::uint16_t count = 0;    // registers or bits

  friend bool operator==(const ReadRequest&, const ReadRequest&) = default;
};

// Section 7: what a device says instead of an answer.
struct Exception {
  std::uint8_t function = 0;  // of the request, without the high bit
  std::uint8_t code = 0;
};
std::string_view exception_name(std::uint8_t code);  // "illegal data address"; "unknown" for others

// The request as its PDU. Precondition: count is at least 1 and within the limits above.
Bytes encode(const ReadRequest& request);

// What answers `request`: the data bytes (registers big-endian, or bits from the lowest of the first byte on), in
// exactly the number asked for, or an exception. Any other PDU is no answer to it. The span points into `pdu`.
using Answer = std::variant<std::span<const std::byte>, Exception>;
Result<Answer> match_answer(const ReadRequest& request, std::span<const std::byte> pdu);

// Everything below reads any PDU, for people who look at a line.

struct WriteSingle {  // functions 5 and 6, request and answer alike
  std::uint8_t function = 0;
  std::uint16_t address = 0;
  std::uint16_t value = 0;
};
struct WriteMultiple {  // functions 15 and 16; an answer has no data
  std::uint8_t function = 0;
  std::uint16_t address = 0;
  std::uint16_t count = 0;
  std::span<const std::byte> data;
};
struct Registers {  // answers to 3, 4 and 23
  std::uint8_t function = 0;
  std::vector<std::uint16_t> values;
};
struct Bits {  // answers to 1 and 2: whole bytes, the number asked for is not in the answer
  std::uint8_t function = 0;
  std::vector<bool> values;
};
struct Other {  // every other function: named, not interpreted
  std::uint8_t function = 0;
  std::span<const std::byte> data;
};

using RequestPdu = std::variant<ReadRequest, WriteSingle, WriteMultiple, Other>;
using ResponsePdu = std::variant<Registers, Bits, Exception, WriteSingle, WriteMultiple, Other>;

// Spans point into `pdu`.
Result<RequestPdu> parse_request(std::span<const std::byte> pdu);
Result<ResponsePdu> parse_response(std::span<const std::byte> pdu);

}  // namespace carbongate::modbus
