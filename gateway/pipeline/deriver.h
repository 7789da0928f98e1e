// Readings of derived points: which inputs there are at that moment, what they are worth, and what is counted on.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gateway/model/checkpoint.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/derive.h"
#include "gateway/pipeline/energy.h"
#include "gateway/pipeline/rounds.h"

namespace carbongate::pipeline {

// A reading of the first input of a derived point that may be counted makes a reading of that point, at the same
// instant; one that was rejected a missing one (rule input_missing). The others are taken as they stood at that
// instant, its own readings included, whichever of them is heard first (due.h waits for them; of what an input said,
// the newest two are known). One that had not been read then or whose newest reading was rejected (input_missing), one
// that lies more than max_age from the first one in time (input_stale), and figures outside of the formula's validity
// (out_of_validity) make a missing one. What a counter moved in the meantime is not lost: it becomes part of the next
// result, under the conditions then in force, and is estimated.
//
// Counters are counted as everywhere (EnergyMeter): rollovers, resets and glitches of an input do not reach the result.
// A result follows the kind of its first input: of a counter it is a counter that begins at 0, of a flow a rate.
//
// A sum has a result once each of its inputs has said something new, stamped as the newest of them; so meters that are
// read one after the other do not make it jump. These rounds begin anew at times of their own (rounds.h), which keeps
// them the same whatever came late before. What is heard of one instant in one batch is heard at once: no result
// has one input of an instant and lacks another, not even after a reading that was left out. Of counters and amounts it
// is an amount since the result before. A counter's rejected reading spoils nothing, for the next one tells what it
// moved; a rejected amount or rate does. Either way the sum is not watched from there to its next result (unwatched.h).
// What a counter moved before another one was read for the first time is no part of the first result; a later one that
// a new counter joins is estimated, for what it moved before is not known.
class Deriver {
 public:
  struct Feed {
    std::uint32_t derived = 0;  // index in Site::derived
    std::uint32_t input = 0;
  };
  struct Derived {
    Reading reading;
    model::Quality quality;  // what it is worth at best
    bool of_later = false;   // an input says what it was later than `wait` behind it: what it was then is forgotten
  };
  // What an input's counter believed, and finds wrong.
  struct TakenBack {
    PointId input{};
    Withdrawn withdrawn{};
    Instant decided{};
  };
  // What the terms of a sum said of one instant.
  struct Round {
    std::uint32_t derived = 0;
    Instant at{};
    std::vector<std::uint32_t> inputs{};  // that said something new
    bool joined = false;                  // a counter was read for the first time
  };

  // `site` outlives it. Throws std::invalid_argument for what a checked configuration does not contain: a point that
  // does not exist, units that do not fit, a circle.
  explicit Deriver(const model::Site& site);

  // Fits restored states to the configuration: an input that is another point now starts anew, and nothing waits for
  // it.
  void attach(std::vector<model::PointState>& points) const;

  std::span<const Feed> fed_by(PointId point) const { return feeds_[index(point)]; }
  // The derived points that are computed from it, directly or not: each once.
  std::span<const PointId> made_of(PointId point) const { return made_of_[index(point)]; }
  // Those that follow its readings, directly or not: each once.
  std::span<const PointId> following(PointId point) const { return following_[index(point)]; }
  // Those that take its value as it stands when another input is read: rules by index, no sums. And what one takes so.
  std::span<const std::uint32_t> taken_by(PointId point) const { return taken_by_[index(point)]; }
  std::span<const PointId> taken(std::uint32_t derived) const { return rules_[derived].taken; }
  bool is_made_of(PointId result, PointId point) const;  // or is it
  bool follows(PointId result, PointId point) const;     // whether it follows the readings of `point`
  bool takes_results(std::uint32_t derived) const;       // of other derived points
  std::uint32_t count() const { return static_cast<std::uint32_t>(rules_.size()); }
  Duration wait(std::uint32_t derived) const { return rules_[derived].config->wait; }
  Duration max_age(std::uint32_t derived) const { return rules_[derived].config->max_age; }
  std::span<const model::DerivedInput> inputs(std::uint32_t derived) const { return rules_[derived].config->inputs; }
  std::uint32_t maker(PointId result) const { return made_by_[index(result)].value(); }
  PointId followed(std::uint32_t derived) const { return *rules_[derived].config->inputs.front().point; }
  PointId result(std::uint32_t derived) const { return rules_[derived].config->result; }
  bool adds(std::uint32_t derived) const { return rules_[derived].config->formula == model::Formula::sum; }
  // Whether an amount of this result is all that was moved since the one before: of a sum of counters it is.
  bool has_no_gaps(PointId result) const;
  // A result has a higher one than those it is computed from: sums are concluded in this order.
  std::size_t rank(std::uint32_t derived) const { return ranks_[derived]; }

