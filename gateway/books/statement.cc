#include "gateway/books/statement.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "gateway/books/account_sums.h"
#include "gateway/books/line_shares.h"

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

auto order(const LineShare& share) {
  const model::Series& s = share.series();
  const FactorSums* part = share.part;
  return std::tuple(std::string_view(s.user), s.flow, s.scope, std::string_view(s.carrier), std::string_view(s.device),
                    std::string_view(s.point), std::string_view(part ? part->factors_of : std::string_view()),
                    std::string_view(part ? part->market_of : std::string_view()));
}

// `user` contains what others consume of `carrier`.
Allocation allocate(std::string_view user, std::string_view carrier, const LineShares& all) {
  const auto consumed_by = [&](const LineShare& share, std::string_view who) {
    return is_consumed(share) && share.series().user == who && share.series().carrier == carrier;
  };
  const LineShares whole = select(all, [&](const LineShare& share) { return consumed_by(share, user); });
  const LineShares parts =
      select(all, [&](const LineShare& share) { return share.container == user && share.series().carrier == carrier; });
  Allocation allocation{.whole = carrier_line(whole, Sum::consumed), .parts = {}, .unallocated = {}};
  std::set<std::string_view> users;
  for (const LineShare& share : parts) users.insert(share.series().user);
  for (const std::string_view part : users) {
    allocation.parts.push_back(
        carrier_line(select(parts, [&](const LineShare& share) { return consumed_by(share, part); }), Sum::consumed));
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
std::set<std::tuple<std::string_view, Scope, std::string_view>> allocated(const LineShares& shares) {
  std::set<std::pair<std::string_view, std::string_view>> containers;
  for (const LineShare& share : shares) {
    if (!share.in_site()) containers.emplace(share.container, share.series().carrier);
  }
  std::set<std::tuple<std::string_view, Scope, std::string_view>> wholes;
  for (const LineShare& share : shares) {
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
  Cut(const LineShares& shares, bool of_site, std::vector<Line>& lines)
      : shares_(shares), of_site_(of_site), lines_(lines) {}

  void accounts() {
    for (const LineShare& share : shares_) {
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
    const auto key = [](const LineShare& share) {
      const model::Series& s = share.series();
      return std::tuple(s.flow, s.scope, std::string_view(s.carrier));
    };
    std::set<decltype(key(shares_.front()))> groups;
    for (const LineShare& share : shares_) groups.insert(key(share));
    for (const auto& group : groups) {
      Line line = begin(select(shares_, [&](const LineShare& share) { return key(share) == group; }), Level::carrier,
                        sum_of(std::get<Flow>(group)));
      line.scope = std::get<Scope>(group);
      line.carrier = std::get<std::string_view>(group);
      lines_.push_back(std::move(line));
    }
  }

  void scopes() {
    for (const Scope scope : {Scope::direct, Scope::energy, Scope::none}) {
      const LineShares selected = select(shares_, [&](const LineShare& share) {
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
    LineShares net = select(shares_, [](const LineShare& share) { return model::in_total(share.series().flow); });
    LineShares exported = select(shares_, [](const LineShare& share) { return share.series().flow == Flow::exported; });
    lines_.push_back(begin(net, level, Sum::total));
    if (net.empty()) watch_beside(lines_.back());
    if (!exported.empty()) lines_.push_back(begin(exported, level, Sum::exported));
    if (exported.empty() && !of_site_) return;
    lines_.push_back(begin(minus(std::move(net), exported), level, Sum::net));
  }

  // Of a user that measures what `all` of the others named are calculated to emit.
  void difference(const model::Comparison& comparison, const LineShares& all) {
    const LineShares measured =
        select(shares_, [](const LineShare& share) { return share.series().flow == Flow::measured; });
    const LineShares calculated = select(all, [&](const LineShare& share) {
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

  Line begin(const LineShares& shares, Level level, Sum sum) const {
    Line line = add_up(shares);
    line.level = level;
    line.sum = sum;
    if (!of_site_) {
      line.user = shares_.front().series().user;
      line.user_name = shares_.front().series().user_name;
    }
    return line;
  }

  const LineShares& shares_;
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

  LineShares close() {
    LineShares shares;
    for (auto& [key, account] : accounts_) {
      account.close();
      for (const FactorSums& part : account.by_factors()) shares.push_back({&account, &part});
      if (account.by_factors().empty()) shares.push_back({&account, nullptr});
    }
    for (LineShare& share : shares) share.container = container_of(share);
    std::ranges::sort(shares, {}, order);
    return shares;
  }

  void contain(const model::Containment& containment) {
    containers_[{containment.user, containment.carrier, containment.own_supply}] = containment.of;
  }

 private:
  std::string_view container_of(const LineShare& share) const {
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
  const LineShares shares = accounts_->close();
  std::vector<Line> lines;
  if (by == By::user) {
    std::set<std::string_view> users;
    for (const LineShare& share : shares) users.insert(share.series().user);
    for (const std::string_view user : users) {
      const LineShares of_user = select(shares, [&](const LineShare& share) { return share.series().user == user; });
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
  const LineShares of_site = select(shares, [](const LineShare& share) { return share.in_site(); });
  Cut site(of_site, true, lines);
  if (by == By::carrier)
    site.carriers();
  else
    site.scopes();
  site.totals();
  return lines;
}

std::vector<Allocation> Statement::allocations() {
  const LineShares shares = accounts_->close();
  std::vector<Allocation> allocations;
  for (const auto& [user, scope, carrier] : allocated(shares)) {
    allocations.push_back(allocate(user, carrier, shares));
  }
  return allocations;
}

}  // namespace carbongate::books
