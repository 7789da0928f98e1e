#include "gateway/ops/logins.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <charconv>
#include <exception>
#include <utility>

#include "gateway/ops/json.h"
#include "gateway/ops/problem.h"
#include "gateway/ops/router.h"

namespace carbongate::ops {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::size_t kLoginBytesMax = 16 * 1024;

access::Request request_of(const io::HttpCall& call) {
  return {.method = call.method,
          .host = call.header("Host"),
          .cookie = call.header("Cookie"),
          .authorization = call.header("Authorization"),
          .csrf_token = call.header("X-CSRF-Token"),
          .origin = call.header("Origin"),
          .fetch_site = call.header("Sec-Fetch-Site"),
          .secure = call.secure,
          .address = call.address};
}

std::string_view word_of(access::Identity::Kind kind) {
  switch (kind) {
    case access::Identity::Kind::session: return "session";
    case access::Identity::Kind::token: return "token";
    case access::Identity::Kind::anyone: break;
  }
  return "";
}

json::object session_of(const access::Identity& who) {
  json::object session{{"user", nullptr}, {"role", access::name_of(who.role)}, {"logins", true}};
  if (who.kind == access::Identity::Kind::anyone) {
    session["logins"] = false;
    return session;
  }
  session["user"] = who.name;
  if (who.kind == access::Identity::Kind::session) session["csrf"] = who.csrf;
  if (who.expires != Instant::max()) session["expires"] = model::format_utc(who.expires);
  return session;
}

struct Credentials {
  std::string user;
  config::Secret password;
};

Credentials credentials_of(const io::HttpCall& call) {
  if (!call.header("Content-Type").starts_with("application/json")) {
    throw Refusal{415, "send JSON, with Content-Type: application/json"};
  }
  boost::system::error_code error;
  const json::value body = call.body.size() <= kLoginBytesMax ? json::parse(call.body, error) : json::value();
  const json::object* const object = body.if_object();
  const auto text = [&](std::string_view key) -> const json::string* {
    const json::value* const value = object == nullptr ? nullptr : object->if_contains(key);
    return value == nullptr ? nullptr : value->if_string();
  };
  const json::string* const user = text("user");
  const json::string* const password = text("password");
  if (error || user == nullptr || password == nullptr || object->size() != 2) {
    throw Refusal{400, R"(send {"user": "...", "password": "..."}, both texts, and nothing else)"};
  }
  if (user->size() > access::kNameBytesMax || password->size() > access::kPasswordBytesMax) {
    throw Refusal{400, "no name and no password is that long"};
  }
  return {.user = std::string(*user), .password = config::Secret(std::string(*password))};
}

io::HttpAnswer answer_of(const access::Refusal& refusal) {
  io::HttpAnswer answer = problem(refusal.status, refusal.text);
  if (refusal.status == 401) answer.headers.push_back({"WWW-Authenticate", "Bearer realm=\"carbongate\""});
  if (refusal.retry_after_s > 0) {
    std::erase_if(answer.headers, [](const io::HttpHeader& header) { return header.name == "Retry-After"; });
    answer.headers.push_back({"Retry-After", std::to_string(refusal.retry_after_s)});
  }
  return answer;
}

json::object event_of(const access::AuditEntry& entry) {
  json::object event{{"number", entry.number},   {"at", model::format_utc(entry.at)},
                     {"user", nullptr},          {"by", entry.by},
                     {"address", entry.address}, {"action", entry.action},
                     {"outcome", entry.outcome}, {"detail", entry.detail}};
  if (!entry.user.empty()) event["user"] = entry.user;
  return event;
}

// Of the thread that reads: a value that is made there and moved to the loop.
struct Look {
  std::optional<access::People> people;
  std::string trouble;
};

}  // namespace

Logins::Logins(io::Clock& clock, const Config& config, std::filesystem::path directory)
    : clock_(clock),
      directory_(std::move(directory)),
      access_({.logins = config.logins,
               .origins = config.origins,
               .sessions = config.sessions,
               .tries = config.login_tries},
              access::system_randomness),
      files_(directory_),
      audit_(directory_) {}

