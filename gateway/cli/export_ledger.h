// `carbongate export --what ledger`: the text of gateway/ledger/export_text.h.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

#include "gateway/ledger/export_text.h"
#include "gateway/store/ledger_reader.h"

namespace carbongate::cli {

// Exit status as run_export(). A damaged ledger is written as far as it can be read, for `carbongate verify` to judge;
// that it is damaged goes to `err`.
int write_ledger(const std::filesystem::path& store, ledger::TextFormat format, const store::LedgerReader::Range& range,
                 std::ostream& out, const std::string& name, std::ostream& err);

}  // namespace carbongate::cli
