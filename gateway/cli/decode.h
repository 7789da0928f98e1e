// `carbongate decode`: Modbus bytes from a line, a capture or a log, told in JSON.
#pragma once

#include <iosfwd>
#include <string>

namespace carbongate::cli {

struct DecodeOptions {
  std::string protocol;  // "modbus-tcp", "modbus-rtu"
  std::string hex;       // digits, upper or lower case; blanks, colons, dashes, commas and 0x between bytes
  std::string side;      // "request", "response"
};

// One JSON object per frame and line:
//   {"unit":1,"transaction":7,"function":3,"address":107,"count":3}      a request (transaction: TCP only)
//   {"unit":1,"function":3,"registers":[555,0,100]}                      an answer; or "bits":[true,...], whole bytes
//   {"unit":1,"function":3,"exception":{"code":2,"name":"illegal data address"}}
//   {"error":"byte 5: the CRC is wrong: 91 21, where 91 31 would be right for these 5 bytes"}    what is no frame, also
//   beside "unit"
// Zero bytes before or after an RTU frame are glitches of a line being switched: they are counted in "noise_bytes".
// Returns the exit status: 0, 1 if anything was wrong, 64 for an unknown protocol or side.
int run_decode(const DecodeOptions& options, std::ostream& out);

}  // namespace carbongate::cli
