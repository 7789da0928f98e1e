// What the pipeline counts -> alerts: rules held against readings, accounts and periods, in the time of the data.
//
// A watch is one rule over one subject. Its alert goes from pending (the condition holds, not long enough yet) to
// firing, may be acknowledged, and ends resolved, or withdrawn: then data that came later, or a correction, say that it
// never should have fired. Everything follows from readings in their order and the times they were heard at; how they
// are grouped, and when pass() is called, changes no alert: what is due at a time is published as of that time.
//
//   - A value holds until the next one, at most for the longest gap that its point is bridged over; of a user the
//     shortest one of his meters that are heard when it is seen. So a condition that is `for` a while can become true
//     between two readings, but not during a silence. What is silent for longer is in no sum of rates, and no sum
//     without it is too low. One whose rate is not known again yet ends nothing, either.
//   - What was not watched is no consumption: a sum is too low only if enough of its time was watched, and it would be
//     with the rest, too. Hours that were watched for less than a valid one are not compared.
//   - A change is the value less the one that was heard the rule's length ago, or last before that; until there is such
//     a one nothing is said. Readings of a counter in doubt are left out, and where a counter begins anew, so does
//     that.
//   - Out of the hours of its rule an alert is over, and nothing is pending: as of their end. A silence counts anew
//   from
//     when they begin; what a group counts is looked at then; of all else the next value is.
//   - What is due is only decided once `alert_grace` has passed, for readings may be under way. One that comes later
//     still, and tells otherwise, withdraws. All else that a late reading means is found by late_alerts.h, and of the
//     rate of a user by late_rates.h. And what
//     comes from a queue, or of a logger that is behind, is waited for: arrivals.h.
//   - Users are looked at when all readings of an instant are counted, as derived points are.
//   - Coverage of a period is judged when it can no longer be watched, also where nothing is heard that would close it.
//   - A calendar period has an alert of its own: at its end it is over. A correction of a closed one raises or
//     withdraws its alert. Whether its sum is too low is judged when it is closed, and is so until another is not.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "drivers/api/reading.h"
#include "gateway/model/checkpoint.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/arrivals.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/late_alerts.h"

namespace carbongate::pipeline {

class Alerts {
 public:
  // All outlive this object. `state`: its points and accounts are looked at, its alerts changed; what is published goes
  // to `rows`.
  Alerts(const model::Site& site, Calendar& calendar, model::Checkpoint& state, std::vector<model::JournalRow>& rows);

  bool empty() const { return watches_.empty(); }

  // Before the readings of the batch. Nothing else listens to arrivals.
  void hear(const Batch& batch) { arrivals_.heard(batch); }
  void resume(Instant now, const std::map<std::string, std::string>& sources) { arrivals_.resume(now, sources); }

  // A reading that counts, before the state of its point moves. `received`: when it was heard.
  void heard(const Reading& reading, model::Quality quality, Instant received);

  // The same, but nothing is judged by it: changes are measured from it.
  void remember(const Reading& reading, model::Quality quality);

  // A reading that counts, and is older than the newest of its point: it waits until told_late().
  void heard_late(const Reading& reading);
  // What an account did from then on was counted by other readings, or factors, than there are now: likewise.
  // `until`: what it does is still counted by the old factor until then.
  void counted_late(model::AccountId account, Instant from, std::optional<Instant> until = {});
  // Readings so far that were the newest of their point, but wait likewise: they fill a silence that was told of their
  // device, or other meters of their user were ahead of them, or what has to do with their alert was.
  std::uint64_t heard_behind() const { return heard_behind_; }
  std::vector<LateWatch> late() const;
  void told_late(std::span<const LateJudgement> judgements);

  // An account is counted up to here. `rate_is_known`: the last movement says how fast.
  void counted(model::AccountId account, Instant until, bool rate_is_known);

  // A period of an account ends, and is as complete as it was; before it is forgotten.
  void closed(model::AccountId account, model::Period period, const model::OpenPeriod& sums);

  // A correction is booked. `covered_before`: coverage is no sum.
  void corrected(model::AccountId account, const model::EmissionEntry& entry, Duration covered_before);

