#include "gateway/sinks/energy_platform/enrolment.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdint>
#include <utility>

#include "gateway/sinks/energy_platform/description.h"
#include "gateway/sinks/energy_platform/records.h"
#include "protocols/io/backoff.h"

namespace carbongate::sinks::energy_platform {

namespace asio = boost::asio;
namespace codec = carbongate::energy_platform;
namespace json = boost::json;
using namespace std::chrono_literals;
using namespace asio::experimental::awaitable_operators;

namespace {

constexpr std::chrono::milliseconds kRetryFirst{500};
constexpr std::chrono::milliseconds kRetryCap{60'000};
constexpr int kFailuresMax = 2;  // then it registers anew

// FNV-1a, 64 bits: only to see whether something has changed.
std::string hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return fmt::format("{:016x}", hash);
}

std::string string_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t number_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value && value->is_int64() ? value->get_int64() : 0;
}

}  // namespace

Enrolment::Enrolment(Config config, asio::any_io_executor executor, io::Clock& clock, ports::Store* store)
    : config_(std::move(config)),
      executor_(executor),
      clock_(clock),
      store_(store),
      caller_(config_, executor, kAnswerBytesMax),
      changed_(executor),
      again_(executor) {}

void Enrolment::begin_again() {
  is_ready_ = false;
  is_registered_ = false;
  token_until_.reset();
  begins_again_ = true;
  again_.notify_all();
}

void Enrolment::tell_all_again() {
  state_.configuration.clear();
  state_.meters.clear();
}

asio::awaitable<bool> Enrolment::wait_until_ready(io::SteadyTime deadline) {
  while (!is_ready_ && clock_.ticks() < deadline) co_await (changed_.wait() || clock_.sleep_until(deadline));
  co_return is_ready_;
}

void Enrolment::fail(std::string what, std::string why) {
  trouble_ = std::move(what) + ": " + std::move(why);
  if (trouble_ != logged_trouble_) spdlog::warn("sink {}: {}", config_.name, trouble_);
  logged_trouble_ = trouble_;
}

asio::awaitable<void> Enrolment::run() {
  io::Backoff backoff(kRetryFirst, kRetryCap);
  co_await load();
  for (;;) {
    while (!clock_.is_known()) {  // a label would be wrong
      trouble_ = "nobody knows the time yet";
      co_await clock_.sleep_until(clock_.ticks() + 1s);
    }
    begins_again_ = false;
    const bool is_done = co_await enrol();
    is_ready_ = is_done && !begins_again_;
    changed_.notify_all();
    if (!is_done) {
      co_await clock_.sleep_until(clock_.ticks() + backoff.next());
      continue;
    }
    backoff.reset();
    if (!logged_trouble_.empty()) spdlog::info("sink {}: the platform answers again", config_.name);
    logged_trouble_.clear();
    trouble_.clear();
    io::SteadyTime next = clock_.ticks() + config_.check_every;
    if (token_until_ && *token_until_ < next) next = *token_until_;
    while (!begins_again_ && clock_.ticks() < next) co_await (again_.wait() || clock_.sleep_until(next));
  }
}

// What was kept of an earlier run. With encryption it registers anew, for the key is kept nowhere.
asio::awaitable<void> Enrolment::load() {
  if (!store_) co_return;
  boost::system::error_code error;
  const auto kept = co_await store_->kept(config_.name, kRegistrationName);
  if (kept && *kept) {
    const json::value value = json::parse(**kept, error);
    const bool is_ours = !error && value.is_object() && string_of(value.get_object(), "from") == registrar();
    auto registration = is_ours ? codec::registration_of(**kept) : std::nullopt;
    if (registration) {
      registration_ = std::move(*registration);
      is_registered_ = !config_.dialect.encrypts;
    }
  }
  const auto state = co_await store_->kept(config_.name, kStateName);
  if (!state || !*state) co_return;
  const json::value value = json::parse(**state, error);
  if (error || !value.is_object()) co_return;
  const json::object& object = value.get_object();
  if (string_of(object, "from") != registrar()) co_return;
  state_.device_id = string_of(object, "deviceId");
  state_.versions = {.registration = number_of(object, "regVersion"), .dictionary = number_of(object, "dicVersion")};
  state_.configuration = string_of(object, "configuration");
  state_.meters = string_of(object, "meters");
  state_.at = string_of(object, "at");
}

// By another one, or of another enterprise, a registration is none of ours.
std::string Enrolment::registrar() const {
  return config_.enterprise_code + " " + config_.where;
}

asio::awaitable<bool> Enrolment::keep(std::string name, std::string value) {
  if (!store_) co_return true;
  const auto kept = co_await store_->keep(config_.name, std::move(name), std::move(value));
  if (!kept) fail("cannot be kept", kept.error().text);
  co_return kept.has_value();
}

asio::awaitable<bool> Enrolment::keep_state() {
  tables::LocalTime time(config_.time_zone);
  state_.at = date_text(time, clock_.now());
  const json::object object{{"from", registrar()},
                            {"deviceId", state_.device_id},
                            {"regVersion", state_.versions.registration},
                            {"dicVersion", state_.versions.dictionary},
                            {"configuration", state_.configuration},
                            {"meters", state_.meters},
                            {"at", state_.at}};
  co_return co_await keep(kStateName, json::serialize(object));
}

bool Enrolment::has(codec::Operation operation) const {
  return !registration_.urls.at(static_cast<std::size_t>(operation)).empty();
}

