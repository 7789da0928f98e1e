#include "gateway/cli/platforms.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <ostream>
#include <set>
#include <vector>

#include "config/reader/node.h"
#include "config/reader/text.h"
#include "gateway/app/offline_config.h"
#include "gateway/cli/fault_status.h"
#include "gateway/cli/page.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/sinks/energy_platform/config.h"
#include "gateway/sinks/energy_platform/enrolment.h"
#include "gateway/store/history.h"
#include "gateway/store/sink_progress.h"
#include "gateway/tables/local_time.h"
#include "gateway/tables/table_writer.h"
#include "protocols/io/system_clock.h"

namespace carbongate::cli {
namespace {

namespace json = boost::json;
namespace codec = carbongate::energy_platform;
namespace platform = sinks::energy_platform;
using namespace std::chrono_literals;
using Column = tables::TableWriter::Column;
using Type = tables::TableWriter::Type;

constexpr int kDaysMax = 366;
constexpr double kEnough = 0.9;

constexpr auto kColumns = std::to_array<Column>({{"sink"},
                                                 {"day"},
                                                 {"code"},
                                                 {"user"},
                                                 {"point"},
                                                 {"due", Type::number},
                                                 {"counted", Type::number},
                                                 {"watched", Type::number},
                                                 {"delivered", Type::number},
                                                 {"delivered_percent", Type::number},
                                                 {"remark"},
                                                 {"as_of"}});

// As they were read with the whole configuration, without a problem.
std::vector<platform::Config> platforms_of(const std::filesystem::path& file) {
  config::Problems problems;
  const config::Node root = config::parse_file(file, problems);
  std::vector<platform::Config> platforms;
  const config::Node* sinks = root.find("sinks");
  if (!sinks || !sinks->is_sequence()) return platforms;
  for (const config::Node& item : sinks->items()) {
    config::Reader in(item, problems);
    if (in.value_or("type", "") == "energy-platform") platforms.push_back(platform::Config::from(in, root));
  }
  return platforms;
}

struct Tally {
  std::set<Instant> counted;
  std::set<Instant> watched;
  std::set<Instant> delivered;
};

// Of one account and day; the days by their begin.
using Tallies = std::map<std::pair<std::string, std::string>, std::map<Instant, Tally>>;

model::Result<Tallies> tallies_of(store::History& history, const store::SinkProgress& progress,
                                  pipeline::Calendar& calendar, Instant from) {
  Tallies tallies;
  const auto read =
      history.each(store::History::What::rollups, {.from = from, .to = {}}, [&](const model::StoredRow& row) {
        const auto& rollup = row.body.get<model::RollupRow>();
        if (rollup.period != model::Period::quarter_hour || row.sequence == 0) return true;
        const Instant day = calendar.period(model::Period::day, rollup.begin).begin;
        Tally& tally = tallies[{row.series->user, row.series->device + "." + row.series->point}][day];
        tally.counted.insert(rollup.begin);
        const bool is_watched = static_cast<double>(rollup.covered.count()) >=
                                kEnough * static_cast<double>((rollup.end - rollup.begin).count());
        if (is_watched) tally.watched.insert(rollup.begin);
        if (progress.is_delivered(row.sequence)) tally.delivered.insert(rollup.begin);
        return true;
      });
  if (read.has_error()) return read.error();
  return tallies;
}

std::string member(const json::value& value, std::string_view name) {
  const json::value* found = value.is_object() ? value.get_object().if_contains(name) : nullptr;
  if (!found) return {};
  return found->is_string() ? std::string(found->get_string()) : json::serialize(*found);
}

json::value kept_of(const store::SinkProgress& progress, const char* name) {
  const auto kept = progress.kept.find(name);
  boost::system::error_code error;
  json::value value = kept == progress.kept.end() ? json::value() : json::parse(kept->second, error);
  return error ? json::value() : value;
}

void gather_texts(const json::value& value, std::set<std::string, std::less<>>& texts) {
  if (value.is_string()) texts.emplace(value.get_string());
  if (value.is_object()) {
    for (const auto& member : value.get_object()) gather_texts(member.value(), texts);
  }
  if (value.is_array()) {
    for (const json::value& element : value.get_array()) gather_texts(element, texts);
  }
}

// How a dictionary is built differs; a type of energy that is nowhere in it is one that the platform does not know.
std::string unknown_codes(const platform::Config& config, const json::value& dictionary) {
  std::set<std::string, std::less<>> texts;
  gather_texts(dictionary, texts);
  std::string unknown;
  for (const platform::Item& item : config.items) {
    if (texts.empty() || texts.contains(item.code.energy_type())) continue;
    unknown += (unknown.empty() ? "" : ", ") + std::string(item.code.energy_type()) + " of " + item.code.text(true);
  }
  return unknown;
}

void write_state(const platform::Config& config, const store::SinkProgress& progress, std::uint64_t last, Page& page) {
  page.section(fmt::format("{}  {} ({})", config.name, config.where, config.dialect.name));
  const json::value registration = kept_of(progress, platform::Enrolment::kRegistrationName);
  const json::value state = kept_of(progress, platform::Enrolment::kStateName);
  const std::string device = member(registration, "deviceId");
  page.field("device", device.empty() ? "not registered yet" : device);
  page.field("enterprise, region", config.enterprise_code + ", " + config.region);
  if (!device.empty()) {
    const std::string slot = member(registration, "uploadTime");
    page.field("days from", slot.empty() ? "(not assigned: upload_time of the configuration)" : slot);
    page.field("dictionary", "version " + member(state, "dicVersion"));
    page.field("configuration told", "version " + member(state, "regVersion") + ", " + member(state, "at"));
    const json::value* urls = registration.get_object().if_contains("urls");
    for (std::size_t i = 0; urls && i < codec::kOperationCount; ++i) {
      const std::string_view name = to_string(static_cast<codec::Operation>(i));
      const std::string url = member(*urls, name);
      page.field(name, url.empty() ? "-" : config::printable(url));
    }
  }
  const std::string unknown = unknown_codes(config, kept_of(progress, platform::Enrolment::kDictionaryName));
  if (!unknown.empty()) page.field("not in the dictionary", unknown);
  page.field("rows that wait", std::to_string(last - std::min(last, progress.settled)));
  page.field("refused for good", std::to_string(progress.rejected));
}

using Line = std::vector<std::string>;

class Completeness {
 public:
  Completeness(const model::Site& site, Instant now, int days)
      : calendar_(site.time_zone), time_(site.time_zone), now_(now) {
    Instant day = calendar_.period(model::Period::day, now).begin;
    for (int i = 0; i < days; ++i) {
      days_.push_back(day);
      day = calendar_.period(model::Period::day, day - 1h).begin;
    }
    std::ranges::reverse(days_);
  }
  Instant from() const { return days_.front(); }
  pipeline::Calendar& calendar() { return calendar_; }

