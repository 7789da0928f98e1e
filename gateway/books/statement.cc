#include "gateway/books/statement.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "gateway/books/account_sums.h"
#include "gateway/model/uncertainty.h"

namespace carbongate::books {
namespace {

using model::Basis;
using model::Flow;
using model::Scope;

Sum sum_of(Flow flow) {
  switch (flow) {
    case Flow::consumed: return Sum::consumed;
    case Flow::exported: return Sum::exported;
    case Flow::produced: return Sum::produced;
    case Flow::emitted: return Sum::emitted;
    case Flow::measured: return Sum::measured;
  }
  return Sum::consumed;
}

// What a line adds up: part of an account, with a sign. An account without any entry has no part.
struct Share {
  const AccountSums* account;
  const FactorSums* part;
  std::string_view container = {};  // a user; empty: the share is contained in nothing
  int sign = 1;

  const model::Series& series() const { return account->series; }
  bool in_site() const { return container.empty(); }
  bool is_own_supply() const {
    if (!part || part->factors_of.empty()) return account->own_supply;
    return std::string_view(part->factors_of).starts_with(std::string(model::kOwnGeneration) + "/");
  }
};
using Shares = std::vector<Share>;

auto order(const Share& share) {
  const model::Series& s = share.series();
  const FactorSums* part = share.part;
  return std::tuple(std::string_view(s.user), s.flow, s.scope, std::string_view(s.carrier), std::string_view(s.device),
                    std::string_view(s.point), std::string_view(part ? part->factors_of : std::string_view()),
                    std::string_view(part ? part->market_of : std::string_view()));
}

bool is_consumed(const Share& share) {
  return share.series().flow == Flow::consumed;
}

template <class Filter>
Shares select(const Shares& shares, const Filter& filter) {
  Shares selected;
  std::ranges::copy_if(shares, std::back_inserter(selected), filter);
  return selected;
}

Shares minus(Shares shares, const Shares& less) {
  for (Share share : less) {
    share.sign = -share.sign;
    shares.push_back(share);
  }
  return shares;
}

// The user that contains them all; "" if none contains any. Where only some are contained, or not all in one, which
// are: "hall (electricity); park (natural-gas)".
std::string container_of(const Shares& shares) {
  if (shares.empty()) return {};
  const auto same = [&](const Share& share) { return share.container == shares.front().container; };
  if (std::ranges::all_of(shares, same)) return std::string(shares.front().container);
  std::map<std::string_view, std::set<std::string>> contained;  // carriers, by container
  for (const Share& share : shares) {
    if (share.in_site()) continue;
    const bool whole_carrier = std::ranges::none_of(shares, [&](const Share& other) {
      return is_consumed(other) && other.series().carrier == share.series().carrier &&
             other.container != share.container;
    });
    const std::string_view but = whole_carrier           ? ""
                                 : share.is_own_supply() ? ", own generation"
                                                         : ", without own generation";
    contained[share.container].insert(share.series().carrier + std::string(but));
  }
  std::string text;
  for (const auto& [container, carriers] : contained) {
    text += (text.empty() ? "" : "; ") + std::string(container) + " (";
    for (const std::string& carrier : carriers) text += (carrier == *carriers.begin() ? "" : "; ") + carrier;
    text += ")";
  }
  return text;
}

Uncertainty combine(const Shares& shares, Basis basis) {
  std::map<std::pair<std::string_view, std::string_view>, std::int64_t> by_point;
  std::map<std::string_view, std::int64_t> by_factor;
  bool any = false;
  bool all = true;
  bool entries = false;
  for (const Share& share : shares) {
    if (!share.part) continue;
    entries = true;
    const model::Emitted& emitted = share.part->now.emitted[basis];
    by_point[{share.series().device, share.series().point}] += share.sign * emitted.u95_activity.quanta();
    by_factor[share.part->series(basis)] += share.sign * emitted.u95_factor.quanta();
    if (emitted.co2e == model::Co2e{}) continue;
    const bool activity = emitted.u95_activity != model::Co2e{};
    const bool factor = emitted.u95_factor != model::Co2e{};
    any |= activity || factor;
    all &= activity && factor && !share.part->unstated[basis];
  }
  model::Quadrature sum;
  for (const auto& [point, half_width] : by_point) sum.add(half_width);
  for (const auto& [factor, half_width] : by_factor) sum.add(half_width);
  const Stated stated = !entries ? Stated::none : all ? Stated::all : any ? Stated::part : Stated::none;
  return {.u95 = model::Co2e::of(sum.root()), .stated = stated};
}

// How much of the period the readings of a metering point watched, and of which origin its time is.
struct Watched {
  Duration covered{};
  OriginTimes time_by_origin{};

