#include "gateway/cli/restate.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <ostream>
#include <stdexcept>
#include <tuple>
#include <vector>

#include "config/reader/text.h"
#include "gateway/app/gateway_config.h"
#include "gateway/app/recompute.h"
#include "gateway/cli/local_time.h"
#include "gateway/cli/table_writer.h"
#include "gateway/cli/time_text.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/pipeline.h"
#include "gateway/store/sqlite_store.h"
#include "protocols/io/system_clock.h"

namespace carbongate::cli {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr Duration kSlice = 24h * 7;       // computed at once...
constexpr std::size_t kPointsAtOnce = 32;  // ...of so many points: bounds the memory

// A message and the status to end with.
class Refusal : public std::runtime_error {
 public:
  Refusal(int exit_status, const std::string& text) : std::runtime_error(text), status(exit_status) {}
  int status;
};

[[noreturn]] void refuse(const model::Fault& fault) {
  throw Refusal(fault.code == boost::system::errc::bad_message ? EX_DATAERR : EX_IOERR, fault.text);
}

template <class T>
T value_of(model::Result<T> result) {
  if (result.has_error()) refuse(result.error());
  return std::move(*result);
}

struct Figures {
  model::Activity amount;
  model::Co2e co2e;
  void add(const model::EmissionEntry& entry) {
    amount += entry.amount;
    co2e += entry.primary.emitted.co2e;
  }
  void add(const Figures& other) {
    amount += other.amount;
    co2e += other.co2e;
  }
};

struct Line {
  Figures published;
  Figures known;
  Figures difference;
  std::size_t entries = 0;  // that differ

  Figures restated() const { return {known.amount + difference.amount, known.co2e + difference.co2e}; }
  void add(const Line& other) {
    published.add(other.published);
    known.add(other.known);
    difference.add(other.difference);
    entries += other.entries;
  }
};

// What there is to show: by account and day.
class Report {
 public:
  explicit Report(const model::Site& site) : site_(site), calendar_(site.time_zone), time_(site.time_zone) {}

  void add(const app::Recomputation& recomputation, const std::vector<books::Difference>& differences) {
    std::map<Day, Line> days;
    for (const auto& [account, entry] : recomputation.booked) {
      Line& line = days[day_of(account, entry.begin)];
      if (entry.revision == 0) line.published.add(entry);
      line.known.add(entry);
    }
    for (const books::Difference& difference : differences) {
      const model::EmissionEntry& correction = difference.amendment.correction;
      const Day day = day_of(difference.account, difference.begin);
      Line& line = days[day];
      line.difference.add(correction);
      ++line.entries;
      auto& causes = causes_[day];
      const std::string cause(to_string(correction.correction->cause));
      if (causes.find(cause) == std::string::npos) causes += (causes.empty() ? "" : "+") + cause;
    }
    for (const auto& [day, line] : days) days_[day].add(line);
    readings += recomputation.readings;
    entries += recomputation.entries;
    not_repaired += recomputation.not_repaired;
    out_of_reach += recomputation.out_of_reach;
    if (recomputation.reach) reach = std::max(reach.value_or(*recomputation.reach), *recomputation.reach);
  }

  std::size_t differing() const {
    std::size_t count = 0;
    for (const auto& [day, line] : days_) count += line.entries;
    return count;
  }

  void write(std::ostream& out, const std::string& format) {
    if (format == "csv") return csv(out);
    if (format == "json") return json(out);
    table(out);
  }

  std::string when(Instant at) { return time_(at); }

  std::uint64_t readings = 0;
  std::uint64_t entries = 0;
  std::uint64_t not_repaired = 0;
  std::uint64_t out_of_reach = 0;
  std::optional<Instant> reach;

 private:
  using Day = std::pair<model::AccountId, Instant>;
  static constexpr TableWriter::Column kColumns[] = {
      {"user"},
      {"carrier"},
      {"point"},
      {"day"},
      {"unit"},
      {"amount_published", TableWriter::Type::number},
      {"amount_known", TableWriter::Type::number},
      {"amount_restated", TableWriter::Type::number},
      {"amount_difference", TableWriter::Type::number},
      {"co2e_kg_published", TableWriter::Type::number},
      {"co2e_kg_known", TableWriter::Type::number},
      {"co2e_kg_restated", TableWriter::Type::number},
      {"co2e_kg_difference", TableWriter::Type::number},
      {"entries", TableWriter::Type::number},
      {"cause"},
  };