Logins::~Logins() {
  refused_.close();
  access::AuditFile file(directory_);  // audit_ may be at work
  for (; !refused_.is_empty(); refused_.pop()) {
    const auto written = file.append(refused_.front());
    if (!written.has_error()) continue;
    spdlog::error("{}; not all refused requests are noted", written.error().text);
    return;
  }
}

access::Now Logins::now() const {
  return {.wall = clock_.now(), .steady = clock_.ticks().time_since_epoch()};
}

std::string Logins::open() {
  if (!access_.has_logins()) return "";
  std::string trouble;
  auto people = files_.changed(trouble);
  if (!people) return trouble;
  const bool is_empty = people->users.empty();
  access_.take_up(std::move(people->users), std::move(people->tokens));
  return is_empty ? "nobody can log in yet; run: carbongate users CONFIG add NAME --role administrator\n" : "";
}

io::HttpAnswer Logins::refuse(const io::HttpCall& call, const access::Refusal& refusal, std::string_view user,
                              std::string_view action) {
  // Who only has not logged in yet is no news.
  const bool is_news = refusal.code != "no_credentials" && refusal.code != "session_ended";
  if (is_news) {
    refused_.add({.at = clock_.now(),
                  .user = std::string(user),
                  .by = "",
                  .address = call.address,
                  .action = std::string(action),
                  .outcome = refusal.code,
                  .detail = ""},
                 now().steady);
  }
  return answer_of(refusal);
}

std::variant<Identity, io::HttpAnswer> Logins::admit(const io::HttpCall& call, std::optional<Role> required,
                                                     bool /*changes*/) {
  auto found = access_.authenticate(request_of(call), now());
  const std::string action = call.method + " " + call.target.substr(0, call.target.find('?'));
  if (const auto* refusal = std::get_if<access::Refusal>(&found)) {
    const bool is_open = !required && refusal->status != 421;
    if (is_open) return Identity{};
    return refuse(call, *refusal, "", action);
  }
  auto& who = std::get<access::Identity>(found);
  if (required) {
    if (const auto refusal = access_.admit(who, *required)) return refuse(call, *refusal, who.name, action);
  }
  Identity identity{.user = who.name, .role = who.role};
  identity.login = std::move(who);
  return identity;
}

bool Logins::is_still_valid(const Identity& who) {
  return who.role && access_.is_still_valid(who.login, now());
}

io::HttpAnswer Logins::session(const Request& request) const {
  if (request.who.role) return ok(to_text(session_of(request.who.login)));
  return ok(to_text(json::object{{"user", nullptr}, {"role", nullptr}, {"logins", true}}));
}

asio::awaitable<io::HttpAnswer> Logins::log_in(const Request& request) {
  Credentials given = credentials_of(request.call);
  const std::string user = given.user;
  auto begun = access_.begin_login(request_of(request.call), std::move(given.user), std::move(given.password), now());
  if (const auto* refusal = std::get_if<access::Refusal>(&begun)) {
    co_return refuse(request.call, *refusal, user, "log in");
  }
  auto check = std::make_shared<access::PasswordCheck>(std::get<access::PasswordCheck>(std::move(begun)));
  bool is_right = false;
  std::exception_ptr escaped;
  try {
    std::function<bool()> work = [check] { return check->is_right(); };
    is_right = co_await passwords_.run<bool>(std::move(work));
  } catch (...) {
    escaped = std::current_exception();
  }
  auto done = access_.finish_login(std::move(*check), is_right, now());
  if (escaped) std::rethrow_exception(escaped);
  if (const auto* refusal = std::get_if<access::Refusal>(&done)) {
    co_return refuse(request.call, *refusal, user, "log in");
  }
  const auto& login = std::get<access::Login>(done);
  access::AuditEntry entry{.at = clock_.now(),
                           .user = login.identity.name,
                           .by = "session",
                           .address = request.call.address,
                           .action = "log in",
                           .outcome = "done",
                           .detail = ""};
  co_await append(std::move(entry));
  io::HttpAnswer answer = ok(to_text(session_of(login.identity)));
  answer.headers.push_back({"Set-Cookie", login.cookie});
  co_return answer;
}