  // Of two accounts on one point: the one watched longer, and of those the one with less that is missing.
  bool operator<(const Watched& other) const { return order() < other.order(); }

 private:
  std::pair<Duration, Duration> order() const {
    return {covered, std::accumulate(time_by_origin.begin(), time_by_origin.end(), Duration{})};
  }
};

std::map<std::pair<std::string_view, std::string_view>, Watched> watch(const Shares& shares) {
  std::map<std::pair<std::string_view, std::string_view>, Watched> points;
  for (const Share& share : shares) {
    Watched& watched = points[{share.series().device, share.series().point}];
    watched = std::max(watched, {share.account->covered(), share.account->time_by_origin()});
  }
  return points;
}

// Adds the entries of `more` that are not in `uses`.
template <class Name>
void merge(std::vector<Name>& uses, const std::vector<Name>& more) {
  uses.insert(uses.end(), more.begin(), more.end());
  std::ranges::sort(uses);
  const auto last = std::ranges::unique(uses);
  uses.erase(last.begin(), last.end());
}

Line add_up(const Shares& shares) {
  Line line;
  const auto note_quality = [&](model::Quality quality) {
    line.worst = line.worst ? worse(*line.worst, quality) : quality;
  };
  for (const Share& share : shares) {
    const auto& open = share.account->open_since;
    if (open) line.open_since = std::min(line.open_since.value_or(*open), *open);
    if (!share.part) {
      note_quality({.origin = model::Origin::missing});
      continue;
    }
    const FactorSums& part = *share.part;
    if (share.sign > 0) {
      line.first += part.first;
      line.now += part.now;
    } else {
      line.first -= part.first;
      line.now -= part.now;
    }
    line.has_market |= part.has_market;
    line.entries += part.entries;
    line.corrections += part.corrections;
    if (part.worst) note_quality(*part.worst);
    merge(line.factors, part.factors);
    merge(line.market_factors, part.market_factors);
    merge(line.gwp_sets, part.gwp_sets);
  }
  // Of a line from which all has moved elsewhere: what it was published with.
  const bool all_moved = !line.worst;
  for (const Share& share : shares) {
    if (all_moved && share.part && share.part->worst_moved) note_quality(*share.part->worst_moved);
  }
  for (const Basis basis : model::kBases) line.uncertainty[basis] = combine(shares, basis);
  const auto points = watch(shares);
  for (const auto& [point, watched] : points) {
    line.covered += watched.covered;
    for (std::size_t i = 0; i < kOriginCount; ++i) line.time_by_origin[i] += watched.time_by_origin[i];
  }
  line.points = static_cast<std::int64_t>(points.size());
  line.part_of = container_of(shares);
  return line;
}

// What the accounts of one user consume of one carrier.
Line carrier_line(const Shares& shares, Sum sum) {
  Line line = add_up(shares);
  const model::Series& series = shares.front().series();
  line.level = Level::carrier;
  line.sum = sum;
  line.user = series.user;
  line.user_name = series.user_name;
  line.scope = series.scope;
  line.carrier = series.carrier;
  return line;
}

// `user` contains what others consume of `carrier`.
Allocation allocate(std::string_view user, std::string_view carrier, const Shares& all) {
  const auto consumed_by = [&](const Share& share, std::string_view who) {
    return is_consumed(share) && share.series().user == who && share.series().carrier == carrier;
  };
  const Shares whole = select(all, [&](const Share& share) { return consumed_by(share, user); });
  const Shares parts =
      select(all, [&](const Share& share) { return share.container == user && share.series().carrier == carrier; });
  Allocation allocation{.whole = carrier_line(whole, Sum::consumed), .parts = {}, .unallocated = {}};
  std::set<std::string_view> users;
  for (const Share& share : parts) users.insert(share.series().user);
  for (const std::string_view part : users) {
    allocation.parts.push_back(
        carrier_line(select(parts, [&](const Share& share) { return consumed_by(share, part); }), Sum::consumed));
  }
  Line rest = carrier_line(minus(whole, parts), Sum::unallocated);
  rest.whole = allocation.whole.now.amount;
  rest.points = 1;
  const auto points = watch(minus(whole, parts));
  Watched worst = points.begin()->second;
  for (const auto& [point, watched] : points) worst = std::min(worst, watched);
  rest.covered = worst.covered;
  rest.time_by_origin = worst.time_by_origin;
  rest.part_of.clear();
  allocation.unallocated = std::move(rest);
  return allocation;
}

// Users and carriers of which others consume a part, in the order of lines.
std::set<std::tuple<std::string_view, Scope, std::string_view>> allocated(const Shares& shares) {
  std::set<std::pair<std::string_view, std::string_view>> containers;
  for (const Share& share : shares) {
    if (!share.in_site()) containers.emplace(share.container, share.series().carrier);
  }
  std::set<std::tuple<std::string_view, Scope, std::string_view>> wholes;
  for (const Share& share : shares) {
    const model::Series& series = share.series();
    if (is_consumed(share) && containers.contains({series.user, series.carrier})) {
      wholes.emplace(series.user, series.scope, series.carrier);
    }
  }
  return wholes;
}

// All CO2 that leaves a stack, and nothing else.
model::Emitted stack_co2(const model::Emitted& emitted) {
  model::Emitted co2{.co2e = {}, .gases = {}, .u95_activity = emitted.u95_activity, .u95_factor = emitted.u95_factor};
  const std::int64_t mass = emitted.gases[model::Gas::co2].quanta() + emitted.gases[model::Gas::co2_biogenic].quanta();
  co2.co2e = model::Co2e::of(mass);
  co2.gases[model::Gas::co2] = model::GasMass::of(mass);
  return co2;
}

// The lines of one user, or of the site.
class Cut {
 public:
  Cut(const Shares& shares, bool of_site, std::vector<Line>& lines)
      : shares_(shares), of_site_(of_site), lines_(lines) {}

