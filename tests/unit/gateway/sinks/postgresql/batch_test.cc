#include "gateway/sinks/postgresql/batch.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/sinks/postgresql/migrations.h"
#include "gateway/sinks/postgresql/tables.h"
#include "protocols/postgresql/copy_binary.h"

namespace carbongate::sinks::postgresql {
namespace {

// What a COPY holds: the fields of each row as bytes, "NULL" for none. Fails where the format does.
std::vector<std::vector<std::string>> tuples_of(const std::string& copy) {
  std::vector<std::vector<std::string>> tuples;
  std::size_t at = 19;  // behind signature, flags and extension
  const auto number = [&](int bytes) {
    std::uint32_t value = 0;
    for (int i = 0; i < bytes; ++i) value = value << 8 | static_cast<unsigned char>(copy.at(at++));
    return value;
  };
  for (std::uint32_t fields = number(2); fields != 0xFFFF; fields = number(2)) {
    auto& tuple = tuples.emplace_back();
    for (std::uint32_t i = 0; i < fields; ++i) {
      const std::uint32_t size = number(4);
      if (size == 0xFFFF'FFFF) {
        tuple.emplace_back("NULL");
      } else {
        tuple.push_back(copy.substr(at, size));
        at += size;
      }
    }
  }
  EXPECT_EQ(at, copy.size());
  return tuples;
}

class PostgresqlBatch : public ::testing::Test {
 protected:
  PostgresqlBatch() {
    series_->site = "park";
    series_->device = "meter";
    series_->point = "energy";
    series_->unit = "kWh";
    series_->user = "press";
    series_->carrier = "electricity";
    series_->scope = model::Scope::energy;
  }

  model::StoredRow row(model::RowBody body) const { return {1, series_, std::move(body)}; }

  static Batch batch_of(const std::vector<model::StoredRow>& rows) {
    std::vector<const model::StoredRow*> pointers;
    for (const auto& one : rows) pointers.push_back(&one);
    return make_batch(pointers, "carbongate");
  }

  std::string fate(model::RowBody body) const {
    std::string reason;
    switch (fate_of(row(std::move(body)), reason)) {
      case Fate::sent: return "sent";
      case Fate::nothing: return "nothing";
      case Fate::refused: return reason;
    }
    return {};
  }

