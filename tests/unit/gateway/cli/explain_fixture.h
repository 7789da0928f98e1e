// A site of its own for each test of explain: a copy of tests/golden/explain, to be edited and filled.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sysexits.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json/parse.hpp>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>

#include "gateway/app/gateway_config.h"
#include "gateway/app/live_table.h"
#include "gateway/app/recompute.h"
#include "gateway/cli/explain.h"
#include "gateway/cli/replay.h"
#include "gateway/model/entry_name.h"
#include "gateway/pipeline/pipeline.h"
#include "gateway/store/sqlite_store.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::cli {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
namespace json = boost::json;

inline const std::filesystem::path kTests = std::filesystem::path(CARBONGATE_SOURCE_DIR) / "tests/golden";
inline const std::filesystem::path kGolden = kTests / "explain";
inline const std::filesystem::path kStack = kTests / "replay/stack_hour/config.yaml";
inline const Instant kYear = Instant(std::chrono::seconds(1'767'196'800));  // 2026-01-01T00:00:00+08:00

inline constexpr const char* kElectricity = "workshop/electricity/incomer.energy@2025-12-31T16:15:00Z";
inline constexpr const char* kGas = "workshop/natural-gas/boiler.gas@2026-01-01T00:15:00+08:00";

inline std::string read_file(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

// As one line: where text is wrapped is the page's business.
inline std::string flat(const std::string& text) {
  return std::regex_replace(text, std::regex("[ \n]+"), " ");
}

class ExplainCommand : public testing::Test {
 protected:
  ExplainCommand() {
    std::filesystem::copy(kGolden, directory_.path(), std::filesystem::copy_options::recursive);
    options_.store = directory_.path() / "store";
  }

  std::filesystem::path config() const { return directory_.path() / "config.yaml"; }

  void replay(const std::filesystem::path& config, const std::filesystem::path& input) {
    std::ostringstream out, err;
    ASSERT_EQ(run_replay({.config = config, .input = input, .store = options_.store}, out, err), 0) << err.str();
  }
  void fill() { replay(config(), kGolden / "input.csv"); }

  // An amount of gas that is heard an hour late, and restated.
  void hear_late_gas() {
    config::Problems problems;
    app::GatewayConfig site = app::load_config(config(), problems);
    site.store.path = options_.store;
    auto store = store::SqliteStore::open(site.store, site.site).value();
    pipeline::Pipeline pipeline(site.site, site.factors, store->checkpoint());
    const PointId gas{1};
    const Reading reading{.point = gas, .at = kYear + 22min, .value = 0.5};
    const std::vector<Batch> batches{{.source = "test", .received = kYear + 1h, .readings = {reading}, .settled = {}}};
    commit(*store, pipeline.ingest(batches, kYear + 1h));
    const std::vector<app::Window> windows{
        {.point = gas, .from = reading.at, .closed_until = *pipeline.counted_until(gas), .widen = true}};
    auto history = store::History::open(options_.store).value();
    const auto found = app::recompute(*history, site.site, site.factors, {}, windows, kYear + 2h).value();
    std::vector<model::Amendment> amendments;
    for (const auto& difference : found.differences) amendments.push_back(difference.amendment);
    ASSERT_EQ(amendments.size(), 1U);
    const auto rollups = app::rollups_of(*history, site.site, amendments).value();
    commit(*store, pipeline.correct(amendments, rollups, {}));
  }

  // One more revision of an account's entry.
  void book(model::AccountId account, const model::EmissionEntry& correction) {
    config::Problems problems;
    app::GatewayConfig site = app::load_config(config(), problems);
    site.store.path = options_.store;
    auto store = store::SqliteStore::open(site.store, site.site).value();
    pipeline::Pipeline pipeline(site.site, site.factors, store->checkpoint());
    auto history = store::History::open(options_.store).value();
    const std::vector<model::Amendment> amendments{{.account = account, .correction = correction}};
    const auto rollups = app::rollups_of(*history, site.site, amendments).value();
    commit(*store, pipeline.correct(amendments, rollups, {}));
  }

  static void commit(store::SqliteStore& store, model::Effects effects) {
    boost::asio::io_context loop(1);
    auto done = boost::asio::co_spawn(loop, store.commit(std::move(effects)), boost::asio::use_future);
    loop.run();
    done.get().value();
  }

  std::string explain(const std::filesystem::path& config, const std::string& entry, int expected_status = 0) {
    std::ostringstream out;
    err_.str({});
    options_.entry = entry;
    EXPECT_EQ(run_explain(config, options_, out, err_), expected_status) << err_.str();
    return out.str();
  }
  std::string explain(const std::string& entry, int expected_status = 0) {
    return explain(config(), entry, expected_status);
  }
  json::value explain_json(const std::filesystem::path& config, const std::string& entry) {
    options_.json = true;
    json::value value = json::parse(explain(config, entry));
    options_.json = false;
    return value;
  }

  void expect_golden(const std::filesystem::path& config, const std::string& entry, const char* name) {
    // Every store makes its own key.
    const std::string text =
        std::regex_replace(explain(config, entry), std::regex("SHA256:[0-9a-f]{64}"), "SHA256:KEY");
    if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(kGolden / name, std::ios::binary) << text;
    EXPECT_EQ(text, read_file(kGolden / name));
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(app::display_width(line), 100U) << line;
  }

  // Replaces text in a file of the configuration.
  void edit(const std::string& file, const std::string& from, const std::string& to) {
    std::string text = read_file(directory_.path() / file);
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    std::ofstream(directory_.path() / file, std::ios::binary) << text.replace(at, from.size(), to);
  }

  TemporaryDirectory directory_;
  ExplainOptions options_;
  std::ostringstream err_;
};

}  // namespace carbongate::cli
