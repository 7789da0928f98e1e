// What can be wrong with Modbus bytes.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace carbongate::modbus {

enum class Error {
  truncated = 1,      // the frame or PDU ends too early
  trailing_bytes,     // it goes on after its end
  bad_function,       // function code 0, or one that only an exception can have
  bad_count,          // zero registers, or more than the standard allows
  bad_byte_count,     // the byte count does not fit the data, or is odd where registers follow
  bad_value,          // a coil set to something else than 0x0000 or 0xFF00
  bad_crc,            // RTU
  unknown_length,     // RTU: the function does not tell how long the frame is
  bad_protocol,       // TCP: the protocol identifier is not 0
  bad_length,         // TCP: the length field is below 2 or above 254
  wrong_unit,         // an answer of another unit than asked
  wrong_function,     // an answer to another function than asked
  wrong_count,        // an answer with more or fewer values than asked for
  wrong_transaction,  // TCP: an answer to another request, most often one that came too late
};

const boost::system::error_category& error_category();
boost::system::error_code make_error_code(Error error);

template <class T>
using Result = boost::system::result<T>;

}  // namespace carbongate::modbus

template <>
struct boost::system::is_error_code_enum<carbongate::modbus::Error> : std::true_type {};
