#include "gateway/ops/server.h"

#include <spdlog/spdlog.h>

#include <boost/json/array.hpp>
#include <chrono>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "gateway/ops/alert_json.h"
#include "gateway/ops/assets.h"
#include "gateway/ops/json.h"
#include "gateway/ops/live.h"
#include "gateway/ops/logins.h"
#include "gateway/ops/read_now.h"
#include "gateway/ops/routes.h"
#include "gateway/ops/state_json.h"
#include "gateway/ops/stream.h"
#include "gateway/ops/workers.h"
#include "protocols/io/http_server.h"
#include "protocols/io/task_group.h"

namespace carbongate::ops {

namespace asio = boost::asio;
namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::milliseconds kTick = 500ms;  // readings gathered so long are one event
constexpr int kTicksPerNow = 2;
constexpr int kTicksPerSinks = 10;
constexpr int kTicksPerCertificate = 10;
constexpr std::size_t kReadingsMax = 10'000;  // gathered; beyond it the oldest wait for nobody
constexpr std::size_t kQuestionThreads = 2;
constexpr std::size_t kQuestionsWaiting = 32;
constexpr std::size_t kDownloadThreads = 2;
constexpr std::size_t kDownloadsWaiting = 4;

std::string reading_json(const Point& point, const model::JudgedReading& reading) {
  return to_text(json::object{{"point", point.full_name()},
                              {"at", model::format_utc(reading.at)},
                              {"value", optional_number(reading.value)},
                              {"unit", point.unit.symbol},
                              {"quality", to_string(reading.quality.origin)},
                              {"rule", to_string(reading.quality.rule)}});
}

io::HttpAnswer description(const Request& request) {
  return ok_tagged(request, std::string(openapi_yaml()), "application/yaml");
}

}  // namespace

class Server::Impl {
 public:
  Impl(asio::any_io_executor executor, io::Clock& clock, const Config& config, const Facts& facts,
       const Documents& documents, Devices& devices, std::span<const web::Asset> assets)
      : clock_(clock),
        facts_(facts),
        live_(facts),
        stream_(executor, clock, static_cast<std::uint64_t>(facts.fixed().started.time_since_epoch().count())),
        questions_(kQuestionThreads, kQuestionsWaiting),
        downloads_(kDownloadThreads, kDownloadsWaiting),
        tasks_(executor),
        logins_(clock, config, facts.fixed().store),
        read_now_(clock, facts, devices),
        context_{.config = config,
                 .facts = facts,
                 .documents = documents,
                 .devices = devices,
                 .live = live_,
                 .stream = stream_,
                 .rates = rates_,
                 .questions = questions_,
                 .downloads = downloads_,
                 .server = [this] { return server_facts(); }},
        router_(make_routes(assets), logins_),
        listener_(
            executor, clock, config.listen, config.limits,
            [this](io::HttpCall call) { return router_.answer(std::move(call)); }, Router::refusal) {}

  std::string open() {
    if (const std::string trouble = logins_.open(); !trouble.empty()) spdlog::error("logins: {}", trouble);
    return listener_.open();
  }
  std::uint16_t port() const { return listener_.port(); }
  const Router& router() const { return router_; }

  asio::awaitable<void> run() {
    struct Canceller {
      io::TaskGroup& tasks;
      ~Canceller() { tasks.cancel(); }
    } canceller{tasks_};
    tasks_.spawn(keep_streaming());
    tasks_.spawn(logins_.run());
    co_await listener_.run();
  }

  void committed(const model::Effects& effects) {
    if (!stream_.is_recording()) return;
    for (const model::JournalRow& row : effects.rows) {
      if (const auto* reading = row.body.get_if<model::JudgedReading>()) {
        const auto* point = std::get_if<PointId>(&row.subject);
        if (!point || !stream_.is_wanted(*point) || readings_.size() >= kReadingsMax) continue;
        readings_.emplace_back(*point, reading_json(facts_.site().points.at(index(*point)), *reading));
      } else if (const auto* alert = row.body.get_if<model::Alert>()) {
        const auto* id = std::get_if<model::WatchId>(&row.subject);
        if (!id) continue;
        const model::Watch& watch = facts_.site().watches.at(model::index(*id));
        const AlertSubject about{.rule = watch.rule,
                                 .subject = model::subject_name(watch.device, watch.point, watch.user,
                                                                watch.carrier ? watch.carrier->id : std::string_view()),
                                 .user_name = watch.user_name};
        stream_.publish("alert", to_text(alert_json(about, *alert, to_string(alert->stage))));
      }
    }
  }

