#include "gateway/cli/replay.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <charconv>
#include <fstream>
#include <functional>
#include <map>
#include <ostream>
#include <set>
#include <tuple>
#include <unordered_map>
#include <variant>

#include "gateway/app/conservation_rule.h"
#include "gateway/app/late_alerts.h"
#include "gateway/app/offline_config.h"
#include "gateway/app/recompute.h"
#include "gateway/cli/fault_status.h"
#include "gateway/cli/time_text.h"
#include "gateway/model/hj212_flag.h"
#include "gateway/pipeline/counter.h"
#include "gateway/pipeline/pipeline.h"
#include "gateway/store/sqlite_store.h"
#include "gateway/tables/alert_text.h"
#include "gateway/tables/local_time.h"

namespace carbongate::cli {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kReadingsPerCommit = 5'000;
constexpr std::size_t kFaultsShown = 20;
constexpr std::size_t kAlertsShown = 50;     // changes of them
constexpr std::size_t kLateRounds = 10'000;  // of a user each is of two days

// Quarter hours of a point, of one rule, of which a part of the amount is not known.
struct Unknown {
  std::size_t quarters = 0;
  Instant first{};
};
using UnknownAmounts = std::map<std::pair<PointId, model::Rule>, Unknown>;

using RowKey = std::tuple<PointId, Instant, double>;

// What is wrong with a row, and where in it; columns count from 1.
struct Fault {
  std::size_t column = 1;
  std::string text;
};

class CsvReplay {
 public:
  CsvReplay(std::filesystem::path file, const model::Site& site) : file_(std::move(file)), zone_(site.time_zone) {
    for (const Point& point : site.points) {
      points_.emplace(point.full_name(), point.id);
      names_.push_back(point.full_name());
    }
    for (const model::Derived& derived : site.derived) computed_.insert(derived.result);
  }

  // Calls `on_reading` for every row and `on_fault` for every row that is not one. False: the file cannot be read.
  bool for_each(const std::function<void(const Reading&)>& on_reading,
                const std::function<void(std::size_t line, const Fault&)>& on_fault) const {
    std::ifstream in(file_, std::ios::binary);
    if (!in) return false;
    bool empty = true;
    bool flags = false;
    std::string line;
    for (std::size_t number = 1; std::getline(in, line); ++number) {
      empty = false;
      if (line.ends_with('\r')) line.pop_back();
      if (number == 1) {
        if (line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
        flags = line == "time,point,value,flag";
        if (!flags && line != "time,point,value") {
          on_fault(1, {1, "the header must be 'time,point,value' or 'time,point,value,flag', not '" + line + "'"});
        }
        continue;
      }
      if (line.empty()) continue;
      auto row = parse(line, flags);
      if (const auto* reading = std::get_if<Reading>(&row))
        on_reading(*reading);
      else
        on_fault(number, std::get<Fault>(row));
    }
    if (empty) on_fault(1, {1, "the file is empty; its first line must be 'time,point,value'"});
    return !in.bad();
  }

 private:
  std::variant<Reading, Fault> parse(std::string_view line, bool flags) const {
    const auto first = line.find(',');
    const auto second = first == std::string_view::npos ? first : line.find(',', first + 1);
    const auto third = second == std::string_view::npos ? second : line.find(',', second + 1);
    const bool has_flag = third != std::string_view::npos;
    if (second == std::string_view::npos || has_flag != flags ||
        (has_flag && line.find(',', third + 1) != std::string_view::npos)) {
      return Fault{1,
                   flags ? "expected four columns: time,point,value,flag" : "expected three columns: time,point,value"};
    }
    const std::string_view time = line.substr(0, first);
    const std::string name(line.substr(first + 1, second - first - 1));
    const std::string_view value = line.substr(second + 1, has_flag ? third - second - 1 : third);
    Reading reading;
    if (has_flag && third + 1 < line.size()) {
      reading.hj212_flag = third + 2 == line.size() ? line.back() : model::kUnknownFlag;
    }
    const auto at = parse_time(time, zone_);
    if (!at) {
      return Fault{
          1, fmt::format("'{}' is not a time; write 2023-01-01T00:15:00+08:00, or without offset for {}", time, zone_)};
    }
    reading.at = *at;
    const auto point = points_.find(name);
    if (point == points_.end()) {
      return Fault{first + 2, fmt::format("unknown point '{}'{}", name, config::suggestion(name, names_))};
    }
    reading.point = point->second;
    if (computed_.contains(reading.point)) {
      return Fault{first + 2, fmt::format("'{}' is computed from other points; leave its rows out", name)};
    }
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), reading.value);
    if (error != std::errc() || end != value.data() + value.size()) {
      return Fault{second + 2, fmt::format("'{}' is not a number", value)};
    }
    return reading;
  }

