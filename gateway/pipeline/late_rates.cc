#include "gateway/pipeline/late_rates.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "gateway/model/lineage.h"
#include "gateway/pipeline/late_play.h"
#include "gateway/pipeline/pipeline.h"
#include "gateway/pipeline/quality.h"

namespace carbongate::pipeline {

using namespace std::chrono_literals;

namespace {

constexpr Duration kLeadMax = 48h;
constexpr std::size_t kReadingsAtOnce = 1'024;  // that the pipeline is given

// The part of a site that a user's rate follows from.
class Part {
 public:
  Part(const model::Site& whole, const model::Watch& watch) : whole_(whole) {
    model::Watch of_part = watch;
    of_part.accounts.clear();
    for (const model::AccountId id : watch.accounts) of_part.accounts.push_back(take(whole.accounts.at(index(id))));
    site_ = site_around(whole, std::move(of_part));
    const bool by_factors = whole.alert_rules.at(watch.rule_place).sum == model::AlertSum::co2e;
    for (model::Account& account : accounts_) {  // no more than the rule looks at
      account.market.reset();
      account.market_else.clear();
      account.coal.reset();
      account.measured_coal.reset();
      if (!by_factors) account.factor.reset();
    }
    for (const model::LiveFactor& live : whole.live_factors) {
      if (!by_factors || !is_asked_for(live)) continue;
      live_factors_.push_back(live);
      live_factors_.back().source = take(live.source);
    }
    for (const model::Derived& derived : whole.derived) {
      const auto result = place_.find(derived.result);
      if (result == place_.end()) continue;
      derived_.push_back(derived);
      derived_.back().result = result->second;
      for (model::DerivedInput& input : derived_.back().inputs) {
        if (input.point) input.point = place_.at(*input.point);
      }
    }
    for (const PointId id : ids_) {
      const bool is_computed = std::ranges::find(whole.derived, id, &model::Derived::result) != whole.derived.end();
      if (!is_computed) read_.push_back(id);
      site_.points.push_back(whole.points.at(carbongate::index(id)));
      site_.points.back().id = place_.at(id);
    }
    site_.accounts = std::move(accounts_);
    site_.live_factors = std::move(live_factors_);
    site_.derived = std::move(derived_);
  }

  const model::Site& site() const { return site_; }
  const std::vector<PointId>& read() const { return read_; }  // of the whole site: those that are not computed
  PointId place(PointId of_whole) const { return place_.at(of_whole); }
  PointId in_whole(PointId place) const { return ids_.at(carbongate::index(place)); }

 private:
  static std::size_t index(model::AccountId id) { return model::index(id); }

  PointId take(PointId point) {
    for (const PointId id : model::computed_from(whole_, point)) {
      if (place_.try_emplace(id, static_cast<PointId>(ids_.size())).second) ids_.push_back(id);
    }
    return place_.at(point);
  }
  model::AccountId take(const model::Account& account) {
    accounts_.push_back(account);
    accounts_.back().id = static_cast<model::AccountId>(accounts_.size() - 1);
    accounts_.back().source = take(account.source);
    return accounts_.back().id;
  }
  bool is_asked_for(const model::LiveFactor& live) const {
    return std::ranges::any_of(accounts_, [&](const model::Account& account) {
      return account.factor && account.carrier->id == live.like.carrier && account.factor->set == live.like.set &&
             account.factor->method == live.like.method;
    });
  }

  const model::Site& whole_;
  model::Site site_;
  std::vector<model::Account> accounts_;
  std::vector<model::LiveFactor> live_factors_;
  std::vector<model::Derived> derived_;
  std::vector<PointId> ids_;  // by place
  std::map<PointId, PointId> place_;
  std::vector<PointId> read_;
};

}  // namespace

struct RatePlay::Playing {
  Playing(const model::Site& whole, const FactorRegistry& with, const LateWatch& of, std::span<const model::Alert> told,
          std::span<const AlertsOf> parents)
      : late(of),
        start(judged_from(whole, of)),
        until(std::min(of.until, of.from + kLateRateSpanMax)),
        part(whole, whole.watches.at(model::index(of.watch))),
        accounts(whole.watches.at(model::index(of.watch)).accounts),
        factors(with),
        changes(told.begin(), told.end()),
        held(whole, of.watch, parents, until),
        is_held(!parents.empty()),
        pipeline(part.site(), with, {}) {}