  void accounts() {
    for (const Share& share : shares_) {
      Line line = begin({share}, Level::account, sum_of(share.series().flow));
      line.scope = share.series().scope;
      line.carrier = share.series().carrier;
      line.device = share.series().device;
      line.point = share.series().point;
      if (share.part) {
        line.factors_of = share.part->factors_of;
        line.market_of = share.part->market_of;
        line.superseded_by = share.part->superseded_by;
        line.supersedes = share.part->supersedes;
      }
      lines_.push_back(std::move(line));
    }
  }

  void carriers() {
    const auto key = [](const Share& share) {
      const model::Series& s = share.series();
      return std::tuple(s.flow, s.scope, std::string_view(s.carrier));
    };
    std::set<decltype(key(shares_.front()))> groups;
    for (const Share& share : shares_) groups.insert(key(share));
    for (const auto& group : groups) {
      Line line = begin(select(shares_, [&](const Share& share) { return key(share) == group; }), Level::carrier,
                        sum_of(std::get<Flow>(group)));
      line.scope = std::get<Scope>(group);
      line.carrier = std::get<std::string_view>(group);
      lines_.push_back(std::move(line));
    }
  }

  void scopes() {
    for (const Scope scope : {Scope::direct, Scope::energy, Scope::none}) {
      const Shares selected = select(shares_, [&](const Share& share) {
        return model::in_total(share.series().flow) && share.series().scope == scope;
      });
      if (selected.empty()) continue;
      Line line = begin(selected, Level::scope, Sum::total);
      line.scope = scope;
      lines_.push_back(std::move(line));
    }
  }