  std::shared_ptr<model::Series> series_ = std::make_shared<model::Series>();
};

TEST_F(PostgresqlBatch, AnAccountSaysInWhoseConsumptionItIsContained) {
  const auto part_of = [&] {
    const Batch batch = batch_of({row(model::EmissionEntry{})});
    return tuples_of(batch.copies.front()).at(0).back();  // the accounts come first
  };
  EXPECT_EQ(part_of(), "NULL");
  series_->part_of = "park";
  EXPECT_EQ(part_of(), "park");
}

TEST_F(PostgresqlBatch, EveryRowHasTheColumnsOfItsTable) {
  model::EmissionEntry corrected;
  corrected.market.emplace();
  corrected.correction.emplace();
  const std::vector<model::StoredRow> rows{
      row(model::JudgedReading{}), row(model::EnergyInterval{}), row(model::EmissionEntry{}), row(corrected),
      row(model::RollupRow{}),     row(model::RunningTotal{}),   row(model::Alert{})};
  const Batch batch = batch_of(rows);
  ASSERT_EQ(batch.copies.size(), kTableCount);
  for (std::size_t i = 0; i < kTableCount; ++i) {
    const auto table = static_cast<Table>(i);
    const auto tuples = tuples_of(batch.copies[i]);
    EXPECT_EQ(tuples.size(), table == Table::entries ? 2U : 1U) << name_of(table);
    for (const auto& tuple : tuples) {
      EXPECT_EQ(tuple.size(), kStagedColumns + columns_of(table).size()) << name_of(table);
    }
  }
}

TEST_F(PostgresqlBatch, NamesOnlyTheTablesItHasRowsFor) {
  const Batch batch = batch_of({row(model::JudgedReading{}), row(model::JudgedReading{})});
  EXPECT_TRUE(batch.sql.starts_with("BEGIN; COPY pg_temp.stage_points")) << batch.sql;
  EXPECT_TRUE(batch.sql.ends_with("COMMIT")) << batch.sql;
  EXPECT_EQ(batch.sql.find("entries"), std::string::npos);
  ASSERT_EQ(batch.copies.size(), 2U);
  EXPECT_EQ(tuples_of(batch.copies[0]).size(), 1U) << "one point, two readings";
  EXPECT_EQ(tuples_of(batch.copies[1]).size(), 2U);
}

TEST_F(PostgresqlBatch, SendsAnAccountAgainWhenItsAttributesChange) {
  const auto renamed = std::make_shared<model::Series>(*series_);
  renamed->user_name = "冲压车间";
  const std::vector<model::StoredRow> rows{
      row(model::RunningTotal{}), {2, renamed, model::RunningTotal{}}, {3, renamed, model::RunningTotal{}}};
  const auto accounts = tuples_of(batch_of(rows).copies[0]);
  ASSERT_EQ(accounts.size(), 2U);
  EXPECT_EQ(accounts[0][0], accounts[1][0]) << "the same account";
  EXPECT_EQ(accounts[1][8], "冲压车间");
}

TEST_F(PostgresqlBatch, SendsARuleAgainWhenItsNameChanges) {
  model::Alert alert;
  alert.name = "Overload";
  model::Alert renamed = alert;
  renamed.name_zh = "过载";
  series_->carrier.clear();
  EXPECT_EQ(fate(alert), "sent") << "an alert needs no carrier";
  const Batch batch = batch_of({row(alert), row(alert), row(renamed), row(renamed)});
  ASSERT_EQ(batch.copies.size(), 2U);
  EXPECT_EQ(tuples_of(batch.copies[0]).size(), 2U) << "rules come before alerts";
  const auto alerts = tuples_of(batch.copies[1]);
  ASSERT_EQ(alerts.size(), 4U);
  EXPECT_EQ(alerts[3].at(0), alerts[0].at(0)) << "one rule";
}

TEST_F(PostgresqlBatch, AnAlertSaysHowMuchOfASumWasWatched) {
  model::Alert alert;
  const auto last = [&] {
    const auto fields = tuples_of(batch_of({row(alert)}).copies.back()).at(0);
    return std::vector<std::string>(fields.end() - 3, fields.end());
  };
  EXPECT_EQ(columns_of(Table::alerts).back().name, "coverage_percent");
  EXPECT_EQ(last(), (std::vector<std::string>{"NULL", "NULL", "NULL"}));
  alert.of = model::SummedTime{.begin = Instant(std::chrono::seconds(1'700'000'000)), .end = {}, .coverage = 8750};
  alert.of->end = alert.of->begin + std::chrono::hours(24);
  const std::vector<std::string> with = last();
  alert.of->coverage.reset();
  const std::vector<std::string> unknown = last();
  EXPECT_NE(with[0], "NULL");
  EXPECT_NE(with[0], with[1]);
  EXPECT_NE(with[2], "NULL");
  EXPECT_EQ(unknown[1], with[1]);
  EXPECT_EQ(unknown[2], "NULL");
}

TEST_F(PostgresqlBatch, CoalThatNoCoefficientGivesIsNoZero) {
  const auto coal_of = [&](Table table, model::RowBody body) {
    const auto fields = tuples_of(batch_of({row(std::move(body))}).copies.back()).at(0);
    const auto found = std::ranges::find(columns_of(table), std::string_view("coal_kgce"), &Column::name);
    return fields.at(kStagedColumns + static_cast<std::size_t>(found - columns_of(table).begin()));
  };
  model::EmissionEntry entry;
  model::RollupRow rollup;
  EXPECT_NE(coal_of(Table::entries, entry), "NULL") << "a coefficient gave 0";
  EXPECT_NE(coal_of(Table::rollups, rollup), "NULL");
  entry.quality.rule = rollup.quality.rule = model::Rule::no_coal_factor;
  EXPECT_EQ(coal_of(Table::entries, entry), "NULL");
  EXPECT_EQ(coal_of(Table::rollups, rollup), "NULL");
  entry.correction.emplace();
  EXPECT_EQ(coal_of(Table::entries, entry), "NULL") << "nothing was there, and nothing is";
  entry.coal = model::StandardCoal::of(-5);
  EXPECT_NE(coal_of(Table::entries, entry), "NULL") << "it may take back what a coefficient gave that applies no more";
}

TEST_F(PostgresqlBatch, LeavesOutWhatIsNotThere) {
  model::EmissionEntry entry;
  entry.quality = {model::Origin::missing, model::Rule::no_factor};
  const auto fields = tuples_of(batch_of({row(entry)}).copies.back()).at(0);
  const auto columns = columns_of(Table::entries);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const bool absent = columns[i].name == "co2e_kg" || columns[i].name == "factor" || columns[i].name == "cause" ||
                        columns[i].name == "u95_kg" || columns[i].name.starts_with("market_");
    if (absent) EXPECT_EQ(fields[kStagedColumns + i], "NULL") << columns[i].name;
    if (columns[i].name == "rule") EXPECT_EQ(fields[kStagedColumns + i], "no-factor");
    if (columns[i].name == "u95_stated") EXPECT_EQ(fields[kStagedColumns + i], "none");
    if (columns[i].name == "gases_kg") EXPECT_EQ(fields[kStagedColumns + i], "\1{}");
  }
}

TEST_F(PostgresqlBatch, WritesTheMassesOfGasesAsExactNumbers) {
  model::EmissionEntry entry;
  entry.primary.emitted.gases[model::Gas::co2] = model::GasMass::of(1'250'000);
  entry.primary.emitted.gases[model::Gas::ch4] = model::GasMass::of(-1);
  const auto fields = tuples_of(batch_of({row(entry)}).copies.back()).at(0);
  EXPECT_NE(std::ranges::find(fields, "\1{\"CO2\": 1.25, \"CH4\": -0.000001}"), fields.end());
}

TEST_F(PostgresqlBatch, KnowsWhatTheSchemaCannotCarry) {
  EXPECT_EQ(fate(model::JudgedReading{}), "sent");
  EXPECT_EQ(fate(model::JudgedReading{{}, 1.0, {model::Origin::measured, model::Rule::duplicate}}), "nothing");
  EXPECT_EQ(fate(model::JudgedReading{{}, 1.0, {model::Origin::missing, model::Rule::clock}}), "nothing")
      << "it comes once more at its true time";
  EXPECT_EQ(fate(model::JudgedReading{{}, 1.0, {model::Origin::missing, model::Rule::device_clock}}), "sent");
  model::JudgedReading far;
  far.at = Instant(std::chrono::milliseconds(carbongate::postgresql::kTimeMaxMs));
  EXPECT_EQ(fate(far), "sent");
  far.at += std::chrono::milliseconds(1);
  EXPECT_NE(fate(far).find("4713 BC to 294276"), std::string::npos);
  series_->carrier = "phlogiston";
  EXPECT_EQ(fate(model::EnergyInterval{}), "its energy carrier 'phlogiston' is not known");
}

TEST(PostgresqlTables, EveryTableIsCreatedWithItsColumns) {
  const std::string ddl = migration_sql(1, "carbongate");
  std::string added;
  for (int version = 2; version <= kSchemaVersion; ++version) added += migration_sql(version, "carbongate");
  for (std::size_t i = 0; i < kTableCount; ++i) {
    const auto table = static_cast<Table>(i);
    const std::string head = "CREATE TABLE \"carbongate\"." + std::string(name_of(table)) + " (";
    const std::string& created = ddl.find(head) == std::string::npos ? added : ddl;
    const auto begin = created.find(head);
    ASSERT_NE(begin, std::string::npos) << name_of(table);
    const std::string text = created.substr(begin, created.find(");\n", begin) - begin);
    for (const Column& column : columns_of(table)) {
      const std::string definition = std::string(column.name) + " " + std::string(column.type);
      EXPECT_TRUE(text.find("\n  " + definition) != std::string::npos ||
                  added.find("ADD COLUMN " + definition) != std::string::npos)
          << name_of(table) << "." << column.name;
    }
  }
  EXPECT_EQ(ddl.find('@'), std::string::npos);
}

}  // namespace
}  // namespace carbongate::sinks::postgresql
