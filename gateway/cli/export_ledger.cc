#include "gateway/cli/export_ledger.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <cerrno>
#include <cstring>
#include <ostream>

#include "gateway/cli/fault_status.h"

namespace carbongate::cli {

int write_ledger(const std::filesystem::path& store, ledger::TextFormat format, const store::LedgerReader::Range& range,
                 std::ostream& out, const std::string& name, std::ostream& err) {
  auto reader = store::LedgerReader::open(store);
  if (reader.has_error()) {
    err << reader.error().text << "\n";
    return status_of(reader.error());
  }
  std::size_t left_out = 0;
  out << ledger::header(format);
  const auto result = (*reader)->each(range, [&](const ledger::Row& row) {
    const std::string text = ledger::to_text(row, format);
    left_out += text.empty() ? 1 : 0;
    out << text;
    return out.good();
  });
  if (result.has_error()) {
    err << result.error().text << "\n";
    return status_of(result.error());
  }
  errno = 0;
  out.flush();
  if (!out.good()) {
    err << fmt::format("{}: cannot be written{}{}\n", name, errno ? ": " : "", errno ? std::strerror(errno) : "");
    return EX_IOERR;
  }
  if (left_out == 0) return 0;
  err << fmt::format("{} damaged rows of the ledger were left out; 'carbongate verify {}' names them\n", left_out,
                     store.string());
  return EX_DATAERR;
}

}  // namespace carbongate::cli