 private:
  std::vector<Route> make_routes(std::span<const web::Asset> assets) {
    std::vector<Route> routes;
    add_probe_routes(routes, context_);
    add_session_routes(routes, logins_);
    add_live_routes(routes, context_);
    add_device_routes(routes, context_, read_now_);
    add_books_routes(routes, context_);
    routes.push_back({"GET", "/api/v1/openapi.yaml", std::nullopt, {}, at_once(description)});
    add_asset_routes(routes, assets);
    return routes;
  }

  ServerFacts server_facts() const {
    return {.http = listener_.status(),
            .streams = stream_.clients(),
            .streams_dropped = stream_.dropped(),
            .logins = logins_.facts()};
  }

  asio::awaitable<void> keep_streaming() {
    for (int tick = 0;; ++tick) {
      co_await clock_.sleep_until(clock_.ticks() + kTick);
      stream_.publish_readings(std::exchange(readings_, {}));
      if (tick % kTicksPerSinks == 0 || stream_.is_recording()) look(tick);
      stream_.tick();
      if (tick % kTicksPerCertificate == 0) look_at_certificate();
    }
  }

  void look_at_certificate() {
    listener_.refresh_certificate();
    const io::HttpServerStatus now = listener_.status();
    if (now.tls_reload_failures != tls_told_.tls_reload_failures && !now.tls_trouble.empty()) {
      spdlog::error("ops: {}; the certificate before is still served", now.tls_trouble);
    }
    if (now.tls_reloads != tls_told_.tls_reloads) {
      spdlog::info("ops: the certificate was renewed{}",
                   now.tls_expires ? ", it expires at " + model::format_utc(*now.tls_expires) : std::string());
    }
    tls_told_ = now;
  }

  void look(int tick) {
    const State state = facts_.state();
    if (tick % kTicksPerSinks == 0) rates_.note(state);
    if (!stream_.is_recording()) return;
    tell_devices(state);
    if (tick % kTicksPerNow == 0 && stream_.clients() != 0) stream_.publish("now", to_text(live_.now(state)));
    if (tick % kTicksPerSinks != 0) return;
    json::array sinks;
    for (const ports::SinkStatus& sink : state.sinks) sinks.push_back(sink_json(state, sink, rates_));
    stream_.publish("sinks", to_text(json::object{{"sinks", std::move(sinks)}}));
  }

  void tell_devices(const State& state) {
    json::array changed;
    for (const DriverStatus& driver : state.drivers) {
      for (const DeviceStatus& device : driver.devices) {
        auto& before = devices_[device.device];
        const auto now = std::tuple(device.state, device.since, device.detail);
        if (before == now) continue;
        before = now;
        changed.push_back(device_json(driver, device));
      }
    }
    if (!changed.empty()) stream_.publish("devices", to_text(json::object{{"devices", std::move(changed)}}));
  }

  io::Clock& clock_;
  const Facts& facts_;
  Live live_;
  Stream stream_;
  SinkRates rates_;
  Workers questions_;
  Workers downloads_;
  io::TaskGroup tasks_;
  std::vector<std::pair<PointId, std::string>> readings_;
  std::map<std::string, std::tuple<DeviceStatus::State, Instant, std::string>> devices_;  // as told last
  Logins logins_;
  ReadNow read_now_;
  Context context_;
  Router router_;
  io::HttpListener listener_;
  io::HttpServerStatus tls_told_;  // as it was logged last
};

Server::Server(asio::any_io_executor executor, io::Clock& clock, const Config& config, const Facts& facts,
               const Documents& documents, Devices& devices, std::span<const web::Asset> assets)
    : impl_(std::make_unique<Impl>(std::move(executor), clock, config, facts, documents, devices, assets)) {}

Server::~Server() = default;

std::string Server::open() {
  return impl_->open();
}

std::uint16_t Server::port() const {
  return impl_->port();
}

asio::awaitable<void> Server::run() {
  return impl_->run();
}

void Server::committed(const model::Effects& effects) {
  impl_->committed(effects);
}

const std::vector<Route>& Server::routes() const {
  return impl_->router().routes();
}

}  // namespace carbongate::ops
