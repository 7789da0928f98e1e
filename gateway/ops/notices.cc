// Of history_json.h: alerts, what was sent of them, and the ledger's seals.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdio>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gateway/ledger/chain.h"
#include "gateway/ledger/seal.h"
#include "gateway/ops/alert_json.h"
#include "gateway/ops/history_json.h"
#include "gateway/ops/json.h"
#include "gateway/ops/problem.h"
#include "gateway/store/acknowledgement.h"
#include "gateway/store/deliveries.h"
#include "gateway/store/ledger_reader.h"
#include "gateway/store/standing_alerts.h"
#include "gateway/tables/local_time.h"
#include "gateway/tables/row_about.h"

namespace carbongate::ops {

namespace json = boost::json;

namespace {

constexpr long long kNewest = 253'402'300'799'999;  // ms since 1970: the end of the year 9999

[[noreturn]] void refuse_cursor() {
  throw Refusal{400, "cursor: it is none; take `next` of the page before as it is"};
}

store::StandingAlerts active_alerts(const std::filesystem::path& store, const model::Site& site,
                                    const std::optional<std::string>& id = {}) {
  auto alerts = store::active_alerts(store, site, id);
  if (alerts.has_error()) throw Refusal{503, alerts.error().text};
  return std::move(*alerts);
}

json::object alert_json_of(const store::StandingAlert& alert) {
  json::object one = alert_json({alert.rule, alert.subject, alert.user_name}, alert.alert, alert.state);
  if (alert.is_pending) one["changed"] = nullptr;
  return one;
}

std::string alerts_json(json::array list, json::value next) {
  return to_text(json::object{{"alerts", std::move(list)}, {"next", std::move(next)}});
}

std::string all_alerts_text(const std::filesystem::path& store, const model::Site& site, const AlertsAsk& ask) {
  store::AlertQuery query{.from = ask.window.from, .to = ask.window.until, .behind = {}, .limit = ask.limit};
  if (!ask.cursor.empty()) {
    long long at = 0;
    int end = 0;
    if (std::sscanf(ask.cursor.c_str(), "%lld.%n", &at, &end) != 1 || end == 0) refuse_cursor();
    if (at < 0 || at > kNewest) refuse_cursor();
    query.behind = store::AlertPlace(-at, ask.cursor.substr(static_cast<std::size_t>(end)));
  }
  const auto page = store::newest_alerts(store, site, query, ask.now);
  if (page.has_error()) throw Refusal{503, page.error().text};
  json::array list;
  for (const store::StandingAlert& one : page->alerts) list.push_back(alert_json_of(one));
  if (!page->is_more || list.empty()) return alerts_json(std::move(list), nullptr);
  const store::AlertPlace last = store::place_of(page->alerts.back());
  return alerts_json(std::move(list), json::string(fmt::format("{}.{}", -last.first, last.second)));
}

json::object delivery_json(const store::DeliveryLine& line) {
  const tables::RowAbout about = line.row ? tables::row_about(*line.row) : tables::RowAbout();
  return {{"sink", line.sink},
          {"state", store::word_of(line.last.outcome)},
          {"kind", about.kind},
          {"time", optional_time(about.at)},
          {"what", about.what},
          {"first_sent", model::format_utc(line.first_sent)},
          {"sent", model::format_utc(line.last.sent)},
          {"attempts", line.attempts},
          {"answered", optional_time(line.last.answered)},
          {"seconds", optional_number(store::seconds_of(line))},
          {"answer", line.last.answer},
          {"id", line.id},
          {"sequence", line.last.sequence}};
}

}  // namespace

std::string alerts_text(const std::filesystem::path& store, const model::Site& site, const AlertsAsk& ask) {
  if (ask.all) return all_alerts_text(store, site, ask);
  const store::StandingAlerts alerts = active_alerts(store, site);
  const std::vector<const store::StandingAlert*> rows = store::in_order(alerts);
  const auto name = [](const store::StandingAlert* one) { return store::place_of(*one).second; };
  auto row = rows.begin();
  if (!ask.cursor.empty()) {
    row = std::ranges::find(rows, ask.cursor, name);
    if (row == rows.end()) throw Refusal{400, "cursor: what it stood at is no longer in the list; begin again"};
    ++row;
  }
  json::array list;
  json::value next = nullptr;
  for (; row != rows.end(); ++row) {
    if (list.size() == ask.limit) {
      next = json::string(name(*std::prev(row)));
      break;
    }
    list.push_back(alert_json_of(**row));
  }
  return alerts_json(std::move(list), std::move(next));
}

std::optional<Objection> why_not_acknowledged(const std::filesystem::path& store, const model::Site& site,
                                              const std::string& id) {
  const store::StandingAlerts alerts = active_alerts(store, site, id);
  const auto found = alerts.all.find(id);
  if (found == alerts.all.end()) return Objection{404, "no such alert fires"};
  const model::Alert& alert = found->second.alert;
  tables::LocalTime time(site.time_zone);
  const auto taken = [&](const std::string& by, Instant at) {
    return Objection{409, fmt::format("this alert was acknowledged by {} at {} already", by, time(at))};
  };
  if (alert.stage == model::AlertStage::acknowledged) return taken(alert.by, alert.at);
  if (const auto waiting = store::waiting_acknowledgement(store, id)) return taken(waiting->by, waiting->at);
  return std::nullopt;
}

std::string deliveries_text(const std::filesystem::path& store, const DeliveriesAsk& ask) {
  // The newest first: only as many as a page has are kept while the record is walked through.
  using Key = std::tuple<std::int64_t, std::uint64_t, std::string>;
  const auto key_of = [](const store::DeliveryLine& line) {
    return Key(-line.last.sent.time_since_epoch().count(), UINT64_MAX - line.last.sequence, line.sink);
  };
  const auto text_of = [](const Key& key) {
    return fmt::format("{}.{}.{}", -std::get<0>(key), UINT64_MAX - std::get<1>(key), std::get<2>(key));
  };
  std::optional<Key> behind;
  if (!ask.cursor.empty()) {
    long long at = 0;
    unsigned long long sequence = 0;
    int end = 0;
    if (std::sscanf(ask.cursor.c_str(), "%lld.%llu.%n", &at, &sequence, &end) != 2 || end == 0) refuse_cursor();
    if (at < 0 || at > kNewest) refuse_cursor();
    behind = Key(-at, UINT64_MAX - sequence, ask.cursor.substr(static_cast<std::size_t>(end)));
  }
  std::map<Key, json::object> page;
  bool is_more = false;
  const store::DeliveryQuery query{
      .sink = ask.sink, .only_open = ask.only_open, .from = ask.window.from, .to = ask.window.until};
  const auto visited = store::each_delivery(store, query, [&](const store::DeliveryLine& line) {
    const Key key = key_of(line);
    if (behind && key <= *behind) return true;
    if (page.size() == ask.limit && key > page.rbegin()->first) {
      is_more = true;
      return true;
    }
    page.emplace(key, delivery_json(line));
    if (page.size() > ask.limit) {
      page.erase(std::prev(page.end()));
      is_more = true;
    }
    return true;
  });
  if (visited.has_error()) throw Refusal{503, visited.error().text};
  json::value next = nullptr;
  if (is_more) next = json::string(text_of(page.rbegin()->first));
  json::array list;
  for (auto& [key, one] : page) list.push_back(std::move(one));
  return to_text(json::object{{"deliveries", std::move(list)}, {"next", next}});
}

std::string seals_text(const std::filesystem::path& store, const LedgerState& state, std::size_t limit,
                       std::optional<std::uint64_t> before) {
  auto reader = store::LedgerReader::open(store);
  if (reader.has_error()) throw Refusal{503, reader.error().text};
  const auto seals = (*reader)->seals(before, limit + 1);
  if (seals.has_error()) throw Refusal{503, seals.error().text};
  json::array list;
  json::value next = nullptr;
  for (const ledger::SignedSeal& one : *seals) {
    if (list.size() == limit) {
      next = json::string(std::to_string(one.seal.number + 1));
      break;
    }
    list.push_back(json::object{{"number", one.seal.number},
                                {"at", model::format_utc(one.seal.sealed_at)},
                                {"entries", one.seal.last},
                                {"head", ledger::to_hex(one.seal.head)},
                                {"key", ledger::to_hex(one.seal.key)},
                                {"signature", ledger::to_hex(one.signature)}});
  }
  return to_text(json::object{{"entries", state.entries},
                              {"sealed", state.sealed},
                              {"trouble", optional_text(state.trouble)},
                              {"seals", std::move(list)},
                              {"next", next}});
}

}  // namespace carbongate::ops
