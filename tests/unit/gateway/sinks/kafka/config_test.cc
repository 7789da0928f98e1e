#include "gateway/sinks/kafka/config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace carbongate::sinks::kafka {
namespace {

struct Read {
  Config config;
  std::string problems;
};

Read read(const std::string& keys, const std::string& file = "site.yaml") {
  config::Problems problems;
  const config::Node node = config::parse_text("type: kafka\n" + keys, file, problems);
  const config::Node root = config::parse_text("site: {timezone: Asia/Shanghai}", file, problems);
  config::Reader in(node, problems);
  in.required<std::string>("type");
  Read result{Config::from(in, root), {}};
  in.finish();
  result.problems = problems.to_text();
  return result;
}

bool says(const std::string& keys, std::string_view words) {
  return read(keys).problems.find(words) != std::string::npos;
}

TEST(KafkaConfig, NeedsServersOnly) {
  const Read got = read("bootstrap: [\"10.0.0.2:9092\", \"[::1]:9093\"]");
  EXPECT_EQ(got.problems, "");
  EXPECT_EQ(got.config.name, "kafka 10.0.0.2:9092");
  EXPECT_EQ(got.config.bootstrap, "10.0.0.2:9092,[::1]:9093");
  EXPECT_EQ(got.config.topic_of("entries"), "carbongate.entries");
  EXPECT_EQ(got.config.time_zone, "Asia/Shanghai");
  EXPECT_FALSE(got.config.tls);
}

TEST(KafkaConfig, SaysWhereAndWhatIsWrong) {
  EXPECT_TRUE(says("name: x", "bootstrap"));
  EXPECT_TRUE(says("bootstrap: []", "names no server"));
  for (const char* server : {"kafka", "kafka:0", "kafka:99999", ":9092", "http://kafka:9092", "::1:9092", "a,b:9092"}) {
    EXPECT_TRUE(says("bootstrap: [\"" + std::string(server) + "\"]", "is not a server; write HOST:9092")) << server;
  }
  const std::string ok = "bootstrap: [\"10.0.0.2:9092\"]\n";
  EXPECT_TRUE(says(ok + "topic: a/b", "site.yaml:3:8: error: topic: may hold letters, digits"));
  EXPECT_TRUE(says(ok + "topic: \"{kind}{kind}\"", "{kind} once"));
  EXPECT_TRUE(says(ok + "topic: \"\"", "is empty"));
  EXPECT_TRUE(says(ok + "username: u", "a login needs `username` and a password"));
  EXPECT_TRUE(says(ok + "mechanism: plain", "has no effect without a login"));
  EXPECT_TRUE(says(ok + "ca_file: x.pem", "has no effect without `tls: true`"));
  EXPECT_TRUE(says(ok + "compression: brotli", "compression"));
}

TEST(KafkaConfig, WarnsOfALoginThatEverybodyCanRead) {
  const TemporaryDirectory directory;
  const auto password = directory.path() / "p";
  std::ofstream(password) << "secret";
  std::filesystem::permissions(password, std::filesystem::perms::owner_read);
  const std::string login = "\nusername: u\npassword_file: " + password.string();
  EXPECT_TRUE(says("bootstrap: [\"10.0.0.2:9092\"]" + login, "without `tls: true`"));
  EXPECT_EQ(read("bootstrap: [\"127.0.0.1:9092\"]" + login).problems, "");
}

TEST(KafkaConfig, TakesItsSample) {
  const TemporaryDirectory directory;
  const auto sample = directory.path() / "sample.yaml";
  std::filesystem::copy_file(CARBONGATE_SOURCE_DIR "/gateway/sinks/kafka/sample.yaml", sample);
  std::ofstream(directory.path() / "park-ca.pem") << "x";
  std::ofstream(directory.path() / "kafka.password") << "secret";
  std::filesystem::permissions(directory.path() / "kafka.password", std::filesystem::perms::owner_read);
  config::Problems problems;
  const config::Node node = config::parse_file(sample, problems);
  config::Reader in(node, problems);
  in.required<std::string>("type");
  const Config config = Config::from(in, node);
  in.finish();
  EXPECT_EQ(problems.to_text(), "");
  EXPECT_EQ(config.batch_rows, Config().batch_rows) << "it shows the defaults";
  EXPECT_EQ(config.timeout, Config().timeout);
  EXPECT_EQ(config.mechanism, Config().mechanism);
}

}  // namespace
}  // namespace carbongate::sinks::kafka
