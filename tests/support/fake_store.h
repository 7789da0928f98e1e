// A store in memory. What it holds lives in a FakeDisk, so that a test can "crash" and open it again.
#pragma once

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/model/site.h"
#include "gateway/ports/store.h"

namespace carbongate::testing {

struct FakeDisk {
  std::vector<model::StoredRow> rows;
  std::map<std::string, model::PointState> points;                  // by full name, unit and carrier
  std::map<std::string, model::AccountState> accounts;              // by user, carrier and source
  std::map<std::string, model::AlertState> alerts;                  // by rule and what it is about
  std::map<std::string, model::StationState> stations;              // by name
  std::map<std::pair<std::string, std::string>, std::string> kept;  // by sink and name
  std::map<std::string, ports::StoreStatus::Cursor> cursors;
  std::map<std::string, std::vector<ports::Recorded>> recorded;          // by sink, ascending
  std::function<void()> before_recorded;                                 // what the store does before it looks there
  std::function<boost::asio::awaitable<void>()> after_kept;              // what passes before keep() says that it has
  std::vector<std::pair<std::string, ports::RejectedRow>> dead_letters;  // with the sink's name
  std::vector<std::pair<std::string, std::uint64_t>> retries;            // of those: to be offered again
  std::vector<Instant> seals;
  std::optional<model::UnknownTime> unknown_time;
};

// One loop. The disk and the site outlive it.
class FakeStore final : public ports::Store {
 public:
  FakeStore(FakeDisk& disk, const model::Site& site) : disk_(disk) {
    std::vector<std::string> carriers(site.points.size());
    for (const model::Account& a : site.accounts) carriers.at(index(a.source)) = std::string(a.carrier->id);
    for (const Point& p : site.points) {
      points_.push_back(add({.site = site.id,
                             .device = p.device,
                             .point = p.name,
                             .unit = std::string(p.unit.symbol),
                             .user = {},
                             .user_name = {},
                             .carrier = carriers[points_.size()],
                             .region = {}}));
    }
    for (const model::Account& a : site.accounts) {
      const Point& p = site.points.at(index(a.source));
      accounts_.push_back(add({.site = site.id,
                               .device = p.device,
                               .point = p.name,
                               .unit = std::string(p.unit.symbol),
                               .user = a.user,
                               .user_name = a.user_name,
                               .carrier = std::string(a.carrier->id),
                               .region = a.factor ? a.factor->region : std::string(),
                               .scope = a.scope,
                               .flow = a.flow}));
    }
    for (const model::Watch& w : site.watches) {
      watches_.push_back(add({.site = site.id,
                              .device = w.device,
                              .point = w.point,
                              .unit = w.unit,
                              .user = w.user,
                              .user_name = w.user_name,
                              .carrier = std::string(w.carrier ? w.carrier->id : ""),
                              .region = {},
                              .rule = w.rule}));
    }
    for (const model::Station& s : site.stations) {
      stations_.push_back(add({.site = site.id,
                               .device = s.name,
                               .point = {},
                               .unit = {},
                               .user = {},
                               .user_name = {},
                               .carrier = {},
                               .region = {}}));
    }
    status_.id = "fake";
    status_.last_sequence = disk_.rows.empty() ? 0 : disk_.rows.back().sequence;
  }

  // The next `times` commits, peeks or settles fail with this, and change nothing.
  void fail(model::Fault fault, int times) {
    fault_ = std::move(fault);
    failures_left_ = times;
  }

  void set_last_sequence(std::uint64_t sequence) { status_.last_sequence = sequence; }  // of rows that a test has
  void set_last_notice(std::uint64_t sequence) { status_.last_notice = sequence; }

  model::Checkpoint checkpoint() override {
    model::Checkpoint result;
    for (const Known& known : points_) result.points.push_back(disk_.points[known.key]);
    for (const Known& known : accounts_) result.accounts.push_back(disk_.accounts[known.key]);
    for (const Known& known : watches_) result.alerts.push_back(disk_.alerts[known.key]);
    for (const Known& known : stations_) result.stations.push_back(disk_.stations[known.key]);
    result.unknown_time = disk_.unknown_time;
    return result;
  }

  boost::asio::awaitable<model::Result<void>> commit(model::Effects effects) override {
    co_await boost::asio::post(boost::asio::use_awaitable);
    if (takes_failure()) co_return *fault_;
    if (effects.empty()) co_return model::Result<void>();
    for (model::JournalRow& row : effects.rows) {
      const Known& known = std::visit([this](auto id) -> const Known& { return known_of(id); }, row.subject);
      disk_.rows.push_back({++status_.last_sequence, known.series, std::move(row.body)});
    }
    for (auto& [point, state] : effects.points) disk_.points[known_of(point).key] = state;
    for (auto& [account, state] : effects.accounts) disk_.accounts[known_of(account).key] = state;
    for (auto& [watch, state] : effects.alerts) disk_.alerts[known_of(watch).key] = state;
    for (auto& [station, state] : effects.stations) disk_.stations[known_of(station).key] = state;
    if (effects.unknown_time) disk_.unknown_time = *effects.unknown_time;
    status_.rows_appended += effects.rows.size();
    ++status_.commits;
    co_return model::Result<void>();
  }

