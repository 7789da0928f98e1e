#include "drivers/http/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "config/reader/node.h"
#include "config/reader/reader.h"

namespace carbongate::http_driver {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

struct Loaded {
  std::vector<std::unique_ptr<HttpPlan>> plans;
  std::string problems;
};

Loaded load(const config::Node& root, config::Problems& problems) {
  Loaded loaded;
  for (const config::Node& item : root.find("devices")->items()) {
    config::Reader in(item, problems);
    in.required<std::string>("driver");
    loaded.plans.push_back(read_plan(in, root));
    in.finish();
  }
  loaded.problems = problems.to_text();
  return loaded;
}

// A device with these lines, and a point unless there are others.
Loaded load(const std::string& lines, const std::string& points = "[{name: intensity, json: /i, unit: \"1\"}]") {
  config::Problems problems;
  const config::Node root = config::parse_text(
      "site: {id: edz-1}\ndevices:\n  - id: grid\n    driver: http\n" + lines + "    points: " + points + "\n",
      "site.yaml", problems);
  return load(root, problems);
}

const std::string kUrl = "    url: \"https://grid.example/now?zone=CN\"\n";

TEST(HttpConfig, LoadsTheSample) {
  ::setenv("GRID_TOKEN", "t0ken", 1);
  ::setenv("METER_PASSWORD", "s3cret", 1);
  config::Problems problems;
  const config::Node root =
      config::parse_file(std::filesystem::path(CARBONGATE_SOURCE_DIR) / "drivers/http/sample.yaml", problems);
  const Loaded loaded = load(root, problems);
  EXPECT_THAT(loaded.problems, HasSubstr("sends the credentials unencrypted")) << "of the meter's own web server";
  EXPECT_FALSE(problems.has_errors());
  ASSERT_EQ(loaded.plans.size(), 3u);
  const HttpPlan& grid = *loaded.plans[0];
  EXPECT_EQ(grid.endpoint.target, "/v3/carbon-intensity/latest?zone=CN");
  EXPECT_EQ(grid.endpoint.where, "https://api.electricitymaps.com/v3/carbon-intensity/latest");
  EXPECT_EQ(grid.endpoint.server.port, 443);
  EXPECT_TRUE(grid.endpoint.server.tls);
  ASSERT_EQ(grid.headers.size(), 2u);
  EXPECT_EQ(grid.headers[0].name, "auth-token");
  EXPECT_EQ(grid.headers[0].value.reveal(), "t0ken");
  EXPECT_EQ(grid.headers[1].value.reveal(), "zh-CN");
  EXPECT_EQ(grid.interval, 5min);
  EXPECT_EQ(grid.points().at(0).limits.interval, 1h) << "by which readings are judged";
  EXPECT_EQ(grid.points().at(0).full_name(), "grid.intensity");
  EXPECT_EQ(grid.body_max, 65'536u);
  EXPECT_EQ(loaded.plans[1]->map.records, "/data");
  EXPECT_EQ(loaded.plans[2]->endpoint.password.reveal(), "s3cret");
  EXPECT_EQ(loaded.plans[2]->points().at(0).kind, Kind::cumulative);
}

TEST(HttpConfig, FillsInWhatIsUsual) {
  const Loaded loaded = load("    url: \"http://10.0.0.9\"\n");
  EXPECT_EQ(loaded.problems, "");
  const HttpPlan& plan = *loaded.plans.at(0);
  EXPECT_EQ(plan.endpoint.target, "/");
  EXPECT_EQ(plan.endpoint.server.port, 80);
  EXPECT_EQ(plan.interval, 1min);
  EXPECT_EQ(plan.timeout, 10s);
  EXPECT_EQ(plan.body_max, 1024u * 1024u);
  EXPECT_EQ(plan.points().at(0).limits.interval, 1min);
}

TEST(HttpConfig, DevicesOfOneServerShareNothing) {
  const Loaded loaded = load(kUrl);
  EXPECT_EQ(loaded.plans.at(0)->group(), "https://grid.example/now (grid)") << "a query may hold a secret";
}

TEST(HttpConfig, SaysWhatIsWrong) {
  const struct {
    const char* lines;
    const char* said;
  } cases[] = {
      {"", "devices[0].url: missing"},
      {"    url: grid.example\n", "url: is not a URL such as https://"},
      {"    url: \"ftp://grid.example/x\"\n", "url: must begin with http:// or https://"},
      {"    url: \"https://user:pass@grid.example/x\"\n", "url: must not hold a user or password"},
      {"    url: \"https://grid.example/x#top\"\n", "url: must not have a fragment"},
      {"    url: \"https://grid.example/x\"\n    intervall: 5min\n",
       "unknown key 'intervall'; did you mean 'interval'?"},
      {"    url: \"https://grid.example/x\"\n    interval: 100ms\n", "interval: "},
      {"    url: \"https://grid.example/x\"\n    timeout: 1h\n", "timeout: "},
      {"    url: \"https://grid.example/x\"\n    body_max: 1\n", "body_max: "},
      {"    url: \"https://grid.example/x\"\n    token: abc\n", "a secret does not belong in this file"},
      {"    url: \"http://grid.example/x\"\n    ca_file: /etc/passwd\n",
       "ca_file: is of use with an https:// url only"},
      {"    url: \"https://grid.example/x\"\n    ca_file: absent.pem\n", "ca_file: cannot read"},
      {"    url: \"https://grid.example/x\"\n    username: me\n", "username: needs `password_file`"},
      {"    url: \"https://grid.example/x\"\n    headers: {a: b}\n", "headers: "},
      {"    url: \"https://grid.example/x\"\n    headers: [{name: \"a b\", value: x}]\n",
       "is not the name of a header"},
      {"    url: \"https://grid.example/x\"\n    headers: [{name: a, value: \"x\\r\\ny\"}]\n", "visible ASCII"},
      {"    url: \"https://grid.example/x\"\n    headers: [{name: a}]\n", "a header needs a `value`"},
      {"    url: \"https://grid.example/x\"\n    headers: [{name: a, valu: x}]\n", "did you mean 'value'?"},
      {"    url: \"https://grid.example/x\"\n    headers: [{name: a, value: x}, {name: A, value: y}]\n",
       "is there twice"},
      {"    url: \"https://grid.example/x\"\n    headers: [{name: a, value: x, value_env: HOME}]\n",
       "one of them is enough"},
      {"    url: \"https://grid.example/x\"\n    headers: [{name: a, value_env: CARBONGATE_NOT_SET}]\n", "is not set"},
      {"    url: \"https://grid.example/x\"\n    headers: [{name: authorization, value: x}]\n",
       "is made of `username`"},
      {"    url: \"https://grid.example/x\"\n    headers: [{name: host, value: x}]\n", "is set by the gateway itself"},
      {"    url: \"https://grid.example/x\"\n    headers: [{name: accept-encoding, value: gzip}]\n",
       "compressed answers"},
      {"    url: \"https://grid.example/x\"\n    timestamp: {json: t}\n", "a JSON pointer begins with '/'"},
  };
  for (const auto& c : cases) EXPECT_THAT(load(c.lines).problems, HasSubstr(c.said)) << c.lines;
  EXPECT_THAT(load(kUrl, "[]").problems, HasSubstr("names no point"));
  EXPECT_THAT(load(kUrl, "[{name: a, unit: kWh}]").problems, HasSubstr("json: missing"));
}

TEST(HttpConfig, WarnsOfSecretsInTheClear) {
  ::setenv("GRID_TOKEN", "t0ken", 1);
  const std::string header = "    headers: [{name: auth-token, value_env: GRID_TOKEN}]\n";
  EXPECT_THAT(load("    url: \"http://grid.example/x\"\n" + header).problems,
              HasSubstr("sends secret headers unencrypted"));
  EXPECT_EQ(load("    url: \"http://127.0.0.1/x\"\n" + header).problems, "");
  EXPECT_EQ(load(kUrl + header).problems, "");
}

TEST(HttpConfig, AnAmountNeedsATimeOfItsOwn) {
  const std::string amount = "[{name: e, json: /e, unit: kWh, kind: interval}]";
  EXPECT_THAT(load(kUrl, amount).problems, HasSubstr("points[0].kind: an interval needs the answer's own time"));
  EXPECT_EQ(load(kUrl + "    timestamp: {json: /t}\n", amount).problems, "");
  EXPECT_THAT(load(kUrl + "    timestamp: {json: /t, if_missing: arrival}\n", amount).problems, HasSubstr("own time"));
}

TEST(HttpConfig, TellsWhereAValueCameFromWithoutSecrets) {
  const Loaded loaded = load(kUrl, "[{name: a, json: /i, scale: 1/1000, unit: \"1\"}]");
  const Origin origin = loaded.plans.at(0)->origin(0, 1.0);
  EXPECT_EQ(origin.where, "GET https://grid.example/now, JSON /i");
  EXPECT_EQ(origin.decoding, "number * 1 / 1000");
}

}  // namespace
}  // namespace carbongate::http_driver