  void totals() {
    const Level level = of_site_ ? Level::site : Level::user;
    Shares net = select(shares_, [](const Share& share) { return model::in_total(share.series().flow); });
    Shares exported = select(shares_, [](const Share& share) { return share.series().flow == Flow::exported; });
    lines_.push_back(begin(net, level, Sum::total));
    if (net.empty()) watch_beside(lines_.back());
    if (!exported.empty()) lines_.push_back(begin(exported, level, Sum::exported));
    if (exported.empty() && !of_site_) return;
    lines_.push_back(begin(minus(std::move(net), exported), level, Sum::net));
  }

  // Of a user that measures what `all` of the others named are calculated to emit.
  void difference(const model::Comparison& comparison, const Shares& all) {
    const Shares measured = select(shares_, [](const Share& share) { return share.series().flow == Flow::measured; });
    const Shares calculated = select(all, [&](const Share& share) {
      const model::Series& series = share.series();
      return std::ranges::find(comparison.calculated_of, series.user) != comparison.calculated_of.end() &&
             model::in_total(series.flow) && series.scope == Scope::direct;
    });
    const Line of_fuel = add_up(calculated);
    Line line = begin(minus(measured, calculated), Level::user, Sum::difference);
    for (Figures* figures : {&line.first, &line.now}) {
      figures->amount = {};
      figures->coal = {};
      for (const Basis basis : model::kBases) figures->emitted[basis] = stack_co2(figures->emitted[basis]);
    }
    line.part_of.clear();  // it is in no total at all
    line.calculated = stack_co2(of_fuel.now.emitted[Basis::primary]).co2e;
    lines_.push_back(std::move(line));
  }

 private:
  // Nothing is in the total, but there are meters.
  void watch_beside(Line& total) const {
    const Line beside = add_up(shares_);
    total.covered = beside.covered;
    total.points = beside.points;
    total.time_by_origin = beside.time_by_origin;
    total.worst = beside.worst;
  }

  Line begin(const Shares& shares, Level level, Sum sum) const {
    Line line = add_up(shares);
    line.level = level;
    line.sum = sum;
    if (!of_site_) {
      line.user = shares_.front().series().user;
      line.user_name = shares_.front().series().user_name;
    }
    return line;
  }

  const Shares& shares_;
  bool of_site_;
  std::vector<Line>& lines_;
};

}  // namespace

Figures& Figures::operator+=(const Figures& other) {
  amount += other.amount;
  coal += other.coal;
  for (const Basis basis : model::kBases) emitted[basis] += other.emitted[basis];
  return *this;
}

Figures& Figures::operator-=(const Figures& other) {
  amount -= other.amount;
  coal -= other.coal;
  for (const Basis basis : model::kBases) emitted[basis] -= other.emitted[basis];
  return *this;
}

bool is_below_zero(const Line& unallocated) {
  const auto& emitted = unallocated.now.emitted;
  return unallocated.now.amount < model::Activity{} ||
         std::ranges::any_of(model::kBases, [&](Basis basis) { return emitted[basis].co2e < model::Co2e{}; });
}

std::string_view factor_series(std::string_view factor_id) {
  const auto slash = factor_id.rfind('/');
  return slash == std::string_view::npos ? factor_id : factor_id.substr(0, slash);
}

std::string_view to_string(Level level) {
  switch (level) {
    case Level::account: return "account";
    case Level::carrier: return "carrier";
    case Level::scope: return "scope";
    case Level::user: return "user";
    case Level::site: return "site";
  }
  return "unknown";
}

std::string_view to_string(Sum sum) {
  switch (sum) {
    case Sum::consumed: return "consumed";
    case Sum::exported: return "exported";
    case Sum::produced: return "produced";
    case Sum::emitted: return "emitted";
    case Sum::measured: return "measured";
    case Sum::difference: return "difference";
    case Sum::unallocated: return "unallocated";
    case Sum::total: return "total";
    case Sum::net: return "net";
  }
  return "unknown";
}

class Statement::Accounts {
 public:
  AccountSums& find(const model::Series& series) {
    AccountSums& account = accounts_[{series.user, series.flow, series.carrier, series.device, series.point}];
    account.series = series;
    return account;
  }

