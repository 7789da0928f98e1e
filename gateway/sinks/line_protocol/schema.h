// Rows of the journal as lines. What they are called is in gateway/sinks/shared/time_series.h.
#pragma once

#include <string>

#include "gateway/model/rows.h"
#include "gateway/sinks/shared/time_series.h"

namespace carbongate::sinks::line_protocol {

// Appends one line, if there is a point to send. `out` is as before if not; `reason` says why a row is refused.
shared::Rendering append_row(std::string& out, const model::StoredRow& row, std::string& reason);

}  // namespace carbongate::sinks::line_protocol
