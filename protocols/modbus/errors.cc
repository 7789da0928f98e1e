#include "protocols/modbus/errors.h"

#include <string>

namespace carbongate::modbus {
namespace {

class Category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "carbongate.modbus"; }
  std::string message(int value) const override {
    switch (static_cast<Error>(value)) {
      case Error::truncated: return "the frame ends too early";
      case Error::trailing_bytes: return "bytes follow after the end of the frame";
      case Error::bad_function: return "not a function code";
      case Error::bad_count: return "the count is not one the standard allows";
      case Error::bad_byte_count: return "the byte count does not fit the data";
      case Error::bad_value: return "not a coil value: 0x0000 or 0xFF00";
      case Error::bad_crc: return "the CRC is wrong";
      case Error::unknown_length: return "the function does not tell how long its frame is";
      case Error::bad_protocol: return "the protocol identifier is not 0";
      case Error::bad_length: return "the length field is out of range";
      case Error::wrong_unit: return "the answer comes from another unit";
      case Error::wrong_function: return "the answer is to another function";
      case Error::wrong_count: return "the answer has another number of values than asked for";
      case Error::wrong_transaction: return "the answer is to another request";
    }
    return "unknown error";
  }
};

}  // namespace

const boost::system::error_category& error_category() {
  static const Category kCategory;
  return kCategory;
}

boost::system::error_code make_error_code(Error error) {
  return {static_cast<int>(error), error_category()};
}

}  // namespace carbongate::modbus
