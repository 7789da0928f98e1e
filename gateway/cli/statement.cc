#include "gateway/cli/statement.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <ostream>
#include <set>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "config/reader/data_files.h"
#include "config/reader/problem.h"
#include "gateway/app/offline_config.h"
#include "gateway/books/statement.h"
#include "gateway/cli/fault_status.h"
#include "gateway/cli/output_file.h"
#include "gateway/cli/statement_text.h"
#include "gateway/pipeline/former_factors.h"
#include "gateway/store/history.h"
#include "gateway/store/series_table.h"

namespace carbongate::cli {
namespace {

using model::Period;

class BadOption : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

std::size_t one_of(std::string_view option, const std::string& word, std::initializer_list<std::string_view> known) {
  const auto found = std::ranges::find(known, word);
  if (found != known.end()) return static_cast<std::size_t>(found - known.begin());
  const std::vector<std::string> words(known.begin(), known.end());
  throw BadOption(fmt::format("{}: '{}' is not one of {}{}", option, word, fmt::join(known, ", "),
                              config::nearest(word, words).empty() ? "" : config::suggestion(word, words)));
}

// "2026-11" is {2026, 11}; nullopt: not numbers joined by '-', of 4, 2 and 2 digits.
std::optional<std::vector<unsigned>> numbers_of(std::string_view text) {
  std::vector<unsigned> numbers;
  for (const std::size_t digits : {4, 2, 2}) {
    if (!numbers.empty()) {
      if (!text.starts_with('-')) return std::nullopt;
      text.remove_prefix(1);
    }
    unsigned number = 0;
    const char* end = text.data() + std::min(digits, text.size());
    const auto [stop, code] = std::from_chars(text.data(), end, number);
    if (text.size() < digits || code != std::errc() || stop != end) return std::nullopt;
    numbers.push_back(number);
    text.remove_prefix(digits);
    if (text.empty()) return numbers;
  }
  return std::nullopt;
}

pipeline::Span span_of(Period period, const std::string& of, const std::string& time_zone) {
  static constexpr std::array<std::string_view, 3> kExamples{"2026-11-28", "2026-11", "2026"};
  const std::size_t parts = period == Period::day ? 3 : period == Period::month ? 2 : 1;
  const auto numbers = numbers_of(of);
  const auto number = [&](std::size_t i) { return i < numbers->size() ? (*numbers)[i] : 1; };
  if (!numbers || numbers->size() != parts || number(0) < 1970 ||
      !std::chrono::year_month_day(std::chrono::year(static_cast<int>(number(0))), std::chrono::month(number(1)),
                                   std::chrono::day(number(2)))
           .ok()) {
    throw BadOption(fmt::format("--of: '{}' is not a {}; write {}", of, to_string(period), kExamples[3 - parts]));
  }
  pipeline::Calendar calendar(time_zone);
  return calendar.period(period, calendar.begin_of_day(static_cast<int>(number(0)), number(1), number(2)));
}

// What was asked for, understood.
struct Request {
  Period period{};
  std::string by;
  books::By cut{};
  std::string format;
  bool zh = false;
};

Request understand(const StatementOptions& options) {
  static constexpr std::array kPeriods{Period::day, Period::month, Period::year};
  static constexpr std::array kCuts{books::By::user, books::By::scope, books::By::carrier, books::By::scope};
  Request request{.period = kPeriods[one_of("--period", options.period, {"day", "month", "year"})],
                  .by = options.by,
                  .cut = kCuts[one_of("--by", options.by, {"user", "scope", "carrier", "gas"})],
                  .format = options.format,
                  .zh = one_of("--lang", options.lang, {"en", "zh"}) == 1};
  one_of("--format", options.format, {"csv", "json", "table"});
  if (request.zh && options.format == "json") {
    throw BadOption("--lang: JSON has the same names in every language; take csv or table");
  }
  return request;
}

// Lines of one user alone, cut as those of the site would be.
std::vector<books::Line> of_user(std::vector<books::Line> lines, const std::string& user, const Request& request) {
  std::erase_if(lines, [&](const books::Line& line) {
    if (line.user != user) return true;
    if (line.level == books::Level::user || request.cut == books::By::user) return false;
    return line.level != (request.cut == books::By::carrier ? books::Level::carrier : books::Level::scope);
  });
  return lines;
}

int explain(const model::Fault& fault, std::ostream& err) {
  err << fault.text << "\n";
  return status_of(fault);
}

int state(const app::GatewayConfig& config, const std::filesystem::path& directory, const StatementOptions& options,
          const Request& request, std::ostream& out, std::ostream& err) {
  const pipeline::Span span = span_of(request.period, options.of, config.site.time_zone);
  const auto history = store::History::open(options.store.empty() ? config.store.path : options.store);
  if (history.has_error()) return explain(history.error(), err);

  books::Statement statement(span);
  std::set<std::string> users;
  std::set<std::string> others;  // that lines of the one asked for need
  for (const model::Comparison& comparison : config.site.comparisons) {
    statement.compare(comparison);
    if (comparison.measured_by == options.user) {
      others.insert(comparison.calculated_of.begin(), comparison.calculated_of.end());
    }
  }
  for (const model::Containment& containment : config.site.containments) {
    statement.contain(containment);
    if (containment.of == options.user) others.insert(containment.user);
  }
  const auto wanted = [&](const std::string& user) {
    return options.user.empty() || user == options.user || others.contains(user);
  };
  for (const model::Account& account : config.site.accounts) {
    users.insert(account.user);
    if (wanted(account.user)) {
      statement.expect(store::describe(config.site, account), model::is_own_supply(account));
    }
  }
  const auto checkpoint = (*history)->checkpoint(config.site);
  if (checkpoint.has_error()) return explain(checkpoint.error(), err);
  for (const model::Account& account : config.site.accounts) {
    const auto& open =
        checkpoint->accounts.at(model::index(account.id)).open[static_cast<std::size_t>(Period::quarter_hour)];
    const bool within = open && span.begin <= open->begin && open->begin < span.end;
    if (within && open->has_counted() && wanted(account.user)) {
      statement.leave_open(store::describe(config.site, account), open->begin);
    }
  }
  const auto read =
      (*history)->each(store::History::What::entries, {span.begin, span.end}, [&](const model::StoredRow& row) {
        if (wanted(row.series->user)) {
          statement.add(row.series, row.body.get<model::EmissionEntry>());
        }
        return true;
      });
  if (read.has_error()) return explain(read.error(), err);

  auto lines = statement.lines(options.user.empty() ? request.cut : books::By::user);
  if (!options.user.empty()) lines = of_user(std::move(lines), options.user, request);
  if (lines.empty()) {
    throw BadOption(fmt::format("--user: there is no energy user '{}'{}", options.user,
                                config::suggestion(options.user, std::vector(users.begin(), users.end()))));
  }
  const config::DataFiles data(directory);
  const auto former = [&](std::string_view id, std::string_view version) {
    return pipeline::find_former(data, config.factors.gwp(), config.site.time_zone, id, version);
  };
  const StatementContext context(config, former, request.period, span);
  const StatementText text{context, lines, request.period, request.zh};
  return write_output(options.output, out, err, [&](std::ostream& stream, const std::string& name) {
    stream << (request.by == "gas"        ? statement_by_gas(text, request.format)
               : request.format == "csv"  ? statement_csv(text)
               : request.format == "json" ? statement_json(text)
                                          : statement_table(text));
    errno = 0;
    if (stream.flush()) return 0;
    err << fmt::format("{}: cannot be written{}{}\n", name, errno ? ": " : "", errno ? std::strerror(errno) : "");
    return EX_IOERR;
  });
}

}  // namespace

int run_statement(const app::GatewayConfig& site, const std::filesystem::path& directory,
                  const StatementOptions& options, std::ostream& out, std::ostream& err) {
  try {
    const Request request = understand(options);
    return state(site, directory, options, request, out, err);
  } catch (const std::runtime_error& error) {
    err << error.what() << "\n";
    return EX_DATAERR;
  }
}

int run_statement(const std::filesystem::path& config, const StatementOptions& options, std::ostream& out,
                  std::ostream& err) {
  try {
    understand(options);  // said before what may be wrong with the configuration
  } catch (const std::runtime_error& error) {
    err << error.what() << "\n";
    return EX_DATAERR;
  }
  config::Problems problems;
  const app::GatewayConfig site = app::load_offline_config(config, problems);
  if (problems.has_errors()) {
    err << problems.to_text();
    return EX_CONFIG;
  }
  return run_statement(site, config.parent_path(), options, out, err);
}

}  // namespace carbongate::cli
