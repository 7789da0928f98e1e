// Up to when the readings of a point can be expected to have been heard.
//
// What is measured now is heard after a while: loggers send what they have kept, and after an outage a broker hands out
// its queue. So time passes for a point as fast as for the clock, but from its newest reading on: where that was heard
// five minutes after its time, the clock that counts for the point is five minutes behind, until the next one says
// otherwise. What has not been heard since its source is heard again (a reading of it may lie in the same queue) stands
// where the source does: by the smallest lag that a reading of it had since, for among them may be some that are always
// late. And after a start nothing is said of what has not been heard yet until the tolerance is over.
//
// A lag within the tolerance is none; a source that nothing was heard of for longer than that has no queue any more.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "drivers/api/reading.h"
#include "gateway/model/site.h"

namespace carbongate::pipeline {

class Arrivals {
 public:
  // The tolerance is `site.alert_grace`; a point's lag is forgotten once it is not heard for the gap it is bridged
  // over. `site` outlives this object.
  explicit Arrivals(const model::Site& site);

  // Nothing was listened to for a while, as before a start. `sources`: by device, as batches name them.
  void resume(Instant now, const std::map<std::string, std::string>& sources);

  void heard(const Batch& batch);                           // before its readings
  void heard(PointId point, Instant at, Instant received);  // a reading that counts, of the batch that was heard last

  // At most `now`; the smallest Instant: nothing is known yet.
  Instant known_until(PointId point, Instant now) const;
  Instant known_if_unheard(PointId point, Instant now) const;  // the same, but what was heard since has no lag
  std::optional<Duration> unheard_for(PointId point, Instant now) const;  // since resume(); nullopt: it was heard

 private:
  struct Source {
    Instant began{};                // it was silent before
    std::optional<Instant> last{};  // nullopt: it has to begin again
    std::optional<Duration> lag{};  // the smallest since it began; nullopt: no reading had a device's stamp
  };
  struct Arrival {
    std::optional<Instant> received{};  // the newest
    Duration lag{};                     // of that
    const Source* source = nullptr;     // nullptr: not known
  };

  bool goes_on(const Source& source, Instant now) const { return source.last && now - *source.last <= tolerance_; }
  Duration counted(Duration lag) const { return lag > tolerance_ ? lag : Duration::zero(); }

  const model::Site& site_;
  Duration tolerance_;
  std::vector<Arrival> points_;
  std::map<std::string, Source> sources_;
  const Source* now_heard_ = nullptr;
  std::optional<Instant> resumed_;
};

}  // namespace carbongate::pipeline