  std::filesystem::path file_;
  std::string zone_;
  std::unordered_map<std::string, PointId> points_;
  std::vector<std::string> names_;
  std::set<PointId> computed_;
};

// Runs the pipeline over the readings and commits them in groups. One instance, one replay.
class Player {
 public:
  Player(pipeline::Pipeline& pipeline, ports::Store& store, std::size_t total, std::ostream& err)
      : pipeline_(pipeline), store_(store), total_(total), err_(err), terminal_(isatty(STDERR_FILENO) != 0) {}

  // "now" is the data's own time: each reading is judged as if it had been heard when it was measured.
  void play(const Reading& reading) {
    if (fault_) return;
    if (batches_.empty() || batches_.back().received != reading.at) {
      if (waiting_ >= kReadingsPerCommit) commit();
      batches_.push_back({.source = "replay", .received = reading.at, .readings = {}, .settled = {}});
    }
    batches_.back().readings.push_back(reading);
    ++waiting_;
  }

  const std::vector<model::JournalRow>& first_alerts() const { return alerts_; }
  std::size_t alert_changes() const { return changes_; }
  const UnknownAmounts& unknown() const { return unknown_; }
  const std::vector<RowKey>& out_of_order() const { return out_of_order_; }

  std::optional<model::Fault> finish(const app::GatewayConfig& config) {
    if (!fault_) commit();
    if (!fault_) judge_late(config);
    if (!fault_) wait_for(store_.seal(last_end_));  // in the data's own time: the same input gives the same seal
    if (terminal_) err_ << "\n";
    return fault_;
  }

 private:
  void wait_for(asio::awaitable<model::Result<void>> operation) {
    asio::io_context loop(1);
    auto done = asio::co_spawn(loop, std::move(operation), asio::use_future);
    loop.run();
    if (const auto result = done.get(); result.has_error()) fault_ = result.error();
  }

  void commit() {
    if (batches_.empty()) return;
    const Instant now = std::ranges::max_element(batches_, {}, &Batch::received)->received;
    newest_ = std::max(newest_, now);
    commit(pipeline_.ingest(batches_, now));
    played_ += waiting_;
    waiting_ = 0;
    batches_.clear();
    if (terminal_) err_ << fmt::format("\r{} of {} readings", played_, total_) << std::flush;
  }

  void commit(model::Effects effects) {
    for (const model::JournalRow& row : effects.rows) {
      if (const auto* entry = row.body.get_if<model::EmissionEntry>()) last_end_ = std::max(last_end_, entry->end);
      if (row.body.get_if<model::Alert>() && ++changes_ <= kAlertsShown) alerts_.push_back(row);
      const auto* judged = row.body.get_if<model::JudgedReading>();
      if (judged && judged->quality.rule == model::Rule::out_of_order) {
        out_of_order_.emplace_back(std::get<PointId>(row.subject), judged->at, judged->value);
      }
      if (const auto* interval = row.body.get_if<model::EnergyInterval>()) {
        note_unknown(std::get<PointId>(row.subject), *interval);
      }
    }
    wait_for(store_.commit(std::move(effects)));
  }

  // As the gateway does once no more come: what is told of some puts others in question.
  void judge_late(const app::GatewayConfig& config) {
    auto late = pipeline_.late_watches();
    for (std::size_t round = 0; !late.empty() && round < kLateRounds && !fault_; ++round) {
      const auto history = store::History::open(config.store.path);
      if (history.has_error()) {
        fault_ = history.error();
        return;
      }
      const auto judgements = app::judge_late_alerts(**history, config.site, config.factors, late, app::kNeverStop);
      if (judgements.has_error()) {
        fault_ = judgements.error();
        return;
      }
      commit(pipeline_.told_late(*judgements));
      commit(pipeline_.pass(newest_));
      late = pipeline_.late_watches();
    }
  }

  void note_unknown(PointId point, const model::EnergyInterval& interval) {
    const model::Quality quality = interval.quality;
    const bool whole = interval.covered >= interval.end - interval.begin;
    if (whole || !model::leaves_unknown(quality)) return;
    Unknown& unknown = unknown_[{point, quality.rule}];
    if (unknown.quarters++ == 0) unknown.first = interval.begin;
  }

  pipeline::Pipeline& pipeline_;
  ports::Store& store_;
  std::size_t total_;
  std::ostream& err_;
  bool terminal_;
  std::vector<Batch> batches_;
  std::size_t waiting_ = 0;
  std::size_t played_ = 0;
  Instant newest_ = Instant::min();  // of the readings
  Instant last_end_{};               // of the entries
  std::vector<model::JournalRow> alerts_;
  std::size_t changes_ = 0;  // of alerts
  UnknownAmounts unknown_;
  std::vector<RowKey> out_of_order_;
  std::optional<model::Fault> fault_;
};

