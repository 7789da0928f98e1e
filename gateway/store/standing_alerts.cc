#include "gateway/store/standing_alerts.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <set>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "gateway/store/history.h"

namespace carbongate::store {
namespace {

using namespace std::chrono_literals;

constexpr Duration kFirstStretch = 24h * 7;  // of a page: how far back it is looked for at first
constexpr int kLongerEachTime = 8;
constexpr Duration kLongest = 24h * 366 * 20;  // beyond it all is looked at

std::string subject_of(const model::Watch& watch) {
  return model::subject_name(watch.device, watch.point, watch.user, watch.carrier ? watch.carrier->id : "");
}

std::string subject_of(const model::Series& series) {
  return model::subject_name(series.device, series.point, series.user, series.carrier);
}

struct Begin {
  Instant since{};
  std::string name;  // rule and subject
};
using Begins = std::map<std::string, Begin>;  // of alerts, by id

std::string name_of(const auto& of) {
  return of.rule + " " + subject_of(of);
}

void note_pending(const model::Site& site, const model::Watch& watch, const model::AlertState& state,
                  StandingAlerts& alerts) {
  if (state.since || (!state.holds_since && !state.held_back)) return;
  const model::AlertRule& rule = site.alert_rules.at(watch.rule_place);
  StandingAlert one;
  one.state = "pending";
  one.rule = watch.rule;
  one.subject = subject_of(watch);
  one.user_name = watch.user_name;
  one.is_pending = true;
  one.alert.name = rule.name;
  one.alert.name_zh = rule.name_zh;
  one.alert.severity = rule.severity;
  one.alert.unit = watch.unit;
  if (state.holds_since) {
    one.alert.since = *state.holds_since;
    one.alert.value = state.value;
    one.alert.of = state.of;
    one.alert.limit = rule.above && state.value > *rule.above ? *rule.above : rule.below.value_or(std::nan(""));
  }
  one.alert.note = state.held_back ? "held back" : "";
  alerts.all["pending " + watch.rule + " " + one.subject] = std::move(one);
}

void note_change(const model::StoredRow& row, const Begins& firing, StandingAlerts& alerts) {
  const auto& alert = row.body.get<model::Alert>();
  alerts.newest = std::max(alerts.newest.value_or(alert.at), alert.at);
  StandingAlert& one = alerts.all[alert.id];
  const auto complete = [](model::Alert& known, const model::Alert& other) {
    if (known.by.empty()) known.by = other.by;
    if (known.note.empty()) known.note = other.note;
    if (!std::isnan(known.value)) return;  // an acknowledgement, or the end of a period, has none
    known.value = other.value;
    known.of = other.of;
  };
  if (!one.alert.id.empty() && one.alert.revision > alert.revision) return complete(one.alert, alert);
  const model::Alert before = std::exchange(one.alert, alert);
  if (!before.id.empty()) complete(one.alert, before);
  one.state = to_string(alert.stage);
  one.rule = row.series->rule;
  one.subject = subject_of(*row.series);
  one.user_name = row.series->user_name;
  one.fires = firing.contains(alert.id);
}

AlertPlace place_at(Instant at, std::string name) {
  return {-at.time_since_epoch().count(), std::move(name)};
}

bool is_of_page(const AlertQuery& query, const AlertPlace& place) {
  const Instant at(Duration(-place.first));
  return (!query.from || at >= *query.from) && (!query.to || at < *query.to) &&
         (!query.behind || place > *query.behind);
}

// What a site's store says of its alerts.
class Reader {
 public:
  Reader(History& history, const model::Site& site, const model::Checkpoint& checkpoint) : history_(history) {
    for (const model::Watch& watch : site.watches) {
      const model::AlertState& state = checkpoint.alerts.at(model::index(watch.id));
      if (state.since) {
        firing_.emplace(model::alert_id(site.id, watch.rule, subject_of(watch), *state.since),
                        Begin{*state.since, name_of(watch)});
      }
      note_pending(site, watch, state, pending_);
    }
  }

  model::Result<StandingAlerts> all() {
    StandingAlerts alerts = pending_;
    const auto read = history_.each(History::What::alerts, {}, [&](const model::StoredRow& row) {
      note_change(row, firing_, alerts);
      return true;
    });
    if (read.has_error()) return read.error();
    return alerts;
  }

  model::Result<StandingAlerts> active(const std::optional<std::string>& id) {
    Begins wanted = firing_;
    if (id) std::erase_if(wanted, [&](const auto& one) { return one.first != *id; });
    StandingAlerts alerts = id ? StandingAlerts() : pending_;
    if (const auto read = changes_of(wanted, alerts); read.has_error()) return read.error();
    return alerts;
  }

  model::Result<AlertPage> page(const AlertQuery& query, Instant now) {
    Places places;
    if (const auto found = look_back(query, now, places); found.has_error()) return found.error();
    StandingAlerts alerts;
    for (const auto& [name, one] : pending_.all) {
      if (!is_of_page(query, place_of(one))) continue;
      places.emplace(place_of(one), Begin());
      alerts.all.emplace(place_of(one).second, one);
    }
    AlertPage page{.alerts = {}, .is_more = places.size() > query.limit};
    while (places.size() > query.limit) places.erase(std::prev(places.end()));
    Begins wanted;
    for (const auto& [place, begin] : places) {
      if (!begin.name.empty()) wanted.emplace(place.second, begin);
    }
    if (const auto read = changes_of(wanted, alerts); read.has_error()) return read.error();
    for (const auto& [place, begin] : places) {
      if (const auto found = alerts.all.find(place.second); found != alerts.all.end()) {
        page.alerts.push_back(std::move(found->second));
      }
    }
    return page;
  }

