#include "tests/sim/actors.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "gateway/app/gateway.h"
#include "gateway/store/journal.h"
#include "gateway/store/known_damage.h"
#include "protocols/io/disciplined_clock.h"
#include "protocols/io/event.h"
#include "tests/sim/world.h"
#include "tests/support/fake_clock.h"

namespace carbongate::sim {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr sinks::Pace kLiveFirst{.order = sinks::Order::live_first, .live_after = 200, .backfill_rate = 10};
constexpr sinks::Pace kInOrder{.order = sinks::Order::journal};

class MessageDriver final : public Driver {
 public:
  MessageDriver(Life& life, int meter, PointId point) : life_(life), meter_(meter), point_(point) {}

  asio::awaitable<void> run(Inbox& inbox) override {
    MessageQueue& queue = life_.world.queues.at(static_cast<std::size_t>(meter_));
    while (true) {
      const Reading* message = queue.front();
      if (!message || message->at > life_.true_time()) {
        co_await life_.clock.sleep_until(life_.clock.ticks() + until(message));
        continue;
      }
      if (!life_.world.is_quiet && life_.world.chance(2)) {  // the network is away
        const Duration away = life_.world.between(1s, 3min);
        co_await life_.clock.sleep_until(life_.clock.ticks() + away);
      }
      Reading reading = *message;
      reading.point = point_;
      reading.stamped_by = StampedBy::device;
      auto receipt = std::make_shared<std::optional<bool>>();
      auto settled = std::make_shared<io::Event>(life_.loop.get_executor());
      Batch batch{.source = "broker", .received = life_.clock.now(), .readings = {reading}, .settled = {}};
      batch.settled = [receipt, settled](bool committed) {
        *receipt = committed;
        settled->notify_all();
      };
      if (!co_await inbox.push(std::move(batch))) co_return;
      while (!*receipt) co_await settled->wait();
      if (life_.is_dead()) co_return;                                // nobody hears it
      if (!life_.world.is_quiet && life_.world.chance(3)) continue;  // the acknowledgement is lost
      if (**receipt) queue.acknowledge();
    }
  }
  asio::awaitable<std::vector<Reading>> read_once(std::vector<std::string>, Duration) override {
    co_return std::vector<Reading>();
  }
  DriverStatus status() const override { return {.name = "broker", .detail = {}, .devices = {}}; }

 private:
  // As if it looked once a second. nullptr: there are no more.
  Duration until(const Reading* message) const {
    return message ? std::chrono::ceil<std::chrono::seconds>(message->at - life_.true_time()) : Duration(24h);
  }

  Life& life_;
  int meter_;
  PointId point_;
};

class PollingDriver final : public Driver {
 public:
  PollingDriver(Life& life, int meter, PointId point) : life_(life), meter_(meter), point_(point) {}

  asio::awaitable<void> run(Inbox& inbox) override {
    while (true) {
      co_await life_.clock.sleep_until(life_.clock.ticks() + 10s);
      if (!life_.world.is_quiet && life_.world.chance(5)) continue;  // no answer
      const double value = life_.world.meters.at(static_cast<std::size_t>(meter_)).kwh_at(life_.true_time());
      Batch batch{.source = "line",
                  .received = life_.clock.now(),
                  .readings = {{.point = point_, .at = life_.clock.now(), .value = value}},
                  .settled = {}};
      if (!co_await inbox.push(std::move(batch))) co_return;
    }
  }
  asio::awaitable<std::vector<Reading>> read_once(std::vector<std::string>, Duration) override {
    co_return std::vector<Reading>();
  }
  DriverStatus status() const override { return {.name = "line", .detail = {}, .devices = {}}; }

 private:
  Life& life_;
  int meter_;
  PointId point_;
};

class SimulatedPlan final : public DevicePlan {
 public:
  SimulatedPlan(Life& life, int meter) : DevicePlan("m" + std::to_string(meter)), life_(life), meter_(meter) {}
  std::string group() const override { return id(); }
  Origin origin(std::size_t, double) const override { return {.where = "a simulation", .decoding = {}, .bytes = {}}; }
  std::unique_ptr<Driver> make() const {
    const PointId point{static_cast<std::uint32_t>(meter_)};
    if (meter_ < kMessageMeters) return std::make_unique<MessageDriver>(life_, meter_, point);
    return std::make_unique<PollingDriver>(life_, meter_, point);
  }

