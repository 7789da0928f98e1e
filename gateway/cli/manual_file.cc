#include "gateway/cli/manual_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <map>
#include <string>

#include "config/reader/text.h"
#include "gateway/cli/time_text.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/tables/local_time.h"

namespace carbongate::cli {
namespace {

using config::printable;
using config::suggestion;
using namespace std::chrono_literals;

constexpr std::string_view kHeader = "user,carrier,point,begin,end,amount,unit,note";
constexpr std::string_view kLongHeader = "user,carrier,point,begin,end,amount,unit,note,by,evidence";
enum Field : std::size_t { kUser, kCarrier, kPoint, kBegin, kEnd, kAmount, kUnit, kNote, kBy, kEvidence };
constexpr Duration kStretchMax = 24h * 366;

struct Cell {
  std::string text;
  int column = 1;
};

// nullopt: a quotation mark that is not closed, or not at an end; `column` is its place.
std::optional<std::vector<Cell>> split(std::string_view line, int& column) {
  std::vector<Cell> cells;
  std::size_t at = 0;
  while (true) {
    Cell cell{.text = {}, .column = static_cast<int>(at) + 1};
    column = cell.column;
    if (at < line.size() && line[at] == '"') {
      for (++at;; ++at) {
        if (at >= line.size()) return std::nullopt;
        if (line[at] == '"' && (at + 1 >= line.size() || line[at + 1] != '"')) break;
        if (line[at] == '"') ++at;
        cell.text += line[at];
      }
      ++at;
      if (at < line.size() && line[at] != ',') return std::nullopt;
    } else {
      const auto end = std::min(line.find(',', at), line.size());
      cell.text = line.substr(at, end - at);
      at = end;
    }
    cells.push_back(std::move(cell));
    if (at >= line.size()) return cells;
    ++at;
  }
}

class ManualFile {
 public:
  ManualFile(const std::filesystem::path& file, const app::GatewayConfig& config,
             const std::function<std::optional<Instant>(PointId)>& closed_until, Instant now,
             config::Problems& problems)
      : file_(file.string()),
        config_(config),
        closed_until_(closed_until),
        problems_(problems),
        calendar_(config.site.time_zone),
        time_(config.site.time_zone),
        now_(now) {}

  std::vector<app::ManualEntry> read(std::istream& in) {
    std::string line;
    for (line_ = 1; std::getline(in, line); ++line_) {
      if (!line.empty() && line.back() == '\r') line.pop_back();
      if (line_ == 1) {
        if (line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);  // a byte order mark
        if (line == kHeader || line == kLongHeader) {
          header_ = line == kHeader ? kHeader : kLongHeader;
          continue;
        }
        error(1, fmt::format("'{}' is not the header; it must be {} or {}", printable(line), kHeader, kLongHeader));
        return {};
      }
      if (!line.empty()) read_line(line);
    }
    if (line_ == 1) error(1, fmt::format("empty; the first line must be {}", kHeader));
    return std::move(entries_);
  }

 private:
  void error(int column, std::string text) {
    failed_ = true;
    problems_.error({.file = file_, .line = line_, .column = column}, std::move(text));
  }
  void error(const Cell& cell, std::string text) { error(cell.column, std::move(text)); }

  void read_line(const std::string& line) {
    failed_ = false;
    if (const auto bad = config::find_invalid_text(line)) {
      return error(static_cast<int>(*bad) + 1, "not UTF-8 text, or a control character");
    }
    int column = 1;
    const auto cells = split(line, column);
    if (!cells) return error(column, "a quotation mark that is not closed, or stands within a field");
    const std::size_t fields = header_ == kHeader ? +kBy : kEvidence + 1;
    if (cells->size() != fields) {
      return error(1, fmt::format("{} fields instead of {}: {}", cells->size(), fields, header_));
    }
    app::ManualEntry entry;
    entry.note = (*cells)[kNote].text;
    const model::Account* account = find_account(*cells);
    if (fields > kBy) {
      entry.by = (*cells)[kBy].text;
      entry.evidence = (*cells)[kEvidence].text;
    }
    if (account && is_unmeasured(*account)) check_evidence(*cells, entry);
    read_stretch(*cells, account, entry);
    if (account) read_amount(*cells, *account, entry);
    if (failed_ || !account) return;
    entry.account = account->id;
    check_overlap(*cells, entry);
    entries_.push_back(std::move(entry));
  }

  const model::Account* find_account(const std::vector<Cell>& cells) {
    std::vector<const model::Account*> candidates;
    for (const model::Account& account : config_.site.accounts) candidates.push_back(&account);
    const auto narrow = [&](const Cell& cell, std::string_view what, const auto& name) {
      std::vector<std::string> names;
      for (const model::Account* account : candidates) names.push_back(name(*account));
      std::erase_if(candidates, [&](const model::Account* account) { return name(*account) != cell.text; });
      if (!candidates.empty()) return true;
      std::ranges::sort(names);
      names.erase(std::ranges::unique(names).begin(), names.end());
      error(cell, fmt::format("unknown {} '{}'{}", what, printable(cell.text), suggestion(cell.text, names)));
      return false;
    };
    const bool found = narrow(cells[kUser], "energy user", [](const model::Account& a) { return a.user; }) &&
                       narrow(cells[kCarrier], "carrier of this user",
                              [](const model::Account& a) { return std::string(a.carrier->id); }) &&
                       narrow(cells[kPoint], "point of this user and carrier", [&](const model::Account& a) {
                         return config_.site.points.at(index(a.source)).full_name();
                       });
    if (!found) return nullptr;
    const model::Account& account = *candidates.front();
    for (const auto& choice : {account.factor, account.market}) {
      if (!choice || !config_.factors.is_live(*choice, *account.carrier)) continue;
      error(cells[kPoint], "its factors are heard from a point ('" + choice->set + "'); what is typed in has none");
      break;
    }
    return &account;
  }

