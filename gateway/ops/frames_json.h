// The last frames of a device as JSON: GET /devices/{id}/frames. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "drivers/api/frame_log.h"

namespace carbongate::ops {

// nullptr: none are kept. Bytes that are meant to be text, and are UTF-8, are `text`; others are `hex`.
boost::json::object frames_json(const std::string& device, const FrameLog* log);

}  // namespace carbongate::ops
