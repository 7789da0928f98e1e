// Stage: judged readings -> what is reported of a station: its instants, and its means and amounts of minutes, hours
// and days by the rules of HJ 212-2017 appendix D.
//
//   instants  each Station::real_time by the site's clock: the newest value of each factor at it, if it is fresh
//   minutes   from all readings; a value at the begin of a period is in it, one at its end is not; an amount is parted
//             at their ends in proportion of the time, or as its rate rose
//   hours     from the minutes, days from the hours
//
// A counter is reported as it is counted (counter.h): what its readings moved it by, times the transformers' ratio.
// What came together over a longer silence than gap_max has been in no period of its own: the minute in which
// it was read and its hour tell it, with the flag D, and so has a period that tells nothing else. What is rounded of a
// minute's amount goes to the next one of its hour, and a day is the sum of its hours: as they are told they add up. A rejected reading on the
// way makes no silence: it is one of the minute's values, and not valid.
//
// All in data time. An instant or a minute is closed when all factors have been heard of beyond it, or one of them was
// heard Station::wait beyond it: what is silent holds up nothing. A minute also waits for the next reading of what is
// counted, while that is due by its interval or gap_max, for five minutes at most.
//
// What comes later than that, or after newer values of its point, is noted (StationState::late): the minutes, hours and
// days that it changes are computed again from the stored readings, and told once more (late_reports.h).
//
// A factor that was not heard in a minute in which a value was due has the flag B there (no communication) and no
// value, so that a platform misses no minute; of a silence that is longer than a day only in the last one. So it is
// from the first minute on that begins after the station was first looked at. It says
// nothing of hours and days: there too few minutes are valid. While nothing comes of a station, pass() tells its silent
// minutes; if they come after all, from a device that kept them, they are reported once more, with their values. The
// minute in which the silence began waits an hour for what may come of it, and so do its hour and its day after their
// ends: then pass() tells them, and what comes of them after all is late.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "gateway/model/quality.h"
#include "gateway/model/station.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/movement.h"

namespace carbongate::pipeline {

class Reports {
 public:
  using Emit = std::function<void(model::StationId station, model::Report report)>;

  // A reading as it was judged.
  struct Heard {
    PointId point{};
    Instant at{};
    double value = 0;
    model::Quality quality;
    std::span<const Movement> moved = {};  // of a counter: what was counted by it; empty: nothing is decided
    double quanta_per_unit = 1;            // of that, for the point's unit
  };

  // `stations` and `points` outlive it. The states are by station, and given their size here.
  Reports(const std::vector<model::Station>& stations, const std::vector<Point>& points,
          std::vector<model::StationState>& states);

  // Stations that the point is of. Empty: take() need not be called.
  const std::vector<std::size_t>& stations_of(PointId point) const { return stations_of_.at(index(point)); }

  void take(std::size_t station, const Heard& heard, Calendar& calendar, model::StationState& state,
            const Emit& emit) const;

  // A station that nothing was heard of is looked at: `now` for the first time. False: that changes nothing.
  bool watch(std::size_t station, Instant now, Calendar& calendar, model::StationState& state) const;

  // For a station of which nothing has come for as long as patience(): it is `now`. False: that changes nothing.
  bool pass(std::size_t station, Instant now, Calendar& calendar, model::StationState& state, const Emit& emit) const;

  Duration patience(std::size_t station) const { return stations_.at(station).minute + stations_.at(station).wait; }

 private:
  double ratio_at(PointId point, Instant at) const;

  const std::vector<model::Station>& stations_;
  const std::vector<Point>& points_;
  std::vector<std::vector<std::size_t>> stations_of_;  // by point
};

}  // namespace carbongate::pipeline
