// Of history_json.h: alerts, what was sent of them, and the ledger's seals.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

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

store::StandingAlerts read_alerts(const std::filesystem::path& store, const model::Site& site) {
  auto alerts = store::standing_alerts(store, site);
  if (alerts.has_error()) throw Refusal{503, alerts.error().text};
  return std::move(*alerts);
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
  const store::StandingAlerts alerts = read_alerts(store, site);
  std::vector<const store::StandingAlert*> rows = store::in_order(alerts);
  std::erase_if(rows, [&](const store::StandingAlert* one) {
    if (!ask.all) return !one->fires && !one->is_pending;
    const Instant at = one->is_pending ? one->alert.since : one->alert.at;
    return (ask.window.from && at < *ask.window.from) || (ask.window.until && at >= *ask.window.until);
  });
  const auto key = [](const store::StandingAlert* one) {  // the newest first
    const Instant at = one->is_pending ? one->alert.since : one->alert.at;
    return std::tuple(-at.time_since_epoch().count(), one->alert.id, one->rule, one->subject);
  };
  if (ask.all) std::ranges::sort(rows, {}, key);
  const auto name = [](const store::StandingAlert* one) {
    return one->alert.id.empty() ? one->rule + "@" + one->subject : one->alert.id;
  };
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
    json::object one = alert_json({(*row)->rule, (*row)->subject, (*row)->user_name}, (*row)->alert, (*row)->state);
    if ((*row)->is_pending) one["changed"] = nullptr;
    list.push_back(std::move(one));
  }
  return to_text(json::object{{"alerts", std::move(list)}, {"next", next}});
}

std::optional<Objection> why_not_acknowledged(const std::filesystem::path& store, const model::Site& site,
                                              const std::string& id) {
  const store::StandingAlerts alerts = read_alerts(store, site);
  const auto found = alerts.all.find(id);
  if (found == alerts.all.end()) return Objection{404, "there is no such alert"};
  if (!found->second.fires) return Objection{404, "this alert does not fire any more"};
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
    if (std::sscanf(ask.cursor.c_str(), "%lld.%llu.%n", &at, &sequence, &end) != 2 || end == 0) {
      throw Refusal{400, "cursor: it is none; take `next` of the page before as it is"};
    }
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