  // What follows from `reading`, which may be counted and is the newest of its point in `points`. nullopt: nothing yet.
  // Not of a sum. Adds to `withdrawn`.
  std::optional<Derived> derive(Feed feed, const Reading& reading, model::Quality quality,
                                std::vector<model::PointState>& points, std::vector<TakenBack>& withdrawn) const;

  // Of a sum: takes note of such a reading in the round of its instant. Adds to `withdrawn`.
  void hear(Feed feed, const Reading& reading, model::Quality quality, std::vector<model::PointState>& points,
            Round& round, std::vector<TakenBack>& withdrawn) const;
  // What follows once all readings of the instant are heard. nullopt: nothing yet.
  std::optional<Derived> conclude(const Round& round, std::vector<model::PointState>& points) const;

  // What follows from a rejected reading at that time. nullopt: nothing, or not yet (of a sum).
  std::optional<Derived> missing(Feed feed, Instant at, std::vector<model::PointState>& points) const;

  // The figures behind a result at that time, from the inputs as they stand in `points`: of a stack its whole emission,
  // of an amount or a flow what one unit of it is worth, of a sum none. nullopt: an input is missing or stale.
  std::optional<Derivation> explain(std::size_t derived, Instant at,
                                    const std::vector<model::PointState>& points) const;

  struct Heard {
    Reading reading;
    model::Quality quality;
  };
  struct Moved {
    double amount = 0;       // in the input's unit
    model::Quality quality;  // the worst of its parts
  };
  // What the input's counter moved with the readings behind `after`. `readings`: of that point, by time, from so long
  // before that its course is known (lead.h). nullopt: the input is no counter that is followed.
  std::optional<Moved> moved(std::size_t derived, std::size_t input, std::span<const Heard> readings,
                             Instant after) const;

 private:
  struct Followed {
    std::string name;
    std::optional<EnergyMeter> meter;           // of a counter
    std::optional<model::ActivityScale> scale;  // of an amount
    double quanta_per_unit = 1;                 // of either
  };
  struct Rules {
    const model::Derived* config = nullptr;
    const Point* result = nullptr;
    Rounds rounds;                     // of a sum
    std::vector<Followed> followed{};  // all terms of a sum, else the first input
    std::vector<PointId> taken{};      // the other inputs, of which there are readings
    double quanta_per_unit = 1;        // of a counted result
  };
  struct Inputs;

  Rules make_rules(const model::Derived& derived) const;
  void rank_results();
  void find_results();
  std::optional<Derived> derive_sum(const Rules& rules, const Round& round, model::DerivedState& state,
                                    const std::vector<model::PointState>& points) const;
  std::optional<Derived> derive_single(const Rules& rules, const Reading& reading, model::Quality quality,
                                       model::DerivedState& state, const std::vector<model::PointState>& points) const;
  bool count(const Rules& rules, std::uint32_t input, const Reading& reading, model::Quality quality,
             model::DerivedState& state, std::vector<TakenBack>& withdrawn) const;
  void join_sum(const Rules& rules, model::DerivedState& state) const;
  static double left_over(const Rules& rules, const std::vector<model::PointState>& points, Instant at, double rest);
  Inputs gather(const Rules& rules, Instant at, const std::vector<model::PointState>& points,
                const model::EarlierInput* first) const;
  Derivation evaluate(const Rules& rules, const Inputs& inputs) const;

  const model::Site& site_;
  std::vector<Rules> rules_;
  std::vector<std::size_t> ranks_;                     // by rule
  std::vector<std::optional<std::uint32_t>> made_by_;  // by point: the rule
  std::vector<std::vector<Feed>> feeds_;               // by point
  std::vector<std::vector<std::uint32_t>> taken_by_;   // by point
  std::vector<std::vector<PointId>> made_of_;          // by point
  std::vector<std::vector<PointId>> following_;        // by point
};

}  // namespace carbongate::pipeline
