// The loop that drives a sink: the oldest rows out of the journal, to the destination, cursor forward.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>

#include "gateway/ports/sink.h"
#include "gateway/ports/store.h"
#include "protocols/io/clock.h"
#include "protocols/io/event.h"

namespace carbongate::sinks {

// After rows were committed, this long is waited for more before they are offered: a request and a journal transaction
// for every few readings would cost more than the readings.
inline constexpr std::chrono::milliseconds kGatherTime{200};

// Pauses after a fault: exponential from the first to the second, with jitter.
inline constexpr std::chrono::milliseconds kRetryFirst{500};
inline constexpr std::chrono::milliseconds kRetryCap{30'000};

// Delivers until cancelled; first the dead letters that are to be offered again. Faults of sink or store are tried
// again without end; what was not settled is offered again, also after a restart. Logs when a sink goes out of reach,
// when it is back, and (at most once a minute) what it rejected. `rows_committed` is notified after every commit; all
// references outlive the coroutine.
boost::asio::awaitable<void> pump(ports::Sink& sink, ports::Store& store, io::Event& rows_committed, io::Clock& clock);

}  // namespace carbongate::sinks