  Day day_of(model::AccountId account, Instant begin) {
    return {account, calendar_.period(model::Period::day, begin).begin};
  }

  std::vector<std::string> cells(const model::Account* account, const std::string& day, const Line& line,
                                 const std::string& cause) {
    const auto amount = [&](model::Activity a) {
      return account ? model::format_fixed(a.quanta(), account->carrier->quanta_per_display) : std::string();
    };
    const auto co2e = [](model::Co2e c) { return model::format_fixed(c.quanta(), model::kMilligramsPerKilogram); };
    const Figures restated = line.restated();
    return {account ? account->user : "total",
            account ? std::string(account->carrier->id) : "",
            account ? site_.points.at(index(account->source)).full_name() : "",
            day,
            account ? std::string(account->carrier->display.symbol) : "",
            amount(line.published.amount),
            amount(line.known.amount),
            amount(restated.amount),
            amount(line.difference.amount),
            co2e(line.published.co2e),
            co2e(line.known.co2e),
            co2e(restated.co2e),
            co2e(line.difference.co2e),
            std::to_string(line.entries),
            cause};
  }

  // Days that differ; a total of each account that has one, over the whole time; the total of all CO2e.
  std::vector<std::vector<std::string>> rows() {
    std::vector<std::vector<std::string>> rows;
    std::map<model::AccountId, Line> accounts;
    for (const auto& [day, line] : days_) {
      accounts[day.first].add(line);
      if (line.entries == 0) continue;
      rows.push_back(
          cells(&site_.accounts.at(model::index(day.first)), time_(day.second).substr(0, 10), line, causes_[day]));
    }
    Line total;
    for (const auto& [account, line] : accounts) {
      total.add(line);
      if (line.entries != 0) rows.push_back(cells(&site_.accounts.at(model::index(account)), "total", line, ""));
    }
    rows.push_back(cells(nullptr, "total", total, ""));
    return rows;
  }

  void csv(std::ostream& out) {
    TableWriter writer(out, TableWriter::Format::csv, kColumns);
    for (const auto& row : rows()) {
      for (const std::string& cell : row) writer.cell(cell);
    }
    writer.flush();
  }

  void json(std::ostream& out) {  // decimals as texts: exact
    boost::json::array lines;
    for (const auto& row : rows()) {
      boost::json::object line;
      for (std::size_t i = 0; i < row.size(); ++i) line[kColumns[i].name] = row[i];
      lines.push_back(std::move(line));
    }
    boost::json::object all;
    all["entries_compared"] = entries;
    all["entries_differing"] = differing();
    all["lines"] = std::move(lines);
    out << boost::json::serialize(all) << "\n";
  }

  void table(std::ostream& out) {
    std::vector<std::vector<std::string>> lines{{"user", "carrier", "point", "day", "unit", "published", "known",
                                                 "restated", "difference", "kg published", "kg known", "kg restated",
                                                 "kg difference", "entries", "cause"}};
    for (auto& row : rows()) lines.push_back(std::move(row));
    std::vector<std::size_t> widths(lines.front().size(), 0);
    for (const auto& line : lines) {
      for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
    }
    for (const auto& line : lines) {
      std::string text;
      for (std::size_t i = 0; i < line.size(); ++i) {
        const bool number = i >= 5 && i <= 13;
        text += number ? fmt::format("{:>{}}  ", line[i], widths[i]) : fmt::format("{:<{}}  ", line[i], widths[i]);
      }
      text.erase(text.find_last_not_of(' ') + 1);
      out << text << "\n";
    }
  }

  const model::Site& site_;
  pipeline::Calendar calendar_;
  LocalTime time_;
  std::map<Day, Line> days_;
  std::map<Day, std::string> causes_;
};

Instant read_time(std::string_view option, const std::string& text, const std::string& zone) {
  const auto time = parse_time(text, zone);
  if (!time) {
    throw Refusal(EX_USAGE, fmt::format("{}: '{}' is not a time; write 2026-11-01, 2026-11-01T08:00 or "
                                        "2026-11-01T08:00:00+08:00",
                                        option, text));
  }
  return *time;
}

// One run: everything it needs, in the order in which it is made.
class Restating {
 public:
  Restating(const RestateOptions& options, app::GatewayConfig& config, std::ostream& out, std::ostream& err)
      : options_(options), config_(config), out_(out), err_(err), now_(io::SystemClock().now()) {}

