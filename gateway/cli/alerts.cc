#include "gateway/cli/alerts.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <optional>
#include <ostream>
#include <utility>
#include <vector>

#include "config/reader/reader.h"
#include "gateway/app/offline_config.h"
#include "gateway/cli/fault_status.h"
#include "gateway/cli/option_word.h"
#include "gateway/cli/page.h"
#include "gateway/cli/people_change.h"
#include "gateway/model/carrier.h"
#include "gateway/model/coverage.h"
#include "gateway/store/acknowledgement.h"
#include "gateway/store/standing_alerts.h"
#include "gateway/tables/alert_text.h"
#include "gateway/tables/local_time.h"
#include "gateway/tables/table_writer.h"
#include "protocols/io/system_clock.h"

namespace carbongate::cli {
namespace {

using Column = tables::TableWriter::Column;
using Type = tables::TableWriter::Type;

using Standing = store::StandingAlert;

constexpr auto kColumns = std::to_array<Column>({{"state"},
                                                 {"severity"},
                                                 {"rule"},
                                                 {"name"},
                                                 {"name_zh"},
                                                 {"subject"},
                                                 {"since"},
                                                 {"changed"},
                                                 {"value", Type::number},
                                                 {"limit", Type::number},
                                                 {"unit"},
                                                 {"suppressed", Type::number},
                                                 {"cause"},
                                                 {"by"},
                                                 {"note"},
                                                 {"id"},
                                                 {"period_begin"},
                                                 {"period_end"},
                                                 {"coverage_percent", Type::number}});
using Cells = std::array<std::string, kColumns.size()>;

std::string number(double value) {
  return std::isnan(value) ? std::string() : fmt::format("{:.10g}", value);
}

Cells cells_of(const Standing& one, tables::LocalTime& time) {
  const model::Alert& alert = one.alert;
  const bool is_known = alert.of && alert.of->coverage;
  return {one.state,
          std::string(to_string(alert.severity)),
          one.rule,
          alert.name,
          alert.name_zh,
          one.subject,
          time(alert.since),
          one.is_pending ? "" : time(alert.at),
          number(alert.value),
          number(alert.limit),
          alert.unit,
          std::to_string(alert.suppressed),
          alert.cause ? std::string(to_string(*alert.cause)) : std::string(),
          alert.by,
          alert.note,
          alert.id,
          alert.of ? time(alert.of->begin) : "",
          alert.of ? time(alert.of->end) : "",
          is_known ? model::format_fixed(*alert.of->coverage, model::kPerPercent) : ""};
}

class Report {
 public:
  Report(const AlertsOptions& options, const app::GatewayConfig& config)
      : options_(options), config_(config), time_(config.site.time_zone), zh_(options.lang == "zh") {}

  model::Result<void> gather(Duration recent) {
    auto alerts = store::standing_alerts(options_.store, config_.site);
    if (alerts.has_error()) return alerts.error();
    standing_ = std::move(*alerts);
    std::erase_if(standing_.all, [&](const auto& item) {
      const Standing& one = item.second;
      return !one.is_pending && !one.fires && standing_.newest && one.alert.at < *standing_.newest - recent;
    });
    return {};
  }

  bool fires(const std::string& id) const {
    const auto found = standing_.all.find(id);
    return found != standing_.all.end() && found->second.fires;
  }

  // Who has acknowledged it before; empty: nobody.
  std::string acknowledged(const std::string& id) {
    const model::Alert& alert = standing_.all.at(id).alert;
    if (alert.stage == model::AlertStage::acknowledged) return fmt::format("by {} at {}", alert.by, time_(alert.at));
    const auto waiting = store::waiting_acknowledgement(options_.store, id);
    return waiting ? fmt::format("by {} at {}", waiting->by, time_(waiting->at)) : std::string();
  }

  void write(std::ostream& out) {
    const std::vector<const Standing*> rows = store::in_order(standing_);
    if (options_.format == "table") return write_table(rows, out);
    if (options_.format == "csv") {
      tables::TableWriter csv(out, tables::TableWriter::Format::csv, kColumns);
      for (const Standing* one : rows) {
        for (const std::string& cell : cells_of(*one, time_)) csv.cell(cell);
      }
      csv.flush();
      return;
    }
    std::string_view separator = "[";
    for (const Standing* one : rows) {
      boost::json::object object;
      const Cells cells = cells_of(*one, time_);
      for (std::size_t i = 0; i < cells.size(); ++i) object[kColumns[i].name] = cells[i];
      out << separator << "\n" << boost::json::serialize(object);
      separator = ",";
    }
    out << (rows.empty() ? "[]\n" : "\n]\n");
  }

