#include "drivers/http/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace carbongate::http_driver {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr Instant kNow{1'700'000'000s};

json_payload::PayloadMap stamped_map() {
  json_payload::PayloadMap map;
  map.points.push_back({.json = "/i", .time = std::nullopt, .error = std::nullopt});
  map.timestamp = {.json = "/t", .format = json_payload::TimeFormat::epoch_s};
  return map;
}

Answer judge_it(int status, std::string body, std::vector<io::HttpHeader> headers = {}, bool conditional = false) {
  const io::HttpResponse response{.status = status, .headers = std::move(headers), .body = std::move(body)};
  return judge(response, stamped_map(), 1000, kNow, conditional);
}

TEST(HttpAnswer, HasTheValuesInTheOrderOfTheirTimes) {
  json_payload::PayloadMap map = stamped_map();
  map.records = "";
  const io::HttpResponse response{.status = 200,
                                  .headers = {},
                                  .body = R"([{"t":1699999200,"i":3},{"t":1699992000,"i":1},{"t":1699995600,"i":2}])"};
  const Answer answer = judge(response, map, 1000, kNow, false);
  EXPECT_TRUE(answer.good);
  EXPECT_EQ(answer.detail, "");
  ASSERT_EQ(answer.samples.size(), 3u) << "the newest stood first";
  EXPECT_EQ(answer.samples[0].value, 1);
  EXPECT_EQ(answer.samples[2].value, 3);
}

TEST(HttpAnswer, IsGoodWithAValueAndNamesWhatIsNone) {
  json_payload::PayloadMap map = stamped_map();
  map.points.push_back({.json = "/j", .time = std::nullopt, .error = std::nullopt});
  const io::HttpResponse response{.status = 200, .headers = {}, .body = R"({"t":1699999200,"i":3,"j":"off"})"};
  const Answer answer = judge(response, map, 1000, kNow, false);
  EXPECT_TRUE(answer.good);
  EXPECT_EQ(answer.detail, "/j is the text 'off', not a number");
}

TEST(HttpAnswer, WithoutAValueIsLastingTrouble) {
  const struct {
    const char* body;
    const char* said;
  } cases[] = {
      {"", "the payload is empty"},           {"<html>log in</html>", "the payload is not JSON"},
      {"{\"i\":", "the payload is not JSON"}, {"{}", "the answer has none of the points; check the `json` pointers"},
      {"{\"i\":1}", "no time at /t"},         {"{\"i\":1,\"t\":-1}", "is not between 1970 and 2100"}};
  for (const auto& c : cases) {
    const Answer answer = judge_it(200, c.body);
    EXPECT_FALSE(answer.good) << c.body;
    EXPECT_TRUE(answer.lasting) << c.body;
    EXPECT_THAT(answer.detail, HasSubstr(c.said));
  }
}

TEST(HttpAnswer, ThatIsTooLongIsNotRead) {
  const io::HttpResponse response{.status = 200, .headers = {}, .body = R"({"t":1699999200,"i":3})", .body_cut = true};
  const Answer answer = judge(response, stamped_map(), 1000, kNow, false);
  EXPECT_FALSE(answer.good);
  EXPECT_EQ(answer.detail, "the answer is longer than body_max (1000 bytes)");
}

TEST(HttpAnswer, OfAnotherStatusSaysTheServersWords) {
  const Answer missing = judge_it(404, "no such zone\nat line 3");
  EXPECT_EQ(missing.detail, "HTTP 404: no such zone");
  EXPECT_TRUE(missing.lasting);
  EXPECT_EQ(judge_it(403, "<html>").detail, "HTTP 403");
  const Answer broken = judge_it(500, "");
  EXPECT_EQ(broken.detail, "HTTP 500");
  EXPECT_FALSE(broken.lasting) << "servers are started again";
}

TEST(HttpAnswer, IsWaitedForAsLongAsTheServerSaysWithinALimit) {
  EXPECT_EQ(judge_it(429, "", {{"Retry-After", "120"}}).retry_after, 120s);
  EXPECT_EQ(judge_it(503, "", {{"Retry-After", "999999"}}).retry_after, 1h);
  EXPECT_EQ(judge_it(500, "", {{"Retry-After", "120"}}).retry_after, std::nullopt);
  EXPECT_EQ(judge_it(429, "", {{"Retry-After", "soon"}}).retry_after, std::nullopt);
}

TEST(HttpAnswer, ThatRedirectsIsNotFollowed) {
  const Answer moved = judge_it(301, "<html>", {{"Location", "https://grid.example/v2?key=s3cret"}});
  EXPECT_FALSE(moved.good);
  EXPECT_TRUE(moved.lasting);
  EXPECT_EQ(moved.detail,
            "HTTP 301: redirects to https://grid.example/v2; redirects are not followed: write the right "
            "address as `url`");
  EXPECT_THAT(judge_it(302, "").detail, HasSubstr("HTTP 302: redirects; "));
}

TEST(HttpAnswer, NotModifiedIsGoodIfWeAskedForIt) {
  const Answer unchanged = judge_it(304, "", {}, true);
  EXPECT_TRUE(unchanged.good && unchanged.unchanged && unchanged.samples.empty());
  EXPECT_FALSE(judge_it(304, "").good);
}

Sample sample(int minute, double value, std::size_t point = 0) {
  return {.point = point, .at = kNow + std::chrono::minutes(minute), .value = value};
}

std::vector<double> values_after(Repeats& repeats, std::vector<Sample> samples) {
  repeats.remove(samples);
  std::vector<double> values;
  for (const auto& s : samples) values.push_back(s.value);
  return values;
}

TEST(HttpRepeats, AreNoReadings) {
  Repeats repeats;
  EXPECT_EQ(values_after(repeats, {sample(0, 1), sample(30, 2)}), (std::vector<double>{1, 2}));
  EXPECT_EQ(values_after(repeats, {sample(0, 1), sample(30, 2)}), (std::vector<double>{}));
  EXPECT_EQ(values_after(repeats, {sample(30, 2), sample(60, 3)}), (std::vector<double>{3})) << "the window moves on";
  EXPECT_EQ(values_after(repeats, {sample(30, 2.5), sample(60, 3)}), (std::vector<double>{2.5})) << "a revised value";
  EXPECT_EQ(values_after(repeats, {sample(60, 3, 1)}), (std::vector<double>{3})) << "another point";
}

TEST(HttpRepeats, AreRecognisedWithoutAValueToo) {
  Repeats repeats;
  const double none = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(values_after(repeats, {sample(0, none)}).size(), 1u);
  EXPECT_EQ(values_after(repeats, {sample(0, none)}).size(), 0u);
}

}  // namespace
}  // namespace carbongate::http_driver
