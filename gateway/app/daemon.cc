#include "gateway/app/daemon.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>

#include "gateway/app/gateway.h"
#include "gateway/app/live_table.h"
#include "gateway/app/ops_devices.h"
#include "gateway/app/ops_documents.h"
#include "gateway/app/ops_facts.h"
#include "gateway/cli/fault_status.h"
#include "gateway/ops/server.h"
#include "gateway/store/migrations.h"
#include "gateway/store/sqlite_store.h"
#include "gateway/web/assets.h"
#include "protocols/io/disciplined_clock.h"
#include "protocols/io/system_clock.h"
#include "protocols/io/task_group.h"

namespace carbongate::app {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

// Asked by systemd (WatchdogSec=) to show that the loop still turns: twice per period, as sd_watchdog_enabled(3)
// advises.
asio::awaitable<void> feed_watchdog(io::Clock& clock) {
  std::uint64_t period_us = 0;
  if (sd_watchdog_enabled(0, &period_us) <= 0) co_return;
  const auto half = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::microseconds(period_us / 2));
  while (true) {
    sd_notify(0, "WATCHDOG=1");
    co_await clock.sleep_until(clock.ticks() + half);
  }
}

// Columns of the terminal on standard output; nullopt: it is none.
std::optional<std::size_t> terminal_columns() {
  winsize size{};
  if (isatty(STDOUT_FILENO) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return std::nullopt;
  return size.ws_col == 0 ? 80 : size.ws_col;
}

// On a terminal the table is drawn over its last drawing, and what stands above it stays.
asio::awaitable<void> show_live(const Gateway& gateway, io::Clock& clock) {
  std::ptrdiff_t lines = 0;
  while (true) {
    const std::string table = live_table(gateway.site(), gateway.accounts(), gateway.status(), clock.now());
    const auto columns = terminal_columns();
    if (columns && lines != 0) std::cout << "\x1b[" << lines << "A\x1b[J";
    std::cout << (columns ? cut_lines(table, *columns) : table + "\n") << std::flush;
    lines = std::ranges::count(table, '\n');
    co_await clock.sleep_until(clock.ticks() + (columns ? 1s : 5s));
  }
}

// What was dropped, left out or refused since the process began.
std::string losses_of(const GatewayStatus& status) {
  std::uint64_t dropped = 0;
  std::uint64_t unclaimed = 0;
  std::uint64_t skipped = 0;
  std::uint64_t rejected = 0;
  for (const DriverStatus& driver : status.drivers) {
    dropped += driver.dropped;
    unclaimed += driver.unclaimed;
    for (const DeviceStatus& device : driver.devices) skipped += device.skipped;
  }
  for (const ports::SinkStatus& sink : status.sinks) rejected += sink.rows_rejected;
  std::uint64_t letters = 0;
  for (const ports::StoreStatus::Cursor& cursor : status.store.cursors) letters += cursor.dropped;
  std::string text;
  const auto tell = [&text](std::uint64_t count, std::string_view what) {
    if (count != 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
  };
  tell(status.store.rows_thinned, "unsent readings thinned out to hold store.size_max");
  tell(status.store.readings_dropped_early, "readings dropped for store.size_max before store.keep_readings");
  tell(dropped, "QoS 0 messages dropped from a full queue");
  tell(unclaimed, "messages of unknown devices");
  tell(skipped, "polls left out because the one before was under way");
  tell(rejected, "rows refused by a sink");
  tell(letters, "dead letters dropped from a full list so far");
  tell(status.commit_retries, "commits tried again");
  tell(status.memory_holds, "times the drivers waited for memory");
  return text;
}

void warn_of_a_small_disk(const store::StoreConfig& config, std::uint64_t bytes) {
  const auto room = config.room(config.path);
  if (!room || room->available + bytes >= config.size_max) return;
  spdlog::warn(
      "store: 'store.size_max' is {} MiB, and its disk has room for {} MiB: when that is full, the oldest readings go, "
      "but none below an eighth of 'store.size_max'",
      config.size_max >> 20, (room->available + bytes) >> 20);
}

// One line every five minutes, for whoever reads the log of a box that nobody visits; and a warning when more was lost.
asio::awaitable<void> log_progress(const Gateway& gateway, io::Clock& clock) {
  std::string losses;
  while (true) {
    co_await clock.sleep_until(clock.ticks() + 5min);
    const GatewayStatus status = gateway.status();
    spdlog::info("{} readings collected, journal at row {}, {} bytes stored, {} MiB of memory, inbox was full {} times",
                 status.readings, status.store.last_sequence, status.store.bytes, status.memory >> 20,
                 status.inbox_waits);
    for (const ports::StoreStatus::Cursor& cursor : status.store.cursors) {
      if (cursor.ahead.empty()) continue;
      spdlog::info("sink {}: the newest rows go first, row {} is sent; the backlog is at row {} and has {} to go",
                   cursor.sink, cursor.live(), cursor.settled, cursor.behind());
    }
    const std::string now = losses_of(status);
    if (now != losses) spdlog::warn("since the start: {}", now);
    losses = now;
  }
}

// The HTTP server and what it shows.
struct Ops {
  OpsFacts facts;
  OpsDevices devices;
  ops::Server server;

  Ops(Gateway& gateway, io::Clock& clock, const OpsDocuments& documents, const asio::any_io_executor& executor,
      Instant begun)
      : facts(gateway, clock, begun),
        devices(gateway),
        server(executor, clock, *gateway.config().ops, facts, documents, devices, web::assets()) {
    gateway.observe([this](const model::Effects& effects) { server.committed(effects); });
  }
};

// nullptr with `trouble` empty: none is configured, and there are no `documents`.
std::unique_ptr<Ops> make_ops(Gateway& gateway, io::Clock& clock, const OpsDocuments* documents,
                              const asio::any_io_executor& executor, Instant begun, std::string& trouble) {
  if (documents == nullptr) return nullptr;
  auto ops = std::make_unique<Ops>(gateway, clock, *documents, executor, begun);
  trouble = ops->server.open();
  return ops;
}

void log_end(const Gateway& gateway) {
  const GatewayStatus status = gateway.status();
  for (const ports::StoreStatus::Cursor& cursor : status.store.cursors) {
    const std::uint64_t waiting = cursor.waiting(status.store.last_sequence);
    if (waiting != 0) spdlog::info("sink {}: {} rows wait in the journal for the next start", cursor.sink, waiting);
  }
  if (const std::string losses = losses_of(status); !losses.empty()) spdlog::warn("since the start: {}", losses);
  spdlog::info("stopped: {} readings collected, journal at row {}", status.readings, status.store.last_sequence);
}

}  // namespace

int run_daemon(const RunOptions& options) {
  config::Problems problems;
  GatewayConfig config = load_config(options.config, problems);
  std::cerr << problems.to_text();
  if (problems.has_errors()) return EX_CONFIG;
  // Read before anything is open, as the configuration itself: later the process may be denied one more file.
  const auto documents = config.ops ? std::make_unique<OpsDocuments>(options.config) : nullptr;

  auto store = store::SqliteStore::open(config.store, config.site);
  if (store.has_error()) {
    spdlog::critical("{}", store.error().text);
    return cli::status_of(store.error(), EX_CANTCREAT);
  }

  std::vector<std::string> older = store.value()->status().set_aside;
  if (const auto& repaired = store.value()->status().repaired; !repaired.empty()) {
    spdlog::critical("the store was damaged and has been repaired: {}", repaired);
    std::erase_if(older, [&](const std::string& folder) {  // the report names its own
      return repaired.find("/" + folder + ". ") != std::string::npos;
    });
  }
  for (const std::string& folder : older) {
    spdlog::warn(
        "the store was damaged before: {} in 'store.path' says what is gone; delete the folder when nobody needs it "
        "any more",
        folder + "/report.txt");
  }

  if (const int found = store.value()->found_version(); found < store::kSchemaVersion) {
    spdlog::info(
        "the store was brought from version {} of its schema to {}; programs that were made for an older one refuse it "
        "now: to go back to one of them takes a backup that it made",
        found, store::kSchemaVersion);
  }

  asio::io_context loop(1);
  io::SystemClock machine;
  const Instant begun = machine.now();
  io::DisciplinedClock clock(machine);
  begin_clock(clock, store.value()->checkpoint());
  io::TaskGroup helpers(loop.get_executor());
  Gateway gateway(std::move(config), std::move(store.value()), loop.get_executor(), clock);

  std::string ops_trouble;
  const auto ops = make_ops(gateway, clock, documents.get(), loop.get_executor(), begun, ops_trouble);
  if (!ops_trouble.empty()) {
    spdlog::critical("{}", ops_trouble);
    return EX_UNAVAILABLE;
  }
  // Never joined: a worker may be reading the store when it is time to stop, and nothing of what it does is kept.
  io::TaskGroup ops_tasks(loop.get_executor());

  asio::signal_set signals(loop, SIGTERM, SIGINT, SIGHUP);
  const bool has_terminal = ::isatty(STDIN_FILENO) != 0;  // whose end SIGHUP tells; without one it asks for a reload
  std::function<void(const boost::system::error_code&, int)> on_signal = [&](const auto& error, int signal) {
    if (error) return;
    if (signal == SIGHUP && !has_terminal) {
      spdlog::warn("SIGHUP: the configuration is read at the start alone; restart the gateway, it loses nothing");
      return signals.async_wait(on_signal);
    }
    spdlog::info("stopping: received {}", signal == SIGTERM ? "SIGTERM" : signal == SIGINT ? "SIGINT" : "SIGHUP");
    sd_notify(0, "STOPPING=1");
    gateway.stop();
  };
  signals.async_wait(on_signal);

  if (ops) ops_tasks.spawn(ops->server.run());
  const auto on_ready = [&] {
    if (ops) {
      ops->facts.started();
      const auto& listen = gateway.config().ops->listen;
      spdlog::info("HTTP: listening on {} port {}", listen.address, ops->server.port());
    }
    spdlog::info("running: site {}, {} points, {} accounts", gateway.site().id, gateway.site().points.size(),
                 gateway.site().accounts.size());
    if (const auto& trouble = gateway.status().store.seal_trouble; !trouble.empty()) spdlog::error("{}", trouble);
    warn_of_a_small_disk(gateway.config().store, gateway.status().store.bytes);
    sd_notify(0, "READY=1");
    helpers.spawn(feed_watchdog(clock));
    helpers.spawn(log_progress(gateway, clock));
    if (options.live) helpers.spawn(show_live(gateway, clock));
  };

  int status = EXIT_SUCCESS;
  const auto main_task = [&]() -> asio::awaitable<void> {
    if (options.run_for) {
      helpers.spawn([](Gateway& g, io::Clock& c, std::chrono::milliseconds after) -> asio::awaitable<void> {
        co_await c.sleep_until(c.ticks() + after);
        g.stop();
      }(gateway, clock, *options.run_for));
    }
    try {
      co_await gateway.run(on_ready);
    } catch (const std::exception& e) {
      spdlog::critical("giving up: {}", e.what());
      status = EX_SOFTWARE;
    }
    signals.cancel();
    ops_tasks.cancel();
    helpers.cancel();
    co_await helpers.join();
    loop.stop();
  };
  asio::co_spawn(loop, main_task, asio::detached);
  loop.run();

  log_end(gateway);
  if (options.live) std::cout << accounts_table(gateway.site(), gateway.accounts(), clock.now());
  gateway.close();
  std::cout.flush();
  spdlog::shutdown();
  // Everything of ours has ended and is on disk. What may be left is a name server's answer that a library's thread
  // waits for, and a destructor would wait with it, far beyond the time we promise to stop in.
  std::_Exit(status);
}

}  // namespace carbongate::app