  AccountSums& find(const std::shared_ptr<const model::Series>& series) {
    auto& known = known_[series.get()];
    if (!known.account) known = {series, &find(*series)};
    return *known.account;
  }

  Shares close() {
    Shares shares;
    for (auto& [key, account] : accounts_) {
      account.close();
      for (const FactorSums& part : account.by_factors()) shares.push_back({&account, &part});
      if (account.by_factors().empty()) shares.push_back({&account, nullptr});
    }
    for (Share& share : shares) share.container = container_of(share);
    std::ranges::sort(shares, {}, order);
    return shares;
  }

  void contain(const model::Containment& containment) {
    containers_[{containment.user, containment.carrier, containment.own_supply}] = containment.of;
  }

 private:
  std::string_view container_of(const Share& share) const {
    if (!is_consumed(share)) return {};
    const model::Series& series = share.series();
    const auto found = containers_.find({series.user, series.carrier, share.is_own_supply()});
    return found == containers_.end() ? std::string_view() : std::string_view(found->second);
  }

  struct Known {
    std::shared_ptr<const model::Series> series;  // kept: its address is the key
    AccountSums* account = nullptr;
  };
  using Key = std::tuple<std::string, Flow, std::string, std::string, std::string>;

  std::map<Key, AccountSums> accounts_;
  std::map<std::tuple<std::string, std::string, bool>, std::string> containers_;  // by user, carrier, own supply
  std::unordered_map<const model::Series*, Known> known_;
};

Statement::Statement(pipeline::Span period) : period_(period), accounts_(std::make_unique<Accounts>()) {}
Statement::~Statement() = default;

void Statement::expect(const model::Series& account, bool own_supply) {
  accounts_->find(account).own_supply = own_supply;
}

void Statement::leave_open(const model::Series& account, Instant begin) {
  accounts_->find(account).open_since = begin;
}

void Statement::contain(const model::Containment& containment) {
  accounts_->contain(containment);
}

void Statement::compare(const model::Comparison& comparison) {
  comparisons_.push_back(comparison);
}

void Statement::add(const std::shared_ptr<const model::Series>& series, const model::EmissionEntry& entry) {
  accounts_->find(series).add(entry);
}

std::vector<Line> Statement::lines(By by) {
  const Shares shares = accounts_->close();
  std::vector<Line> lines;
  if (by == By::user) {
    std::set<std::string_view> users;
    for (const Share& share : shares) users.insert(share.series().user);
    for (const std::string_view user : users) {
      const Shares of_user = select(shares, [&](const Share& share) { return share.series().user == user; });
      Cut cut(of_user, false, lines);
      cut.accounts();
      cut.carriers();
      for (const auto& [whole, scope, carrier] : allocated(shares)) {
        if (whole == user) lines.push_back(allocate(whole, carrier, shares).unallocated);
      }
      cut.scopes();
      cut.totals();
      const auto compared = std::ranges::find(comparisons_, user, &model::Comparison::measured_by);
      if (compared != comparisons_.end()) cut.difference(*compared, shares);
    }
  }
  const Shares of_site = select(shares, [](const Share& share) { return share.in_site(); });
  Cut site(of_site, true, lines);
  if (by == By::carrier)
    site.carriers();
  else
    site.scopes();
  site.totals();
  return lines;
}

std::vector<Allocation> Statement::allocations() {
  const Shares shares = accounts_->close();
  std::vector<Allocation> allocations;
  for (const auto& [user, scope, carrier] : allocated(shares)) {
    allocations.push_back(allocate(user, carrier, shares));
  }
  return allocations;
}

}  // namespace carbongate::books
