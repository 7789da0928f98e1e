#include "protocols/modbus/pdu.h"

#include <array>
#include <cassert>

#include "protocols/wire/byte_reader.h"

namespace carbongate::modbus {
namespace {

using wire::ByteReader;

constexpr std::uint8_t kExceptionFlag = 0x80;
constexpr std::uint8_t kFunctionMax = 127;
constexpr std::uint16_t kWriteBitsMax = 1968;      // section 6.11
constexpr std::uint16_t kWriteRegistersMax = 123;  // section 6.12

enum : std::uint8_t {
  kReadCoils = 1,
  kReadInputRegisters = 4,
  kWriteSingleCoil = 5,
  kWriteSingleRegister = 6,
  kWriteMultipleCoils = 15,
  kWriteMultipleRegisters = 16,
  kReadWriteMultipleRegisters = 23,
};

std::size_t data_bytes(Function function, std::uint16_t count) {
  return reads_bits(function) ? (count + 7u) / 8u : count * 2u;
}

bool is_count_allowed(Function function, std::uint16_t count) {
  return count >= 1 && count <= (reads_bits(function) ? kReadBitsMax : kReadRegistersMax);
}

// The data behind a byte count, which must be all that is left.
Result<std::span<const std::byte>> counted_rest(ByteReader& in) {
  const auto count = in.u8();
  if (!count) return Error::truncated;
  if (in.remaining() < *count) return Error::truncated;
  if (in.remaining() > *count) return Error::trailing_bytes;
  return in.rest();
}

// Two words, which must be all that is left.
Result<std::array<std::uint16_t, 2>> two_words(ByteReader& in) {
  if (in.remaining() < 4) return Error::truncated;
  if (in.remaining() > 4) return Error::trailing_bytes;
  return std::array{*in.u16(), *in.u16()};
}

Result<RequestPdu> parse_read(std::uint8_t function, ByteReader& in) {
  const auto words = two_words(in);
  if (!words) return words.error();
  const auto [address, count] = *words;
  const ReadRequest request{static_cast<Function>(function), address, count};
  if (!is_count_allowed(request.function, request.count)) return Error::bad_count;
  return request;
}

// The response repeats the request (sections 6.5 and 6.6): `Pdu` is either.
template <class Pdu>
Result<Pdu> parse_write_single(std::uint8_t function, ByteReader& in) {
  const auto words = two_words(in);
  if (!words) return words.error();
  const auto [address, value] = *words;
  if (function == kWriteSingleCoil && value != 0x0000 && value != 0xFF00) return Error::bad_value;
  return WriteSingle{function, address, value};
}

Result<WriteMultiple> parse_write_multiple_head(std::uint8_t function, ByteReader& in) {
  if (in.remaining() < 4) return Error::truncated;
  const WriteMultiple write{function, *in.u16(), *in.u16(), {}};
  const std::uint16_t max = function == kWriteMultipleCoils ? kWriteBitsMax : kWriteRegistersMax;
  if (write.count < 1 || write.count > max) return Error::bad_count;
  return write;
}

Result<RequestPdu> parse_write_multiple(std::uint8_t function, ByteReader& in) {
  auto write = parse_write_multiple_head(function, in);
  if (!write) return write.error();
  const auto data = counted_rest(in);
  if (!data) return data.error();
  const std::size_t expected = function == kWriteMultipleCoils ? (write->count + 7u) / 8u : write->count * 2u;
  if (data->size() != expected) return Error::bad_byte_count;
  write->data = *data;
  return *write;
}

Result<ResponsePdu> parse_registers(std::uint8_t function, ByteReader& in) {
  const auto data = counted_rest(in);
  if (!data) return data.error();
  if (data->empty() || data->size() % 2 != 0 || data->size() > kReadRegistersMax * 2u) return Error::bad_byte_count;
  Registers registers{function, {}};
  for (ByteReader words(*data); words.remaining() != 0;) registers.values.push_back(*words.u16());
  return registers;
}

Result<ResponsePdu> parse_bits(std::uint8_t function, ByteReader& in) {
  const auto data = counted_rest(in);
  if (!data) return data.error();
  if (data->empty() || data->size() > kReadBitsMax / 8u) return Error::bad_byte_count;
  Bits bits{function, {}};
  for (const std::byte byte : *data) {
    for (unsigned bit = 0; bit < 8; ++bit) bits.values.push_back((std::to_integer<unsigned>(byte) >> bit & 1u) != 0);
  }
  return bits;
}

// Section 7.
Result<ResponsePdu> parse_exception(std::uint8_t function, ByteReader& in) {
  if (function == kExceptionFlag) return Error::bad_function;
  const auto code = in.u8();
  if (!code) return Error::truncated;
  if (in.remaining() != 0) return Error::trailing_bytes;
  return Exception{static_cast<std::uint8_t>(function & ~kExceptionFlag), *code};
}

}  // namespace

std::string_view to_string(Function function) {
  switch (function) {
    case Function::read_coils: return "coils";
    case Function::read_discrete_inputs: return "discrete inputs";
    case Function::read_holding_registers: return "holding registers";
    case Function::read_input_registers: return "input registers";
  }
  return "unknown";
}

std::string_view exception_name(std::uint8_t code) {
  switch (code) {
    case 1: return "illegal function";
    case 2: return "illegal data address";
    case 3: return "illegal data value";
    case 4: return "server device failure";
    case 5: return "acknowledge";
    case 6: return "server device busy";
    case 7: return "negative acknowledge";
    case 8: return "memory parity error";
    case 10: return "gateway path unavailable";
    case 11: return "gateway target device failed to respond";
    default: return "unknown";
  }
}

Bytes encode(const ReadRequest& request) {
  assert(is_count_allowed(request.function, request.count));
  wire::ByteWriter out(kPduBytesMax);
  out.u8(static_cast<std::uint8_t>(request.function)).u16(request.address).u16(request.count);
  return *out.take();
}

Result<Answer> match_answer(const ReadRequest& request, std::span<const std::byte> pdu) {
  ByteReader in(pdu);
  const auto function = in.u8();
  if (!function) return Error::truncated;
  const auto asked = static_cast<std::uint8_t>(request.function);
  if (*function == (asked | kExceptionFlag)) {
    const auto exception = parse_exception(*function, in);
    if (!exception) return exception.error();
    return std::get<Exception>(*exception);
  }
  if (*function != asked) return Error::wrong_function;
  const auto data = counted_rest(in);
  if (!data) return data.error();
  if (data->size() != data_bytes(request.function, request.count)) return Error::wrong_count;
  return *data;
}

Result<RequestPdu> parse_request(std::span<const std::byte> pdu) {
  ByteReader in(pdu);
  const auto function = in.u8();
  if (!function) return Error::truncated;
  if (*function == 0 || *function > kFunctionMax) return Error::bad_function;
  switch (*function) {
    case kReadCoils:
    case 2:
    case 3:
    case kReadInputRegisters: return parse_read(*function, in);
    case kWriteSingleCoil:
    case kWriteSingleRegister: return parse_write_single<RequestPdu>(*function, in);
    case kWriteMultipleCoils:
    case kWriteMultipleRegisters: return parse_write_multiple(*function, in);
    default: return Other{*function, in.rest()};
  }
}

Result<ResponsePdu> parse_response(std::span<const std::byte> pdu) {
  ByteReader in(pdu);
  const auto function = in.u8();
  if (!function) return Error::truncated;
  if (*function == 0) return Error::bad_function;
  if ((*function & kExceptionFlag) != 0) return parse_exception(*function, in);
  switch (*function) {
    case kReadCoils:
    case 2: return parse_bits(*function, in);
    case 3:
    case kReadInputRegisters:
    case kReadWriteMultipleRegisters: return parse_registers(*function, in);
    case kWriteSingleCoil:
    case kWriteSingleRegister: return parse_write_single<ResponsePdu>(*function, in);
    case kWriteMultipleCoils:
    case kWriteMultipleRegisters: {
      const auto write = parse_write_multiple_head(*function, in);
      if (!write) return write.error();
      if (in.remaining() != 0) return Error::trailing_bytes;
      return *write;
    }
    default: return Other{*function, in.rest()};
  }
}

}  // namespace carbongate::modbus
