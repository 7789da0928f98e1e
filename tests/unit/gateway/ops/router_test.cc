#include "gateway/ops/router.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <stdexcept>

#include "gateway/ops/problem.h"
#include "gateway/ops/routes.h"

namespace carbongate::ops {
namespace {

namespace asio = boost::asio;

// Everybody is a viewer.
class Viewers final : public Admission {
 public:
  std::variant<Identity, io::HttpAnswer> admit(const io::HttpCall&, std::optional<Role> required,
                                               bool changes) override {
    changes_ = changes;
    if (required && !access::covers(Role::viewer, *required)) return problem(403, "not you");
    return Identity{.user = "li.wei", .role = Role::viewer};
  }
  bool is_still_valid(const Identity&) override { return is_valid_; }
  asio::awaitable<void> note(const Request& request, int status) override {
    noted_.push_back(request.call.method + " " + request.path + " by " + request.who.user + ": " +
                     std::to_string(status));
    co_return;
  }

  bool changes_ = false;
  bool is_valid_ = true;
  std::vector<std::string> noted_;
};

class Endless final : public io::HttpSource {
 public:
  asio::awaitable<std::optional<std::string>> next() override { co_return "data"; }
};

class RouterTest : public testing::Test {
 protected:
  io::HttpAnswer ask(std::string method, std::string target, bool secure = false) {
    io::HttpCall call{.method = std::move(method), .target = std::move(target)};
    call.secure = secure;
    asio::io_context loop;
    io::HttpAnswer got;
    asio::co_spawn(loop, router_.answer(std::move(call)), [&](std::exception_ptr error, io::HttpAnswer answer) {
      EXPECT_FALSE(error);
      got = std::move(answer);
    });
    loop.run();
    return got;
  }
  static std::string header(const io::HttpAnswer& answer, std::string_view name) {
    for (const auto& header : answer.headers) {
      if (header.name == name) return header.value;
    }
    return {};
  }
  static Handler echo() {
    return at_once([](const Request& request) {
      std::string text = request.path + " by " + request.who.user;
      for (const std::string& parameter : request.parameters) text += " " + parameter;
      return ok(text, "text/plain");
    });
  }

  Viewers viewers_;
  Router router_{
      {{"GET", "/a/{id}", Role::viewer, {"x"}, echo()},
       {"POST", "/a/{id}", Role::operator_, {}, echo()},
       {"GET", "/a/{id}/b/{name}", std::nullopt, {}, echo()},
       {"GET", "/files/{*}", std::nullopt, {}, echo()},
       {"POST", "/change/{id}", Role::viewer, {}, echo()},
       {"GET", "/stream", Role::viewer, {}, at_once([](const Request&) {
          io::HttpAnswer answer{.headers = {{"Content-Type", "text/event-stream"}}};
          answer.source = std::make_unique<Endless>();
          return answer;
        })},
       {"GET", "/tagged", Role::viewer, {}, at_once([](const Request& request) { return ok_tagged(request, "same"); })},
       {"GET", "/refuses", Role::viewer, {}, at_once([](const Request&) -> io::HttpAnswer {
          throw Refusal{404, "no"};
        })},
       {"GET", "/fails", Role::viewer, {}, at_once([](const Request&) -> io::HttpAnswer {
          throw std::runtime_error("inside");
        })}},
      viewers_};
};

TEST_F(RouterTest, FindsTheHandlerAndItsParameters) {
  EXPECT_EQ(ask("GET", "/a/7?x=1").body, "/a/{id} by li.wei 7");
  EXPECT_EQ(ask("HEAD", "/a/7").body, "/a/{id} by li.wei 7");
  EXPECT_EQ(ask("GET", "/a/x%2Fy/b/z").body, "/a/{id}/b/{name} by li.wei x/y z");
  EXPECT_EQ(ask("GET", "/files/js/app.js").body, "/files/{*} by li.wei js/app.js");
  EXPECT_FALSE(viewers_.changes_);
}

TEST_F(RouterTest, RefusesWhatIsNotThere) {
  EXPECT_EQ(ask("GET", "/").status, 404);
  EXPECT_EQ(ask("GET", "/a").status, 404);
  EXPECT_EQ(ask("GET", "/a/").status, 404);
  EXPECT_EQ(ask("GET", "/a/7/").status, 404);
  EXPECT_EQ(ask("GET", "/files/../a/7").status, 400);
  const auto refused = ask("PUT", "/a/7");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(header(refused, "Allow"), "GET, HEAD, POST");
  EXPECT_EQ(ask("TRACE", "/a/7").status, 405);
  EXPECT_EQ(ask("GET", "/a/7?xx=1").status, 400);
}

TEST_F(RouterTest, AsksForTheRole) {
  EXPECT_EQ(ask("POST", "/a/7").status, 403);
  EXPECT_TRUE(viewers_.changes_);
}

TEST_F(RouterTest, NotesWhatChangesSomething) {
  ask("GET", "/a/7");
  EXPECT_TRUE(viewers_.noted_.empty());
  ask("POST", "/change/7");
  ask("POST", "/change/7?unknown=1");
  ask("POST", "/a/7");
  EXPECT_EQ(viewers_.noted_,
            (std::vector<std::string>{"POST /change/{id} by li.wei: 200", "POST /change/{id} by li.wei: 400"}))
      << "what is refused at the door is noted there";
}

TEST_F(RouterTest, EndsAStreamWithItsLogin) {
  auto answer = ask("GET", "/stream");
  ASSERT_TRUE(answer.source);
  const auto next = [&answer] {
    asio::io_context loop;
    std::optional<std::string> piece;
    asio::co_spawn(loop, answer.source->next(),
                   [&](std::exception_ptr, std::optional<std::string> got) { piece = std::move(got); });
    loop.run();
    return piece;
  };
  EXPECT_EQ(next(), "data");
  viewers_.is_valid_ = false;
  EXPECT_EQ(next(), std::nullopt);
}

TEST_F(RouterTest, MakesProblemsOfWhatHandlersThrow) {
  EXPECT_EQ(ask("GET", "/refuses").body, R"({"type":"about:blank","title":"Not found","status":404,"detail":"no"})");
  const auto failed = ask("GET", "/fails");
  EXPECT_EQ(failed.status, 500);
  EXPECT_EQ(failed.body.find("inside"), std::string::npos);  // it is in the log
}

TEST_F(RouterTest, HardensEveryAnswer) {
  for (const char* target : {"/a/7", "/nothing", "/fails", "/.."}) {
    const auto answer = ask("GET", target, true);
    EXPECT_EQ(header(answer, "X-Content-Type-Options"), "nosniff") << target;
    EXPECT_EQ(header(answer, "X-Frame-Options"), "DENY") << target;
    EXPECT_NE(header(answer, "Content-Security-Policy").find("default-src 'none'"), std::string::npos) << target;
    EXPECT_EQ(header(answer, "Cache-Control"), "no-store") << target;
    EXPECT_EQ(header(answer, "Strict-Transport-Security"), "max-age=31536000") << target;
  }
  EXPECT_EQ(header(ask("GET", "/a/7"), "Strict-Transport-Security"), "");
}

TEST_F(RouterTest, TellsAnAnswerFromAnother) {
  const auto first = ask("GET", "/tagged");
  EXPECT_EQ(first.body, "same");
  EXPECT_TRUE(header(first, "ETag").starts_with("W/\""));
}

}  // namespace
}  // namespace carbongate::ops
