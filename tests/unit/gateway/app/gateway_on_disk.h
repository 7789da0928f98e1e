// The real gateway over a real store, whose threads work in their own time.
#pragma once

#include <chrono>
#include <deque>

#include "gateway/store/sqlite_store.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/gateway/app/gateway_fixture.h"

namespace carbongate::app {

inline constexpr Instant kMarch = Instant(std::chrono::sys_days(std::chrono::year(2026) / 3 / 1));

class GatewayOnDisk : public GatewayTest {
 protected:
  GatewayOnDisk() { clock_.set_wall(kMarch + 24h * 60); }

  void TearDown() override {
    gateway_->stop();
    EXPECT_TRUE(until([&] { return ended_.has_value(); }));
    gateway_.reset();
  }

  void make_on_disk(Duration quiet = 1s) {
    config_.store.path = directory_.path() / "store";
    config_.corrections_quiet = quiet;
    add_driver([this](Inbox& inbox) -> asio::awaitable<void> {
      while (true) {
        for (; !to_send_.empty(); to_send_.pop_front()) co_await inbox.push(to_send_.front());
        co_await clock_.sleep_until(clock_.ticks() + 1s);
      }
    });
    auto store = store::SqliteStore::open({.path = config_.store.path}, site_);
    ASSERT_TRUE(store.has_value()) << store.error().text;
    make_over(std::move(*store));
  }
  void start_on_disk() {
    make_on_disk();
    run();
  }

  // Lets time pass for the gateway until `done`, while its threads work in their own time.
  template <class Condition>
  bool until(const Condition& done) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      clock_.advance(250ms);
      loop_.restart();
      loop_.run_for(2ms);
    }
    return true;
  }
  bool corrected(std::uint64_t times) {
    return until([&] { return gateway_->status().corrections >= times; });
  }

  TemporaryDirectory directory_;
  std::deque<Batch> to_send_;
};

}  // namespace carbongate::app
