#include "gateway/cli/audit.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <array>
#include <ostream>
#include <vector>

#include "gateway/cli/option_word.h"
#include "gateway/cli/page.h"
#include "gateway/cli/people_change.h"
#include "gateway/ops/access/audit_file.h"
#include "gateway/tables/local_time.h"
#include "gateway/tables/table_writer.h"

namespace carbongate::cli {
namespace {

void write_table(const access::AuditPage& page, tables::LocalTime& local, std::ostream& out) {
  if (page.entries.empty()) {
    out << "nothing was done yet\n";
    return;
  }
  std::vector<std::vector<std::string>> rows;
  for (const access::AuditEntry& entry : page.entries) {
    rows.push_back({std::to_string(entry.number), local(entry.at), entry.user, entry.address, entry.action,
                    entry.outcome, entry.detail});
  }
  Page text;
  text.table({{.title = "number", .right = true},
              {.title = "time"},
              {.title = "user"},
              {.title = "from"},
              {.title = "action"},
              {.title = "outcome"},
              {.title = "detail", .apart = true}},
             rows);
  out << std::move(text).text();
}

}  // namespace

int run_audit(const AuditOptions& options, std::ostream& out, std::ostream& err) {
  if (!is_one_of("--format", options.format, {"table", "csv", "jsonl"}, err)) return EX_USAGE;
  const auto config = load_for_access(options.config, options.store, err);
  if (!config) return EX_CONFIG;
  const auto before = options.before == 0 ? std::nullopt : std::optional(options.before);
  const auto page = access::read_audit(config->store.path, before, options.last);
  if (page.has_error()) {
    err << page.error().text << "\n";
    return EX_IOERR;
  }
  tables::LocalTime local(config->site.time_zone);
  if (options.format == "table") {
    write_table(*page, local, out);
  } else {
    using Type = tables::TableWriter::Type;
    using Format = tables::TableWriter::Format;
    constexpr auto kColumns = std::to_array<tables::TableWriter::Column>(
        {{"number", Type::number}, {"time"}, {"user"}, {"by"}, {"address"}, {"action"}, {"outcome"}, {"detail"}});
    tables::TableWriter writer(out, options.format == "csv" ? Format::csv : Format::jsonl, kColumns);
    for (const access::AuditEntry& entry : page->entries) {
      writer.cell(std::to_string(entry.number)).cell(local(entry.at)).cell(entry.user).cell(entry.by);
      writer.cell(entry.address).cell(entry.action).cell(entry.outcome).cell(entry.detail);
    }
    writer.flush();
  }
  if (page->unreadable != 0) err << fmt::format("{} lines of the log cannot be read\n", page->unreadable);
  return out ? 0 : EX_IOERR;
}

}  // namespace carbongate::cli