io::HttpAnswer Logins::log_out(const Request& request) {
  io::HttpAnswer answer{.status = 204};
  if (access_.has_logins()) {
    answer.headers.push_back({"Set-Cookie", access_.log_out(request.who.login, request.call.secure)});
  }
  return answer;
}

asio::awaitable<void> Logins::note(const Request& request, int status) {
  access::AuditEntry entry{.at = clock_.now(),
                           .user = request.who.user,
                           .by = std::string(word_of(request.who.login.kind)),
                           .address = request.call.address,
                           .action = request.call.method + " " + request.path,
                           .outcome = status < 400 ? "done" : std::to_string(status),
                           .detail = request.call.target};
  co_await append(std::move(entry));
}

asio::awaitable<std::string> Logins::write(access::AuditEntry entry) {
  try {
    std::function<std::string()> work = [this, entry = std::move(entry)] {
      const auto written = audit_.append(entry);
      return written.has_error() ? written.error().text : std::string();
    };
    co_return co_await disk_.run<std::string>(std::move(work));
  } catch (const Refusal& refusal) {
    co_return refusal.detail;
  }
}

asio::awaitable<void> Logins::append(access::AuditEntry entry) {
  const std::string why = co_await write(std::move(entry));
  if (!why.empty() && ++audit_lost_ == 1) spdlog::error("{}; what was done is not noted", why);
}

// One that cannot be written stays the first: the next look tries it again.
asio::awaitable<void> Logins::write_refused() {
  refused_.tick(now().steady);
  while (!refused_.is_empty()) {
    const std::string why = co_await write(refused_.front());
    if (!why.empty()) {
      if (!std::exchange(is_stuck_, true)) spdlog::error("{}; refused requests wait to be noted", why);
      co_return;
    }
    is_stuck_ = false;
    refused_.pop();
  }
}

asio::awaitable<io::HttpAnswer> Logins::audit(const Request& request) {
  const auto limit = static_cast<std::size_t>(request.number("limit", 100, 1, 1000));
  std::optional<std::uint64_t> before;
  if (request.find("cursor") != nullptr) before = request.number("cursor", 0, 1, std::uint64_t{1} << 62);
  std::function<io::HttpAnswer()> work = [directory = directory_, before, limit] {
    const auto page = access::read_audit(directory, before, limit);
    if (page.has_error()) return problem(page.error());
    json::array events;
    for (const access::AuditEntry& entry : page->entries) events.push_back(event_of(entry));
    json::object body{{"events", std::move(events)}, {"next", nullptr}};
    if (page->next) body["next"] = std::to_string(*page->next);
    return ok(to_text(body));
  };
  co_return co_await disk_.run<io::HttpAnswer>(std::move(work));
}

asio::awaitable<void> Logins::run() {
  while (true) {
    co_await write_refused();
    if (access_.has_logins()) {
      std::function<Look()> work = [this] {
        Look look;
        look.people = files_.changed(look.trouble);
        return look;
      };
      Look look;
      try {
        look = co_await disk_.run<Look>(std::move(work));
      } catch (const Refusal&) {
        // Busy: the next time will do.
      }
      if (look.people) {
        access_.take_up(std::move(look.people->users), std::move(look.people->tokens));
        spdlog::info("logins: users and tokens were read again");
      }
      if (!look.trouble.empty()) spdlog::error("logins: users and tokens stay as they were: {}", look.trouble);
    }
    co_await clock_.sleep_until(clock_.ticks() + kLook);
  }
}

LoginFacts Logins::facts() const {
  return {.counters = access_.counters(),
          .sessions = access_.sessions(),
          .sessions_pushed_out = access_.sessions_pushed_out(),
          .audit_lost = audit_lost_ + refused_.counted()};
}

}  // namespace carbongate::ops
