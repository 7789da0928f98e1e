#include "gateway/books/statement.h"

#include <algorithm>
#include <cstdlib>
#include <list>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "gateway/model/live_factor.h"
#include "gateway/model/uncertainty.h"

namespace carbongate::books {
namespace {

using model::Basis;
using model::Flow;
using model::Scope;

template <class Quantity>
Quantity magnitude(Quantity quantity) {
  return quantity < Quantity{} ? -quantity : quantity;
}

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

struct FactorName {
  std::string id;
  std::string version;
  std::string gwp_set;

  void assign(const model::Emission& emission) {
    id = emission.factor_id;
    version = emission.factor_version;
    gwp_set = emission.gwp_set;
  }
};

// Of a live series, which has as many factors as quarter hours, all together.
void note(std::vector<FactorUse>& uses, const FactorName& factor) {
  if (factor.id.empty()) return;
  const bool live = factor.version == model::kLiveVersion;
  const FactorUse use{live ? std::string(factor_series(factor.id)) + "/*" : factor.id, factor.version};
  if (std::ranges::find(uses, use) == uses.end()) uses.push_back(use);
}

void note(std::vector<std::string>& names, const std::string& name) {
  if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
}

// Under which factors a quarter hour is counted.
struct FactorsOf {
  std::string_view primary;
  std::string_view market;
  bool has_market = false;
};

// Sums of an account's quarter hours that have the same series of factors.
struct Part {
  std::string factors_of;
  std::string market_of;
  bool has_market = false;
  Figures first;
  Figures now;
  model::PerBasis<bool> unstated{};  // an entry emits by a meter or factor that states no uncertainty
  std::uint64_t entries = 0;
  std::uint64_t corrections = 0;
  std::optional<model::Quality> worst;
  std::array<model::Activity, kOriginCount> amount_by_origin{};
  std::array<model::Co2e, kOriginCount> co2e_by_origin{};
  std::vector<FactorUse> factors;
  std::vector<FactorUse> market_factors;
  std::vector<std::string> gwp_sets;

  bool is_of(const FactorsOf& other) const {
    return factors_of == other.primary && market_of == other.market && has_market == other.has_market;
  }
  std::string_view series(Basis basis) const {
    return basis == Basis::market && has_market ? std::string_view(market_of) : std::string_view(factors_of);
  }
};

// One quarter hour, of which more revisions may follow.
class Quarter {
 public:
  explicit Quarter(Instant begin) : begin_(begin) {}

  Instant begin() const { return begin_; }

  void add(const model::EmissionEntry& entry) {
    Figures figures{.amount = entry.amount, .coal = entry.coal, .emitted = {}};
    figures.emitted[Basis::primary] = entry.primary.emitted;
    if (entry.market) figures.emitted[Basis::market] = entry.market->emitted;
    now_ += figures;
    has_market_ |= entry.market.has_value();
    if (entry.revision == 0) {
      published_ = true;
      first_ = figures;
      first_has_market_ = entry.market.has_value();
      first_factor_ = entry.primary.factor_id;
      first_market_ = entry.market ? entry.market->factor_id : std::string();
    } else {
      corrected_ = true;
    }
    if (entry.revision < newest_) return;
    newest_ = entry.revision;
    covered_ = entry.covered;
    quality_ = entry.quality;
    factor_.assign(entry.primary);
    if (entry.market) market_.assign(*entry.market);
  }

  bool published() const { return published_; }
  Duration covered() const { return covered_; }

  FactorsOf factors() const { return {factor_series(factor_.id), factor_series(market_.id), has_market_}; }
  FactorsOf first_factors() const {
    return {factor_series(first_factor_), factor_series(first_market_), first_has_market_};
  }