  void settle();  // all readings of an instant are in, or all corrections of a transaction

  // Readings are of this time, or the clock shows it. `clock`: what it shows anyway.
  void pass(Instant now, Instant clock);

  // Of a watch that no reading decides. A clock that was set back makes nothing untrue: what is over then is resolved.
  void tell(model::WatchId watch, double value, const std::string& note, Instant at);

  // False: no such alert fires.
  bool acknowledge(const std::string& id, const std::string& by, const std::string& note, Instant at);

  // Calls f(watch, state) for each state that has changed since.
  template <class F>
  void take_changed(F&& f) {
    for (const std::size_t i : changed_) {
      watches_[i].changed = false;
      f(static_cast<model::WatchId>(i), state_.alerts[i]);
    }
    changed_.clear();
  }

 private:
  // The last change of an alert.
  struct LastTold {
    Instant at{};
    model::AlertStage stage = model::AlertStage::firing;
    std::uint32_t revision = 0;
  };
  struct Watched {
    const model::Watch* watch = nullptr;
    const model::AlertRule* rule = nullptr;
    std::string subject;
    std::vector<std::size_t> parents;    // watches that hold it back while they fire
    Duration bridged = Duration::max();  // how long a value holds, where its state says nothing: bridged()
    Duration patience{};                 // coverage: so long after its end a period may still be closed as watched
    bool changed = false;
    bool dirty = false;                 // in dirty_
    Instant until{};                    // of a dirty one: counted up to here
    std::optional<model::Cause> cause;  // of a dirty one
    std::uint64_t heard_late = 0;       // in this run
    bool late_by_siblings = false;      // it waits for nothing but others of its rule, of which one fires at a time
    std::optional<Instant> moved = {};  // of a rate that is judged in parts: of those before
    mutable std::optional<Span> hours = {};  // that were asked for last
    bool waits_for_stale = false;            // of a rate: all was judged but what is still counted by an old factor
    std::map<Instant, LastTold> told;        // by begin: since late readings wait to be judged
    std::map<Instant, Instant> corrected;    // of a dirty one: periods, and up to where they were
    std::optional<std::vector<model::AlertPeriod>> before;  // of a corrected one: its periods as they were
  };
  // What was found at a time.
  struct Finding {
    Instant at{};
    double value = 0;
    std::optional<model::Cause> cause = {};
    std::optional<Duration> bridged = {};  // as in AlertState
    std::optional<model::SummedTime> of = {};
  };
  enum class Verdict : std::uint8_t { good, between, bad };

  struct Silence {
    Instant since{};
    Instant open{};  // from when on it is told: no work goes on
  };

  // What closed periods come to, one after the other: alerts, and what waits after the last of them.
  struct Course {
    struct Alert {
      Instant since{};
      Finding fired;
      std::optional<Finding> over = {};
    };
    std::vector<Alert> alerts;           // ascending; at most the last one is not over
    std::optional<Instant> holds_since;  // pending
    Finding seen;                        // pending: by what
  };

  // alerts.cc: the life of an alert
  model::AlertState& change(std::size_t watch);
  void attach_parents(std::size_t watch);
  Verdict judge(const model::AlertRule& rule, double value) const;
  double limit_of(const model::AlertRule& rule, double value) const;
  void observe(std::size_t watch, const Finding& finding);
  Instant within(std::size_t watch, Instant at) const;
  void forget_pending(std::size_t watch, Instant at);
  std::optional<double> change_by(std::size_t watch, const Reading& reading, model::Quality quality);
  void fire(std::size_t watch, Instant since, const Finding& finding);
  void end(std::size_t watch, const Finding& finding);
  void end_as(std::size_t watch, model::AlertStage stage, const Finding& finding);
  std::optional<std::uint32_t> told_before(std::size_t watch, Instant since) const;
  void publish(std::size_t watch, model::AlertStage stage, Instant since, std::uint32_t revision,
               const Finding& finding);
  void tell_groups(std::size_t member, const Finding& finding, Instant since);
  double count_of(std::size_t group) const;
  std::string members_of(std::size_t group, Instant at) const;
  std::optional<std::size_t> held_back_by(std::size_t watch, Instant at) const;
  void hold_back_due(std::size_t parent, Instant end);
  void parent_ended(std::size_t parent, Instant at);
  void let_go(std::size_t watch, Instant at);