 private:
  using Places = std::map<AlertPlace, Begin>;

  // Reads all changes of some alerts.
  model::Result<void> changes_of(const Begins& wanted, StandingAlerts& alerts) {
    if (wanted.empty()) return {};
    Instant oldest = Instant::max();
    std::set<std::string_view> names;
    for (const auto& [id, begin] : wanted) {
      oldest = std::min(oldest, begin.since);
      names.insert(begin.name);
    }
    std::unordered_map<const model::Series*, bool> known;
    const auto choose = [&](const model::Series& series) {
      const auto [found, is_new] = known.try_emplace(&series);
      if (is_new) found->second = names.contains(name_of(series));
      return found->second ? History::Choice::take : History::Choice::skip;
    };
    const History::Range range{.from = oldest - kAcknowledgedAhead, .to = {}};
    return history_.each_of(History::What::alerts, range, choose, [&](const model::StoredRow& row) {
      if (wanted.contains(row.body.get<model::Alert>().id)) note_change(row, firing_, alerts);
      return true;
    });
  }

  // The first places of the page, one more than fit on it if there are so many. Read are stretches, each further back
  // than the one before: what changed in the oldest part of a stretch may have its last change before that.
  model::Result<void> look_back(const AlertQuery& query, Instant now, Places& places) {
    struct Last {
      Instant at{};
      std::uint32_t revision = 0;
      Begin begin;
    };
    std::unordered_map<std::string, Last> last;  // changes, by id
    Instant newest = std::min(now, query.to.value_or(now));
    if (query.behind) newest = std::min(newest, Instant(Duration(-query.behind->first)));
    History::Range range;
    for (Duration length = kFirstStretch;; length *= kLongerEachTime) {
      range.from.reset();
      if (length < kLongest) range.from = newest - length;
      if (query.from) range.from = std::max(range.from.value_or(Instant::min()), *query.from - kAcknowledgedAhead);
      const bool is_all = !range.from || (query.from && *range.from == *query.from - kAcknowledgedAhead);
      const auto read = history_.each(History::What::alerts, range, [&](const model::StoredRow& row) {
        const auto& alert = row.body.get<model::Alert>();
        const auto [found, is_new] = last.try_emplace(alert.id);
        if (is_new) found->second.begin = {alert.since, name_of(*row.series)};
        if (!is_new && found->second.revision > alert.revision) return true;
        found->second.at = alert.at;
        found->second.revision = alert.revision;
        return true;
      });
      if (read.has_error()) return read.error();
      places.clear();
      for (const auto& [id, one] : last) {
        const AlertPlace place = place_at(one.at, id);
        if (!is_of_page(query, place) || (!is_all && one.at < *range.from + kAcknowledgedAhead)) continue;
        places.emplace(place, one.begin);
        if (places.size() > query.limit + 1) places.erase(std::prev(places.end()));
      }
      if (is_all || places.size() > query.limit) return {};
      range.to = range.from;
    }
  }

  History& history_;
  Begins firing_;
  StandingAlerts pending_;
};

// What `ask` makes of a Reader.
auto read(const std::filesystem::path& directory, const model::Site& site, const auto& ask)
    -> decltype(ask(std::declval<Reader&>())) {
  auto history = History::open(directory);
  if (history.has_error()) return history.error();
  const auto checkpoint = (*history)->checkpoint(site);
  if (checkpoint.has_error()) return checkpoint.error();
  Reader reader(**history, site, *checkpoint);
  return ask(reader);
}

}  // namespace

model::Result<StandingAlerts> standing_alerts(const std::filesystem::path& directory, const model::Site& site) {
  return read(directory, site, [](Reader& reader) { return reader.all(); });
}

model::Result<StandingAlerts> active_alerts(const std::filesystem::path& directory, const model::Site& site,
                                            const std::optional<std::string>& id) {
  return read(directory, site, [&](Reader& reader) { return reader.active(id); });
}

AlertPlace place_of(const StandingAlert& alert) {
  return alert.is_pending ? place_at(alert.alert.since, alert.rule + "@" + alert.subject)
                          : place_at(alert.alert.at, alert.alert.id);
}

model::Result<AlertPage> newest_alerts(const std::filesystem::path& directory, const model::Site& site,
                                       const AlertQuery& query, Instant now) {
  return read(directory, site, [&](Reader& reader) { return reader.page(query, now); });
}

std::vector<const StandingAlert*> in_order(const StandingAlerts& alerts) {
  std::vector<const StandingAlert*> rows;
  for (const auto& [id, one] : alerts.all) rows.push_back(&one);
  std::ranges::sort(rows, {}, [](const StandingAlert* one) {
    const int rank = one->fires ? 0 : one->is_pending ? 1 : 2;
    return std::tuple(rank, -static_cast<int>(one->alert.severity), one->alert.since, one->rule, one->subject);
  });
  return rows;
}

}  // namespace carbongate::store
