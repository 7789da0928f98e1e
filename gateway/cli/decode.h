// `carbongate decode`: bytes from a line, a capture or a log, told in JSON.
#pragma once

#include <iosfwd>
#include <string>

namespace carbongate::cli {

struct DecodeOptions {
  std::string protocol;   // "modbus-tcp", "modbus-rtu", "hj212"
  std::string hex;        // digits, upper or lower case; blanks, colons, dashes, commas and 0x between bytes
  std::string side;       // "request", "response"; of Modbus
  std::string text = {};  // of HJ 212, instead of `hex`: packets as lines; CR LF is put where a line ends otherwise
};

// One JSON object per frame and line. Modbus:
//   {"unit":1,"transaction":7,"function":3,"address":107,"count":3}      a request (transaction: TCP only)
//   {"unit":1,"function":3,"registers":[555,0,100]}                      an answer; or "bits":[true,...], whole bytes
//   {"unit":1,"function":3,"exception":{"code":2,"name":"illegal data address"}}
//   {"error":"byte 5: the CRC is wrong: 91 21, where 91 31 would be right for these 5 bytes"}    what is no frame, also
//   beside "unit"
// Zero bytes before or after an RTU frame are glitches of a line being switched: they are counted in "noise_bytes".
// HJ 212, with what its codes mean, and what the standard has otherwise:
//   {"segment_bytes":87,"crc":"EF41","qn":"20260801110000002","st":{"code":"91","name":"system interaction",
//    "name_zh":"系统交互"},"cn":{...},"pw":"123456","mn":"010000A8900016F000169DC0","flag":{"bits":4,"version":"2017",
//    "wants_answer":false},"part":{"number":1,"of":2},"data":[{"a05001-Rtd":"235000.0","a05001-Flag":"N"}],
//    "result":{...},"deviations":["PNO comes before PNUM"]}    `part`, `result`, `deviations` where there are any
//   {"error":"byte 0: the CRC is 4980, where 3C00 would be right for these 136 bytes"}
//
// Returns the exit status: 0, 1 if anything was wrong, 64 for an unknown protocol or side.
int run_decode(const DecodeOptions& options, std::ostream& out);

}  // namespace carbongate::cli
