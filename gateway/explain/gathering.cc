#include "gateway/explain/gathering.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "gateway/explain/derived.h"
#include "gateway/pipeline/quality.h"

namespace carbongate::explain {
namespace {

bool came_late(model::Quality stored) {
  return stored.origin == model::Origin::late || stored.rule == model::Rule::out_of_order;
}

// Of an input: what was played, with what the store says of each; and what it says to be no value.
std::vector<StoredReading> as_played(std::vector<StoredReading> played, const std::vector<StoredReading>& stored) {
  std::vector<StoredReading> all;
  for (auto first = played.begin(); first != played.end();) {
    const auto last = std::find_if(first, played.end(), [&](const StoredReading& r) { return r.at != first->at; });
    const auto heard = std::ranges::equal_range(stored, first->at, {}, &StoredReading::at);
    for (auto reading = first; reading != last; ++reading) {
      if (!heard.empty()) {  // those of one instant are played as they were heard
        const StoredReading& as_stored = heard[std::min(reading - first, std::ssize(heard) - 1)];
        reading->sequence = as_stored.sequence;
        if (!usable(reading->quality) && !usable(as_stored.quality)) reading->quality = as_stored.quality;
        if (usable(reading->quality) && came_late(as_stored.quality))
          reading->as_heard = model::Quality{model::Origin::late, as_stored.quality.rule};
      }
      all.push_back(*reading);
    }
    first = last;
  }
  std::ranges::copy_if(stored, std::back_inserter(all), [&](const StoredReading& reading) {
    return pipeline::withdraws(reading.quality) &&
           !std::ranges::binary_search(played, reading.at, {}, &StoredReading::at);
  });
  std::ranges::sort(all, {}, [](const StoredReading& r) { return std::pair(r.at, r.sequence); });
  return all;
}

}  // namespace

// Where there are later revisions: without what these explained could not know. What was published first was counted
// without what came out of order.
model::Result<Gathered> Gathering::find(ReadingsWanted wanted) const {
  const auto through = looked_through();
  if (are_later_) wanted.through = through.value_or(explained_.front().sequence);
  if (are_later_) wanted.in_order = !through;
  auto found = find_readings(history_, wanted);
  if (found.has_error()) return found.error();
  Gathered out{.readings = std::move(*found), .rejected_terms = {}, .worked_out = false};
  const bool is_derived = point_ && maker_of(known_.site, point_->id);
  if (is_derived && through) {
    if (auto again = work_out_again(out, wanted, *through); again.has_error()) return again.error();
  }
  if (is_derived && !out.worked_out) {
    for (const Point& input : known_.site.points) {
      const auto of_input = out.readings.find(input.full_name());
      if (of_input != out.readings.end() && input.id != point_->id) repair(of_input->second.all, input.id);
    }
  }
  out.rejected_terms = find_rejected_terms(out);
  return out;
}

void Gathering::repair(std::vector<StoredReading>& readings, PointId point) const {
  const auto repaired = [](const Revision& revision) {
    return revision.entry.correction && revision.entry.correction->cause == model::Cause::configuration;
  };
  if (std::ranges::none_of(explained_, repaired)) return;
  for (StoredReading& reading : readings) reading.value = known_.repaired(point, reading.at, reading.value);
}

// How far in the journal the corrections explained counted what was heard. nullopt: none rests on readings.
std::optional<std::uint64_t> Gathering::looked_through() const {
  std::optional<std::uint64_t> through;
  for (const Revision& revision : explained_) {
    if (!revision.entry.correction || !model::is_restated(revision.entry.correction->cause)) continue;
    const std::uint64_t known = revision.entry.correction->readings_through;
    through = std::max(through, std::optional(known != 0 ? known : revision.sequence));
  }
  return through;
}

// Of a derived point that was corrected: puts what the newest correction explained has made, and what it made it of, in
// the place of what is stored.
model::Result<void> Gathering::work_out_again(Gathered& out, const ReadingsWanted& wanted,
                                              std::uint64_t through) const {
  auto again = known_.results_again(history_, point_->id, wanted.begin, wanted.end, through);
  if (again.has_error()) return again.error();
  if (again->empty()) return {};
  for (auto& [name, readings] : out.readings) {
    std::erase_if(readings.all, [through](const StoredReading& reading) { return reading.sequence > through; });
  }
  for (auto& [id, played] : *again) {
    const Point& point = known_.site.points.at(index(id));
    ReadingsOfPoint& readings = out.readings.at(point.full_name());
    readings.unit = point.unit.symbol;
    readings.all = maker_of(known_.site, id) ? std::move(played) : as_played(std::move(played), readings.all);
  }
  out.worked_out = true;
  return {};
}

std::vector<StoredReading> Gathering::find_rejected_terms(const Gathered& out) const {
  std::vector<StoredReading> rejected;
  std::vector<PointId> sums;
  if (point_) sums.push_back(point_->id);
  while (!sums.empty()) {
    const model::Derived* derived = maker_of(known_.site, sums.back());
    sums.pop_back();
    if (!derived || derived->formula != model::Formula::sum) continue;
    for (const model::DerivedInput& term : model::followed(*derived)) {
      sums.push_back(*term.point);
      const auto readings = out.readings.find(known_.site.points.at(index(*term.point)).full_name());
      if (readings == out.readings.end()) continue;
      std::ranges::copy_if(readings->second.all, std::back_inserter(rejected),
                           [](const StoredReading& r) { return pipeline::withdraws(r.quality); });
    }
  }
  std::ranges::sort(rejected, {}, &StoredReading::at);
  return rejected;
}

}  // namespace carbongate::explain
