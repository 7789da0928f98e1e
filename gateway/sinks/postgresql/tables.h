// The tables, as the sink writes them: columns, keys, staging, upsert. What the columns mean, and their units, is in
// migrations.cc, where the server is told too.
//
// Identity. A row is one and the same, however often it is sent, by
//
//   readings    point, time                  of several readings of one instant the best one stays: usable, with a
//                                            value, heard in order; of equally good ones the last
//   intervals   point, carrier, begins_at
//   entries     account, begins_at, revision
//   rollups     account, period, begins_at, revision
//   totals      account, time
//   alerts      rule, alert, revision
//   points      site, device, point, unit
//   accounts    site, energy_user, carrier, device, point, flow
//   rules       site, rule, device, point, energy_user, carrier
//
// A batch is copied into temporary tables, one per table, and merged from there in the same transaction by INSERT ...
// ON CONFLICT DO UPDATE. A row that says nothing new gets no new version: replaying a journal from its beginning
// changes no row and makes no dead ones. The attributes of an account or a rule are those of the row that was sent
// last.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace carbongate::sinks::postgresql {

enum class Table : std::uint8_t { points, accounts, readings, intervals, entries, rollups, totals, rules, alerts };
inline constexpr std::size_t kTableCount = 9;

struct Column {
  std::string_view name;
  std::string_view type;  // of the staging column
  bool key = false;
};

enum class Subject : std::uint8_t { none, point, account, rule };  // what `subject` of a staged row refers to

// How many columns a staged row has before those of columns(): its subject's number within the batch, and its own.
inline constexpr std::int16_t kStagedColumns = 2;

std::string_view name_of(Table table);
Subject subject_of(Table table);
std::span<const Column> columns_of(Table table);  // without the subject's id

// Creates the temporary tables; once per connection. They are emptied by each commit, so they must have no TOAST
// tables, whose indexes are rebuilt by that: on ext4 some milliseconds each. Columns with storage PLAIN need none; a
// row beyond 8 KB does not fit (54000: it is refused).
std::string staging_sql();

// COPY into the temporary table.
std::string copy_sql(Table table);

// From the temporary table into the real one. `schema` is a plain identifier.
std::string merge_sql(Table table, std::string_view schema);

}  // namespace carbongate::sinks::postgresql