  model::AlertState state() const { return pipeline.state().alerts.at(model::index(kPlayed)); }

  void keep(model::Effects effects) {
    for (model::JournalRow& row : effects.rows) {
      if (row.body.get_if<model::Alert>()) rows.push_back(std::move(row));
    }
  }
  void play() {
    if (!batches.empty()) keep(pipeline.ingest(batches, batches.back().received));
    batches.clear();
  }
  void move_to(Instant at) {
    if (!held.changes_by(at)) return;
    play();
    held.move_to(
        at, part.site().alert_grace, [this](Instant now) { keep(pipeline.pass(now)); },
        [this](double value, Instant when) { keep(pipeline.tell(kParent, value, "", when)); });
  }
  std::vector<LateRate> rates() const {
    std::vector<LateRate> rates;
    const model::Checkpoint& now = pipeline.state();
    for (std::size_t i = 0; i < accounts.size(); ++i) {
      const model::AccountState& account = now.accounts[i];
      LateRate& rate = rates.emplace_back();
      rate.account = accounts[i];
      rate.newest = now.points[index(part.site().accounts[i].source)].last_at;
      rate.amount_per_hour = account.amount_per_hour;
      if (part.site().accounts[i].factor) rate.co2e_kg_per_hour = account.co2e_kg_per_hour;
    }
    return rates;
  }
  // What fires then is what was told to, but where the lead knows that it was over, or still goes on: what is told of
  // an alert may begin or end at another time. What was held back there the lead does not know.
  void begin() {
    play();
    model::Checkpoint so_far = pipeline.state();
    const model::AlertState lead = state();
    model::AlertState fresh;
    fresh.periods = lead.periods;
    fire_as_told(alerts_of(changes, until), start, fresh);
    if (!lead.since && lead.last_since) fresh.since = fresh.fired_at = std::nullopt;
    const bool goes_on = !fresh.since && lead.since && !is_held;
    std::erase_if(rows, [&](const model::JournalRow& row) {
      const auto& alert = row.body.get<model::Alert>();
      return !goes_on || row.subject != model::Subject(kPlayed) || alert.since != *lead.since;
    });
    if (goes_on) {
      fresh.holds_since.reset();
      fresh.since = lead.since;
      fresh.fired_at = lead.fired_at;
      fresh.published = lead.published;
    } else if (!fresh.since) {
      fresh.holds_since = lead.holds_since;
      fresh.seen_at = lead.seen_at;
      fresh.value = lead.value;
      fresh.bridged = lead.bridged;
    }
    at_begin = fresh;
    so_far.alerts.clear();
    so_far.alerts.push_back(std::move(fresh));
    pipeline = Pipeline(part.site(), factors, std::move(so_far));
    begun = true;
    move_to(start);
  }

