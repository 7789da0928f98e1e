// A store of the small site on a directory of its own, opened as often as a test likes.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/store/database.h"
#include "gateway/store/sqlite_store.h"
#include "store_fixtures.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::store_test {

class SqliteStoreTest : public ::testing::Test {
 protected:
  void open() {
    store_.reset();
    store_ = store::SqliteStore::open(config_, site_).value();
  }
  std::string why_not() {
    auto store = store::SqliteStore::open(config_, site_);
    return store.has_error() ? store.error().text : "it opened";
  }

  // One commit of `count` readings of the incomer, `step` apart, the first at `begin`.
  model::Result<void> commit_readings(Instant begin, int count, Duration step = 1s, model::Quality quality = {}) {
    model::Effects effects;
    for (int i = 0; i < count; ++i) effects.rows.push_back(reading(kIncomer, begin + i * step, i, quality));
    return run(store_->commit(std::move(effects)));
  }
  std::vector<model::StoredRow> peek(const std::string& sink, std::size_t limit = 1'000'000) {
    return run(store_->peek(sink, limit)).value();
  }
  void settle_all(const std::string& sink) { run(store_->settle(sink, {store_->status().last_sequence, {}})).value(); }

  std::filesystem::path file() const { return config_.path / store::kDatabaseFile; }

  TemporaryDirectory directory_;
  store::StoreConfig config_{.path = directory_.path() / "var" / "store", .block_at_once = 1 << 20};  // as rows
  model::Site site_ = small_site();
  std::unique_ptr<store::SqliteStore> store_;
};

}  // namespace carbongate::store_test