  // alert_deadlines.cc: what time alone decides, and the hours in which a rule is looked at
  void let_time_pass(std::size_t watch, Instant until);
  void let_pass(std::size_t watch, Instant until);
  std::optional<Instant> deadline(std::size_t watch) const;
  std::optional<Instant> due(std::size_t watch, Instant holds_since) const;
  std::optional<Instant> due_alone(std::size_t watch) const;
  Duration bridged(std::size_t watch) const;
  void expect(Instant deadline) { earliest_ = std::min(earliest_, deadline); }
  std::optional<Span> hours_of(std::size_t watch, Instant at) const;
  std::optional<Instant> hours_end(std::size_t watch) const;
  void expect_end_of_hours(std::size_t watch);
  void close_hours(std::size_t watch, Instant at);
  bool went_with_its_hours(std::size_t watch, Instant at) const;
  std::optional<Instant> holds_when_hours_begin(std::size_t watch, Instant at) const;

  // alert_silence.cc: missing data
  std::optional<Instant> last_of(std::size_t watch) const;
  void begin_waiting(Instant now);
  std::optional<Instant> heard_from(std::size_t watch) const;
  std::optional<Silence> silence(std::size_t watch) const;
  std::optional<Instant> silent_untold(std::size_t watch) const;
  std::optional<Instant> silent_alone(std::size_t watch) const;
  std::optional<Instant> silent_at(std::size_t watch) const;
  void fall_silent(std::size_t watch, Instant until, std::optional<Instant> (Alerts::*decided)(std::size_t) const);
  void keep_received(std::size_t watch, Instant received);
  void tell_what_was(std::size_t watch, Instant over);
  void heard_again(std::size_t watch, const Reading& reading, Instant received);
  std::optional<Instant> filled_from(std::size_t watch, Instant at) const;
  void remember_silence(std::size_t watch, Instant since, Instant over);
  void forget_silence(std::size_t watch, Instant since);
  Instant not_watched_before(std::size_t watch, const Span& open, Instant clock) const;
  Instant known_until(std::size_t watch, Instant clock) const;

  // alert_periods.cc: users
  static model::Period closed_period(const model::AlertRule& rule);  // of which a rule is told when they are closed
  static bool is_closed_first(const model::AlertRule& rule);
  static bool is_of_period(const model::AlertRule& rule);
  static std::size_t kept(const model::AlertRule& rule);  // how many periods are remembered
  static Instant looks_back_to(const model::AlertRule& rule, const Span& period);
  void mark(std::size_t watch, Instant until);
  void note_rate(std::size_t watch, model::AccountId account, Instant until, bool is_known);
  bool is_rate_known(std::size_t watch, model::AccountId account) const;
  bool is_behind(std::size_t watch, model::AccountId account) const;
  void look_at(std::size_t watch);
  bool is_silent(model::AccountId account, Instant at) const;
  Duration gap_of(model::AccountId account) const;  // that its source is bridged over
  model::AlertPeriod* period_of(std::size_t watch, Instant begin);
  void look_at_period(std::size_t watch, Instant until, std::optional<model::Cause> cause);
  std::optional<double> worth(std::size_t watch, std::int64_t sum, const Span& period, Instant at) const;
  void look_at_closed(std::size_t watch);
  std::optional<Span> not_closed(std::size_t watch) const;
  void give_up_closing(std::size_t watch, Instant until);
  bool reopen(std::size_t watch, model::AccountId account, const model::OpenPeriod& sums);
  std::optional<double> worth_closed(std::size_t watch, const std::vector<model::AlertPeriod>& periods,
                                     const model::AlertPeriod& period, const Span& span) const;
  std::int64_t counted_since(std::size_t watch, Instant quarter) const;
  std::int64_t share_of(std::size_t watch, const model::OpenPeriod& sums) const;
  void add_to(std::size_t watch, model::AccountId account, const model::OpenPeriod& sums,
              model::AlertPeriod& period) const;
  double in_units(std::size_t watch, std::int64_t sum) const;
  Duration watched(std::size_t watch, const model::AlertPeriod& period, Duration length) const;
  double share_watched(std::size_t watch, Duration watched, Duration length) const;
  model::AlertPeriod begun(std::size_t watch, Instant begin) const;
  // What they come to from then on, through `last`, and how much of that was watched.
  std::pair<std::int64_t, Duration> window_of(std::size_t watch, const std::vector<model::AlertPeriod>& periods,
                                              Instant from, const model::AlertPeriod& last) const;
  bool is_valid_hour(std::size_t watch, const model::AlertPeriod& period) const;
  std::optional<double> if_known(std::size_t watch, double value, double share) const;