  int run() {
    check_options();
    if (!options_.factor_set.empty()) exchange_factors();
    if (options_.book) {
      // No sink asks here what it still needs: nothing is to be dropped meanwhile.
      config_.store.keep_readings = Duration::max();
      config_.store.size_max = std::uint64_t{1} << 62;
      auto store = store::SqliteStore::open(config_.store, config_.site);
      if (store.has_error()) {
        const bool in_use = store.error().code == boost::system::errc::device_or_resource_busy;
        throw Refusal(in_use ? EX_TEMPFAIL : EX_IOERR, store.error().text);
      }
      store_ = std::move(*store);
      pipeline_.emplace(config_.site, config_.factors, store_->checkpoint());
    }
    history_ = value_of(store::History::open(config_.store.path));
    if (!pipeline_) pipeline_.emplace(config_.site, config_.factors, value_of(history_->checkpoint(config_.site)));

    Report report(config_.site);
    restate(report);
    report.write(out_, options_.format);
    tell(report);
    return 0;
  }

 private:
  void check_options() {
    if (options_.format != "table" && options_.format != "csv" && options_.format != "json") {
      throw Refusal(EX_USAGE, "--format: '" + options_.format + "' is not one of table, csv, json");
    }
    if (options_.book && options_.reason.empty()) {
      throw Refusal(EX_USAGE, "--book needs --reason: it goes into the books with every correction");
    }
    const std::string& zone = config_.site.time_zone;
    pipeline::Calendar calendar(zone);
    from_ = calendar.period(model::Period::quarter_hour, read_time("--from", options_.from, zone)).begin;
    if (!options_.to.empty()) {
      to_ = calendar.period(model::Period::quarter_hour, read_time("--to", options_.to, zone) + 15min - 1ms).begin;
    }
    if (from_ >= to_)
      throw Refusal(EX_USAGE, fmt::format("--from {} is not before --to {}", options_.from, options_.to));
    if (options_.user.empty()) return;
    std::vector<std::string> users;
    for (const model::Account& account : config_.site.accounts) users.push_back(account.user);
    if (std::ranges::find(users, options_.user) == users.end()) {
      throw Refusal(EX_USAGE,
                    "--user: unknown energy user '" + options_.user + "'" + config::suggestion(options_.user, users));
    }
  }

  // As if the configuration named the new set.
  void exchange_factors() {
    const auto equals = options_.factor_set.find('=');
    const std::string with = options_.factor_set.substr(0, equals);
    const std::string old = equals == std::string::npos ? "" : options_.factor_set.substr(equals + 1);
    const config::DataFiles data(options_.config.parent_path());
    const auto known = data.names("factors");
    if (std::ranges::find(known, with) == known.end()) {
      throw Refusal(EX_USAGE, "--factor-set: unknown factor set '" + with + "'" + config::suggestion(with, known));
    }
    std::vector<std::string>& sets = config_.factor_sources.sets;
    if (std::ranges::find(sets, with) == sets.end()) sets.push_back(with);
    config::Problems problems;
    config_.factors = pipeline::FactorRegistry::load(data, config_.factor_sources, config_.site.time_zone, problems);
    if (problems.has_errors()) throw Refusal(EX_CONFIG, problems.to_text());
    for (const model::LiveFactor& live : config_.site.live_factors) {
      const model::Factor& like = live.like;
      config_.factors.declare_live({like.set, like.region, like.method}, like.carrier,
                                   config_.site.points.at(index(live.source)).full_name());
    }
    std::size_t exchanged = 0;
    for (model::Account& account : config_.site.accounts) {
      for (auto* choice : {&account.factor, &account.market}) {
        if (!*choice || (!old.empty() && (*choice)->set != old)) continue;
        const std::string_view carrier = account.carrier->id;
        const auto regions = config_.factors.regions(with, carrier);
        const bool by_region = std::ranges::find(regions, (*choice)->region) != regions.end();
        const auto methods = config_.factors.methods(with, carrier, by_region ? (*choice)->region : "");
        if (std::ranges::find(methods, (*choice)->method) == methods.end()) continue;
        (*choice)->set = with;
        ++exchanged;
      }
    }
    if (exchanged == 0) {
      throw Refusal(EX_USAGE, "--factor-set: no account" + (old.empty() ? "" : " counted by " + old) +
                                  " has a factor of its carrier, region and method in " + with);
    }
    factors_exchanged_ = true;
  }

  bool wanted(model::AccountId account) const {
    return options_.user.empty() || config_.site.accounts.at(model::index(account)).user == options_.user;
  }

