// Delivers made-up rows of every kind through a sink and its pump to a real server.
//
//   sink_feed SINK.yaml ROWS [FIRST [RENAMED]]
//
// SINK.yaml is one element of `sinks`, of any type. Row n (from FIRST, by default 0) is what made_up_rows.py expects by
// the same formulas. From row RENAMED on, energy users are called "renamed". Prints {"settled": n} now and then, and at
// the end what the sink says of itself.
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <limits>

#include "config/reader/node.h"
#include "gateway/sinks/registry.h"
#include "gateway/sinks/sink_pump.h"
#include "protocols/io/system_clock.h"
#include "protocols/io/task_group.h"

namespace carbongate {
namespace {

namespace asio = boost::asio;

constexpr std::int64_t kStartMs = 1'600'000'000'000;
constexpr std::size_t kReadAhead = 20'000;

using SharedSeries = std::shared_ptr<const model::Series>;

SharedSeries make_series(const char* device, const char* user) {
  auto series = std::make_shared<model::Series>();
  series->site = "edz-1";
  series->device = device;
  series->point = "energy import";
  series->unit = "Wh";
  series->user = user;
  series->carrier = "electricity";
  return series;
}

// Names that need escaping, spelling out, or neither.
const SharedSeries kSeries[] = {
    make_series("press shop", "press"),
    make_series("a,b=c", "x y"),
    make_series("冲压车间", "冲压"),
    make_series("back\\slash", "u\\"),
};

SharedSeries renamed(const SharedSeries& series) {
  auto made = std::make_shared<model::Series>(*series);
  made->user_name = "renamed";
  return made;
}
const SharedSeries kRenamed[] = {renamed(kSeries[0]), renamed(kSeries[1]), renamed(kSeries[2]), renamed(kSeries[3])};

model::RowBody make_body(std::int64_t n) {
  const Instant at{std::chrono::milliseconds(kStartMs + n * 1000)};
  const Instant end = at + std::chrono::minutes(15);
  const auto amount = model::Activity::of(n * 1001 + 7);
  const auto co2e = model::Co2e::of(n * 530 + 3);
  const Duration covered{n % 900'000};
  switch (n % 5) {
    case 0:
      if (n % 50 == 0) {
        return model::JudgedReading{at, std::nan(""), {model::Origin::missing, model::Rule::not_a_number}};
      }
      return model::JudgedReading{at, double(n) * 0.1, {}};
    case 1: return model::EnergyInterval{at, end, amount, covered, {model::Origin::estimated, model::Rule::gap}};
    case 2: {
      model::EmissionEntry entry;
      entry.begin = at;
      entry.end = end;
      entry.amount = amount;
      entry.primary.emitted.co2e = co2e;
      entry.primary.factor_id = "cn grid/a=b";
      entry.primary.factor_version = "2025";
      entry.covered = covered;
      return entry;
    }
    case 3: {
      model::RollupRow rollup;
      rollup.period = static_cast<model::Period>(n / 5 % 5);
      rollup.begin = at;
      rollup.end = end;
      rollup.amount = amount;
      rollup.emitted[model::Basis::primary].co2e = co2e;
      rollup.covered = covered;
      return rollup;
    }
    default: {
      model::RunningTotal total{.at = at,
                                .amount = amount,
                                .emitted = {},
                                .amount_per_hour = double(n) * 0.25,
                                .co2e_kg_per_hour = double(n) * 0.125,
                                .since = at - std::chrono::hours(1),
                                .covered = std::chrono::minutes(45),
                                .quality = {model::Origin::estimated, model::Rule::gap}};
      total.emitted[model::Basis::primary] = {co2e, model::Co2e::of(n), model::Co2e::of(2 * n)};
      return total;
    }
  }
}

// Rows first to last, made when they are asked for; the cursor is in memory.
class MadeUpJournal final : public ports::Store {
 public:
  MadeUpJournal(std::uint64_t first, std::uint64_t rows, std::uint64_t renamed)
      : settled_(first), last_(first + rows), renamed_(renamed) {}

  bool done() const { return settled_ == last_; }
  const std::vector<ports::RejectedRow>& rejected() const { return rejected_; }

  model::Checkpoint checkpoint() override { return {}; }
  asio::awaitable<model::Result<std::vector<ports::SinkAccount>>> audit(std::uint64_t) override {
    co_return std::vector<ports::SinkAccount>{};
  }
  asio::awaitable<model::Result<void>> commit(model::Effects) override { co_return model::Result<void>(); }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek(std::string, std::size_t limit) override {
    std::vector<model::StoredRow> rows;
    for (std::uint64_t s = settled_ + 1; s <= last_ && rows.size() < std::min(limit, kReadAhead); ++s) {
      const SharedSeries* series = s - 1 < renamed_ ? kSeries : kRenamed;
      rows.push_back({s, series[(s - 1) % std::size(kSeries)], make_body(static_cast<std::int64_t>(s - 1))});
    }
    co_return rows;
  }
  asio::awaitable<model::Result<void>> open_live(std::string, std::uint64_t) override {
    co_return model::Result<void>();
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_live(std::string, std::size_t) override {
    co_return std::vector<model::StoredRow>{};
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> readings_before(std::uint64_t before,
                                                                                std::uint64_t rows) override {
    std::vector<model::StoredRow> readings;
    for (std::uint64_t s = before - std::min(rows, before - 1); s < before; ++s) {
      model::RowBody body = make_body(static_cast<std::int64_t>(s - 1));
      if (!body.get_if<model::JudgedReading>()) continue;
      readings.push_back({s, kSeries[(s - 1) % std::size(kSeries)], std::move(body)});
    }
    co_return readings;
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_retries(std::string, std::size_t) override {
    co_return std::vector<model::StoredRow>{};
  }
  asio::awaitable<model::Result<void>> settle_retries(std::string, ports::Retried) override {
    co_return model::Result<void>();
  }
  asio::awaitable<model::Result<void>> keep(std::string, std::string, std::string) override {
    co_return model::Result<void>();
  }
  asio::awaitable<model::Result<std::optional<std::string>>> kept(std::string, std::string) override {
    co_return std::optional<std::string>();
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> reports(ports::ReportQuery) override {
    co_return std::vector<model::StoredRow>{};
  }
  asio::awaitable<model::Result<void>> seal(Instant) override { co_return model::Result<void>(); }

  asio::awaitable<model::Result<void>> settle(std::string, ports::Delivery delivery) override {
    settled_ = delivery.settled_through;
    rejected_.insert(rejected_.end(), delivery.rejected.begin(), delivery.rejected.end());
    std::cout << "{\"settled\": " << settled_ << "}" << std::endl;
    co_return model::Result<void>();
  }
  ports::StoreStatus status() const override {
    ports::StoreStatus status;
    status.id = "made-up";
    status.last_sequence = last_;
    return status;
  }

 private:
  std::uint64_t settled_;
  std::uint64_t last_;
  std::uint64_t renamed_;
  std::vector<ports::RejectedRow> rejected_;
};

// The pump goes on for ever; this watches for the end of the rows.
asio::awaitable<void> watch(const MadeUpJournal& journal, io::TaskGroup& pump, io::Clock& clock) {
  while (!journal.done()) co_await clock.sleep_until(clock.ticks() + std::chrono::milliseconds(5));
  pump.cancel();
}

int feed(const char* file, std::uint64_t rows, std::uint64_t first, std::uint64_t renamed) {
  config::Problems problems;
  const config::Node node = config::parse_file(file, problems);
  config::Reader in(node, problems);
  const auto name = in.required<std::string>("type");
  const auto type = std::ranges::find(sinks::sink_types(), name, &sinks::SinkType::name);
  if (type == sinks::sink_types().end()) {
    std::cerr << "there is no sink of type '" << name << "'\n";
    return 78;
  }
  const auto plan = sinks::read_sink(*type, in, node, nullptr);
  in.finish();
  std::cerr << problems.to_text();
  if (problems.has_errors()) return 78;

  asio::io_context loop;
  io::SystemClock clock;
  MadeUpJournal journal(first, rows, renamed);
  const auto sink = plan->make({loop.get_executor(), clock, &journal});
  io::Event committed(loop.get_executor());
  io::TaskGroup pump(loop.get_executor());
  io::TaskGroup watcher(loop.get_executor());
  pump.spawn(sinks::pump(*sink, journal, committed, clock));
  watcher.spawn(watch(journal, pump, clock));
  loop.run();

  const ports::SinkStatus status = sink->status();
  std::cout << "{\"accepted\": " << status.rows_accepted << ", \"requests\": " << status.requests
            << ", \"failures\": " << status.failures << ", \"skipped\": " << status.rows_skipped << ", \"rejected\": [";
  const char* separator = "";
  for (const ports::RejectedRow& row : journal.rejected()) {
    std::cout << std::exchange(separator, ", ") << row.sequence - 1;
  }
  std::cout << "]}" << std::endl;
  if (!journal.rejected().empty()) std::cerr << "first rejection: " << journal.rejected().front().reason << "\n";
  return 0;
}

}  // namespace
}  // namespace carbongate

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: sink_feed SINK.yaml ROWS [FIRST [RENAMED]]\n";
    return 64;
  }
  const auto number = [&](int i, std::uint64_t otherwise) {
    return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise;
  };
  return carbongate::feed(argv[1], number(2, 0), number(3, 0), number(4, std::numeric_limits<std::uint64_t>::max()));
}