  // alert_coverage.cc: the times that sums are of
  model::SummedTime of_period(std::size_t watch, const model::AlertPeriod& period, const Span& span,
                              Instant until) const;
  std::optional<model::SummedTime> of_closed(std::size_t watch, const std::vector<model::AlertPeriod>& periods,
                                             const model::AlertPeriod& period, const Span& span) const;
  std::optional<model::SummedTime> of_total(std::size_t watch, Instant until) const;

  // alert_late.cc: what waits for the judgement of late data
  void judge_late(std::size_t watch, const Finding& finding);
  void wait_for_judgement(std::size_t watch, Instant from, bool by_sibling = false);
  void take_late(const LateJudgement& judgement);
  void tell_late(std::size_t watch, const model::Alert& change, bool is_over);
  void remember_told(std::size_t watch);
  void note_late_groups(std::size_t member, Instant from);
  void note_late_children(std::size_t parent, Instant from);
  void note_moved(std::size_t watch, Instant at);
  void ask_for(const LateJudgement& judgement);
  bool comes_behind(const Finding& finding) const;
  void note_behind(std::size_t watch, Instant from);
  Instant heard_until(std::size_t watch) const;
  Instant judged_until(std::size_t watch, Instant from) const;

  // alert_corrections.cc: what was judged by other figures than there are now
  void add_correction(std::size_t watch, model::AccountId account, const model::OpenPeriod& sums, const Span& span,
                      bool is_open);
  void judge_past(std::size_t watch, const Span& period, const Finding& finding);
  Instant counted_until(std::size_t watch, const Span& period) const;
  Course course_of(std::size_t watch, const std::vector<model::AlertPeriod>& periods, Instant oldest) const;
  void judge_again(std::size_t watch, model::Cause cause);
  model::AlertPeriod* period_of_alert(std::size_t watch, Instant since);
  void unsay(std::size_t watch, const Course::Alert& alert, model::Cause cause);
  bool was_held_back(std::size_t watch, Instant at) const;
  void say_late(std::size_t watch, const Course::Alert& alert, model::Cause cause);
  void say_other_end(std::size_t watch, const Course::Alert& alert, model::Cause cause);

  const model::Site& site_;
  Calendar& calendar_;
  model::Checkpoint& state_;
  std::vector<model::JournalRow>& rows_;
  std::vector<Watched> watches_;
  std::vector<std::vector<std::size_t>> of_point_;
  std::vector<std::vector<std::size_t>> of_account_;
  std::vector<std::vector<std::size_t>> groups_;  // of a watch: those that count it
  std::vector<std::size_t> all_groups_;
  std::vector<std::vector<std::size_t>> children_;  // of a watch: those that it holds back
  std::vector<std::size_t> changed_;
  std::vector<std::size_t> dirty_;
  Arrivals arrivals_;
  Instant earliest_ = Instant::min();  // nothing is due before, but what waits for its readings
  Instant passed_ = Instant::min();    // what is due by then was looked at
  std::optional<Instant> waits_;       // since then, by the clock: something does
  bool waiting_ = false;               // begin_waiting() was called
  std::uint64_t heard_behind_ = 0;
  Instant newest_ = Instant::min();  // of all readings that counted before heard_last_
  Instant heard_last_ = Instant::min();
};

}  // namespace carbongate::pipeline