 private:
  void write_table(const std::vector<const Standing*>& rows, std::ostream& out) {
    if (rows.empty()) {
      out << (zh_ ? "没有告警\n" : "no alerts\n");
      return;
    }
    const std::vector<Page::Column> columns =
        zh_ ? std::vector<Page::Column>{{.title = "状态"}, {.title = "级别"},
                                        {.title = "规则"}, {.title = "对象"},
                                        {.title = "起始"}, {.title = "数值"},
                                        {.title = "编号"}, {.title = "备注", .apart = true}}
            : std::vector<Page::Column>{
                  {.title = "state"}, {.title = "severity"}, {.title = "rule"}, {.title = "subject"},
                  {.title = "since"}, {.title = "value"},    {.title = "id"},   {.title = "note", .apart = true}};
    std::vector<std::vector<std::string>> cells;
    for (const Standing* one : rows) cells.push_back(row_of(*one));
    Page page;
    page.table(columns, cells);
    out << std::move(page).text();
  }

  std::vector<std::string> row_of(const Standing& one) {
    const model::Alert& alert = one.alert;
    std::string state = one.state;
    if (zh_) state = one.is_pending ? "待触发" : std::string(to_string_zh(alert.stage));
    std::string note;
    const auto add = [&note](const std::string& text) {
      if (!text.empty()) note += (note.empty() ? "" : "; ") + text;
    };
    const std::string& name = zh_ ? alert.name_zh : alert.name;
    if (name != one.rule) add(name);
    add(tables::alert_period(alert, zh_, time_));
    if (alert.suppressed != 0) add(fmt::format(fmt::runtime(zh_ ? "抑制 {} 条" : "{} held back"), alert.suppressed));
    if (alert.cause) add(fmt::format(fmt::runtime(zh_ ? "更正: {}" : "correction: {}"), to_string(*alert.cause)));
    if (!alert.by.empty()) add(fmt::format(fmt::runtime(zh_ ? "{} 确认" : "acknowledged by {}"), alert.by));
    add(one.is_pending && zh_ && !alert.note.empty() ? "被抑制" : alert.note);
    return {state,
            std::string(zh_ ? to_string_zh(alert.severity) : to_string(alert.severity)),
            one.rule,
            one.subject,
            alert.since == Instant{} ? "" : time_(alert.since),
            tables::alert_value(alert, zh_),
            alert.id,
            note};
  }

  const AlertsOptions& options_;
  const app::GatewayConfig& config_;
  tables::LocalTime time_;
  bool zh_;
  store::StandingAlerts standing_;
};

int failed(const model::Fault& fault, int status, std::ostream& err) {
  err << fault.text << "\n";
  return fault.code == boost::system::errc::invalid_argument ? EX_DATAERR : status_of(fault, status);
}

int acknowledge(const AlertsOptions& options, Report& report, std::ostream& err) {
  if (!report.fires(options.acknowledge)) {
    err << fmt::format("--acknowledge: no alert '{}' fires\n", options.acknowledge);
    return EX_DATAERR;
  }
  if (const std::string before = report.acknowledged(options.acknowledge); !before.empty()) {
    err << fmt::format("--acknowledge: alert {} was acknowledged {} already\n", options.acknowledge, before);
    return EX_DATAERR;
  }
  const auto left = store::request_acknowledgement(
      options.store,
      {.alert = options.acknowledge, .at = io::SystemClock().now(), .by = options.by, .note = options.note});
  if (left.has_error()) return failed(left.error(), EX_CANTCREAT, err);
  const std::string note = options.note.empty() ? "" : ": " + options.note;
  note_in_audit(options.store, "acknowledge alert", options.acknowledge + " by " + options.by + note, err);
  err << "acknowledged; the gateway takes it up within a second, or when it starts\n";
  return 0;
}

}  // namespace

int run_alerts(const AlertsOptions& given, std::ostream& out, std::ostream& err) {
  if (given.acknowledge.empty() != given.by.empty() || (given.acknowledge.empty() && !given.note.empty())) {
    err << "--acknowledge ID and --by NAME go together, and --note TEXT with them\n";
    return EX_USAGE;
  }
  if (!is_one_of("--format", given.format, {"table", "csv", "json"}, err)) return EX_DATAERR;
  if (!is_one_of("--lang", given.lang, {"en", "zh"}, err)) return EX_DATAERR;
  const auto recent = config::parse_duration(given.recent);
  if (!recent) {
    err << fmt::format("--recent: '{}' is not a length of time; write 24h or 30d\n", given.recent);
    return EX_DATAERR;
  }
  config::Problems problems;
  const app::GatewayConfig config = app::load_offline_config(given.config, problems);
  err << problems.to_text();
  if (problems.has_errors()) return EX_CONFIG;
  AlertsOptions options = given;
  if (options.store.empty()) options.store = config.store.path;
  Report report(options, config);
  if (const auto gathered = report.gather(*recent); gathered.has_error())
    return failed(gathered.error(), EX_IOERR, err);
  if (!options.acknowledge.empty()) return acknowledge(options, report, err);
  report.write(out);
  out.flush();
  if (out) return 0;
  err << "standard output: cannot be written\n";
  return EX_IOERR;
}

}  // namespace carbongate::cli
