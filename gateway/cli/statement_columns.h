// The columns of a statement, under the same stable ids in CSV and JSON. In JSON what is empty is left out, gases and
// shares are gathered in an object each, and zero masses and shares are left out too.
//
//   period, begin, end, site   what it is of; in the site's time zone, the end excluded
//   level             what a line adds up: account, carrier, scope, user or site
//   sum               consumed, emitted, exported, produced; total of the first two; net: the total less the exported;
//                     measured, and its difference; unallocated: of a user's carrier, less its parts
//   scope             1, 2 or nothing
//   source            排放源: combustion, process (of what is no fuel, and by a factor set of that name), released
//                     (measured as a gas), purchased-electricity, purchased-heat, exported-..., produced; of an account
//                     that the site supplies itself own-electricity, own-heat
//   amount            exact decimal in `unit`, where the line has one carrier
//   ..._first         as first published, without corrections
//   ncv, ncv_unit     net calorific value of combustion, as published, also where gases are given per TJ; of accounts
//   factor_value, factor_unit   as published; of accounts
//   coal_kgce         standard coal by GB/T 2589
//   co2e_kg           exact decimal; of scope 2 the location-based result
//   u95_kg            half-width of the 95 % interval; empty where nobody states one
//   u95_percent       the same of co2e_kg, to four decimals
//   u95_stated        all; none; or part: of some of the emissions only, so that u95_kg is a lower bound
//   market_...        the market-based result; empty where there is none in the line
//   coverage_percent  of the whole period, also where it is not over; rounded to two decimals
//   entries           quarter hours with an entry
//   corrections       those of them whose figures were changed after they were published
//   quality, rule     the worst
//   measured_percent and its like: share of an origin in the time of the whole period; they add up to 100.
//                     missing_percent: no entry, no factor, or no reading in a quarter hour that was measured
//   factors           id@version of those used
//   gwp_set           the sets of global warming potentials by which gases were added up, "AR5; AR6" if the line mixes
//                     two; empty: CO2 alone, CO2e as published, or booked before it was noted
//   co2_kg and its like: mass of a gas. co2_biogenic_kg is in no CO2e; unsplit_co2e_kg was published as CO2e only
//
//   calculated_co2_kg, difference_percent   of a difference
//   part_of           the user in whose consumption all of the line is contained: it is in no total of the site. Of a
//                     line of which only some is: what, as "hall (electricity)"; its accounts' lines tell the amounts
//   unallocated_percent   of the whole, of which it is a part
//   remark            parts-exceed-whole: what is unallocated is below zero; superseded-by:SERIES: a correction counts
//   by
//                     that factor what this line first published; supersedes:SERIES: by that one it was published
//   open_since        amounts from this instant on are not closed yet, and not in the line; empty: there are none
//
// A month has more, of accounts, for the data-quality rules of the national carbon market (数据质量控制计划):
//
//   fuel              燃料品种
//   ncv_source        default (缺省值), measured (own measurement) or supplier
//   carbon_t_per_gj, oxidation_percent   of combustion, as published; empty if the value came about otherwise
//   factor_source     the document
//   meter_device, meter_accuracy, meter_calibration   as the configuration says under `metering`
//   meter_u95_percent half-width of the 95 % interval of the amounts
//   acquisition       register (difference of two readings), interval (amounts as delivered) or integrated (power)
//   measured_every_s  how often a value is due
//   recorded_every    15min
//   missing_data      register-difference (exact in sum over a gap, spread evenly) or not-filled; and substituted,
//                     where a rule filled a gap
//
// Where several factors were used, their texts stand side by side with "; " between. Of a factor that the configuration
// has no more, or in another version, they are those of the version that was used, if its file is kept
// (former_factors.h); else "unknown: id@version" stands there: what was used then is not what is there now.
//
// What those rules ask was taken from:
//   - the ministry's supplementary data sheets to the enterprise guidelines, as reprinted on public pages (that of
//     captive power plants, 2018, in full; that of power generators, 2016/2017, in its beginning): consumption in t or
//     10^4 Nm3, 低位发热量, 单位热值含碳量, 碳氧化率, each as a measured mean or 缺省值; purchased electricity in MWh
//     and its factor. One source in full.
//   - the public notice of a Shanxi group standard on reports of gas producers: the plan names, for activity data and
//     factors, the method, the frequencies of sampling and analysis, and the accuracy of measurement. One source.
//   - 企业温室气体排放核算与报告指南 发电设施 (2022) and its like for steel, cement and aluminium (2024), table of the
//     plan: 计量设备, 测量频次, 精度, 校准频次, 记录频次, 数据缺失时的处理方式. From memory: the official text was
//     not at hand.
// Check the sector's own template before a statement is filed; it may want other units (t, 10^4 Nm3, MWh).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/app/gateway_config.h"
#include "gateway/books/statement.h"
#include "gateway/tables/local_time.h"

namespace carbongate::cli {

// What a column may need besides the line. References outlive it.
class StatementContext {
 public:
  // `former`: a factor that the configuration has no more, by id and version.
  using Former = std::function<std::optional<model::Factor>(std::string_view id, std::string_view version)>;
  StatementContext(const app::GatewayConfig& config, Former former, model::Period period, const pipeline::Span& span);

  std::string period;
  std::string begin;
  std::string end;
  std::string site;
  std::string site_name;
  std::string time_zone;
  Duration length{};

  std::string time(Instant at) const;  // in the site's time zone

  // nullptr: not in this configuration (any more).
  const model::Account* account(const books::Line& line) const;
  const Point* point(const model::Account& account) const;
  const model::Factor* factor(const books::FactorUse& use) const;  // also a former one; nullptr: not known any more

 private:
  const app::GatewayConfig& config_;
  Former find_former_;
  mutable std::map<std::pair<std::string, std::string>, std::optional<model::Factor>> former_;  // as asked for
  std::map<std::string, const model::Account*> accounts_;
  std::map<std::string_view, const model::Factor*> factors_;
};

struct StatementColumn {
  std::string_view id;
  std::string_view name_zh;
  bool is_number = false;
  std::string (*text)(const StatementContext& context, const books::Line& line);
  std::string_view group = {};   // JSON: gathered under this name ...
  std::string_view member = {};  // ... as this member, if not empty
};

std::vector<StatementColumn> statement_columns(model::Period period);

}  // namespace carbongate::cli