  LateWatch late;
  Instant start;
  Instant until;
  Part part;
  std::vector<model::AccountId> accounts;  // of the whole site, in the order of the part's
  const FactorRegistry& factors;
  std::vector<model::Alert> changes;
  Held held;
  bool is_held;
  Pipeline pipeline;
  std::vector<Batch> batches;
  std::vector<model::JournalRow> rows;
  model::AlertState at_begin;
  std::size_t readings = 0;
  Instant reached = Instant::min();
  bool begun = false;
};

RatePlay::RatePlay(const model::Site& site, const FactorRegistry& factors, const LateWatch& late,
                   const model::Checkpoint& known, std::span<const model::Alert> told,
                   std::span<const AlertsOf> parents)
    : playing_(std::make_unique<Playing>(site, factors, late, told, parents)) {
  std::vector<Reading> in_force;
  for (const model::LiveFactor& live : playing_->part.site().live_factors) {
    const auto& state = known.points.at(index(playing_->part.in_whole(live.source))).live;
    if (!state) continue;
    const auto later = std::ranges::lower_bound(state->values, wanted().begin, {}, &model::LiveValue::at);
    if (later == state->values.begin()) continue;
    in_force.push_back({.point = live.source, .at = std::prev(later)->at, .value = std::prev(later)->value});
  }
  std::ranges::sort(in_force, {}, &Reading::at);
  for (const Reading& reading : in_force) {
    playing_->batches.push_back({.source = {}, .received = reading.at, .readings = {reading}, .settled = {}});
  }
}

RatePlay::~RatePlay() = default;

const std::vector<PointId>& RatePlay::points() const {
  return playing_->part.read();
}

Span RatePlay::wanted() const {
  Duration lead = kRateLead;
  for (const Point& point : playing_->part.site().points) lead = std::max(lead, 3 * gap_max(point.limits));
  return {playing_->start - std::min(lead, kLeadMax), playing_->until + Duration(1)};
}

bool RatePlay::take(const Reading& reading) {
  const bool is_next = reading.at > playing_->reached;
  if (is_next && playing_->readings >= kLateRateReadingsMax && playing_->reached > playing_->late.from) return false;
  if (is_next) {
    if (!playing_->begun && reading.at >= playing_->start) playing_->begin();
    if (playing_->begun) playing_->move_to(reading.at);
    if (playing_->batches.size() >= kReadingsAtOnce) playing_->play();
    playing_->batches.push_back({.source = {}, .received = reading.at, .readings = {}, .settled = {}});
    playing_->reached = reading.at;
  }
  playing_->batches.back().readings.push_back(reading);
  playing_->batches.back().readings.back().point = playing_->part.place(reading.point);
  ++playing_->readings;
  return true;
}

// What still goes on where the judgement ends before the readings do is left to the next one, from its begin on.
LateJudgement RatePlay::finish() {
  Playing& playing = *playing_;
  if (!playing.begun) playing.begin();
  playing.play();
  const bool is_cut = playing.readings >= kLateRateReadingsMax;
  const Instant until = is_cut ? std::min(playing.until, playing.reached) : playing.until;
  playing.move_to(until);
  const Instant passed = until + playing.part.site().alert_grace;
  playing.keep(playing.pipeline.pass(passed));

  LateWatch of = playing.late;
  of.until = until;
  LateJudgement judgement = judgement_of(of, {playing.start, until + Duration(1)}, alerts_of(playing.changes, until),
                                         playing.rows, playing.at_begin, playing.state());
  judgement.of = playing.late;
  if (until >= playing.late.until) {
    judgement.rates = playing.rates();
    return judgement;
  }
  Instant rest = until;
  const auto is_left = [&](std::optional<Instant> since) {
    const bool is_later = since && playing.late.from < *since && *since <= until;
    if (is_later) rest = std::min(rest, *since);
    return is_later;
  };
  is_left(playing.state().since);
  if (judgement.pending) is_left(judgement.pending->since);
  judgement.pending.reset();
  std::vector<model::Alert>& changes = judgement.changes;
  if (!changes.empty() && changes.back().stage == model::AlertStage::firing) changes.pop_back();
  const std::map<Instant, Told> known = alerts_of(playing.changes, until);
  std::erase_if(changes, [&](const model::Alert& change) {
    const auto told = known.find(change.since);
    const bool goes_on = told != known.end() && !told->second.over;
    return change.stage == model::AlertStage::withdrawn && goes_on && is_left(change.since);
  });
  judgement.rest = rest;
  return judgement;
}

}  // namespace carbongate::pipeline
