// After damage to a store: the states as of an earlier place of the journal, brought to its end.
#pragma once

#include <filesystem>

#include "gateway/model/checkpoint.h"
#include "gateway/model/errors.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/pipeline.h"

namespace carbongate::app {

// Counts again what the journal holds behind `pipeline`'s states (Checkpoint::behind), and gives the states that come
// of it, with `caught_up`, to be committed before anything else. Rows are not among the effects: the journal has them.
// Readings are counted one instant at a time, not in the batches in which they came, so that of a derived point what
// waits for its inputs may differ until the next result.
//
// Reads the readings behind, and all entries, for corrections are among them. Blocks. Fault: the store cannot be read;
// the pipeline is not to be used then.
model::Result<model::Effects> catch_up(pipeline::Pipeline& pipeline, const model::Site& site,
                                       const std::filesystem::path& store);

}  // namespace carbongate::app
