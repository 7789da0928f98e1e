// Resources of the past: what the store tells, and what the commands of the program write.
#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <chrono>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "gateway/ops/download.h"
#include "gateway/ops/history_json.h"
#include "gateway/ops/json.h"
#include "gateway/ops/problem.h"
#include "gateway/ops/routes.h"
#include "gateway/store/acknowledgement.h"

namespace carbongate::ops {

namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

constexpr Duration kReadingsMost = 24h * 400;  // asked for at once
constexpr Duration kCoverageMost = 24h * 400;

std::optional<Instant> time_of(const Context& context, const Request& request, std::string_view key) {
  const std::string* text = request.find(key);
  if (!text || text->empty()) return std::nullopt;
  const auto at = context.documents.parse_time(*text);
  if (!at) {
    throw Refusal{400, std::string(key) + ": '" + *text + "' is no time; write 2026-11-01 or 2026-11-01T08:00:00Z"};
  }
  return at;
}

// Until now, and from so long before, if nothing else is asked for.
std::pair<Instant, Instant> stretch_of(const Context& context, const Request& request, Duration usual) {
  const Instant until = time_of(context, request, "until").value_or(context.facts.now() + 1s);
  const Instant from = time_of(context, request, "from").value_or(until - usual);
  if (from >= until) throw Refusal{400, "from: it is not before `until`, which is not included"};
  return {from, until};
}

std::optional<model::Scope> scope_of(const Request& request) {
  if (!request.find("scope")) return std::nullopt;
  return static_cast<model::Scope>(request.number("scope", 0, 1, 2));
}

Work series(const Context& context, const Request& request) {
  static const std::map<std::string, model::Period, std::less<>> kIntervals{
      {"quarter_hour", model::Period::quarter_hour},
      {"hour", model::Period::hour},
      {"day", model::Period::day},
      {"month", model::Period::month}};
  static const std::map<model::Period, Duration> kUsual{{model::Period::quarter_hour, 24h},
                                                        {model::Period::hour, 24h * 7},
                                                        {model::Period::day, 24h * 31},
                                                        {model::Period::month, 24h * 366}};
  SeriesAsk ask{.user = request.parameters.at(0)};
  const std::string measure = request.one_of("measure", {"energy", "kgce", "co2e"});
  ask.measure = measure == "kgce"   ? SeriesMeasure::kgce
                : measure == "co2e" ? SeriesMeasure::co2e
                                    : SeriesMeasure::energy;
  ask.market = request.one_of("basis", {"location", "market"}) == "market";
  ask.scope = scope_of(request);
  ask.interval = kIntervals.at(request.one_of("interval", {"hour", "quarter_hour", "day", "month"}));
  std::tie(ask.from, ask.until) = stretch_of(context, request, kUsual.at(ask.interval));
  return
      [&site = context.facts.site(), store = context.facts.fixed().store, ask = std::move(ask),
       open = open_periods(context.facts.accounts(), ask.interval)] { return ok(series_text(store, site, ask, open)); };
}

Work coverage(const Context& context, const Request& request) {
  CoverageAsk ask{.device = request.parameters.at(0)};
  std::tie(ask.from, ask.until) = stretch_of(context, request, 24h * 7);
  if (ask.until - ask.from > kCoverageMost) throw Refusal{400, "from: more than 400 days; ask for a shorter time"};
  return [&site = context.facts.site(), store = context.facts.fixed().store, ask = std::move(ask),
          hours = open_periods(context.facts.accounts(), model::Period::hour),
          days = open_periods(context.facts.accounts(), model::Period::day)] {
    return ok(coverage_text(store, site, ask, hours, days));
  };
}

Work readings(const Context& context, const Request& request) {
  const model::Site& site = context.facts.site();
  const std::string& name = request.parameters.at(0);
  const auto point = std::ranges::find_if(site.points, [&](const Point& one) { return one.full_name() == name; });
  if (point == site.points.end()) throw Refusal{404, "there is no such point"};
  ReadingsAsk ask{.point = point->id};
  std::tie(ask.from, ask.until) = stretch_of(context, request, 24h);
  if (ask.until - ask.from > kReadingsMost) throw Refusal{400, "from: more than 400 days; ask for a shorter time"};
  ask.slots = request.number("points", 500, 1, 5'000);
  return [&site, store = context.facts.fixed().store, ask] { return ok(readings_text(store, site, ask)); };
}

Work entries(const Context& context, const Request& request) {
  EntriesAsk ask{.window = {time_of(context, request, "from"), time_of(context, request, "until")},
                 .user = request.text("energy_user"),
                 .carrier = request.text("carrier"),
                 .scope = scope_of(request),
                 .limit = request.number("limit", 100, 1, 1'000),
                 .cursor = request.text("cursor")};
  return [store = context.facts.fixed().store, ask = std::move(ask)] { return ok(entries_text(store, ask)); };
}

Work alerts(const Context& context, const Request& request) {
  AlertsAsk ask{.all = request.one_of("state", {"active", "all"}) == "all",
                .window = {time_of(context, request, "from"), time_of(context, request, "until")},
                .limit = request.number("limit", 100, 1, 1'000),
                .cursor = request.text("cursor"),
                .now = context.facts.now()};
  return [&site = context.facts.site(), store = context.facts.fixed().store, ask = std::move(ask)] {
    return ok(alerts_text(store, site, ask));
  };
}

// The note, of a body {"note": "..."} or an empty one.
std::string note_of(const Request& request) {
  if (request.call.body.empty()) return {};
  if (!request.call.header("Content-Type").starts_with("application/json")) {
    throw Refusal{415, "write the body as application/json: {\"note\": \"...\"}"};
  }
  boost::system::error_code error;
  const json::value body = json::parse(request.call.body, error);
  const json::object* object = error ? nullptr : body.if_object();
  const json::value* note = object ? object->if_contains("note") : nullptr;
  const bool is_fine = object && object->size() == (note ? 1U : 0U) && (!note || note->is_string());
  if (!is_fine) throw Refusal{400, "the body is no {\"note\": \"...\"}"};
  return note ? std::string(note->get_string()) : std::string();
}

Work acknowledge(const Context& context, const Request& request) {
  store::Acknowledgement said{.alert = request.parameters.at(0),
                              .at = context.facts.now(),
                              .by = request.who.user.empty() ? "dashboard" : request.who.user,
                              .note = note_of(request)};
  return [&site = context.facts.site(), store = context.facts.fixed().store, said = std::move(said)] {
    if (const auto objection = why_not_acknowledged(store, site, said.alert)) {
      return problem(objection->status, objection->why);
    }
    const auto left = store::request_acknowledgement(store, said);
    if (left.has_error()) return problem(left.error());
    io::HttpAnswer answer = ok("{}");
    answer.status = 202;
    return answer;
  };
}

Work deliveries(const Context& context, const Request& request) {
  DeliveriesAsk ask{.window = {time_of(context, request, "from"), time_of(context, request, "until")},
                    .sink = request.text("sink"),
                    .only_open = request.one_of("state", {"all", "open"}) == "open",
                    .limit = request.number("limit", 100, 1, 1'000),
                    .cursor = request.text("cursor")};
  const auto& sinks = context.facts.fixed().sinks;
  if (!ask.sink.empty() && std::ranges::find(sinks, ask.sink) == sinks.end()) {
    throw Refusal{404, "sink: there is no such sink"};
  }
  return [store = context.facts.fixed().store, ask = std::move(ask)] { return ok(deliveries_text(store, ask)); };
}

Work seals(const Context& context, const Request& request) {
  const State state = context.facts.state();
  std::optional<std::uint64_t> before;
  if (request.find("cursor")) before = request.number("cursor", 0, 1, std::uint64_t{1} << 53);
  return [store = context.facts.fixed().store, limit = request.number("limit", 100, 1, 1'000), before,
          ledger = LedgerState{state.store.entries, state.store.sealed, state.store.seal_trouble}] {
    return ok(seals_text(store, ledger, limit, before));
  };
}

// What a command would have written to standard error, as a problem.
io::HttpAnswer problem_of(int exit_status, std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  constexpr int kUsage = 64;  // sysexits.h
  constexpr int kNoInput = 66;
  constexpr int kIoError = 74;
  const int status = exit_status == kNoInput ? 404 : exit_status >= kIoError ? 503 : 400;
  return problem(exit_status == kUsage ? 400 : status, text);
}

Work explanation(const Context& context, const Request& request) {
  Documents::ExplanationAsk ask{.name = request.parameters.at(0),
                                .readings = request.number("readings", 12, 1, 1'000),
                                .entries = request.number("entries", 20, 1, 1'000),
                                .result = request.text("result")};
  return [&documents = context.documents, ask = std::move(ask)] {
    std::ostringstream out;
    std::ostringstream err;
    const int status = documents.explanation(ask, out, err);
    return status == 0 ? ok(std::move(out).str()) : problem_of(status, std::move(err).str());
  };
}

Work statement(const Context& context, const Request& request) {
  Documents::StatementAsk ask{.period = request.parameters.at(0),
                              .user = request.text("energy_user"),
                              .by = request.one_of("by", {"user", "scope", "carrier", "gas"}),
                              .format = request.one_of("format", {"json", "csv", "table"}),
                              .lang = request.one_of("lang", {"en", "zh"})};
  const bool is_file = request.one_of("download", {"0", "1"}) == "1";
  return [&documents = context.documents, ask = std::move(ask), is_file, site = context.facts.site().id] {
    std::ostringstream out;
    std::ostringstream err;
    const int status = documents.statement(ask, out, err);
    if (status != 0) return problem_of(status, std::move(err).str());
    const bool is_json = ask.format == "json";
    const bool is_csv = ask.format == "csv";
    io::HttpAnswer answer = ok(std::move(out).str(), is_json  ? "application/json"
                                                     : is_csv ? "text/csv; charset=utf-8"
                                                              : "text/plain; charset=utf-8");
    const std::string_view ending = is_json ? "json" : is_csv ? "csv" : "txt";
    if (is_file) {
      answer.headers.push_back({"Content-Disposition", "attachment; filename=\"" + site + "-statement-" + ask.period +
                                                           "." + std::string(ending) + "\""});
    }
    return answer;
  };
}

boost::asio::awaitable<io::HttpAnswer> export_rows(const Context& context, const Request& request) {
  Documents::ExportAsk ask{.what = request.parameters.at(0),
                           .format = request.one_of("format", {"csv", "json"}) == "json" ? "jsonl" : "csv",
                           .from = request.text("from"),
                           .until = request.text("until"),
                           .point = request.text("point"),
                           .every = request.text("every")};
  constexpr std::array<std::string_view, 8> kKinds{"readings", "intervals", "entries",     "rollups",
                                                   "alerts",   "reports",   "corrections", "ledger"};
  if (std::ranges::find(kKinds, ask.what) == kKinds.end()) throw Refusal{404, "there is no export of that kind"};
  const std::string name = context.facts.site().id + "-" + ask.what + "." + ask.format;
  std::vector<io::HttpHeader> headers{
      {"Content-Type", ask.format == "csv" ? "text/csv; charset=utf-8" : "application/jsonl"},
      {"Content-Disposition", "attachment; filename=\"" + name + "\""}};
  const bool packed = io::accepts_gzip(request.call);
  headers.push_back({"Vary", "Accept-Encoding"});
  if (packed) headers.push_back({"Content-Encoding", "gzip"});
  Writing writing = [&documents = context.documents, ask = std::move(ask)](std::ostream& out, std::ostream& err) {
    return documents.export_rows(ask, out, err);
  };
  return download(context.downloads, std::move(writing), problem_of, std::move(headers), packed);
}

// A large file takes longer to read than the loop may wait.
Work configuration(const Context& context, const Request& request) {
  return [&documents = context.documents, request] {
    return ok_tagged(request, to_text(json::object{{"file", documents.configuration_file()},
                                                   {"configuration", documents.configuration()}}));
  };
}

}  // namespace

void add_books_routes(std::vector<Route>& routes, const Context& context) {
  const auto add = [&](const char* path, Work (*understand)(const Context&, const Request&),
                       std::vector<std::string> query) {
    routes.push_back({"GET", std::string("/api/v1") + path, Role::viewer, std::move(query),
                      on_worker(context.questions, [context, understand](const Request& request) {
                        return understand(context, request);
                      })});
  };
  add("/energy-users/{id}/series", series, {"measure", "basis", "scope", "interval", "from", "until"});
  add("/devices/{id}/coverage", coverage, {"from", "until"});
  add("/points/{id}/readings", readings, {"from", "until", "points"});
  add("/ledger/entries", entries, {"from", "until", "energy_user", "scope", "carrier", "limit", "cursor"});
  add("/ledger/entries/{name}/explanation", explanation, {"readings", "entries", "result"});
  add("/ledger/seals", seals, {"limit", "cursor"});
  add("/alerts", alerts, {"state", "from", "until", "limit", "cursor"});
  add("/deliveries", deliveries, {"sink", "state", "from", "until", "limit", "cursor"});
  routes.push_back(
      {"POST",
       "/api/v1/alerts/{id}/acknowledgement",
       Role::operator_,
       {},
       on_worker(context.questions, [context](const Request& request) { return acknowledge(context, request); })});
  add("/statements/{period}", statement, {"by", "energy_user", "format", "lang", "download"});
  routes.push_back({"GET",
                    "/api/v1/exports/{kind}",
                    Role::viewer,
                    {"format", "from", "until", "point", "every"},
                    [context](const Request& request) { return export_rows(context, request); }});
  routes.push_back(
      {"GET",
       "/api/v1/configuration",
       Role::administrator,
       {},
       on_worker(context.questions, [context](const Request& request) { return configuration(context, request); })});
}

}  // namespace carbongate::ops
