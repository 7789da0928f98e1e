#include "gateway/sinks/hj212/config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace carbongate::sinks::hj212 {
namespace {

using namespace std::chrono_literals;

constexpr const char* kSite =
    "site: {timezone: Asia/Shanghai}\nstations: [{id: stack, real_time: 1min, minute: 5min}, {id: drain}]\n";

struct Read {
  Config config;
  std::string problems;
};

class Hj212SinkConfig : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(directory_.path() / "pw") << "abc123\n";
    std::ofstream(directory_.path() / "long") << "abc1234\n";
    std::ofstream(directory_.path() / "syntax") << "a=b,c\n";
    for (const char* file : {"pw", "long", "syntax"}) {
      std::filesystem::permissions(directory_.path() / file, std::filesystem::perms::owner_read);
    }
  }
  Read read(const std::string& keys) {
    config::Problems problems;
    const std::string file = (directory_.path() / "site.yaml").string();
    const config::Node node = config::parse_text("type: hj212\n" + keys, file, problems);
    const config::Node root = config::parse_text(kSite, file, problems);
    config::Reader in(node, problems);
    in.required<std::string>("type");
    Read result{Config::from(in, root), {}};
    in.finish();
    result.problems = problems.to_text();
    return result;
  }
  bool says(const std::string& keys, std::string_view words) {
    const std::string whole = "address: \"10.1.2.3:9003\"\nstation: stack\nmn: A1\npassword_file: pw\n" + keys;
    return read(whole).problems.find(words) != std::string::npos;
  }

  TemporaryDirectory directory_;
};

TEST_F(Hj212SinkConfig, TakesIntervalsFromItsStation) {
  const Read got = read("address: \"[fd00::1]:9003\"\nstation: stack\nmn: A1\npassword_file: pw");
  EXPECT_EQ(got.problems, "");
  EXPECT_EQ(got.config.name, "hj212 [fd00::1]:9003");
  EXPECT_EQ(got.config.host, "fd00::1");
  EXPECT_EQ(got.config.port, 9003);
  EXPECT_EQ(got.config.settings.real_time_interval, 60s);
  EXPECT_EQ(got.config.settings.minute_interval, 5min);
  EXPECT_EQ(got.config.settings.password, "abc123");
  EXPECT_EQ(got.config.options.limits.minute_intervals, std::vector<std::chrono::minutes>{5min});
  EXPECT_EQ(got.config.options.limits.st, "31");
  EXPECT_TRUE(got.config.options.limits.allow.empty()) << "nothing may be set";
  EXPECT_EQ(got.config.time_zone, "Asia/Shanghai");
  EXPECT_FALSE(got.config.sends_alerts);
}

TEST_F(Hj212SinkConfig, SaysWhatIsWrong) {
  EXPECT_NE(read("address: 10.1.2.3").problems.find("no host with a port"), std::string::npos);
  EXPECT_NE(read("address: \"10.1.2.3:9003\"").problems.find("password_file or password_env is missing"),
            std::string::npos);
  EXPECT_NE(read("station: stak").problems.find("did you mean 'stack'?"), std::string::npos);
  EXPECT_NE(read("password_file: long").problems.find("at most 6 characters"), std::string::npos);
  EXPECT_NE(read("password_file: syntax").problems.find("no '&', ';', '=', ','"), std::string::npos);
  EXPECT_TRUE(says("allow: [\"3012\"]", "may set here: 1000, 1012, 1062, 1064, 1072, 2011, 2012"));
  EXPECT_TRUE(says("real_time_interval: 30s", "makes no instants that often"));
  EXPECT_FALSE(says("real_time_interval: 1min", "real_time_interval"));
  EXPECT_TRUE(says("ask_for_time: true\nallow: [\"1000\"]", "put \"1012\" into `allow`"));
  EXPECT_FALSE(says("ask_for_time: true\nallow: [\"1012\"]", "1012"));
  EXPECT_TRUE(says("system: 91", "no system code for data"));
  EXPECT_TRUE(says("heartbeat: 60s", "edition 2025"));
  EXPECT_TRUE(says("segment_max: 100", "out of range"));
  EXPECT_TRUE(says("time_zone: Mars/North", "unknown time zone"));
  EXPECT_TRUE(says("password: abc123", "password"));
  EXPECT_FALSE(says("password: abc123", "abc123")) << "a secret is not shown";
}

TEST_F(Hj212SinkConfig, ASmallWindowLetsAnAlertGoBeyondIt) {
  const std::string keys = "address: \"h:1\"\nstation: drain\nmn: A1\npassword_file: pw\nwindow: ";
  EXPECT_EQ(read(keys + "3").config.options.beyond_window, 1u);
  EXPECT_EQ(read(keys + "4").config.options.beyond_window, 0u) << "it keeps a place";
}

TEST_F(Hj212SinkConfig, ConnectsAgainWithinSeconds) {
  const std::string keys = "address: \"h:1\"\nstation: drain\nmn: A1\npassword_file: pw\n";
  EXPECT_EQ(read(keys).config.reconnect_max, 5s);
  EXPECT_EQ(read(keys + "reconnect_max: 1min").config.reconnect_max, 1min);
  EXPECT_TRUE(says("reconnect_max: 10min", "out of range"));
}

TEST_F(Hj212SinkConfig, TheEditionOf2025HasAHeartbeat) {
  const Read got = read("address: \"h:1\"\nstation: drain\nmn: A1\npassword_file: pw\nedition: 2025");
  EXPECT_EQ(got.problems, "");
  EXPECT_EQ(got.config.options.heartbeat, 60s);
  EXPECT_EQ(got.config.options.limits.version, 2);
  EXPECT_EQ(got.config.settings.real_time_interval, 30s);
}

TEST_F(Hj212SinkConfig, TakesItsSample) {
  std::filesystem::copy_file(CARBONGATE_SOURCE_DIR "/gateway/sinks/hj212/sample.yaml",
                             directory_.path() / "sample.yaml");
  std::filesystem::copy_file(directory_.path() / "pw", directory_.path() / "city-platform.password");
  config::Problems problems;
  const config::Node node = config::parse_file(directory_.path() / "sample.yaml", problems);
  const config::Node root = config::parse_text("stations: [{id: stack}]", "site.yaml", problems);
  config::Reader in(node, problems);
  EXPECT_EQ(in.required<std::string>("type"), "hj212");
  const Config config = Config::from(in, root);
  in.finish();
  EXPECT_EQ(problems.to_text(), "");
  EXPECT_EQ(config.name, "city-platform");
  EXPECT_EQ(config.options.limits.allow, (std::vector<std::string>{"1000", "1062"}));
}

}  // namespace
}  // namespace carbongate::sinks::hj212