bool has_history(const model::Checkpoint& checkpoint) {
  return std::ranges::any_of(checkpoint.points, [](const model::PointState& p) { return p.last_at.has_value(); });
}

// Counts the readings, and prints every fault with its place. nullopt: there were faults, or the file cannot be read.
std::optional<std::size_t> examine(const CsvReplay& csv, const ReplayOptions& options, std::ostream& err, int& status) {
  std::size_t readings = 0;
  std::size_t faults = 0;
  const bool readable = csv.for_each([&](const Reading&) { ++readings; },
                                     [&](std::size_t line, const Fault& fault) {
                                       if (++faults > kFaultsShown) return;
                                       err << fmt::format("{}:{}:{}: error: {}\n", options.input.string(), line,
                                                          fault.column, fault.text);
                                     });
  if (!readable) {
    err << fmt::format("{}: cannot be read\n", options.input.string());
    status = EX_NOINPUT;
    return std::nullopt;
  }
  if (faults == 0) return readings;
  if (faults > kFaultsShown) err << fmt::format("... and {} more\n", faults - kFaultsShown);
  err << fmt::format("{}: {} faulty rows; nothing was written\n", options.input.string(), faults);
  status = EX_DATAERR;
  return std::nullopt;
}

// How many of the rows that were out of order only say again what another row says: the pipeline remembers the newest
// reading of a point, and whether an older one is known the file tells.
std::size_t count_repeated(const CsvReplay& csv, std::vector<RowKey> out_of_order) {
  if (out_of_order.empty()) return 0;
  std::ranges::sort(out_of_order);
  std::vector<std::size_t> rows(out_of_order.size());  // of the file; of equal ones at the first
  csv.for_each(
      [&](const Reading& reading) {
        const auto quality = model::from_hj212_flag(reading.hj212_flag);
        if (reading.hj212_flag != model::kNoFlag && !(quality && usable(*quality))) return;
        const auto row = std::ranges::lower_bound(out_of_order, RowKey{reading.point, reading.at, reading.value});
        if (row == out_of_order.end() || *row != RowKey{reading.point, reading.at, reading.value}) return;
        ++rows[static_cast<std::size_t>(row - out_of_order.begin())];
      },
      [](std::size_t, const Fault&) {});
  std::size_t repeated = 0;
  for (auto row = out_of_order.begin(); row != out_of_order.end();) {
    const auto equal = std::ranges::equal_range(row, out_of_order.end(), *row);
    const std::size_t late = equal.size();
    const std::size_t in_file = rows[static_cast<std::size_t>(row - out_of_order.begin())];  // none: it was computed
    if (in_file != 0) repeated += in_file > late ? late : late - 1;
    row = equal.end();
  }
  return repeated;
}

// Such readings are in the store, each with its rule, but no account moved by them. `repeated`: of those that were out
// of order.
void tell_what_was_not_counted(const pipeline::Statistics& statistics, std::size_t repeated, std::ostream& out) {
  using model::Rule;
  const auto count = [&](Rule rule) {
    const auto index = static_cast<std::size_t>(rule);
    if (rule == Rule::out_of_order) return statistics.by_rule[index] - repeated;
    if (rule == Rule::duplicate) return statistics.by_rule[index] + repeated;
    return statistics.rejected_by_rule[index];
  };
  for (const Rule rule :
       {Rule::not_a_number, Rule::not_available, Rule::range, Rule::future, Rule::out_of_order, Rule::duplicate,
        Rule::maintenance, Rule::calibration, Rule::fault, Rule::over_range, Rule::gap, Rule::unknown_flag}) {
    if (count(rule) != 0) out << fmt::format("  {} of them not counted: {}\n", count(rule), model::to_string(rule));
  }
  if (statistics.found_wrong != 0) {
    out << fmt::format("  {} values of counters were found wrong by those that followed", statistics.found_wrong)
        << ": 'carbongate restate CONFIG --from ... --book --reason ...' takes back what was counted by them\n";
  }
  if (count(Rule::out_of_order) != 0) {
    out << "  the readings were not in the order of their times: 'carbongate restate CONFIG --from ... --book --reason "
           "...' counts those that came late\n";
  }
}

// Steps of counters that wait for a next reading, and energy that counters lost by running backwards.
void tell_what_waits(const model::Site& site, const model::Checkpoint& state, std::ostream& out) {
  for (const Point& point : site.points) {
    const model::PointState& of_point = state.points[index(point.id)];
    if (const auto step = pipeline::pending(of_point.counter)) {
      out << fmt::format("  {}: the last step waits for a next reading: {}\n", point.full_name(), step->reason);
    }
    if (of_point.counter.unbooked != model::Activity{}) {
      out << fmt::format("  {}: ran backwards; what it lost was not subtracted\n", point.full_name());
    }
  }
}

