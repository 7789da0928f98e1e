#include "gateway/cli/export.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <ostream>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "config/reader/problem.h"
#include "config/reader/reader.h"
#include "gateway/cli/export_ledger.h"
#include "gateway/cli/export_rows.h"
#include "gateway/cli/export_slots.h"
#include "gateway/cli/fault_status.h"
#include "gateway/cli/output_file.h"
#include "gateway/cli/time_text.h"
#include "gateway/store/history.h"

namespace carbongate::cli {
namespace {

using What = store::History::What;

constexpr std::size_t kRowsPerProgress = 20'000;

// In the order of What; the last two are none: entries that correct others, and the ledger.
constexpr std::array<std::string_view, 8> kWhats{"readings", "intervals", "entries",     "rollups",
                                                 "alerts",   "reports",   "corrections", "ledger"};
constexpr std::size_t kCorrections = 6;
constexpr std::size_t kLedger = 7;
constexpr std::array<std::string_view, 2> kFormats{"csv", "jsonl"};  // in the order of Format

std::span<const tables::TableWriter::Column> columns_of(What what) {
  switch (what) {
    case What::readings: return tables::columns_of(tables::Kind::readings);
    case What::intervals: return tables::columns_of(tables::Kind::intervals);
    case What::entries: return tables::columns_of(tables::Kind::entries);
    case What::rollups: return tables::columns_of(tables::Kind::rollups);
    case What::alerts: return tables::columns_of(tables::Kind::alerts);
    case What::reports: return tables::columns_of(tables::Kind::reports);
  }
  return {};
}

class BadOption : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <std::size_t N>
std::size_t one_of(std::string_view option, const std::string& word, const std::array<std::string_view, N>& known) {
  for (std::size_t i = 0; i < N; ++i) {
    if (known[i] == word) return i;
  }
  const std::vector<std::string> words(known.begin(), known.end());
  throw BadOption(fmt::format("{}: '{}' is not one of {}{}", option, word, fmt::join(known, ", "),
                              config::nearest(word, words).empty() ? "" : config::suggestion(word, words)));
}

std::optional<Instant> read_time(std::string_view option, const std::string& text, const std::string& zone) {
  if (text.empty()) return std::nullopt;
  const auto time = parse_time(text, zone);
  if (!time) {
    throw BadOption(fmt::format(
        "{}: '{}' is not a time; write 2026-11-01, 2026-11-01T08:00 or 2026-11-01T08:00:00+08:00", option, text));
  }
  return time;
}

// What was asked for, understood.
struct Request {
  What what{};
  bool corrections_only = false;
  bool ledger = false;  // instead of `what`
  tables::TableWriter::Format format{};
  store::History::Range range;
  tables::LocalTime time;
  std::optional<Duration> every = {};
};

constexpr Duration kSlotMin = std::chrono::seconds(1);
constexpr Duration kSlotMax = std::chrono::hours(24 * 366);

std::optional<Duration> read_slot(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto length = config::parse_duration(text);
  if (!length || *length < kSlotMin || *length > kSlotMax) {
    throw BadOption(fmt::format("--every: '{}' is not a length of 1s to 366d; write 30s, 15min or 1h", text));
  }
  return *length;
}

// Which series were asked for, and which of what was asked for there is.
class PointChoice {
 public:
  explicit PointChoice(const std::vector<std::string>& names) : names_(names), found_(names.size()) {}

  bool wants(const model::Series& series) {
    known_.push_back(series.device + "/" + series.point);
    if (names_.empty()) return true;
    bool wanted = false;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (names_[i] != known_.back() && names_[i] != series.device + "." + series.point) continue;
      found_[i] = wanted = true;
    }
    return wanted;
  }
  // What there is nothing of; empty: all was found.
  std::string complaint() const {
    const auto missing = std::ranges::find(found_, false);
    if (missing == found_.end()) return {};
    const std::string& name = names_[static_cast<std::size_t>(missing - found_.begin())];
    return fmt::format("--point: the store has no point '{}'{}", name,
                       config::nearest(name, known_).empty() ? "" : config::suggestion(name, known_));
  }

