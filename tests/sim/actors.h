// Whom the gateway meets in a simulation: meters, the far end, and a store without a thread.
#pragma once

#include <filesystem>
#include <memory>

#include "gateway/app/gateway_config.h"
#include "gateway/ports/store.h"
#include "gateway/sinks/registry.h"
#include "gateway/store/journal.h"
#include "tests/sim/life.h"

namespace carbongate::sim {

// All of them end before the life they share.

// The first kMessageMeters push messages that wait for an acknowledgement, the others are polled.
app::ConfiguredDevice simulated_meter(Life& life, int meter);

std::unique_ptr<sinks::SinkPlan> simulated_sink(Life& life);

// The journal without the thread that SqliteStore gives it: what happens in which order is up to the seed alone.
std::unique_ptr<ports::Store> simulated_store(Life& life, std::unique_ptr<store::Journal> journal,
                                              std::filesystem::path directory);

}  // namespace carbongate::sim
