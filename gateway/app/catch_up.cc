#include "gateway/app/catch_up.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/app/recompute.h"
#include "gateway/model/account_of.h"
#include "gateway/model/amendment.h"
#include "gateway/model/hj212_flag.h"
#include "gateway/pipeline/quality.h"
#include "gateway/store/history.h"

namespace carbongate::app {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kReadingsAtOnce = 4'096;

// The newest state of each.
class States {
 public:
  void take(model::Effects effects) {
    for (auto& [point, state] : effects.points) points_.insert_or_assign(point, std::move(state));
    for (auto& [account, state] : effects.accounts) accounts_.insert_or_assign(account, std::move(state));
    for (auto& [station, state] : effects.stations) stations_.insert_or_assign(station, std::move(state));
    for (auto& [watch, state] : effects.alerts) alerts_.insert_or_assign(watch, std::move(state));
  }

  model::Effects effects() {
    model::Effects all{.rows = {}, .points = {}, .accounts = {}, .caught_up = true};
    for (auto& point : points_) all.points.push_back(std::move(point));
    for (auto& account : accounts_) all.accounts.push_back(std::move(account));
    for (auto& station : stations_) all.stations.push_back(std::move(station));
    for (auto& alert : alerts_) all.alerts.push_back(std::move(alert));
    return all;
  }

 private:
  std::map<PointId, model::PointState> points_;
  std::map<model::AccountId, model::AccountState> accounts_;
  std::map<model::WatchId, model::AlertState> alerts_;
  std::map<model::StationId, model::StationState> stations_;
};

// Stored readings as drivers said them, of points that are still configured. Those of derived points follow from them.
class Heard {
 public:
  explicit Heard(const model::Site& site) {
    for (const Point& point : site.points) points_[point.full_name() + " " + std::string(point.unit.symbol)] = point.id;
    for (const model::Derived& derived : site.derived) {
      const Point& result = site.points.at(index(derived.result));
      points_.erase(result.full_name() + " " + std::string(result.unit.symbol));
    }
  }

  // Puts it with those of the same instant before it.
  void add(const store::History::RawReading& stored) {
    const model::Rule rule = stored.quality.rule;
    if (model::time_unknown(rule) || rule == model::Rule::future) return;  // nothing follows from it
    const auto point = points_.find(stored.series->device + "." + stored.series->point + " " + stored.series->unit);
    if (point == points_.end()) return;
    const Instant heard = stored.at + delay_of(stored.quality);
    if (batches_.empty() || batches_.back().received != heard || batches_.back().readings.back().at != stored.at) {
      batches_.push_back({.source = "journal", .received = heard, .readings = {}, .settled = {}});
    }
    const bool is_available = rule != model::Rule::not_available;
    batches_.back().readings.push_back(
        {.point = point->second,
         .availability = is_available ? Availability::available : Availability::not_available,
         .hj212_flag = model::flag_said(stored.quality),
         .at = stored.at,
         .value = stored.value});
    ++readings_;
  }

  // All, or all but the last instant, which may go on.
  std::vector<Batch> take(bool is_end) {
    std::vector<Batch> taken = std::move(batches_);
    batches_.clear();
    readings_ = 0;
    if (!is_end && taken.size() > 1) {
      readings_ = taken.back().readings.size();
      batches_.push_back(std::move(taken.back()));
      taken.pop_back();
    }
    return taken;
  }

  std::size_t readings() const { return readings_; }

 private:
  // When it was heard is not stored, but what was made of that.
  static Duration delay_of(model::Quality quality) {
    if (quality.rule != model::Rule::stale) return 0ms;
    return usable(quality) ? pipeline::kReadingAgeMax : pipeline::kReadingAgeMax + 1ms;
  }

  std::map<std::string, PointId> points_;  // by full name and unit
  std::vector<Batch> batches_;
  std::size_t readings_ = 0;
};

// One transaction's: where it lies in the journal, and what it corrected.
struct Booking {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::vector<model::Amendment> corrections;
};

// The corrections behind that place, as they were booked.
model::Result<std::vector<Booking>> bookings_behind(std::uint64_t behind, const model::Site& site,
                                                    store::History& history) {
  std::map<std::uint64_t, model::Amendment> corrections;  // by sequence
  model::AccountOf account_of(site);
  std::optional<std::pair<model::AccountId, model::EmissionEntry>> before;
  const auto visit = [&](const model::StoredRow& row) {
    const auto& entry = row.body.get<model::EmissionEntry>();
    const auto account = account_of(*row.series);
    if (!account) return true;
    const bool is_same = before && before->first == *account && before->second.begin == entry.begin;
    if (row.sequence > behind && entry.revision != 0) {
      corrections[row.sequence] = {.account = *account,
                                   .correction = entry,
                                   .covered_before = is_same ? before->second.covered : Duration::zero()};
    }
    before = {*account, entry};
    return true;
  };
  if (auto read = history.each(store::History::What::entries, {}, visit); !read) return std::move(read).error();
  std::vector<Booking> bookings;
  for (auto& [sequence, correction] : corrections) {
    if (bookings.empty() || bookings.back().last + 1 != sequence)
      bookings.push_back({.first = sequence, .last = 0, .corrections = {}});
    bookings.back().last = sequence;
    bookings.back().corrections.push_back(std::move(correction));
  }
  return bookings;
}

}  // namespace

model::Result<model::Effects> catch_up(pipeline::Pipeline& pipeline, const model::Site& site,
                                       const std::filesystem::path& store) {
  const std::uint64_t behind = pipeline.state().behind.value_or(0);
  const auto history = store::History::open(store);
  if (!history) return history.error();
  const auto books = store::History::open(store);  // asked while the other one reads
  if (!books) return books.error();
  const auto bookings = bookings_behind(behind, site, **books);
  if (!bookings) return bookings.error();
  States states;
  Heard heard(site);
  const auto count = [&](bool is_end) {
    const std::vector<Batch> batches = heard.take(is_end);
    if (!batches.empty()) states.take(pipeline.ingest(batches, Instant::max() - 24h));  // none is from the future
  };
  auto next = bookings->begin();
  std::optional<model::Fault> fault;
  const auto book_before = [&](std::uint64_t sequence) {
    for (; !fault && next != bookings->end() && next->first < sequence; ++next) {
      count(true);
      const auto rollups = rollups_of(**books, site, next->corrections, kNeverStop, next->first);
      if (!rollups) {
        fault = rollups.error();
      } else {
        states.take(pipeline.correct(next->corrections, *rollups, {}));
      }
    }
  };
  auto read = (*history)->readings_after(behind, [&](const store::History::RawReading& reading) {
    book_before(reading.sequence);
    heard.add(reading);
    if (heard.readings() >= kReadingsAtOnce) count(false);
    return !fault;
  });
  if (!read) return std::move(read).error();
  count(true);
  book_before(UINT64_MAX);
  if (fault) return *fault;
  return states.effects();
}

}  // namespace carbongate::app