  boost::asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek(std::string sink,
                                                                            std::size_t limit) override {
    co_await boost::asio::post(boost::asio::use_awaitable);
    if (takes_failure()) co_return *fault_;
    std::vector<model::StoredRow> result;
    ports::StoreStatus::Cursor& at = cursor(sink);
    while (!at.ahead.empty() && at.settled >= at.ahead.front().begun) {  // nothing here is a revision
      at.settled = at.ahead.front().settled;
      at.ahead.erase(at.ahead.begin());
    }
    const std::uint64_t end = at.ahead.empty() ? status_.last_sequence : at.ahead.front().begun;
    for (const model::StoredRow& row : disk_.rows) {
      if (row.sequence > at.settled && row.sequence <= end && result.size() < limit) result.push_back(row);
    }
    co_return result;
  }

  boost::asio::awaitable<model::Result<std::vector<model::StoredRow>>> alerts_behind(std::uint64_t after,
                                                                                     std::size_t limit) override {
    co_await boost::asio::post(boost::asio::use_awaitable);
    if (takes_failure()) co_return *fault_;
    std::vector<model::StoredRow> result;
    for (const model::StoredRow& row : disk_.rows) {
      if (row.sequence > after && row.body.get_if<model::Alert>() && result.size() < limit) result.push_back(row);
    }
    co_return result;
  }

  boost::asio::awaitable<model::Result<void>> open_live(std::string sink, std::uint64_t rows) override {
    co_await boost::asio::post(boost::asio::use_awaitable);
    if (takes_failure()) co_return *fault_;
    const std::uint64_t begun = status_.last_sequence - std::min(rows, status_.last_sequence);
    auto& at = cursor(sink);
    if (begun > at.live() && at.ahead.size() < kAheadMax) at.ahead.push_back({begun, begun});
    co_return model::Result<void>();
  }

  boost::asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_live(std::string sink,
                                                                                 std::size_t limit) override {
    co_await boost::asio::post(boost::asio::use_awaitable);
    if (takes_failure()) co_return *fault_;
    std::vector<model::StoredRow> result;
    const auto& at = cursor(sink);
    for (const model::StoredRow& row : disk_.rows) {
      if (!at.ahead.empty() && row.sequence > at.live() && result.size() < limit) result.push_back(row);
    }
    co_return result;
  }

  boost::asio::awaitable<model::Result<std::vector<model::StoredRow>>> readings_before(std::uint64_t before,
                                                                                       std::uint64_t rows) override {
    co_await boost::asio::post(boost::asio::use_awaitable);
    if (takes_failure()) co_return *fault_;
    std::vector<model::StoredRow> result;
    for (const model::StoredRow& row : disk_.rows) {
      const bool is_within = row.sequence < before && row.sequence + rows >= before;
      if (is_within && row.body.get_if<model::JudgedReading>()) result.push_back(row);
    }
    co_return result;
  }

  boost::asio::awaitable<model::Result<void>> settle(std::string sink, ports::Delivery delivery) override {
    co_await boost::asio::post(boost::asio::use_awaitable);
    if (takes_failure()) co_return *fault_;
    auto& moved = cursor(sink);
    const bool is_live = delivery.lane == ports::Lane::live && !moved.ahead.empty();
    std::uint64_t& position = is_live ? moved.ahead.back().settled : moved.settled;
    const std::uint64_t end = is_live || moved.ahead.empty() ? status_.last_sequence : moved.ahead.front().begun;
    position = std::clamp(delivery.settled_through, position, std::max(position, end));
    for (const ports::RejectedRow& row : delivery.rejected) {
      if (row.sequence > position) continue;
      disk_.dead_letters.emplace_back(sink, row);
      ++moved.rejected;
    }
    co_return model::Result<void>();
  }

  boost::asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_retries(std::string sink,
                                                                                    std::size_t limit) override {
    co_await boost::asio::post(boost::asio::use_awaitable);
    if (takes_failure()) co_return *fault_;
    cursor(sink);
    std::vector<model::StoredRow> result;
    for (const model::StoredRow& row : disk_.rows) {
      const bool is_asked_for = std::ranges::find(disk_.retries, std::pair(sink, row.sequence)) != disk_.retries.end();
      if (is_asked_for && result.size() < limit) result.push_back(row);
    }
    co_return result;
  }

