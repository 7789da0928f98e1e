// One emission entry as one line of text: what the ledger's hashes are made over, and what its exports show.
//
//   line   = field *( TAB field )                     in the order of kFields; no line end
//   field  = *( octet / "\\" / "\t" / "\n" / "\r" )   a backslash, tab, line feed or carriage return within a text is
//                                                     written as a backslash and '\', 't', 'n' or 'r'; all other octets
//                                                     stand for themselves, in UTF-8
//
//   format                     "carbongate-entry-3": all 38 fields, as all entries are written now. Of before part_of
//   was
//                              among them: "carbongate-entry-2" with the 37 up to market_gwp_set, of entries that name
//                              a GWP set; else "carbongate-entry-1" with the 35 up to booked_at
//   site, user, user_name, carrier, device, point
//   unit                       of the point's readings ("kWh"); amounts do not depend on it
//   region                     of the account's factors
//   scope                      "1", "2", or empty: no emission of its own
//   flow                       "consumed", "exported" or "produced"
//   begin, end                 UTC, 2026-01-01T00:15:00Z or 2026-01-01T00:15:00.250Z: milliseconds only if not zero
//   amount                     integer, in the carrier's quantum: 1 mWh of electricity, 1 J of heat, 1 mL of a gas or
//                              liquid, 1 mg of what is metered by mass
//   covered_ms                 integer: how much of the time was watched by readings
//   coal_mg                    integer: standard coal
//   coal_factor                empty if none applied
//   co2e_mg                    integer: CO2 equivalent (scope 2: location-based)
//   gases_mg                   NAME=INTEGER, joined by ';' in the order of model::Gas, those that are not zero
//   u95_activity_mg            integers: half-widths of the 95 % interval of co2e_mg
//   u95_factor_mg
//   factor, factor_version     empty if none applied
//   market_co2e_mg ... market_factor_version
//                              the same six for the market-based result; all empty: the account has none
//   quality                    "measured", "late", "estimated", "substituted", "manual" or "missing"
//   rule                       that said so; empty if none
//   revision                   integer, 0: as first published
//   cause, note, booked_at     of a correction; all empty: it is none
//   gwp_set, market_gwp_set    from format 2 on: the set of global warming potentials by which the gases of co2e_mg and
//                              of market_co2e_mg were added up ("AR5"); empty: no gas but CO2, or CO2e as published
//   part_of                    from format 3 on: the user in whose consumption all of this was contained when it was
//                              booked; empty: in none's
//
//   integer = "0" / [ "-" ] %x31-39 *DIGIT            decimal, no leading zero
//
// Words and order are part of the format and stay as they are: a change of either is "carbongate-entry-4".
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/model/entry_name.h"
#include "gateway/model/rows.h"

namespace carbongate::ledger {

inline constexpr std::string_view kEntryFormat1 = "carbongate-entry-1";
inline constexpr std::string_view kEntryFormat2 = "carbongate-entry-2";
inline constexpr std::string_view kEntryFormat3 = "carbongate-entry-3";

inline constexpr std::array<std::string_view, 38> kFields{"format",
                                                          "site",
                                                          "user",
                                                          "user_name",
                                                          "carrier",
                                                          "device",
                                                          "point",
                                                          "unit",
                                                          "region",
                                                          "scope",
                                                          "flow",
                                                          "begin",
                                                          "end",
                                                          "amount",
                                                          "covered_ms",
                                                          "coal_mg",
                                                          "coal_factor",
                                                          "co2e_mg",
                                                          "gases_mg",
                                                          "u95_activity_mg",
                                                          "u95_factor_mg",
                                                          "factor",
                                                          "factor_version",
                                                          "market_co2e_mg",
                                                          "market_gases_mg",
                                                          "market_u95_activity_mg",
                                                          "market_u95_factor_mg",
                                                          "market_factor",
                                                          "market_factor_version",
                                                          "quality",
                                                          "rule",
                                                          "revision",
                                                          "cause",
                                                          "note",
                                                          "booked_at",
                                                          "gwp_set",
                                                          "market_gwp_set",
                                                          "part_of"};
inline constexpr std::size_t kFields1 = 35;  // of format 1: the first ones
inline constexpr std::size_t kFields2 = 37;

// How many a line of that format has; of what is no format all, so that its hash tells.
std::size_t fields_of(std::string_view format);

std::string canonical_line(const model::Series& series, const model::EmissionEntry& entry);

// What the line calls its entry. nullopt: it is no such line, or its names are not ours.
std::optional<model::EntryName> name_of(std::string_view line);
std::string_view site_of(std::string_view line);  // as written; empty if there is none

std::vector<std::string_view> split_fields(std::string_view line);  // as written, escaped; they point into the line
std::vector<std::string_view> split_fields(std::string&& line) = delete;

void append_escaped(std::string& line, std::string_view text);

}  // namespace carbongate::ledger