 private:
  const std::vector<std::string>& names_;
  std::vector<bool> found_;
  std::vector<std::string> known_;
};

tables::LocalTime zone_of(const std::string& name) {
  try {
    return tables::LocalTime(name);
  } catch (const std::runtime_error&) {
    throw BadOption(fmt::format("'{}' is not a time zone known here; write an IANA name such as Asia/Shanghai", name));
  }
}

Request understand(const ExportOptions& options) {
  const std::string zone = options.time_zone.empty() ? "UTC" : options.time_zone;
  const std::size_t what = one_of("--what", options.what, kWhats);
  Request request{.what = what == kCorrections ? What::entries : static_cast<What>(what),
                  .corrections_only = what == kCorrections,
                  .ledger = what == kLedger,
                  .format = static_cast<tables::TableWriter::Format>(one_of("--format", options.format, kFormats)),
                  .range = {},
                  .time = zone_of(zone)};
  request.range = {read_time("--from", options.from, zone), read_time("--to", options.to, zone)};
  if (request.range.from && request.range.to && *request.range.from >= *request.range.to) {
    throw BadOption(fmt::format("--from {} is not before --to {}; the end is not included", options.from, options.to));
  }
  request.every = read_slot(options.every);
  if ((request.every || !options.points.empty()) && options.what != kWhats.front()) {
    throw BadOption("--point and --every are for --what readings");
  }
  return request;
}

// How far it has come, for people who watch.
class Progress {
 public:
  explicit Progress(std::ostream& err) : err_(err), shown_(isatty(STDERR_FILENO) != 0) {}
  ~Progress() {
    if (shown_) err_ << "\r\x1b[K" << std::flush;
  }
  void say(std::string_view text) {
    if (shown_) err_ << "\r\x1b[K" << text << std::flush;
  }
  void row() {
    if (++rows_ % kRowsPerProgress == 0) say(fmt::format("{} rows", rows_));
  }

 private:
  std::ostream& err_;
  bool shown_;
  std::size_t rows_ = 0;
};

int write_rows(store::History& history, const ExportOptions& options, Request& request, std::ostream& out,
               const std::string& name, std::ostream& err) {
  Progress progress(err);
  tables::TableWriter writer(out, request.format, request.every ? slot_columns() : columns_of(request.what));
  RowExport rows(writer, request.time);
  SlotExport slots(writer, request.time, request.every.value_or(kSlotMax));
  const auto visit = [&](const model::StoredRow& row) {
    const auto* entry = row.body.get_if<model::EmissionEntry>();
    if (request.every) {
      slots.add(*row.series, row.body.get<model::JudgedReading>());
    } else if (!request.corrections_only || (entry && entry->correction)) {
      rows.write(row);
    }
    progress.row();
    return writer.good();
  };
  PointChoice choice(options.points);
  model::Result<void> result;
  if (request.what == What::readings) {
    progress.say("sorting readings by time");
    result =
        history.each_reading(request.range, [&](const model::Series& series) { return choice.wants(series); }, visit);
  } else {
    result = history.each(request.what, request.range, visit);
  }
  if (result.has_error()) {
    progress.say("");
    err << result.error().text << "\n";
    return status_of(result.error());
  }
  if (const std::string complaint = choice.complaint(); !complaint.empty()) throw BadOption(complaint);
  rows.finish();
  slots.finish();
  errno = 0;
  if (writer.good() && writer.flush()) return 0;
  progress.say("");
  err << fmt::format("{}: cannot be written{}{}\n", name, errno ? ": " : "", errno ? std::strerror(errno) : "");
  return EX_IOERR;
}

int export_ledger(const ExportOptions& options, const Request& request, std::ostream& out, std::ostream& err) {
  const auto format =
      request.format == tables::TableWriter::Format::csv ? ledger::TextFormat::csv : ledger::TextFormat::jsonl;
  return write_output(options.output, out, err, [&](std::ostream& stream, const std::string& name) {
    return write_ledger(options.store, format, {request.range.from, request.range.to}, stream, name, err);
  });
}

}  // namespace

int run_export(const ExportOptions& options, std::ostream& out, std::ostream& err) {
  try {
    Request request = understand(options);
    if (request.ledger) return export_ledger(options, request, out, err);
    auto history = store::History::open(options.store);
    if (history.has_error()) {
      err << history.error().text << "\n";
      return status_of(history.error());
    }
    return write_output(options.output, out, err, [&](std::ostream& stream, const std::string& name) {
      return write_rows(**history, options, request, stream, name, err);
    });
  } catch (const std::runtime_error& error) {
    err << error.what() << "\n";
    return EX_DATAERR;
  }
}

}  // namespace carbongate::cli