  boost::asio::awaitable<model::Result<void>> settle_retries(std::string sink, ports::Retried outcome) override {
    co_await boost::asio::post(boost::asio::use_awaitable);
    if (takes_failure()) co_return *fault_;
    for (const std::uint64_t sequence : outcome.accepted) {
      std::erase(disk_.retries, std::pair(sink, sequence));
      cursor(sink).rejected -= std::erase_if(disk_.dead_letters, [&](const auto& letter) {
        return letter.first == sink && letter.second.sequence == sequence;
      });
    }
    for (const ports::RejectedRow& row : outcome.rejected) {
      std::erase(disk_.retries, std::pair(sink, row.sequence));
      for (auto& [name, letter] : disk_.dead_letters) {
        if (name == sink && letter.sequence == row.sequence) letter.reason = row.reason;
      }
    }
    co_return model::Result<void>();
  }

  boost::asio::awaitable<model::Result<void>> keep(std::string sink, std::string name, std::string value) override {
    co_await boost::asio::post(boost::asio::use_awaitable);
    if (takes_failure()) co_return *fault_;
    disk_.kept[{sink, name}] = value;
    if (disk_.after_kept) co_await disk_.after_kept();
    co_return model::Result<void>();
  }

  boost::asio::awaitable<model::Result<std::optional<std::string>>> kept(std::string sink, std::string name) override {
    co_await boost::asio::post(boost::asio::use_awaitable);
    if (takes_failure()) co_return *fault_;
    const auto found = disk_.kept.find({sink, name});
    co_return found == disk_.kept.end() ? std::nullopt : std::optional(found->second);
  }

  boost::asio::awaitable<model::Result<std::vector<model::StoredRow>>> reports(ports::ReportQuery query) override {
    co_await boost::asio::post(boost::asio::use_awaitable);
    if (takes_failure()) co_return *fault_;
    std::vector<model::StoredRow> result;
    for (const model::StoredRow& row : disk_.rows) {
      const auto* report = row.body.get_if<model::Report>();
      const bool is_wanted = report && row.series->device == query.station && report->kind == query.kind &&
                             report->begin >= query.from && report->begin <= query.to &&
                             (!query.after || report->begin > *query.after);
      if (!is_wanted) continue;
      const auto told = std::ranges::find_if(result, [&](const model::StoredRow& before) {
        return before.body.get<model::Report>().begin == report->begin;
      });
      if (told != result.end()) {
        *told = row;
      } else if (result.size() < query.limit) {
        result.push_back(row);
      }
    }
    co_return result;
  }

  boost::asio::awaitable<model::Result<std::vector<ports::Recorded>>> recorded(std::string sink, std::uint64_t from,
                                                                               std::uint64_t to) override {
    co_await boost::asio::post(boost::asio::use_awaitable);
    if (disk_.before_recorded) std::exchange(disk_.before_recorded, nullptr)();
    std::vector<ports::Recorded> found;
    for (const ports::Recorded& one : disk_.recorded[sink]) {
      if (from <= one.sequence && one.sequence <= to) found.push_back(one);
    }
    co_return found;
  }
  boost::asio::awaitable<model::Result<void>> seal(Instant at) override {
    co_await boost::asio::post(boost::asio::use_awaitable);
    if (takes_failure()) co_return *fault_;
    disk_.seals.push_back(at);
    co_return model::Result<void>();
  }

  boost::asio::awaitable<model::Result<std::vector<ports::SinkAccount>>> audit(std::uint64_t) override {
    co_return std::vector<ports::SinkAccount>{};
  }

  ports::StoreStatus status() const override {
    ports::StoreStatus result = status_;
    for (const std::string& sink : active_) result.cursors.push_back(disk_.cursors.at(sink));
    return result;
  }

 private:
  struct Known {
    std::string key;
    std::shared_ptr<const model::Series> series;
  };

  static Known add(model::Series series) {
    std::string key = series.device + "." + series.point + "|" + series.user + "|" + series.carrier;
    if (!series.rule.empty()) {
      key += "|" + series.rule;
    } else if (series.user.empty()) {
      key += "|" + series.unit;
    }
    return {std::move(key), std::make_shared<model::Series>(std::move(series))};
  }

  const Known& known_of(PointId id) const { return points_.at(index(id)); }
  const Known& known_of(model::AccountId id) const { return accounts_.at(model::index(id)); }
  const Known& known_of(model::WatchId id) const { return watches_.at(model::index(id)); }

  const Known& known_of(model::StationId id) const { return stations_.at(model::index(id)); }

  ports::StoreStatus::Cursor& cursor(const std::string& sink) {
    if (std::ranges::find(active_, sink) == active_.end()) active_.push_back(sink);
    auto& found = disk_.cursors[sink];
    found.sink = sink;
    return found;
  }

  bool takes_failure() { return failures_left_ > 0 && failures_left_-- > 0; }

  FakeDisk& disk_;
  std::vector<Known> points_;
  std::vector<Known> accounts_;
  std::vector<Known> watches_;
  std::vector<Known> stations_;
  std::vector<std::string> active_;
  ports::StoreStatus status_;
  std::optional<model::Fault> fault_;
  int failures_left_ = 0;
};

}  // namespace carbongate::testing