  void book_first(Part& part) const { part.first += with_market(first_, first_has_market_); }
  void book_now(Part& part) const {
    const Figures now = with_market(now_, has_market_);
    part.now += now;
    for (const Basis basis : model::kBases) {
      const model::Emitted& emitted = now.emitted[basis];
      const bool stated = emitted.u95_activity != model::Co2e{} && emitted.u95_factor != model::Co2e{};
      if (emitted.co2e != model::Co2e{} && !stated) part.unstated[basis] = true;
    }
    ++part.entries;
    part.corrections += corrected_ ? 1 : 0;
    part.worst = part.worst ? worse(*part.worst, quality_) : quality_;
    const auto origin = static_cast<std::size_t>(quality_.origin);
    part.amount_by_origin[origin] += magnitude(now.amount);
    part.co2e_by_origin[origin] += magnitude(now.emitted[Basis::primary].co2e);
    note(part.factors, factor_);
    note(part.gwp_sets, factor_.gwp_set);
    if (!has_market_) return;
    note(part.market_factors, market_);
    note(part.gwp_sets, market_.gwp_set);
  }

 private:
  static Figures with_market(Figures figures, bool has_market) {
    if (!has_market) figures.emitted[Basis::market] = figures.emitted[Basis::primary];
    return figures;
  }

  Instant begin_;
  Figures first_;
  Figures now_;
  bool first_has_market_ = false;
  bool has_market_ = false;
  bool published_ = false;
  bool corrected_ = false;
  std::uint32_t newest_ = 0;  // revision of what follows
  Duration covered_{};
  model::Quality quality_;
  FactorName factor_;
  FactorName market_;
  std::string first_factor_;
  std::string first_market_;
};

class Account {
 public:
  void add(const model::EmissionEntry& entry) {
    if (open_ && open_->begin() != entry.begin) close();
    if (!open_) open_.emplace(entry.begin);
    open_->add(entry);
  }

  void close() {
    if (!open_) return;
    covered_ += open_->covered();
    if (open_->published()) open_->book_first(part(open_->first_factors()));
    open_->book_now(part(open_->factors()));
    open_.reset();
  }

  model::Series series;  // as last described
  Duration covered() const { return covered_; }
  const std::list<Part>& parts() const { return parts_; }

 private:
  Part& part(const FactorsOf& factors) {
    if (last_ && last_->is_of(factors)) return *last_;
    const auto found = std::ranges::find_if(parts_, [&](const Part& part) { return part.is_of(factors); });
    if (found != parts_.end()) return *(last_ = &*found);
    Part& fresh = parts_.emplace_back();
    fresh.factors_of = factors.primary;
    fresh.market_of = factors.market;
    fresh.has_market = factors.has_market;
    return *(last_ = &fresh);
  }

  Duration covered_{};
  std::list<Part> parts_;
  Part* last_ = nullptr;  // nearly always the one that is needed
  std::optional<Quarter> open_;
};

// What a line adds up: part of an account, with a sign. An account without any entry has no part.
struct Share {
  const Account* account;
  const Part* part;
  int sign = 1;

  const model::Series& series() const { return account->series; }
};
using Shares = std::vector<Share>;

auto order(const Share& share) {
  const model::Series& s = share.series();
  const Part* part = share.part;
  return std::tuple(std::string_view(s.user), s.flow, s.scope, std::string_view(s.carrier), std::string_view(s.device),
                    std::string_view(s.point), std::string_view(part ? part->factors_of : std::string_view()),
                    std::string_view(part ? part->market_of : std::string_view()));
}

template <class Filter>
Shares select(const Shares& shares, const Filter& filter) {
  Shares selected;
  std::ranges::copy_if(shares, std::back_inserter(selected), filter);
  return selected;
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

void cover(const Shares& shares, Line& line) {
  std::map<std::pair<std::string_view, std::string_view>, Duration> points;
  for (const Share& share : shares) {
    Duration& covered = points[{share.series().device, share.series().point}];
    covered = std::max(covered, share.account->covered());
  }
  for (const auto& [point, covered] : points) line.covered += covered;
  line.points = static_cast<std::int64_t>(points.size());
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
    if (!share.part) {
      note_quality({.origin = model::Origin::missing});
      continue;
    }
    const Part& part = *share.part;
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
    for (std::size_t origin = 0; origin < kOriginCount; ++origin) {
      line.amount_by_origin[origin] += part.amount_by_origin[origin];
      line.co2e_by_origin[origin] += part.co2e_by_origin[origin];
    }
    merge(line.factors, part.factors);
    merge(line.market_factors, part.market_factors);
    merge(line.gwp_sets, part.gwp_sets);
  }
  for (const Basis basis : model::kBases) line.uncertainty[basis] = combine(shares, basis);
  cover(shares, line);
  return line;
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
    if (!exported.empty()) lines_.push_back(begin(exported, level, Sum::exported));
    if (exported.empty() && !of_site_) return;
    for (Share share : exported) {
      share.sign = -1;
      net.push_back(share);
    }
    lines_.push_back(begin(net, level, Sum::net));
  }

