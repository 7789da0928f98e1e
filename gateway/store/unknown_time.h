// What the table `meta` says of readings that were heard while nobody knew the time.
#pragma once

#include <optional>

#include "gateway/model/checkpoint.h"
#include "gateway/store/database.h"

namespace carbongate::store {

// nullopt: there are none that wait for their times.
std::optional<model::UnknownTime> load_unknown_time(Database& database);

// Call within a transaction.
void save_unknown_time(Database& database, const std::optional<model::UnknownTime>& unknown);

}  // namespace carbongate::store
