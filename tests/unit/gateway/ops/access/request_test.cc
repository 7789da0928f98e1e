#include "gateway/ops/access/request.h"

#include <gtest/gtest.h>

namespace carbongate::access {
namespace {

TEST(Request, SessionIdIsTheCookieOfThatName) {
  EXPECT_EQ(session_id_of("carbongate_session=abc"), "abc");
  EXPECT_EQ(session_id_of("a=b; carbongate_session=abc; c=d"), "abc");
  EXPECT_EQ(session_id_of(" carbongate_session=abc;"), "abc");
  EXPECT_EQ(session_id_of(""), std::nullopt);
  EXPECT_EQ(session_id_of("carbongate_session"), std::nullopt);
  EXPECT_EQ(session_id_of("carbongate_session="), std::nullopt);
  EXPECT_EQ(session_id_of("xcarbongate_session=abc"), std::nullopt);
  EXPECT_EQ(session_id_of("carbongate_session2=abc"), std::nullopt);
}

TEST(Request, TwoSessionCookiesAreNone) {
  EXPECT_EQ(session_id_of("carbongate_session=abc; carbongate_session=def"), std::nullopt);
  EXPECT_EQ(session_id_of("carbongate_session=abc, carbongate_session=def"), std::nullopt);
}

TEST(Request, BearerTokensAreOfThatSchemeAlone) {
  EXPECT_EQ(bearer_of("Bearer abc"), "abc");
  EXPECT_EQ(bearer_of("bearer  abc "), "abc");
  EXPECT_EQ(bearer_of("Basic abc"), std::nullopt);
  EXPECT_EQ(bearer_of("Bearerabc"), std::nullopt);
  EXPECT_EQ(bearer_of(""), std::nullopt);
}

TEST(Request, OnlyLookingChangesNothing) {
  for (const char* method : {"GET", "HEAD", "OPTIONS"}) EXPECT_FALSE(changes_something(method)) << method;
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE", "get", "TRACE", ""}) {
    EXPECT_TRUE(changes_something(method)) << method;
  }
}

TEST(Request, CookiesAreOutOfReachOfScriptsAndOtherSites) {
  EXPECT_EQ(set_cookie("abc", false), "carbongate_session=abc; Path=/; HttpOnly; SameSite=Strict");
  EXPECT_EQ(set_cookie("abc", true), "carbongate_session=abc; Path=/; HttpOnly; SameSite=Strict; Secure");
  EXPECT_EQ(clear_cookie(true), "carbongate_session=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0");
}

TEST(Request, ComesFromElsewhereWhenTheBrowserSaysSo) {
  const std::vector<std::string> origins{"https://park.example"};
  const auto from = [&origins](std::string_view site, std::string_view origin, bool secure = true) {
    const Request request{.method = "POST", .host = "box:8443", .origin = origin, .fetch_site = site, .secure = secure};
    return is_from_elsewhere(request, origins);
  };
  EXPECT_FALSE(from("", "")) << "no browser";
  EXPECT_FALSE(from("same-origin", "https://box:8443"));
  EXPECT_FALSE(from("", "https://BOX:8443"));
  EXPECT_FALSE(from("same-origin", "https://park.example")) << "a proxy asks by another name";
  EXPECT_TRUE(from("cross-site", ""));
  EXPECT_TRUE(from("same-site", "")) << "another service on the same machine is another origin";
  EXPECT_TRUE(from("cross-site", "https://box:8443"));
  EXPECT_TRUE(from("", "https://evil.example"));
  EXPECT_TRUE(from("", "https://box:8443.evil.example"));
  EXPECT_TRUE(from("", "https://box"));
  EXPECT_TRUE(from("", "http://box:8443")) << "not encrypted";
  EXPECT_TRUE(from("", "https://box:8443", false));
  EXPECT_TRUE(from("", "null")) << "a file, or a frame in a sandbox";
}

TEST(Request, KnowsTheNamesOfThisMachineAlone) {
  for (const char* host :
       {"localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:80", "127.1.2.3", "[::1]", "[::1]:8080"}) {
    EXPECT_TRUE(is_asked_as_loopback(host)) << host;
  }
  for (const char* host : {"", "localhost.evil.example", "127.0.0.1.evil.example", "127.evil.example", "box",
                           "10.0.0.1", "[::2]", "[", "evil.example:127.0.0.1"}) {
    EXPECT_FALSE(is_asked_as_loopback(host)) << host;
  }
}

}  // namespace
}  // namespace carbongate::access
