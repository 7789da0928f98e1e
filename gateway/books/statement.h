// Statements: what the books say about a day, a month or a year, as first published and as now known. Pure and exact.
//
// Totals. Consumed and emitted accounts make a total; what is exported or produced stands beside it and is in no total.
// One more line, `net`, is the total less the exported, as the Chinese guidelines for enterprises ask:
//   E = combustion + process + purchased electricity + purchased heat - exported electricity and heat
// Biogenic CO2 is a gas of its own and in no CO2e. Accounts of two users on one metering point count twice, as the
// configuration's check warns.
//
// Measured beside calculated. What a stack is measured to emit of fuel that is accounted as well makes no total. Its
// user has a line `difference` instead: measured less calculated, of CO2 with the biogenic, for that is what leaves a
// stack; the calculated CO2 is that of the direct emissions of the users compared with.
//
// Part of another user. What a sub-meter counts is in what its incomer counts (model::Containment). Its lines are
// there, with `part_of`, and so are the totals of its user; in those of the site it is not. The user that contains it
// has a line `unallocated` for each such carrier: all it consumes of the carrier less what its parts consume, each
// counted where it is contained first. So parts and unallocated are the whole, to the last unit, as first published and
// as now known, in every period. It is below zero where the parts count more: a meter that is not behind the incomer,
// own generation that only the parts account for, a gap of the incomer; nothing is clipped. Its CO2e is a difference
// too: by one factor that of the amount. Its coverage is that of the worst meter.
//
// Market-based result. A total takes the market-based figure of the accounts that have one (scope 2), the primary one
// of the others.
//
// Counted again by another factor. An account has a line for each series of factors; a quarter hour is first published
// on the line of the factor it was published by, and now known on that of its newest revision. Both lines name the
// other series, so that a zero on the first is not read as a consumption of nothing.
//
// Uncertainty (JCGM 100; IPCC 2006 Vol. 1 ch. 3, approach 1, with 95 % half-widths). What errs in common adds linearly,
// with its sign; what errs independently, as squares:
//   activity   accounts on one metering point in common, different points independently
//   factor     one series (set, region or fuel, method; all its years and versions) in common, different ones
//              independently
//   both       independently: u(sum AD_i EF)^2 = EF^2 sum u^2(AD_i) + (sum AD_i)^2 u^2(EF)
// An uncertainty that nobody stated is not zero: `stated` says whether a line's half-width is whole.
//
// Coverage. Of a metering point: the time watched by readings over the whole of the period, also where the period is
// not over or the point has no rows. Of a total: the mean over its metering points, each counting alike; a weight by
// amount would give a silent meter none, which is the one that matters. A total in which nothing is, because all of it
// stands beside, has the coverage and quality of that.
//
// Not closed yet. What an account counted in the quarter hour in progress is in no entry, and so in no line: a line
// says since when there is such an amount.
//
// Quality. The worst of the entries, and the share of each origin in the whole time of the period, over the metering
// points as coverage is. A quarter hour counts as its worst origin. Of one that is measured or late the time that no
// reading watched is missing; of one that is estimated, substituted or entered by a person the amount stands for all of
// it. A time without an entry is missing.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/model/rows.h"
#include "gateway/model/site.h"
#include "gateway/model/stated.h"
#include "gateway/pipeline/calendar.h"

namespace carbongate::books {

inline constexpr std::size_t kOriginCount = 6;  // of model::Origin
using OriginTimes = std::array<Duration, kOriginCount>;

// Sums. Amounts only mean something where all of them are of one carrier.
struct Figures {
  model::Activity amount;
  model::StandardCoal coal;
  model::PerBasis<model::Emitted> emitted;  // market: the primary one where there is no market-based result