  // Of a user that measures what `all` of the others named are calculated to emit.
  void difference(const model::Comparison& comparison, const Shares& all) {
    Shares both = select(shares_, [](const Share& share) { return share.series().flow == Flow::measured; });
    Shares calculated = select(all, [&](const Share& share) {
      const model::Series& series = share.series();
      return std::ranges::find(comparison.calculated_of, series.user) != comparison.calculated_of.end() &&
             model::in_total(series.flow) && series.scope == Scope::direct;
    });
    const Line of_fuel = add_up(calculated);
    for (Share share : calculated) {
      share.sign = -1;
      both.push_back(share);
    }
    Line line = begin(both, Level::user, Sum::difference);
    for (Figures* figures : {&line.first, &line.now}) {
      figures->amount = {};
      figures->coal = {};
      for (const Basis basis : model::kBases) figures->emitted[basis] = stack_co2(figures->emitted[basis]);
    }
    line.calculated = stack_co2(of_fuel.now.emitted[Basis::primary]).co2e;
    lines_.push_back(std::move(line));
  }

 private:
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

std::string_view factor_series(std::string_view factor_id) {
  const auto slash = factor_id.rfind('/');
  return slash == std::string_view::npos ? factor_id : factor_id.substr(0, slash);
}

std::string_view to_string(Stated stated) {
  switch (stated) {
    case Stated::none: return "none";
    case Stated::part: return "part";
    case Stated::all: return "all";
  }
  return "unknown";
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
    case Sum::total: return "total";
    case Sum::net: return "net";
  }
  return "unknown";
}

class Statement::Accounts {
 public:
  Account& find(const model::Series& series) {
    Account& account = accounts_[{series.user, series.flow, series.carrier, series.device, series.point}];
    account.series = series;
    return account;
  }

  Account& find(const std::shared_ptr<const model::Series>& series) {
    auto& known = known_[series.get()];
    if (!known.account) known = {series, &find(*series)};
    return *known.account;
  }

  Shares close() {
    Shares shares;
    for (auto& [key, account] : accounts_) {
      account.close();
      for (const Part& part : account.parts()) shares.push_back({&account, &part});
      if (account.parts().empty()) shares.push_back({&account, nullptr});
    }
    std::ranges::sort(shares, {}, order);
    return shares;
  }

 private:
  struct Known {
    std::shared_ptr<const model::Series> series;  // kept: its address is the key
    Account* account = nullptr;
  };
  using Key = std::tuple<std::string, Flow, std::string, std::string, std::string>;

  std::map<Key, Account> accounts_;
  std::unordered_map<const model::Series*, Known> known_;
};

Statement::Statement(pipeline::Span period) : period_(period), accounts_(std::make_unique<Accounts>()) {}
Statement::~Statement() = default;

void Statement::expect(const model::Series& account) {
  accounts_->find(account);
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
      cut.scopes();
      cut.totals();
      const auto compared = std::ranges::find(comparisons_, user, &model::Comparison::measured_by);
      if (compared != comparisons_.end()) cut.difference(*compared, shares);
    }
  }
  Cut site(shares, true, lines);
  if (by == By::carrier)
    site.carriers();
  else
    site.scopes();
  site.totals();
  return lines;
}

}  // namespace carbongate::books
