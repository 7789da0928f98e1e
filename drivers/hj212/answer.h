// What a logger is answered, and what is said of its packets: pure.
#pragma once

#include <optional>
#include <string>

#include "protocols/hj212/frame.h"
#include "protocols/hj212/segment.h"

namespace carbongate::hj212_driver {

// 9014 or 9013, of the request's edition; nullopt: it wants none, or has a QN or PW that is longer than is echoed.
std::optional<hj212::Segment> answer_to(const hj212::Head& head);

// What it does otherwise than the standard and is taken all the same: "QN is missing; PNO comes before PNUM"; "":
// nothing.
std::string deviations_of(const hj212::Frame& frame, const hj212::Head& head);

}  // namespace carbongate::hj212_driver
