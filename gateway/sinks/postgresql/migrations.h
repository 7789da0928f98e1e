// The schema in the database, and how it comes about: statements per version, never changed once released.
#pragma once

#include <string>
#include <string_view>

namespace carbongate::sinks::postgresql {

inline constexpr int kSchemaVersion = 10;  // what this program writes

// Whether `schema` can stand in SQL: lower-case letters, digits and underscores, at most 63, not beginning with a digit
// or "pg_".
bool is_schema_name(std::string_view schema);

// One row, one column each. First whether there is a table of versions, "t" or "f"; then which version is there.
std::string has_version_sql(std::string_view schema);
std::string version_sql(std::string_view schema);

// From `version` - 1 to `version`, 1 <= version <= kSchemaVersion, within a transaction.
std::string migration_sql(int version, std::string_view schema);

// Creates the schema if it is missing; asks for no right if it is there.
std::string create_schema_sql(std::string_view schema);

// Within a transaction: until its end nobody else migrates this schema.
std::string lock_sql(std::string_view schema);

// Makes hypertables of the large tables if the extension timescaledb is in the database, else does nothing.
std::string hypertables_sql(std::string_view schema);

}  // namespace carbongate::sinks::postgresql