  Figures& operator+=(const Figures& other);
  Figures& operator-=(const Figures& other);
  friend bool operator==(const Figures&, const Figures&) = default;
};

// A factor that a line used, as now known. Those of a live series count as one: "grid-live/CN-SC/live/*".
struct FactorUse {
  std::string id;
  std::string version;
  friend auto operator<=>(const FactorUse&, const FactorUse&) = default;
};

// "cn-grid/CN-SC/average" of "cn-grid/CN-SC/average/2023": what all years and versions of a factor have in common.
std::string_view factor_series(std::string_view factor_id);

using model::Stated;

struct Uncertainty {
  model::Co2e u95;
  Stated stated = Stated::none;
  friend bool operator==(const Uncertainty&, const Uncertainty&) = default;
};

enum class Level : std::uint8_t { account, carrier, scope, user, site };
std::string_view to_string(Level level);

// What a line adds up.
enum class Sum : std::uint8_t { consumed, exported, produced, emitted, measured, total, net, difference, unallocated };
std::string_view to_string(Sum sum);

// Fields that a level does not have are empty: a line of a scope has no carrier, a line of the site no user.
struct Line {
  Level level = Level::account;
  Sum sum = Sum::total;
  std::string user;
  std::string user_name;
  std::optional<model::Scope> scope;
  std::string carrier;                     // where the line has one
  std::string device, point;               // of an account
  std::string factors_of;                  // of an account: the series of its factors; "" if none applied
  std::string market_of;                   // the same of its market-based result
  std::vector<std::string> superseded_by;  // of an account: the series by which what it first published is counted now
  std::vector<std::string> supersedes;     // of an account: the series by which what it counts now was first published
  std::string part_of;  // the user in whose consumption all of the line is contained: in no total of the site. Of only
                        // a part of the line: "hall (electricity)"

  Figures first;                             // as first published: revision 0
  Figures now;                               // with all corrections
  bool has_market = false;                   // an account with a market-based result is in it
  model::PerBasis<Uncertainty> uncertainty;  // of `now`

  Duration covered{};                   // per metering point, over them all; of `unallocated` that of the worst
  std::int64_t points = 0;              // metering points in it; of `unallocated` the worst one
  std::optional<model::Quality> worst;  // missing: an account without any entry; nullopt: corrected away altogether
  std::uint64_t entries = 0;            // quarter hours with an entry
  std::uint64_t corrections = 0;        // of how many of them the figures were changed

  std::optional<Instant> open_since;  // what is counted from here on, if anything, is not closed yet, and not in it
  OriginTimes time_by_origin{};       // of the same metering points, without what is missing: that is the rest

  model::Co2e calculated;  // of a difference: the CO2 that the measured one is compared with, as now known
  model::Activity whole;   // of `unallocated`: the amount of which it is a part, as now known

  std::vector<FactorUse> factors;         // sorted
  std::vector<FactorUse> market_factors;  // sorted
  std::vector<std::string> gwp_sets;      // by which gases were added up in it, as now known; sorted: "AR5"
};

// What a user consumes of a carrier, and what of it the users consume that are part of it.
struct Allocation {
  Line whole;               // of carriers, as all three
  std::vector<Line> parts;  // of each user, by name
  Line unallocated;         // the whole less the parts
};

// Of parts that count more than the whole, in amount or in CO2e.
bool is_below_zero(const Line& unallocated);

// How a statement is cut.
enum class By : std::uint8_t {
  user,     // account, carrier (and unallocated), scope and total of each user; then scopes and total of the site
  scope,    // scopes and total of the site
  carrier,  // carriers and total of the site
};

// Takes the entries of one period as the store gives them out, and keeps sums only: memory grows with the number of
// accounts and factors, not with the length of the period. What was corrected is counted where its newest revision says
// that it belongs: under that factor, with that quality and coverage.
class Statement {
 public:
  explicit Statement(pipeline::Span period);
  ~Statement();

  // An account that there should be: without any entry it counts as not covered. Its supply says what contains it as
  // long as no factor does.
  void expect(const model::Series& account, bool own_supply = false);

  // Of an account that is expected: the quarter hour in which it has counted something that is not closed yet.
  void leave_open(const model::Series& account, Instant begin);

  // A user whose accounts measure what those of the others are calculated to emit.
  void compare(const model::Comparison& comparison);

  // A user whose consumption is in that of another. One that is expected: else the site lacks it.
  void contain(const model::Containment& containment);

  // In the order of time within each account; the revisions of one quarter hour one after the other.
  void add(const std::shared_ptr<const model::Series>& series, const model::EmissionEntry& entry);

  // Of what has been added. Users by name; accounts by flow, scope, carrier, device, point, factors.
  std::vector<Line> lines(By by);

  // Of each user that others are part of, and each carrier; by user, scope, carrier.
  std::vector<Allocation> allocations();

  const pipeline::Span& period() const { return period_; }

 private:
  class Accounts;

  pipeline::Span period_;
  std::unique_ptr<Accounts> accounts_;
  std::vector<model::Comparison> comparisons_;
};

}  // namespace carbongate::books