  void restate(Report& report) {
    std::vector<app::Window> windows;
    for (const Point& point : config_.site.points) {
      const auto closed_until = pipeline_->counted_until(point.id);
      const bool asked = std::ranges::any_of(config_.site.accounts, [&](const model::Account& account) {
        return account.source == point.id && wanted(account.id);
      });
      if (asked && closed_until) windows.push_back({.point = point.id, .closed_until = *closed_until});
    }
    Instant end = Instant::min();
    for (const app::Window& window : windows) end = std::max(end, window.closed_until);
    end = std::min(end, to_);
    for (Instant slice = from_; slice < end; slice += kSlice) {
      for (std::size_t first = 0; first < windows.size(); first += kPointsAtOnce) {
        std::vector<app::Window> now(
            windows.begin() + static_cast<std::ptrdiff_t>(first),
            windows.begin() + static_cast<std::ptrdiff_t>(std::min(windows.size(), first + kPointsAtOnce)));
        for (app::Window& window : now) {
          window.from = slice;
          window.to = std::min(slice + kSlice, to_);
        }
        restate(now, report);
      }
    }
  }

  void restate(const std::vector<app::Window>& windows, Report& report) {
    app::Recomputation found =
        value_of(app::recompute(*history_, config_.site, config_.factors, config_.repairs, windows, now_));
    std::erase_if(found.differences, [this](const books::Difference& d) { return !wanted(d.account); });
    std::erase_if(found.booked, [this](const model::AccountEntry& e) { return !wanted(e.account); });
    report.add(found, found.differences);
    if (!options_.book) return;
    std::vector<model::Amendment> amendments;
    for (const books::Difference& difference : found.differences) {
      amendments.push_back(difference.amendment);
      std::string& note = amendments.back().correction.correction->note;
      note = options_.reason + " (" + note + ")";
    }
    for (std::span<const model::Amendment> rest(amendments); !rest.empty();) {
      const auto now = rest.first(std::min(rest.size(), app::kAmendmentsPerCommit));
      commit(now);
      rest = rest.subspan(now.size());
    }
  }

  void commit(std::span<const model::Amendment> amendments) {
    const auto rollups = value_of(app::rollups_of(*history_, config_.site, amendments));
    model::Effects effects = pipeline_->correct(amendments, rollups, {});
    asio::io_context loop(1);
    auto done = asio::co_spawn(loop, store_->commit(std::move(effects)), asio::use_future);
    loop.run();
    if (const auto result = done.get(); result.has_error()) refuse(result.error());
    booked_ += amendments.size();
  }

  void tell(Report& report) {
    if (report.out_of_reach != 0) {
      err_ << fmt::format("{} entries before {} stay as they are: their readings are no longer kept\n",
                          report.out_of_reach, report.reach ? report.when(*report.reach) : "that");
    }
    if (report.not_repaired != 0) {
      err_ << fmt::format("{} readings were left out: the right value does not follow from the stored one\n",
                          report.not_repaired);
    }
    const std::size_t differing = report.differing();
    if (differing == 0) {
      err_ << fmt::format("nothing to correct: {} entries agree\n", report.entries);
    } else if (options_.book) {
      err_ << fmt::format("{} corrections booked\n", booked_);
      if (factors_exchanged_) {
        err_ << "the configuration still names the old factor set; change it before the gateway runs again\n";
      }
    } else {
      err_ << fmt::format("{} entries differ; nothing was changed: --book --reason TEXT books the corrections\n",
                          differing);
    }
  }

  const RestateOptions& options_;
  app::GatewayConfig& config_;
  std::ostream& out_;
  std::ostream& err_;
  Instant now_;
  Instant from_{};
  Instant to_ = Instant::max();
  bool factors_exchanged_ = false;
  std::size_t booked_ = 0;
  std::unique_ptr<store::SqliteStore> store_;
  std::unique_ptr<store::History> history_;
  std::optional<pipeline::Pipeline> pipeline_;
};

}  // namespace

int run_restate(const RestateOptions& options, std::ostream& out, std::ostream& err) {
  config::Problems problems;
  app::GatewayConfig config = app::load_config(options.config, problems);
  err << problems.to_text();
  if (problems.has_errors()) return EX_CONFIG;
  if (options.store) config.store.path = *options.store;
  try {
    return Restating(options, config, out, err).run();
  } catch (const Refusal& refusal) {
    err << refusal.what() << "\n";
    return refusal.status;
  }
}

}  // namespace carbongate::cli
