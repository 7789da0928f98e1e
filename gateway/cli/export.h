// `carbongate export`: what the store holds, as CSV or JSON lines.
//
//   readings   time,device,point,value,unit,quality,rule,hj212_flag
//              with --every 15min: time,device,point,unit,count,first,last,min,max,mean,rejected: a row for each point
//              and slot of time in which it was read; slots begin at multiples of the length in UTC
//   intervals  begin,end,device,point,carrier,amount,unit,covered_s,quality,rule,coverage_percent,hj212_flag
//              as first counted: what late or repaired readings change is in corrections of entries alone
//   entries    begin,end,user,device,point,carrier,amount,unit,co2e_kg,factor,factor_version,covered_s,quality,rule,
//              scope,flow,u95_kg,gases_kg,market_co2e_kg,market_u95_kg,market_factor,market_factor_version,coal_kgce,
//              coal_factor,revision,cause,note,booked_at,gwp_set,market_gwp_set,coverage_percent,u95_stated,
//              market_u95_stated,part_of
//   corrections  the same, of the entries that correct others
//   rollups    period,begin,end,user,device,point,carrier,amount,unit,co2e_kg,covered_s,coverage_percent,quality,rule,
//              state,scope,flow,u95_kg,gases_kg,market_co2e_kg,market_u95_kg,coal_kgce,valid_hours,validity,
//              revision,co2e_kg_first,u95_stated,market_u95_stated,part_of
//
//   alerts     time,rule,device,point,user,carrier,severity,state,value,limit,unit,since,id,revision,cause,name,
//              name_zh,by,note,suppressed,period_begin,period_end,coverage_percent: a row for each change of an
//              alert
//
//   reports    station,period,begin,end,values,revision: the minutes, hours and days of a station of HJ 212; `values`
//              is CODE:avg=...;min=...;max=...;amount=...;flag=N;valid=45/60 for each factor, with blanks between
//
//   ledger     the hash chain over all entries, and its seals, for `carbongate verify`: gateway/ledger/export_text.h.
//              --from and --to choose a stretch of the chain: all that was booked between the first and the last entry
//              that begin within, and on to the next seal
//
//   time, begin, end  ISO 8601 with the site's UTC offset, milliseconds only if not zero; an interval ends where the
//   next
//                     one begins
//   value             in `unit`, the shortest decimal that reads back as the same double; empty if it is not a number
//   amount            exact decimal in `unit`, the carrier's display unit (kWh, GJ, Nm3, L, kg)
//   co2e_kg           exact decimal, in kg of CO2 equivalent; empty, as market_co2e_kg, of an entry for which no factor
//                     applied (of its corrections what they change). Sums over several (rollups) leave it out
//   u95_kg            half-width of the 95 % interval of co2e_kg, by meter and factor; empty where neither states one
//   u95_stated        all; part: only meter or factor states one, and u95_kg is a lower bound; none
//   gases_kg          the mass of each gas: "CO2:1.25;CH4:0.001"; biogenic CO2 is no part of co2e_kg
//   part_of           the user in whose consumption all of it is contained, as configured when it was booked; a sum
//   over
//                     users that counts it once takes the rows where this is empty
//   scope, flow       1, 2 or nothing; consumed, emitted, exported or produced
//   market_...        the market-based result of scope 2, beside the location-based one; empty elsewhere
//   valid_hours       of a day and longer; validity: of hours and days, by the site's rules (45 minutes, 20 hours)
//   coal_kgce         standard coal by GB/T 2589
//   covered_s         how much of the time was watched by readings, in seconds
//   coverage_percent  the same as a share of the whole time, rounded to two decimals; of a correction as now known
//   hj212_flag        N, F, M, S, D, C, T or B by HJ 212-2017, table 8: gateway/model/hj212_flag.h
//   quality, rule     measured, late, estimated, substituted, manual or missing; and the rule that said so, or nothing
//   period            15min, hour, day, month or year
//   state             closed, or open: the period is not over, and the row will grow
//   revision          of an entry: 0 as first published; from 1 on a correction, which holds the differences: what is
//   known
//                     now is the sum over the revisions. Of a rollup: how often it was published again; the newest is
//                     shown
//   cause, note       why an entry was corrected: late-data, configuration, factor, substitution, certificate or manual
//   gwp_set           by which the gases of co2e_kg were added up: AR5; empty: CO2 alone, or CO2e as published, or
//   booked
//                     before it was noted
//   co2e_kg_first     CO2e of the rollup as first published; 0 if nothing was published in time
//
//   state             of an alert: firing, acknowledged, resolved or withdrawn
//   since, id         of an alert: when its condition began to hold, and its name, which follows from site, rule,
//   subject and since
//   limit             what `value` was held against, in the same unit
//   by                who acknowledged it
//   suppressed        alerts that depend on this one, and were held back while it fires
//   period_begin,     of an alert whose value is a sum: the time that it is of, as a calendar period or a window, also
//   period_end        where that goes on; of a running total since the first reading, until then. coverage_percent: how
//                     much of it was watched until the value was that
//
// Rows come by time (`time` or `begin`), then user, device, point, carrier, then period, then in the order in which
// they arose: equal content gives equal bytes, however it was committed. Memory use does not depend on how much there
// is.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

namespace carbongate::cli {

struct ExportOptions {
  std::filesystem::path store = {};      // directory
  std::string what = {};                 // readings, intervals, entries, rollups, alerts, reports, corrections, ledger
  std::string format = "csv";            // or jsonl
  std::string from = {};                 // included; as parse_time() reads it; empty: from the first row
  std::string to = {};                   // excluded; empty: to the last row
  std::string time_zone = {};            // IANA name, for --from, --to and the output; empty: UTC
  std::vector<std::string> points = {};  // readings of these only: DEVICE/POINT; empty: of all
  std::string every = {};                // readings by slots of this length, such as 15min; empty: each as it is
  std::string output = {};               // a file, which appears when it is complete; empty: `out`
};

// Reads beside a running gateway as well as after it has stopped. Errors go to `err`, and so does progress if standard
// error is a terminal.
//
// Exit status: 0; 65 (EX_DATAERR) for options that mean nothing, or a damaged store; 74 (EX_IOERR) when the store
// cannot be read or the output cannot be written.
int run_export(const ExportOptions& options, std::ostream& out, std::ostream& err);

// The same with store and time zone from a site's configuration, where the options leave them empty. Also 78
// (EX_CONFIG), for a configuration with errors.
int run_export(const std::filesystem::path& config, ExportOptions options, std::ostream& out, std::ostream& err);

}  // namespace carbongate::cli
