// What a sink says that has sent rows, and is asked to wait for their answers no longer; or that waits for its
// destination by itself.
#pragma once

#include <boost/system/errc.hpp>

#include "gateway/model/errors.h"

namespace carbongate::sinks::shared {

// Of deliver() instead of a delivery: none of the rows is settled yet, but they are sent, the sink knows which, and
// there are rows behind them that it could send meanwhile; or nothing can be sent, and deliver() has waited for that to
// change. The pump offers all of them at once, without a pause.
inline model::Fault under_way() {
  return {make_error_code(boost::system::errc::operation_in_progress), "waiting for answers"};
}

inline bool is_under_way(const model::Fault& fault) {
  return fault.code == make_error_code(boost::system::errc::operation_in_progress);
}

}  // namespace carbongate::sinks::shared