  bool is_unmeasured(const model::Account& account) const {
    return app::is_measured_by_nothing(config_, account.source);
  }

  // Of such an amount nothing else tells where it comes from.
  void check_evidence(const std::vector<Cell>& cells, const app::ManualEntry& entry) {
    if (header_ == kHeader) {
      error(cells[kPoint],
            fmt::format("nothing measures it: who says so, and by what evidence, belongs to the entry; the "
                        "header then is {}",
                        kLongHeader));
    } else if (entry.by.empty() || entry.evidence.empty()) {
      error(cells[entry.by.empty() ? kBy : kEvidence], "nothing measures it: write who enters it, and the evidence");
    }
  }

  std::optional<Instant> read_time(const Cell& cell) {
    const auto time = parse_time(cell.text, config_.site.time_zone);
    if (!time) {
      error(cell, fmt::format("'{}' is not a time; write 2026-03-01, 2026-03-01T08:00 or 2026-03-01T08:00:00+08:00",
                              printable(cell.text)));
    } else if (calendar_.period(model::Period::quarter_hour, *time).begin != *time) {
      error(cell, fmt::format("'{}' is not a quarter hour; a stretch consists of whole ones", printable(cell.text)));
      return std::nullopt;
    }
    return time;
  }

  void read_stretch(const std::vector<Cell>& cells, const model::Account* account, app::ManualEntry& entry) {
    const auto begin = read_time(cells[kBegin]);
    const auto end = read_time(cells[kEnd]);
    if (!begin || !end) return;
    entry.begin = *begin;
    entry.end = *end;
    if (*end <= *begin) return error(cells[kEnd], "not after 'begin'");
    if (*end - *begin > kStretchMax) return error(cells[kEnd], "more than a year after 'begin'");
    if (!account) return;
    const auto closed = is_unmeasured(*account) ? std::optional(now_) : closed_until_(account->source);
    if (!closed) return error(cells[kPoint], "has not been read yet: there is nothing to correct");
    if (*end > *closed && is_unmeasured(*account)) return error(cells[kEnd], "lies in the future");
    if (*end > *closed) {
      error(cells[kEnd], fmt::format("not closed yet: '{}' is counted up to {}", cells[kPoint].text, time_(*closed)));
    }
  }

  void read_amount(const std::vector<Cell>& cells, const model::Account& account, app::ManualEntry& entry) {
    const std::string& text = cells[kAmount].text;
    double number = 0;
    const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = code == std::errc() && stop == text.data() + text.size() && std::isfinite(number);
    if (!is_number) error(cells[kAmount], fmt::format("'{}' is not a number such as 12500.5", printable(text)));
    if (is_number && number < 0) {
      error(cells[kAmount], fmt::format("{} is below zero: write the true amount of the stretch, not the difference; "
                                        "what left the site is an account of its own",
                                        text));
    }
    const auto unit = find_unit(cells[kUnit].text);
    if (!unit || unit->dimension != account.carrier->dimension) {
      std::vector<std::string> fitting;
      for (const Unit& known : all_units()) {
        if (known.dimension == account.carrier->dimension) fitting.emplace_back(known.symbol);
      }
      error(cells[kUnit], fmt::format("'{}' is no unit of {}{}", printable(cells[kUnit].text), account.carrier->id,
                                      suggestion(cells[kUnit].text, fitting)));
      return;
    }
    if (!is_number || number < 0) return;
    const auto amount = model::to_activity(number, *unit, *account.carrier);
    if (!amount) return error(cells[kAmount], "is more than the books can hold");
    entry.amount = *amount;
  }

  void check_overlap(const std::vector<Cell>& cells, const app::ManualEntry& entry) {
    auto& others = stretches_[entry.account];
    for (const auto& [other, line] : others) {
      if (other.begin >= entry.end || entry.begin >= other.end) continue;
      error(cells[kBegin], fmt::format("overlaps the stretch of line {}: one amount for each time", line));
      break;
    }
    others.emplace_back(pipeline::Span{entry.begin, entry.end}, line_);
  }

  std::string file_;
  const app::GatewayConfig& config_;
  const std::function<std::optional<Instant>(PointId)>& closed_until_;
  config::Problems& problems_;
  pipeline::Calendar calendar_;
  tables::LocalTime time_;
  Instant now_;
  std::string_view header_ = kHeader;
  int line_ = 1;
  bool failed_ = false;  // of the present line
  std::vector<app::ManualEntry> entries_;
  std::map<model::AccountId, std::vector<std::pair<pipeline::Span, int>>> stretches_;
};

}  // namespace

std::optional<std::vector<app::ManualEntry>> read_manual_file(
    const std::filesystem::path& file, const app::GatewayConfig& config,
    const std::function<std::optional<Instant>(PointId)>& closed_until, Instant now, config::Problems& problems) {
  std::ifstream in(file, std::ios::binary);
  if (!in || in.peek() == std::ifstream::traits_type::eof()) {
    if (!in.is_open() || in.bad()) return std::nullopt;
    in.clear();
  }
  return ManualFile(file, config, closed_until, now, problems).read(in);
}

}  // namespace carbongate::cli