asio::awaitable<Outcome> Enrolment::call(codec::Operation operation, std::string body) {
  co_return co_await caller_.post(registration_.urls.at(static_cast<std::size_t>(operation)), std::move(body), token_);
}

asio::awaitable<bool> Enrolment::enrol() {
  if (!co_await ask_for_token()) co_return false;
  if (!is_registered_ && !co_await register_device()) co_return false;
  if (co_await check_versions()) {
    failures_ = 0;
    co_return true;
  }
  if (++failures_ >= kFailuresMax) {  // addresses may have changed
    failures_ = 0;
    is_registered_ = false;
    token_until_.reset();
  }
  co_return false;
}

asio::awaitable<bool> Enrolment::ask_for_token() {
  const codec::TokenRules& rules = config_.dialect.token;
  if (rules.path.empty() || (token_until_ && clock_.ticks() < *token_until_)) co_return true;
  json::object body{{"enterpriseCode", config_.enterprise_code}};
  body[rules.secret] = config_.token.reveal();
  const Outcome outcome = co_await caller_.post(rules.path, json::serialize(body), {});
  std::string why = outcome.trouble;
  const auto token = outcome.is_success() ? codec::decode_token(*outcome.answer, config_.dialect, why) : std::nullopt;
  if (!token) {
    fail("no token", why);
    co_return false;
  }
  token_ = token->text;
  token_until_ = clock_.ticks() + std::chrono::duration_cast<std::chrono::milliseconds>(token->good_for) * 9 / 10;
  co_return true;
}

asio::awaitable<bool> Enrolment::register_device() {
  const json::object body{{"enterpriseCode", config_.enterprise_code}, {"region", config_.region}};
  std::string path = config_.dialect.register_path;
  if (!path.empty() && config_.target != "/") path = config_.target + path;
  const Outcome outcome = co_await caller_.post(path.empty() ? config_.target : path, json::serialize(body), token_);
  std::string why = outcome.trouble;
  auto got = outcome.is_success() ? codec::decode_registration(*outcome.answer, config_.dialect, why) : std::nullopt;
  if (!got) {
    fail("not registered", why);
    co_return false;
  }
  if (got->device_id != registration_.device_id) {
    spdlog::info("sink {}: registered as device {}", config_.name, got->device_id);
  }
  registration_ = std::move(*got);
  json::value kept = json::parse(to_text(registration_));
  kept.get_object()["from"] = registrar();
  if (!co_await keep(kRegistrationName, json::serialize(kept))) co_return false;
  is_registered_ = true;
  co_return true;
}

asio::awaitable<bool> Enrolment::check_versions() {
  codec::Versions told;
  if (has(codec::Operation::version_check)) {
    const json::object body{{"deviceId", registration_.device_id}};
    const Outcome outcome = co_await call(codec::Operation::version_check, json::serialize(body));
    if (!outcome.is_success()) {
      fail("versions cannot be checked", outcome.trouble);
      co_return false;
    }
    told = codec::decode_versions(*outcome.answer);
  }
  if (state_.device_id != registration_.device_id) {
    state_ = {};
    state_.device_id = registration_.device_id;
  }
  if (told.dictionary > state_.versions.dictionary && !co_await fetch_dictionary(told.dictionary)) co_return false;
  co_return co_await describe(told.registration);
}

asio::awaitable<bool> Enrolment::fetch_dictionary(std::int64_t version) {
  if (!has(codec::Operation::dictionary)) co_return true;
  const json::object body{{"deviceId", registration_.device_id}};
  Outcome outcome = co_await call(codec::Operation::dictionary, json::serialize(body));
  if (!outcome.is_success()) {
    fail("no dictionary", outcome.trouble);
    co_return false;
  }
  if (!co_await keep(kDictionaryName, std::move(outcome.text))) co_return false;
  spdlog::info("sink {}: dictionary {} is there", config_.name, version);
  state_.versions.dictionary = version;
  co_return co_await keep_state();
}

// Enterprise, items and meters, when they or the platform have changed. Each is kept as told for itself: it need not be
// told again because the other one was not taken.
asio::awaitable<bool> Enrolment::describe(std::int64_t version) {
  if (version > state_.versions.registration) {
    state_.configuration.clear();
    state_.meters.clear();
  }
  state_.versions.registration = version;
  std::string configuration = json::serialize(configuration_of(config_, registration_.device_id));
  std::string meters = json::serialize(meters_of(config_, registration_.device_id));
  if (!co_await tell(codec::Operation::configuration, std::move(configuration), state_.configuration)) co_return false;
  co_return co_await tell(codec::Operation::meters, std::move(meters), state_.meters);
}

// `told`: the hash of what the platform has.
asio::awaitable<bool> Enrolment::tell(codec::Operation operation, std::string body, std::string& told) {
  std::string hash = hash_of(body);
  if (hash == told || !has(operation)) co_return true;
  const std::string_view what = operation == codec::Operation::meters ? "meters" : "configuration";
  const Outcome outcome = co_await call(operation, std::move(body));
  if (!outcome.is_success()) {
    fail(fmt::format("the platform does not take the {}", what), outcome.trouble);
    co_return false;
  }
  spdlog::info("sink {}: the platform has the {}", config_.name, what);
  told = std::move(hash);
  co_return co_await keep_state();
}

}  // namespace carbongate::sinks::energy_platform