  std::vector<Line> lines_of(const platform::Config& config, const Tallies& tallies) {
    std::vector<Line> lines;
    for (const platform::Item& item : config.items) {
      if (std::ranges::find(item.periods, codec::StatType::real_time) == item.periods.end()) continue;
      const auto found = tallies.find({item.user, item.point});
      for (const Instant day : days_) {
        const Tally tally = found != tallies.end() && found->second.contains(day) ? found->second.at(day) : Tally();
        lines.push_back(line_of(config, item, day, tally));
      }
    }
    return lines;
  }

 private:
  Line line_of(const platform::Config& config, const platform::Item& item, Instant day, const Tally& tally) {
    const Instant end = std::min(calendar_.period(model::Period::day, day).end, now_);
    const auto due = static_cast<std::size_t>((end - day) / 15min);
    const double share = due == 0 ? 1.0 : static_cast<double>(tally.delivered.size()) / static_cast<double>(due);
    std::string remark;
    if (share < kEnough) {
      remark =
          tally.counted.size() < due && tally.delivered.size() == tally.counted.size() ? "not read" : "not delivered";
    } else if (static_cast<double>(tally.watched.size()) < kEnough * static_cast<double>(due)) {
      remark = "not watched";
    }
    return {config.name,
            time_(day).substr(0, 10),
            item.code.text(config.dialect.dashes),
            item.user,
            item.point,
            std::to_string(due),
            std::to_string(tally.counted.size()),
            std::to_string(tally.watched.size()),
            std::to_string(tally.delivered.size()),
            fmt::format("{:.1f}", share * 100),
            remark};
  }