 private:
  Life& life_;
  int meter_;
};

constexpr DriverType kSimulated{
    .name = "simulated",
    .read = nullptr,
    .make = [](std::vector<std::unique_ptr<DevicePlan>> plans, const DriverContext&) -> std::unique_ptr<Driver> {
      return dynamic_cast<SimulatedPlan&>(*plans.front()).make();
    }};

class SimulatedSink final : public ports::Sink {
 public:
  SimulatedSink(Life& life, const ports::Store& store) : life_(life), store_(store) {
    status_.name = "far";
    status_.healthy = true;
  }
  const std::string& name() const override { return status_.name; }
  std::size_t batch_rows() const override { return 200; }
  ports::SinkStatus status() const override { return status_; }

  asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override {
    World& world = life_.world;
    const ports::Lane lane = lane_of(rows.front().sequence);
    std::vector<std::uint64_t> digests;
    for (const model::StoredRow& row : rows) digests.push_back(FarEnd::digest(row));
    for (std::size_t i = 0; world.is_honest && i < rows.size(); ++i) check(rows[i], digests[i]);
    co_await life_.clock.sleep_until(life_.clock.ticks() + world.between(1ms, 300ms));
    if (life_.is_dead()) co_return fault("the process is dead");
    if (!world.is_quiet && world.chance(1)) world.far_end_down_until = life_.true_time() + world.between(1s, 90min);
    if (!world.is_quiet && life_.true_time() < world.far_end_down_until) co_return fault("connection refused");
    std::size_t count = rows.size();
    if (!world.is_quiet && world.chance(10)) count = world.random() % rows.size() + 1;  // it takes some of them
    ports::Delivery delivery{rows[count - 1].sequence, {}};
    for (std::size_t i = 0; i < count; ++i) {
      if (FarEnd::refuses(digests[i])) {
        delivery.rejected.push_back({rows[i].sequence, "refused"});
      } else {
        std::string breach = world.far_end.write(rows[i].sequence, digests[i], lane);
        if (world.is_honest) world.breach(std::move(breach));
      }
    }
    if (!world.is_quiet && world.chance(5)) co_return fault("the answer is lost");
    status_.healthy = true;
    co_return delivery;
  }

 private:
  ports::Lane lane_of(std::uint64_t sequence) {
    const auto cursors = store_.status().cursors;
    const ports::StoreStatus::Cursor& cursor = cursors.front();
    if (!cursor.ahead.empty() && cursor.ahead.back().begun > last_lane_) {
      last_lane_ = cursor.ahead.back().begun;
      ++life_.world.outcome.lanes;
    }
    return !cursor.ahead.empty() && sequence > cursor.live() ? ports::Lane::live : ports::Lane::backlog;
  }

  model::Fault fault(std::string text) {
    ++life_.world.outcome.sink_faults;
    status_.healthy = false;
    return {make_error_code(boost::system::errc::connection_refused), std::move(text)};
  }

  // What is offered was committed: no power cut may take it back, or put another row in its place.
  void check(const model::StoredRow& row, std::uint64_t digest) {
    const auto [known, is_new] = life_.world.journal.try_emplace(row.sequence, digest);
    if (!is_new && known->second != digest) {
      life_.world.breach(fmt::format("row {} is another one than before a power cut", row.sequence));
    }
  }

  Life& life_;
  const ports::Store& store_;
  std::uint64_t last_lane_ = 0;
  ports::SinkStatus status_;
};

class SimulatedSinkPlan final : public sinks::SinkPlan {
 public:
  explicit SimulatedSinkPlan(Life& life) : life_(life) {}
  const std::string& name() const override { return name_; }
  sinks::Pace pace() const override { return life_.world.is_in_order ? kInOrder : kLiveFirst; }
  std::unique_ptr<ports::Sink> make(const sinks::SinkContext& context) const override {
    return std::make_unique<SimulatedSink>(life_, *context.store);
  }

 private:
  Life& life_;
  std::string name_ = "far";
};

class SimulatedStore final : public ports::Store {
 public:
  SimulatedStore(Life& life, std::unique_ptr<store::Journal> journal, fs::path directory)
      : life_(life), journal_(std::move(journal)), directory_(std::move(directory)) {}

