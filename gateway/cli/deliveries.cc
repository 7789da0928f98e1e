#include "gateway/cli/deliveries.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <optional>
#include <ostream>
#include <set>
#include <string_view>
#include <vector>

#include "gateway/app/offline_config.h"
#include "gateway/cli/fault_status.h"
#include "gateway/cli/option_word.h"
#include "gateway/cli/page.h"
#include "gateway/cli/time_text.h"
#include "gateway/store/cursor_table.h"
#include "gateway/store/deliveries.h"
#include "gateway/tables/local_time.h"
#include "gateway/tables/row_about.h"
#include "gateway/tables/table_writer.h"

namespace carbongate::cli {
namespace {

using Column = tables::TableWriter::Column;
using Type = tables::TableWriter::Type;
using Outcome = ports::Attempt::Outcome;

constexpr auto kColumns = std::to_array<Column>({{"sink"},
                                                 {"state"},
                                                 {"kind"},
                                                 {"time"},
                                                 {"what"},
                                                 {"first_sent"},
                                                 {"sent"},
                                                 {"attempts", Type::number},
                                                 {"answered"},
                                                 {"seconds", Type::number},
                                                 {"answer"},
                                                 {"id"},
                                                 {"sequence", Type::number}});
using Cells = std::array<std::string, kColumns.size()>;

std::string_view zh_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::open: return "待回执";
    case Outcome::received: return "已回执";
    case Outcome::refused: return "被拒收";
    case Outcome::sent: return "已发送";
  }
  return "?";
}

tables::RowAbout about(const store::DeliveryLine& line, bool zh) {
  return line.row ? tables::row_about(*line.row, zh) : tables::RowAbout();
}

std::string text_of(std::optional<double> seconds) {
  return seconds ? fmt::format("{:.3f}", *seconds) : std::string();
}

Cells cells_of(const store::DeliveryLine& line, tables::LocalTime& time) {
  const tables::RowAbout row = about(line, false);
  return {line.sink,
          std::string(store::word_of(line.last.outcome)),
          row.kind,
          row.at ? time(*row.at) : "",
          row.what,
          time(line.first_sent),
          time(line.last.sent),
          std::to_string(line.attempts),
          line.last.answered ? time(*line.last.answered) : "",
          text_of(store::seconds_of(line)),
          line.last.answer,
          line.id,
          std::to_string(line.last.sequence)};
}

std::vector<Page::Column> page_columns(bool zh) {
  if (zh) {
    return {{.title = "目的地"},
            {.title = "状态"},
            {.title = "首次发送"},
            {.title = "最近发送"},
            {.title = "次数", .right = true},
            {.title = "内容"},
            {.title = "秒", .right = true},
            {.title = "应答", .apart = true}};
  }
  return {{.title = "sink"},
          {.title = "state"},
          {.title = "first sent"},
          {.title = "last sent"},
          {.title = "attempts", .right = true},
          {.title = "what"},
          {.title = "seconds", .right = true},
          {.title = "answer", .apart = true}};
}

class Writer {
 public:
  Writer(const DeliveriesOptions& options, const std::string& zone, std::ostream& out)
      : options_(options), zh_(options.lang == "zh"), time_(zone), out_(out) {
    if (options.format == "csv") csv_.emplace(out, tables::TableWriter::Format::csv, kColumns);
  }

  void write(const store::DeliveryLine& line) {
    ++count_;
    if (options_.format == "table") {
      const tables::RowAbout row = about(line, zh_);
      const std::string state(zh_ ? zh_of(line.last.outcome) : store::word_of(line.last.outcome));
      const bool is_alert = line.row && line.row->body.get_if<model::Alert>() != nullptr;
      const std::string what = row.at && !is_alert ? row.what + " " + time_(*row.at) : row.what;
      rows_.push_back({line.sink, state, time_(line.first_sent), time_(line.last.sent), std::to_string(line.attempts),
                       what, text_of(store::seconds_of(line)), line.last.answer});
      if (rows_.size() == kRowsPerPage) write_page();
      return;
    }
    const Cells cells = cells_of(line, time_);
    if (csv_) {
      for (const std::string& cell : cells) csv_->cell(cell);
      return;
    }
    boost::json::object object;
    for (std::size_t i = 0; i < cells.size(); ++i) object[kColumns[i].name] = cells[i];
    object["attempts"] = line.attempts;
    object["sequence"] = line.last.sequence;
    if (const auto took = store::seconds_of(line)) object["seconds"] = *took;
    out_ << (count_ == 1 ? "[\n" : ",\n") << boost::json::serialize(object);
  }

