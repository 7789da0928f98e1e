// An inner page of a table leads to others of it, the first one to all. Where one is gone, those that it led to are
// found by what is noted of them, and a page that leads to them is written.
#pragma once

#include <filesystem>

#include "gateway/store/kept_tables.h"

namespace carbongate::store {

// Whether there are pages whose parent is no page of a table. Only in databases that vacuum themselves: they note of
// each page its parent.
bool has_orphans(const std::filesystem::path& file, const KeptTables& tables);

// In a copy that nobody has open, whose log is in it. Where the notes are gone as well as the journal's first page,
// pages of the journal that nothing leads to are taken for its own.
void adopt_orphans(const std::filesystem::path& copy, const KeptTables& tables);

}  // namespace carbongate::store
