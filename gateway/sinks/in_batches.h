// More rows than a sink likes at once.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <span>

#include "gateway/ports/sink.h"

namespace carbongate::sinks {

// Adds what became of the rows behind those of `sum`, in the same lane.
void append(ports::Delivery& sum, ports::Delivery next);

// Offers rows, ascending, in batches of Sink::batch_rows(), one after the other, until one is not wholly settled. What
// speaks against a later one than the first is not told: its rows are offered again. `is_again`: dead letters.
boost::asio::awaitable<model::Result<ports::Delivery>> deliver_in_batches(ports::Sink& sink,
                                                                          std::span<const model::StoredRow> rows,
                                                                          bool is_again);

}  // namespace carbongate::sinks