  pipeline::Calendar calendar_;
  tables::LocalTime time_;
  Instant now_;
  std::vector<Instant> days_;  // their begin
};

int failed(const model::Fault& fault, std::ostream& err) {
  err << fault.text << "\n";
  return status_of(fault);
}

int write_dictionary(const std::string& sink, const std::vector<platform::Config>& platforms,
                     const std::filesystem::path& store, std::ostream& out, std::ostream& err) {
  std::vector<std::string> names;
  for (const platform::Config& config : platforms) names.push_back(config.name);
  if (std::ranges::find(names, sink) == names.end()) {
    err << fmt::format("--dictionary: there is no sink '{}' of type energy-platform{}\n", config::printable(sink),
                       config::suggestion(sink, names));
    return EX_DATAERR;
  }
  const auto progress = store::sink_progress(store, sink);
  if (!progress) return failed(progress.error(), err);
  const auto dictionary = progress->kept.find(platform::Enrolment::kDictionaryName);
  if (dictionary == progress->kept.end()) {
    err << fmt::format("{} has delivered no dictionary yet\n", sink);
    return EX_DATAERR;
  }
  out << dictionary->second << "\n";
  return 0;
}

void write_table(const std::vector<Line>& lines, Page& page) {
  if (lines.empty()) return;
  std::vector<Page::Column> columns{{"day"},           {"code"},
                                    {"user"},          {"point"},
                                    {"due", true},     {"counted", true},
                                    {"watched", true}, {"delivered", true},
                                    {"%", true},       {""}};
  std::vector<Line> cells;
  for (const Line& line : lines) cells.emplace_back(line.begin() + 1, line.end());
  page.line("");
  page.table(columns, cells);
}

}  // namespace

int run_platforms(const PlatformsOptions& options, std::ostream& out, std::ostream& err, Instant now) {
  const std::vector<std::string> formats{"table", "csv", "jsonl"};
  if (std::ranges::find(formats, options.format) == formats.end()) {
    err << fmt::format("--format: '{}' is not one of table, csv, jsonl\n", config::printable(options.format));
    return EX_USAGE;
  }
  if (options.days < 1 || options.days > kDaysMax) {
    err << fmt::format("--days: 1 to {}\n", kDaysMax);
    return EX_USAGE;
  }
  config::Problems problems;
  const app::GatewayConfig config = app::load_offline_config(options.config, problems);
  err << problems.to_text();
  if (problems.has_errors()) return EX_CONFIG;
  const std::filesystem::path store = options.store.empty() ? config.store.path : options.store;
  const std::vector<platform::Config> platforms = platforms_of(options.config);
  if (!options.dictionary.empty()) return write_dictionary(options.dictionary, platforms, store, out, err);
  if (platforms.empty()) {
    err << "no sink is of type energy-platform\n";
    return 0;
  }
  auto history = store::History::open(store);
  if (!history) return failed(history.error(), err);
  const auto last = (*history)->last_sequence();
  if (!last) return failed(last.error(), err);
  Completeness completeness(config.site, now, options.days);
  const auto written = store::written_at(store);
  if (!written) return failed(written.error(), err);
  const std::string as_of = tables::LocalTime(config.site.time_zone)(*written);
  Page page;
  page.line(fmt::format("As of {}, when the store was last written to, {} s ago.", as_of,
                        std::chrono::floor<std::chrono::seconds>(std::max(now - *written, Duration(0))).count()));
  page.line("Of what was delivered since then, a running gateway tells with its next commit, within a minute.");
  std::vector<Line> all;
  for (const platform::Config& each : platforms) {
    auto progress = store::sink_progress(store, each.name);
    if (!progress) return failed(progress.error(), err);
    for (const char* queue : {"-days", "-months"}) {  // dead letters of all three
      const auto companion = store::sink_progress(store, each.name + queue);
      if (!companion) return failed(companion.error(), err);
      progress->rejected += companion->rejected;
    }
    const auto tallies = tallies_of(**history, *progress, completeness.calendar(), completeness.from());
    if (!tallies) return failed(tallies.error(), err);
    const std::vector<Line> lines = completeness.lines_of(each, *tallies);
    write_state(each, *progress, *last, page);
    write_table(lines, page);
    all.insert(all.end(), lines.begin(), lines.end());
  }
  if (options.format == "table") {
    out << std::move(page).text();
  } else {
    const auto format = options.format == "csv" ? tables::TableWriter::Format::csv : tables::TableWriter::Format::jsonl;
    tables::TableWriter writer(out, format, kColumns);
    for (const Line& line : all) {
      for (const std::string& cell : line) writer.cell(cell);
      writer.cell(as_of);
    }
    writer.flush();
  }
  out.flush();
  if (out) return 0;
  err << "standard output: cannot be written\n";
  return EX_IOERR;
}

int run_platforms(const PlatformsOptions& options, std::ostream& out, std::ostream& err) {
  return run_platforms(options, out, err, io::SystemClock().now());
}

}  // namespace carbongate::cli
