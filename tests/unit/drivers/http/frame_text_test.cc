#include "drivers/http/frame_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace carbongate::http_driver {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

HttpPlan plan() {
  HttpPlan plan("grid");
  plan.endpoint.where = "https://grid.example/v1/now";
  plan.endpoint.target = "/v1/now?zone=CN&api_key=0123456789abcdef&x&=";
  plan.endpoint.username = "park";
  plan.endpoint.password = config::Secret("pa55word");
  plan.headers.push_back({"X-Key", config::Secret("k3y-of-the-park")});
  plan.headers.push_back({"X-Zone", config::Secret("CN")});
  return plan;
}

TEST(FrameText, OfARequestHasNoQueryAndNoHeader) {
  EXPECT_EQ(request_text(plan()), "GET https://grid.example/v1/now?***");
  HttpPlan plain("grid");
  plain.endpoint.where = "http://10.0.0.5/status";
  plain.endpoint.target = "/status";
  EXPECT_EQ(request_text(plain), "GET http://10.0.0.5/status");
}

TEST(FrameText, OfAnAnswerIsItsHeadAndBody) {
  const io::HttpResponse response{.status = 200,
                                  .headers = {{"content-type", "application/json"}, {"Set-Cookie", "id=4711"}},
                                  .body = "{\"i\":302}"};
  EXPECT_EQ(response_text(response, {}, 1000), "HTTP 200\nContent-Type: application/json\n\n{\"i\":302}");
}

TEST(FrameText, AServerThatAnswersWithWhatItWasSentGivesNothingAway) {
  const io::HttpResponse response{
      .status = 401,
      .headers = {{"ETag", "k3y-of-the-park"}},
      .body = "Basic cGFyazpwYTU1d29yZA== pa55word k3y-of-the-park 0123456789abcdef in zone CN"};
  const std::string text = response_text(response, secrets_of(plan()), 1000);
  EXPECT_EQ(text, "HTTP 401\nETag: ***\n\nBasic *** *** *** *** in zone CN");
}

TEST(FrameText, NoSecretIsCutInTwoAndShownByHalf) {
  const io::HttpResponse response{.status = 200, .headers = {}, .body = std::string(80, ' ') + "k3y-of-the-park"};
  const std::size_t head = std::string("HTTP 200\n\n").size();
  for (std::size_t shown = 1; shown < 15; ++shown) {
    const std::string text = response_text(response, secrets_of(plan()), head + 80 + shown);
    EXPECT_THAT(text, Not(HasSubstr("k"))) << shown;
  }
}

TEST(FrameText, ALongBodyIsShownToItsLimit) {
  const io::HttpResponse response{.status = 200, .headers = {}, .body = std::string(5000, 'x')};
  EXPECT_EQ(response_text(response, {}, 2048).size(), 2048U);
}

}  // namespace
}  // namespace carbongate::http_driver
