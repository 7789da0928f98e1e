// What the running gateway does with late data: the real one, over a real store.
#include <set>
#include <vector>

#include "tests/unit/gateway/app/gateway_on_disk.h"

namespace carbongate::app {
namespace {

class LateData : public GatewayOnDisk {
 protected:
  // A counter of 100 kW, every ten minutes.
  static double kwh_at(Duration at) { return 100.0 * static_cast<double>(at / 1min) / 60.0; }

  void hear_all(std::span<const PointId> points, Duration from, Duration until) {
    Batch batch{.source = "scripted", .received = clock_.now(), .readings = {}, .settled = {}};
    for (Duration at = from; at < until; at += 10min) {
      for (const PointId point : points)
        batch.readings.push_back({.point = point, .at = kMarch + at, .value = kwh_at(at)});
    }
    to_send_.push_back(std::move(batch));
  }

  // Between two readings, in whose middle a quarter hour ends.
  void hear_late(std::span<const PointId> points, int half_hour) {
    Batch batch{.source = "scripted", .received = clock_.now(), .readings = {}, .settled = {}};
    const Duration at = half_hour * 30min + 16min;
    for (const PointId point : points) {
      batch.readings.push_back({.point = point, .at = kMarch + at, .value = kwh_at(at) + 0.5});
    }
    to_send_.push_back(std::move(batch));
  }

  void note_corrected(const model::Effects& effects) {
    for (const model::JournalRow& row : effects.rows) {
      const auto* entry = row.body.get_if<model::EmissionEntry>();
      if (entry && entry->correction) corrected_.insert(std::get<model::AccountId>(row.subject));
    }
  }

  std::set<model::AccountId> corrected_;
};

TEST_F(LateData, OfManyPointsThatAreAlwaysLateIsRestatedOfAll) {
  constexpr int kPoints = 40;
  constexpr int kHalfHours = 24;
  std::vector<PointId> points;
  for (int i = 0; i < kPoints; ++i) points.push_back(add_metered_user("user-" + std::to_string(i)));
  make_on_disk(10s);
  gateway_->observe([this](const model::Effects& effects) { note_corrected(effects); });
  run();
  hear_all(points, 0h, kHalfHours * 30min + 10min);
  int half_hour = 0;
  const bool all_corrected = until([&] {
    if (to_send_.empty()) hear_late(points, half_hour++ % kHalfHours);
    return corrected_.size() == kPoints;
  });
  EXPECT_TRUE(all_corrected) << corrected_.size() << " of " << kPoints << " accounts were corrected";
}

}  // namespace
}  // namespace carbongate::app
