#include "gateway/cli/dead_letters.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <ostream>
#include <set>
#include <string_view>
#include <vector>

#include "gateway/app/offline_config.h"
#include "gateway/cli/fault_status.h"
#include "gateway/cli/option_word.h"
#include "gateway/model/carrier.h"
#include "gateway/store/dead_letters.h"
#include "gateway/tables/local_time.h"
#include "gateway/tables/number_text.h"
#include "gateway/tables/table_writer.h"

namespace carbongate::cli {
namespace {

using Column = tables::TableWriter::Column;

constexpr auto kColumns = std::to_array<Column>({{"sink"},
                                                 {"time"},
                                                 {"kind"},
                                                 {"device"},
                                                 {"point"},
                                                 {"user"},
                                                 {"carrier"},
                                                 {"value", tables::TableWriter::Type::number},
                                                 {"unit"},
                                                 {"reason"},
                                                 {"sequence", tables::TableWriter::Type::number},
                                                 {"state"},
                                                 {"rule"},
                                                 {"id"}});
using Cells = std::array<std::string, kColumns.size()>;

constexpr std::array<std::string_view, 7> kKinds{"reading", "interval", "entry", "rollup",
                                                 "total",   "alert",    "report"};  // of RowBody
static_assert(model::RowBody::kCount == kKinds.size());

// Of what was computed: ten digits, as 'alerts' shows it.
std::string rounded(double value) {
  return std::isnan(value) ? std::string() : fmt::format("{:.10g}", value);
}

// Value and unit.
std::pair<std::string, std::string> worth_of(const model::StoredRow& row) {
  if (const auto* reading = row.body.get_if<model::JudgedReading>()) {
    return {tables::number_text(reading->value), row.series->unit};
  }
  if (const auto* alert = row.body.get_if<model::Alert>()) return {rounded(alert->value), alert->unit};
  if (row.body.get_if<model::Report>()) return {};
  const model::Carrier* carrier = model::find_carrier(row.series->carrier);
  if (!carrier) return {};
  const model::Activity amount = row.body.visit([](const auto& body) {
    if constexpr (requires { body.amount; })
      return body.amount;
    else
      return model::Activity{};
  });
  return {model::format_fixed(amount.quanta(), carrier->quanta_per_display), std::string(carrier->display.symbol)};
}

Cells cells_of(const store::DeadLetter& letter, tables::LocalTime& time) {
  Cells cells{letter.sink, time(letter.at)};
  cells[9] = letter.reason;
  cells[10] = std::to_string(letter.sequence);
  cells[11] = !letter.row ? "gone" : letter.retry ? "waits" : "refused";
  if (!letter.row) return cells;
  const model::Series& series = *letter.row->series;
  cells[2] = kKinds.at(letter.row->body.index());
  cells[3] = series.device;
  cells[4] = series.point;
  cells[5] = series.user;
  cells[6] = series.carrier;
  std::tie(cells[7], cells[8]) = worth_of(*letter.row);
  cells[12] = series.rule;
  if (const auto* alert = letter.row->body.get_if<model::Alert>()) cells[13] = alert->id;
  return cells;
}

// Sink, row and reason as blocks that stay readable on a terminal, however long the reason is.
void write_text(const Cells& cells, std::ostream& out) {
  const std::string about =
      cells[2].empty() ? "a row the journal does not keep any longer"
      : !cells[13].empty()
          ? fmt::format("{} {} of {} ({}) {} {}", cells[2], cells[13],
                        model::subject_name(cells[3], cells[4], cells[5], cells[6]), cells[12], cells[7], cells[8])
          : fmt::format("{} {}.{}{}{} {} {}", cells[2], cells[3], cells[4], cells[5].empty() ? "" : " of " + cells[5],
                        cells[6].empty() ? "" : " (" + cells[6] + ")", cells[7], cells[8]);
  out << fmt::format("{} #{} {}  {}{}\n    {}\n", cells[0], cells[10], cells[1], about,
                     cells[11] == "waits" ? "  [to be offered again]" : "", cells[9]);
}

void write_json(const Cells& cells, bool is_first, std::ostream& out) {
  boost::json::object object;
  for (std::size_t i = 0; i < cells.size(); ++i) object[kColumns[i].name] = cells[i];  // decimals as texts: exact
  out << (is_first ? "[\n" : ",\n") << boost::json::serialize(object);
}

int failed(const model::Fault& fault, int status, std::ostream& err) {
  err << fault.text << "\n";
  return status_of(fault, status);
}

int show(const DeadLetterOptions& options, const std::string& zone, std::ostream& out, std::ostream& err) {
  tables::LocalTime time(zone);
  tables::TableWriter csv(out, tables::TableWriter::Format::csv, kColumns);
  std::uint64_t count = 0;
  const auto result = store::each_dead_letter(options.store, options.sink, [&](const store::DeadLetter& letter) {
    const Cells cells = cells_of(letter, time);
    if (options.format == "table") write_text(cells, out);
    if (options.format == "json") write_json(cells, count == 0, out);
    if (options.format == "csv") {
      for (const std::string& cell : cells) csv.cell(cell);
    }
    ++count;
    return out.good();
  });
  if (!result) return failed(result.error(), EX_IOERR, err);
  if (options.format == "json") out << (count == 0 ? "[]\n" : "\n]\n");
  if (options.format == "csv") csv.flush();
  out.flush();
  if (!out) {
    err << "standard output: cannot be written\n";
    return EX_IOERR;
  }
  if (options.format == "table") err << fmt::format("{} dead letters\n", count);
  return 0;
}

int change(const DeadLetterOptions& options, std::ostream& err) {
  const auto changed = options.retry ? store::retry_dead_letters(options.store, options.sink)
                                     : store::drop_dead_letters(options.store, options.sink);
  if (!changed) return failed(changed.error(), EX_CANTCREAT, err);
  if (options.drop) {
    err << fmt::format("{} dead letters dropped; their rows stay in the journal\n", changed->rows);
    return 0;
  }
  err << fmt::format("{} dead letters are offered again when the gateway runs\n", changed->rows);
  if (changed->gone != 0) {
    err << fmt::format("{} cannot be: the journal does not keep their rows any longer\n", changed->gone);
  }
  return 0;
}

// A name that is neither configured nor in the list is a misspelt one.
int check_sink(const DeadLetterOptions& options, const app::GatewayConfig& config, std::ostream& err) {
  std::set<std::string> known;
  for (const auto& plan : config.sinks) known.insert(plan->name());
  if (options.sink.empty() || known.contains(options.sink)) return 0;
  bool is_listed = false;
  const auto looked = store::each_dead_letter(options.store, options.sink, [&](const store::DeadLetter&) {
    is_listed = true;
    return false;
  });
  if (!looked) return failed(looked.error(), EX_IOERR, err);
  if (is_listed) {
    if (options.retry) err << fmt::format("sink {} is not configured: its rows wait until it is\n", options.sink);
    return 0;
  }
  const std::vector<std::string> names(known.begin(), known.end());
  err << fmt::format("--sink: there is no sink '{}'{}\n", options.sink, config::suggestion(options.sink, names));
  return EX_DATAERR;
}

}  // namespace

int run_dead_letters(const DeadLetterOptions& given, std::ostream& out, std::ostream& err) {
  if (given.retry && given.drop) {
    err << "--retry and --drop exclude each other\n";
    return EX_USAGE;
  }
  if (!is_one_of("--format", given.format, {"table", "csv", "json"}, err)) return EX_DATAERR;
  config::Problems problems;
  const app::GatewayConfig config = app::load_offline_config(given.config, problems);
  err << problems.to_text();
  if (problems.has_errors()) return EX_CONFIG;
  DeadLetterOptions options = given;
  if (options.store.empty()) options.store = config.store.path;
  if (const int status = check_sink(options, config, err); status != 0) return status;
  return options.retry || options.drop ? change(options, err) : show(options, config.site.time_zone, out, err);
}

}  // namespace carbongate::cli
