// The loop that drives a sink: the oldest rows out of the journal, to the destination, cursor forward.
//
// Lanes. A sink that can be reached again and has more than Pace::live_after rows before it gets the newest ones first:
// a live lane begins one batch before the end of the journal, and the backlog goes on beside it at Pace::backfill_rate.
// The live lane has priority; where it alone is more than the destination can take, every fifth batch is of the
// backlog.
//
// Order. Within each lane rows come in the order of the journal, so each series does. Between the lanes they do not:
// rows are told apart by their time, and a point that is written again is the same (shared/time_series.h). Only a
// rollup can be revised, and a revision takes the place of what was sent before it; and of an alert the last word is
// the one that came last: when the backlog has come up to the live lane, the revisions and alerts in there are sent
// once more, then the lanes are one again.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "gateway/ports/sink.h"
#include "gateway/ports/store.h"
#include "gateway/sinks/pace.h"
#include "protocols/io/clock.h"
#include "protocols/io/event.h"

namespace carbongate::sinks {

// After rows were committed, this long is waited for more before they are offered: a request and a journal transaction
// for every few readings would cost more than the readings. Not where an alert or a report is for a sink that takes
// nothing else (Pace::is_prompt).
inline constexpr std::chrono::milliseconds kGatherTime{200};

// Pauses after a fault: exponential from the first to the second, with jitter.
inline constexpr std::chrono::milliseconds kRetryFirst{500};
inline constexpr std::chrono::milliseconds kRetryCap{30'000};

// Delivers until cancelled, and settles then what is done; first the dead letters that are to be offered again, and
// beside the journal those that are not accepted at once. Faults of sink or store are tried again without end; what is
// not done is offered again, also after a restart, and at once where the sink says that it is under way
// (shared/under_way.h). What is done and cannot be settled, because the store cannot be written, is settled again:
// until it is nothing else is offered. What is not taken in time (errc::timed_out) comes in smaller batches
// (rows_in_time.h). Logs when a sink goes out of reach, when it is back, and (at most once a minute) what it rejected.
// `rows_committed` is notified after every commit; all references outlive the coroutine. `rows_max`: so many are
// offered at once, whatever the sink likes, and as many are fetched beside them.
boost::asio::awaitable<void> pump(ports::Sink& sink, ports::Store& store, io::Event& rows_committed, io::Clock& clock,
                                  Pace pace = {}, std::size_t rows_max = SIZE_MAX);

// `rows_max` of each of `sinks` sinks in a process that may take `memory_max` bytes: all that they hold of the journal,
// with what is fetched ahead and the copies that go to several connections, is an eighth of that.
std::size_t rows_at_once_max(std::uint64_t memory_max, std::size_t sinks);

}  // namespace carbongate::sinks