// What a register moved from the last reading before it began anew, or ran backwards, to the first one after.
void tell_what_is_unknown(const model::Site& site, const UnknownAmounts& unknown, std::ostream& out) {
  tables::LocalTime time(site.time_zone);
  for (const auto& [of, found] : unknown) {
    const auto& [point, rule] = of;
    out << fmt::format(
        "  {}: {} in {} quarter hour{}, first in that of {}: what flowed there between two readings is "
        "not known and not booked{}\n",
        site.points.at(index(point)).full_name(), model::to_string(rule), found.quarters,
        found.quarters == 1 ? "" : "s", time(found.first),
        rule == model::Rule::backwards
            ? ""
            : "; where the register's last and first values were noted, 'replaced' of the point books it");
  }
}

// The accounts keep what was counted of them.
void tell_what_was_dropped(const ports::StoreStatus& store, std::ostream& out) {
  if (store.readings_dropped_early == 0) return;
  out << fmt::format("  {} of them, the oldest, are not in the store any longer: {}\n", store.readings_dropped_early,
                     store.held_to_bytes == 0
                         ? "it is as large as 'store.size_max' allows"
                         : fmt::format("its disk has room for {} MiB, which is less than 'store.size_max'",
                                       store.held_to_bytes >> 20));
}

void tell_alerts(const model::Site& site, const Player& player, std::ostream& out) {
  if (!app::has_rules_of_its_own(site)) return;
  out << fmt::format("{} changes of alerts 告警\n", player.alert_changes());
  tables::LocalTime time(site.time_zone);
  for (const model::JournalRow& row : player.first_alerts()) {
    const model::Watch& watch = site.watches.at(model::index(std::get<model::WatchId>(row.subject)));
    const auto& alert = row.body.get<model::Alert>();
    const std::string value = tables::alert_value(alert, false);
    out << fmt::format(
        "  {}  {}  {}  {}  {}{}{}  {}\n", time(alert.at), tables::both(alert.stage), tables::both(alert.severity),
        watch.rule, model::subject_name(watch.device, watch.point, watch.user, watch.carrier ? watch.carrier->id : ""),
        value.empty() ? "" : "  ", value, alert.id);
  }
  if (player.alert_changes() > player.first_alerts().size()) {
    out << fmt::format("  ... and {} more: carbongate export CONFIG --what alerts\n",
                       player.alert_changes() - player.first_alerts().size());
  }
}

}  // namespace

int run_replay(const ReplayOptions& options, std::ostream& out, std::ostream& err) {
  config::Problems problems;
  app::GatewayConfig config = app::load_offline_config(options.config, problems, app::Signing::yes);
  err << problems.to_text();
  if (problems.has_errors()) return EX_CONFIG;
  if (options.store) config.store.path = *options.store;
  config.store.keep_readings = config.store.keep_totals = config.store.keep_intervals =
      Duration::max();  // what is played is meant to be looked at, however long it spans

  const CsvReplay csv(options.input, config.site);
  int status = 0;
  const auto readings = examine(csv, options, err, status);
  if (!readings) return status;

  auto store = store::SqliteStore::open(config.store, config.site);
  if (store.has_error()) {
    err << store.error().text << "\n";
    return status_of(store.error(), EX_CANTCREAT);
  }
  model::Checkpoint checkpoint = store.value()->checkpoint();
  if (has_history(checkpoint)) {
    err << fmt::format("{}: holds readings already; give an empty directory with --store\n",
                       config.store.path.string());
    return EX_CANTCREAT;
  }
  pipeline::Pipeline pipeline(config.site, config.factors, std::move(checkpoint), pipeline::Pipeline::Order::of_time);
  Player player(pipeline, *store.value(), *readings, err);
  csv.for_each([&](const Reading& reading) { player.play(reading); }, [](std::size_t, const Fault&) {});
  if (const auto fault = player.finish(config)) {
    err << fault->text << "\n";
    return EX_IOERR;
  }
  out << fmt::format("{} readings replayed into {}\n", *readings, config.store.path.string());
  tell_what_was_not_counted(pipeline.statistics(), count_repeated(csv, player.out_of_order()), out);
  tell_what_was_dropped(store.value()->status(), out);
  tell_what_waits(config.site, pipeline.state(), out);
  tell_what_is_unknown(config.site, player.unknown(), out);
  tell_alerts(config.site, player, out);
  return 0;
}

}  // namespace carbongate::cli