  void finish() {
    if (csv_) csv_->flush();
    if (options_.format == "json") out_ << (count_ == 0 ? "[]\n" : "\n]\n");
    if (options_.format != "table") return;
    if (count_ == 0) out_ << (zh_ ? "没有发送记录\n" : "nothing was sent\n");
    write_page();
  }

 private:
  static constexpr std::size_t kRowsPerPage = 1'000;  // columns are as wide as these need

  void write_page() {
    if (rows_.empty()) return;
    Page page;
    page.table(page_columns(zh_), rows_);
    out_ << std::move(page).text();
    rows_.clear();
  }

  const DeliveriesOptions& options_;
  bool zh_;
  tables::LocalTime time_;
  std::ostream& out_;
  std::optional<tables::TableWriter> csv_;
  std::vector<std::vector<std::string>> rows_;
  std::uint64_t count_ = 0;
};

int failed(const model::Fault& fault, std::ostream& err) {
  err << fault.text << "\n";
  return status_of(fault);
}

bool read_time(std::string_view option, const std::string& text, const std::string& zone, std::optional<Instant>& time,
               std::ostream& err) {
  if (text.empty()) return true;
  time = parse_time(text, zone);
  if (!time) err << fmt::format("{}: '{}' is not a time; write 2026-08-01 or 2026-08-01T08:30\n", option, text);
  return time.has_value();
}

// Those that readings go to too are never quite done.
bool speaks_to_people(const app::GatewayConfig& config, const std::string& sink) {
  constexpr auto kReadings = static_cast<std::size_t>(sinks::shared::RowKind::reading);
  return std::ranges::any_of(
      config.sinks, [&](const auto& plan) { return plan->name() == sink && !plan->row_kinds().test(kReadings); });
}

// How many rows of the journal these sinks have not seen yet.
int write_waiting(const DeliveriesOptions& options, const app::GatewayConfig& config, std::ostream& out,
                  std::ostream& err) {
  const auto accounts = store::audit_store(options.store);
  if (!accounts) return failed(accounts.error(), err);
  for (const ports::SinkAccount& account : *accounts) {
    if (!speaks_to_people(config, account.sink) || (!options.sink.empty() && options.sink != account.sink)) continue;
    if (account.pending.value_or(0) == 0) continue;
    out << fmt::format(fmt::runtime(options.lang == "zh" ? "{}: 日志中还有 {} 行待处理\n"
                                                         : "{}: {} rows of the journal are still to be looked at\n"),
                       account.sink, *account.pending);
  }
  return 0;
}

}  // namespace

int run_deliveries(const DeliveriesOptions& given, std::ostream& out, std::ostream& err) {
  if (!is_one_of("--format", given.format, {"table", "csv", "json"}, err)) return EX_DATAERR;
  if (!is_one_of("--lang", given.lang, {"en", "zh"}, err)) return EX_DATAERR;
  config::Problems problems;
  const app::GatewayConfig config = app::load_offline_config(given.config, problems);
  err << problems.to_text();
  if (problems.has_errors()) return EX_CONFIG;
  DeliveriesOptions options = given;
  if (options.store.empty()) options.store = config.store.path;
  store::DeliveryQuery query{.sink = options.sink, .only_open = options.open};
  if (!read_time("--from", options.from, config.site.time_zone, query.from, err)) return EX_DATAERR;
  if (!read_time("--to", options.to, config.site.time_zone, query.to, err)) return EX_DATAERR;
  std::vector<std::string> names;
  for (const auto& plan : config.sinks) names.push_back(plan->name());
  Writer writer(options, config.site.time_zone, out);
  bool is_known = options.sink.empty() || std::ranges::find(names, options.sink) != names.end();
  const auto visited = store::each_delivery(options.store, query, [&](const store::DeliveryLine& line) {
    is_known = true;
    writer.write(line);
    return out.good();
  });
  if (!visited) return failed(visited.error(), err);
  if (!is_known) {
    err << fmt::format("--sink: there is no sink '{}'{}\n", options.sink, config::suggestion(options.sink, names));
    return EX_DATAERR;
  }
  writer.finish();
  if (options.format == "table") {
    if (const int status = write_waiting(options, config, out, err); status != 0) return status;
  }
  out.flush();
  if (out) return 0;
  err << "standard output: cannot be written\n";
  return EX_IOERR;
}

}  // namespace carbongate::cli
