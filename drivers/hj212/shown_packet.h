// A packet as text to be shown.
#pragma once

#include <string>

#include "protocols/hj212/frame.h"
#include "protocols/hj212/segment.h"

namespace carbongate::hj212_driver {

// As it stood on the wire, but for what lets somebody in: a password is "******", wherever it stands, and the CRC, by
// which it could be found, "****". `segment` is what was read of `frame`.
std::string shown_packet(const hj212::Frame& frame, hj212::Segment segment);

}  // namespace carbongate::hj212_driver