  model::Checkpoint checkpoint() override { return journal_->checkpoint(); }
  asio::awaitable<model::Result<void>> commit(model::Effects effects) override {
    return operate<void>([this, effects = std::move(effects)] { journal_->commit(effects); });
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek(std::string sink, std::size_t limit) override {
    return operate<std::vector<model::StoredRow>>(
        [this, sink = std::move(sink), limit] { return journal_->peek(sink, limit); });
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_behind(std::string sink, std::uint64_t after,
                                                                            std::size_t limit) override {
    return operate<std::vector<model::StoredRow>>(
        [this, sink = std::move(sink), after, limit] { return journal_->peek_behind(sink, after, limit); });
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> alerts_behind(std::uint64_t after,
                                                                              std::size_t limit) override {
    return operate<std::vector<model::StoredRow>>(
        [this, after, limit] { return journal_->alerts_behind(after, limit); });
  }
  asio::awaitable<model::Result<void>> settle(std::string sink, ports::Delivery delivery) override {
    return operate<void>(
        [this, sink = std::move(sink), delivery = std::move(delivery)] { journal_->settle(sink, delivery); });
  }
  asio::awaitable<model::Result<void>> open_live(std::string sink, std::uint64_t rows) override {
    return operate<void>([this, sink = std::move(sink), rows] { journal_->open_live(sink, rows); });
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_live(std::string sink,
                                                                          std::size_t limit) override {
    return operate<std::vector<model::StoredRow>>(
        [this, sink = std::move(sink), limit] { return journal_->peek_live(sink, limit); });
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> readings_before(std::uint64_t before,
                                                                                std::uint64_t rows) override {
    return operate<std::vector<model::StoredRow>>(
        [this, before, rows] { return journal_->readings_before(before, rows); });
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_retries(std::string sink,
                                                                             std::size_t limit) override {
    return operate<std::vector<model::StoredRow>>(
        [this, sink = std::move(sink), limit] { return journal_->peek_retries(sink, limit); });
  }
  asio::awaitable<model::Result<void>> settle_retries(std::string sink, ports::Retried outcome) override {
    return operate<void>(
        [this, sink = std::move(sink), outcome = std::move(outcome)] { journal_->settle_retries(sink, outcome); });
  }
  asio::awaitable<model::Result<void>> record(std::string sink, std::vector<ports::Attempt> attempts) override {
    return operate<void>(
        [this, sink = std::move(sink), attempts = std::move(attempts)] { journal_->record(sink, attempts); });
  }
  asio::awaitable<model::Result<std::vector<ports::Recorded>>> recorded(std::string sink, std::uint64_t from,
                                                                        std::uint64_t to) override {
    return operate<std::vector<ports::Recorded>>(
        [this, sink = std::move(sink), from, to] { return journal_->recorded(sink, from, to); });
  }
  asio::awaitable<model::Result<void>> keep(std::string sink, std::string name, std::string value) override {
    return operate<void>([this, sink = std::move(sink), name = std::move(name), value = std::move(value)] {
      journal_->keep(sink, name, value);
    });
  }
  asio::awaitable<model::Result<std::optional<std::string>>> kept(std::string sink, std::string name) override {
    return operate<std::optional<std::string>>(
        [this, sink = std::move(sink), name = std::move(name)] { return journal_->kept(sink, name); });
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> reports(ports::ReportQuery query) override {
    return operate<std::vector<model::StoredRow>>([this, query = std::move(query)] {
      store::ReportSearch search;
      while (!search.is_done) search = journal_->search(query, std::move(search));
      return std::move(search.found);
    });
  }
  asio::awaitable<model::Result<void>> seal(Instant at) override {
    return operate<void>([this, at] { journal_->seal(at); });
  }
  asio::awaitable<model::Result<std::vector<ports::SinkAccount>>> audit(std::uint64_t count_max) override {
    return operate<std::vector<ports::SinkAccount>>([this, count_max] { return journal_->audit(count_max); });
  }
  ports::StoreStatus status() const override {
    ports::StoreStatus status = journal_->status();
    status.damage = damage_;
    return status;
  }

 private:
  template <class Value, class Work>
  asio::awaitable<model::Result<Value>> operate(Work work) {
    co_await asio::post(asio::use_awaitable);
    if (life_.is_dead()) co_return dead();
    model::Result<Value> result = store::guarded(directory_, work);
    if (life_.is_dead()) co_return dead();  // it died on the way: nobody hears what came of it
    if (result.has_error()) {
      ++life_.world.outcome.disk_faults;
      if (result.error().code == make_error_code(boost::system::errc::bad_message)) {
        damage_ = result.error().text;
        store::mark_damaged(directory_, damage_);
      }
    }
    co_return result;
  }
  static model::Fault dead() { return {make_error_code(boost::system::errc::io_error), "the process is dead"}; }

  Life& life_;
  std::unique_ptr<store::Journal> journal_;
  fs::path directory_;
  std::string damage_;
};

}  // namespace

app::ConfiguredDevice simulated_meter(Life& life, int meter) {
  return {&kSimulated, std::make_unique<SimulatedPlan>(life, meter)};
}

std::unique_ptr<sinks::SinkPlan> simulated_sink(Life& life) {
  return std::make_unique<SimulatedSinkPlan>(life);
}

std::unique_ptr<ports::Store> simulated_store(Life& life, std::unique_ptr<store::Journal> journal, fs::path directory) {
  return std::make_unique<SimulatedStore>(life, std::move(journal), std::move(directory));
}

}  // namespace carbongate::sim
