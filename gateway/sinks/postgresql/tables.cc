#include "gateway/sinks/postgresql/tables.h"

#include <fmt/format.h>

#include <vector>

namespace carbongate::sinks::postgresql {
namespace {

constexpr std::string_view kText = "text";
constexpr std::string_view kTime = "timestamptz";
constexpr std::string_view kNumeric = "numeric";
constexpr std::string_view kInteger = "integer";
constexpr std::string_view kFloat = "double precision";
constexpr std::string_view kJson = "jsonb";

constexpr auto kPoints = std::to_array<Column>(
    {{"site", kText, true}, {"device", kText, true}, {"point", kText, true}, {"unit", kText, true}});

constexpr auto kAccounts = std::to_array<Column>({{"site", kText, true},
                                                  {"energy_user", kText, true},
                                                  {"carrier", kText, true},
                                                  {"device", kText, true},
                                                  {"point", kText, true},
                                                  {"flow", kText, true},
                                                  {"user_name", kText},
                                                  {"scope", kInteger},
                                                  {"region", kText},
                                                  {"part_of", kText}});

constexpr auto kReadings =
    std::to_array<Column>({{"time", kTime, true}, {"value", kFloat}, {"quality", kText}, {"rule", kText}});

constexpr auto kIntervals = std::to_array<Column>({{"carrier", kText, true},
                                                   {"begins_at", kTime, true},
                                                   {"ends_at", kTime},
                                                   {"amount", kNumeric},
                                                   {"unit", kText},
                                                   {"covered_s", kNumeric},
                                                   {"quality", kText},
                                                   {"rule", kText}});

constexpr auto kEntries = std::to_array<Column>({{"begins_at", kTime, true},
                                                 {"revision", kInteger, true},
                                                 {"ends_at", kTime},
                                                 {"amount", kNumeric},
                                                 {"unit", kText},
                                                 {"co2e_kg", kNumeric},
                                                 {"u95_kg", kNumeric},
                                                 {"u95_meter_kg", kNumeric},
                                                 {"u95_factor_kg", kNumeric},
                                                 {"gases_kg", kJson},
                                                 {"factor", kText},
                                                 {"factor_version", kText},
                                                 {"market_co2e_kg", kNumeric},
                                                 {"market_u95_kg", kNumeric},
                                                 {"market_u95_meter_kg", kNumeric},
                                                 {"market_u95_factor_kg", kNumeric},
                                                 {"market_gases_kg", kJson},
                                                 {"market_factor", kText},
                                                 {"market_factor_version", kText},
                                                 {"coal_kgce", kNumeric},
                                                 {"coal_factor", kText},
                                                 {"covered_s", kNumeric},
                                                 {"quality", kText},
                                                 {"rule", kText},
                                                 {"cause", kText},
                                                 {"note", kText},
                                                 {"booked_at", kTime},
                                                 {"gwp_set", kText},
                                                 {"market_gwp_set", kText},
                                                 {"u95_stated", kText},
                                                 {"market_u95_stated", kText}});

constexpr auto kRollups = std::to_array<Column>({{"period", kText, true},
                                                 {"begins_at", kTime, true},
                                                 {"revision", kInteger, true},
                                                 {"ends_at", kTime},
                                                 {"amount", kNumeric},
                                                 {"unit", kText},
                                                 {"co2e_kg", kNumeric},
                                                 {"u95_kg", kNumeric},
                                                 {"u95_meter_kg", kNumeric},
                                                 {"u95_factor_kg", kNumeric},
                                                 {"gases_kg", kJson},
                                                 {"market_co2e_kg", kNumeric},
                                                 {"market_u95_kg", kNumeric},
                                                 {"market_u95_meter_kg", kNumeric},
                                                 {"market_u95_factor_kg", kNumeric},
                                                 {"market_gases_kg", kJson},
                                                 {"coal_kgce", kNumeric},
                                                 {"covered_s", kNumeric},
                                                 {"valid_hours", kInteger},
                                                 {"validity", kText},
                                                 {"quality", kText},
                                                 {"rule", kText},
                                                 {"u95_stated", kText},
                                                 {"market_u95_stated", kText}});

constexpr auto kTotals = std::to_array<Column>({{"time", kTime, true},
                                                {"amount", kNumeric},
                                                {"unit", kText},
                                                {"co2e_kg", kNumeric},
                                                {"market_co2e_kg", kNumeric},
                                                {"amount_per_hour", kFloat},
                                                {"co2e_kg_per_hour", kFloat},
                                                {"since", kTime},
                                                {"covered_s", kNumeric},
                                                {"quality", kText},
                                                {"rule", kText},
                                                {"u95_kg", kNumeric},
                                                {"u95_meter_kg", kNumeric},
                                                {"u95_factor_kg", kNumeric},
                                                {"market_u95_kg", kNumeric},
                                                {"market_u95_meter_kg", kNumeric},
                                                {"market_u95_factor_kg", kNumeric},
                                                {"u95_stated", kText},
                                                {"market_u95_stated", kText}});

constexpr auto kRules = std::to_array<Column>({{"site", kText, true},
                                               {"rule", kText, true},
                                               {"device", kText, true},
                                               {"point", kText, true},
                                               {"energy_user", kText, true},
                                               {"carrier", kText, true},
                                               {"name", kText},
                                               {"name_zh", kText}});

constexpr auto kAlerts = std::to_array<Column>({{"alert", kText, true},
                                                {"revision", kInteger, true},
                                                {"time", kTime},
                                                {"since", kTime},
                                                {"severity", kText},
                                                {"state", kText},
                                                {"value", kFloat},
                                                {"threshold", kFloat},
                                                {"unit", kText},
                                                {"cause", kText},
                                                {"acknowledged_by", kText},
                                                {"note", kText},
                                                {"suppressed", kInteger},
                                                {"period_begin", kTime},
                                                {"period_end", kTime},
                                                {"coverage_percent", kNumeric}});

// How good a reading is, for the choice among those of one instant; `row` is the name of a table, with its dot.
std::string reading_rank(std::string_view row) {
  return fmt::format(
      "(({0}quality <> 'missing')::int * 4 + ({0}value IS NOT NULL)::int * 2 + "
      "({0}rule IS DISTINCT FROM 'out-of-order')::int)",
      row);
}

enum class Which { all, key, rest };

// "a.x, a.y" of the columns chosen.
std::string list(std::span<const Column> columns, Which which, std::string_view prefix = "") {
  std::vector<std::string> names;
  for (const Column& column : columns) {
    if (which == Which::all || column.key == (which == Which::key))
      names.push_back(fmt::format("{}{}", prefix, column.name));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string assignments(std::span<const Column> columns) {
  std::vector<std::string> parts;
  for (const Column& column : columns) {
    if (!column.key) parts.push_back(fmt::format("{0} = excluded.{0}", column.name));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

// Points, accounts and rules. Of several versions in a batch the last one holds, before it is compared with what is
// known: a batch sent again must not find only the older one new. And new ones are looked for first: an INSERT that
// ends in a conflict uses up a number.
std::string merge_subject_sql(Table table, std::string_view schema) {
  const auto columns = columns_of(table);
  const bool has_rest = table != Table::points;
  return fmt::format(
      "INSERT INTO \"{schema}\".{table} ({all}) "
      "SELECT {all} FROM (SELECT DISTINCT ON ({key}) {all} FROM pg_temp.stage_{table} ORDER BY {key}, ordinal DESC) AS "
      "new "
      "WHERE NOT EXISTS (SELECT FROM \"{schema}\".{table} AS known WHERE ({known_key}) = ({new_key}){same_rest}) "
      "ON CONFLICT ({key}) DO {action}",
      fmt::arg("schema", schema), fmt::arg("table", name_of(table)), fmt::arg("all", list(columns, Which::all)),
      fmt::arg("key", list(columns, Which::key)), fmt::arg("known_key", list(columns, Which::key, "known.")),
      fmt::arg("new_key", list(columns, Which::key, "new.")),
      fmt::arg("same_rest", has_rest
                                ? fmt::format(" AND ({}) IS NOT DISTINCT FROM ({})",
                                              list(columns, Which::rest, "known."), list(columns, Which::rest, "new."))
                                : ""),
      fmt::arg("action", has_rest ? "UPDATE SET " + assignments(columns) : "NOTHING"));
}

}  // namespace

std::string_view name_of(Table table) {
  constexpr std::array<std::string_view, kTableCount> kNames{"points",  "accounts", "readings", "intervals", "entries",
                                                             "rollups", "totals",   "rules",    "alerts"};
  return kNames[static_cast<std::size_t>(table)];
}

Subject subject_of(Table table) {
  switch (table) {
    case Table::points:
    case Table::accounts:
    case Table::rules: return Subject::none;
    case Table::alerts: return Subject::rule;
    case Table::readings:
    case Table::intervals: return Subject::point;
    case Table::entries:
    case Table::rollups:
    case Table::totals: return Subject::account;
  }
  return Subject::none;
}

std::span<const Column> columns_of(Table table) {
  switch (table) {
    case Table::points: return kPoints;
    case Table::accounts: return kAccounts;
    case Table::readings: return kReadings;
    case Table::intervals: return kIntervals;
    case Table::entries: return kEntries;
    case Table::rollups: return kRollups;
    case Table::totals: return kTotals;
    case Table::rules: return kRules;
    case Table::alerts: return kAlerts;
  }
  return {};
}

std::string staging_sql() {
  std::string sql;
  for (std::size_t i = 0; i < kTableCount; ++i) {
    const auto table = static_cast<Table>(i);
    sql += fmt::format(
        "CREATE TEMPORARY TABLE stage_{0} (subject integer, ordinal integer) ON COMMIT DELETE ROWS; "
        "ALTER TABLE pg_temp.stage_{0}",
        name_of(table));
    std::string_view comma;
    for (const Column& column : columns_of(table)) {
      sql += fmt::format("{0} ADD COLUMN {1} {2}, ALTER COLUMN {1} SET STORAGE PLAIN", comma, column.name, column.type);
      comma = ",";
    }
    sql += "; ";
  }
  return sql;
}

std::string copy_sql(Table table) {
  return fmt::format("COPY pg_temp.stage_{} FROM STDIN (FORMAT binary)", name_of(table));
}

std::string merge_sql(Table table, std::string_view schema) {
  const Subject subject = subject_of(table);
  if (subject == Subject::none) return merge_subject_sql(table, schema);

  const Table subjects = subject == Subject::point  ? Table::points
                         : subject == Subject::rule ? Table::rules
                                                    : Table::accounts;
  const std::string_view id = subject == Subject::point  ? "point_id"
                              : subject == Subject::rule ? "rule_id"
                                                         : "account_id";
  const auto columns = columns_of(table);
  const bool readings = table == Table::readings;
  // A staged row without a subject would be an error, and is one: its id is NULL.
  return fmt::format(
      "INSERT INTO \"{schema}\".{table} AS old ({id}, {all}) "
      "SELECT DISTINCT ON (s.id, {key}) s.id, {staged} "
      "FROM pg_temp.stage_{table} AS r LEFT JOIN pg_temp.stage_{subjects} AS n ON n.subject = r.subject "
      "LEFT JOIN \"{schema}\".{subjects} AS s ON ({s_key}) = ({n_key}) "
      "ORDER BY s.id, {key}, {best}r.ordinal DESC "
      "ON CONFLICT ({id}, {plain_key}) DO UPDATE SET {assignments} "
      "WHERE {guard}({old_rest}) IS DISTINCT FROM ({new_rest})",
      fmt::arg("schema", schema), fmt::arg("table", name_of(table)), fmt::arg("id", id),
      fmt::arg("all", list(columns, Which::all)), fmt::arg("staged", list(columns, Which::all, "r.")),
      fmt::arg("key", list(columns, Which::key, "r.")), fmt::arg("plain_key", list(columns, Which::key)),
      fmt::arg("subjects", name_of(subjects)), fmt::arg("s_key", list(columns_of(subjects), Which::key, "s.")),
      fmt::arg("n_key", list(columns_of(subjects), Which::key, "n.")),
      fmt::arg("best", readings ? reading_rank("r.") + " DESC, " : ""), fmt::arg("assignments", assignments(columns)),
      fmt::arg("guard", readings ? reading_rank("excluded.") + " >= " + reading_rank("old.") + " AND " : ""),
      fmt::arg("old_rest", list(columns, Which::rest, "old.")),
      fmt::arg("new_rest", list(columns, Which::rest, "excluded.")));
}

}  // namespace carbongate::sinks::postgresql
