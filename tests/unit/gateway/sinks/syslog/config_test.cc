#include "gateway/sinks/syslog/config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace carbongate::sinks::syslog {
namespace {

struct Read {
  Config config;
  std::string problems;
};

Read read_node(const config::Node& node, config::Problems& problems) {
  const config::Node root = config::parse_text("site: {id: edz-1, timezone: Asia/Shanghai}", "site.yaml", problems);
  config::Reader in(node, problems);
  in.required<std::string>("type");
  Read result{Config::from(in, root), {}};
  in.child("select");  // read by whoever reads all sinks
  in.finish();
  result.problems = problems.to_text();
  return result;
}

Read read(const std::string& keys) {
  config::Problems problems;
  const config::Node node = config::parse_text("type: syslog\n" + keys, "site.yaml", problems);
  return read_node(node, problems);
}

TEST(SyslogConfig, NeedsAServerOnly) {
  const Read got = read("server: \"[::1]:6514\"");
  EXPECT_EQ(got.problems, "");
  EXPECT_EQ(got.config.name, "syslog [::1]:6514");
  EXPECT_EQ(got.config.server.host, "::1");
  EXPECT_TRUE(got.config.server.tls);
  EXPECT_EQ(got.config.facility, 16);
  EXPECT_EQ(got.config.host, "edz-1");
}

TEST(SyslogConfig, SaysWhatIsWrong) {
  EXPECT_NE(read("server: logs").problems.find("no host with a port"), std::string::npos);
  EXPECT_NE(read("server: \"logs:514\"\nfacility: local9").problems.find("none of RFC 5424"), std::string::npos);
  EXPECT_NE(read("server: \"logs:514\"\nheadline: \"{x}\"").problems.find("cannot be filled in"), std::string::npos);
}

TEST(SyslogConfig, ReadsTheSample) {
  TemporaryDirectory directory;
  const auto sample = directory.path() / "sample.yaml";
  std::filesystem::copy_file(CARBONGATE_SOURCE_DIR "/gateway/sinks/syslog/sample.yaml", sample);
  std::ofstream(directory.path() / "park-ca.pem") << "certificate\n";
  config::Problems problems;
  const config::Node node = config::parse_file(sample, problems);
  const Read got = read_node(node, problems);
  EXPECT_EQ(got.problems, "");
  EXPECT_EQ(got.config.enterprise, 32'473U);
}

}  // namespace
}  // namespace carbongate::sinks::syslog
