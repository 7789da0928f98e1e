#include "gateway/sinks/line_protocol/config.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace carbongate::sinks::line_protocol {
namespace {

using namespace std::chrono_literals;

struct Read {
  Config config;
  std::string problems;
};

Read read(std::string_view yaml, const std::string& name = "site.yaml") {
  config::Problems problems;
  const config::Node node = config::parse_text(yaml, name, problems);
  config::Reader in(node, problems);
  in.required<std::string>("type");  // the registry's key
  Read result{Config::from(in), {}};
  in.finish();
  result.problems = problems.to_text();
  return result;
}

Read with_url(const std::string& url) {
  return read("type: line-protocol\nurl: \"" + url + "\"\n");
}

TEST(LineProtocolConfig, NeedsAUrlOnly) {
  const Read got = with_url("http://127.0.0.1:8428/write");
  EXPECT_EQ(got.problems, "");
  EXPECT_EQ(got.config.server.host, "127.0.0.1");
  EXPECT_EQ(got.config.server.port, 8428);
  EXPECT_FALSE(got.config.server.tls);
  EXPECT_EQ(got.config.target, "/write?precision=ms");
  EXPECT_EQ(got.config.name, "127.0.0.1:8428");
  EXPECT_TRUE(got.config.gzip);
  EXPECT_EQ(got.config.batch_rows, 5000U);
  EXPECT_EQ(got.config.timeout, 10s);
}

TEST(LineProtocolConfig, KeepsPathAndQuery) {
  EXPECT_EQ(with_url("http://h:8086/write?db=carbon").config.target, "/write?db=carbon&precision=ms");
  EXPECT_EQ(with_url("https://h/api/v2/write?org=a%20b&bucket=c").config.target,
            "/api/v2/write?org=a%20b&bucket=c&precision=ms");
  EXPECT_EQ(with_url("http://h/write?db=x&precision=ms").config.target, "/write?db=x&precision=ms");
}

TEST(LineProtocolConfig, KnowsTheDefaultPortsAndIpv6) {
  EXPECT_EQ(with_url("http://h/write").config.server.port, 80);
  EXPECT_EQ(with_url("https://h/write").config.server.port, 443);
  EXPECT_EQ(with_url("http://[::1]:8428/write").config.server.host, "::1");
}

TEST(LineProtocolConfig, SaysWhatIsWrongWithAUrl) {
  const auto complaint = [](const std::string& url) { return with_url(url).problems; };
  EXPECT_NE(complaint("127.0.0.1:8428/write").find("is not a URL"), std::string::npos);
  EXPECT_NE(complaint("ftp://h/write").find("must begin with http:// or https://"), std::string::npos);
  EXPECT_NE(complaint("http://u:p@h/write").find("password_file"), std::string::npos);
  EXPECT_NE(complaint("http://h/write?db=x&u=root&p=secret").find("password_file"), std::string::npos);
  EXPECT_EQ(complaint("http://u:hunter2@h/write").find("hunter2"), std::string::npos) << "a secret was printed";
  EXPECT_NE(complaint("http://h:8428").find("has no path"), std::string::npos);
  EXPECT_NE(complaint("http://h/write?precision=s").find("must leave out `precision`"), std::string::npos);
  EXPECT_NE(read("type: line-protocol\n").problems.find("url"), std::string::npos);
}

TEST(LineProtocolConfig, KeepsItsLimits) {
  EXPECT_NE(read("type: line-protocol\nurl: http://h/write\nbatch_rows: 0\n").problems, "");
  EXPECT_NE(read("type: line-protocol\nurl: http://h/write\nbatch_rows: 20001\n").problems, "");
  EXPECT_NE(read("type: line-protocol\nurl: http://h/write\ntimeout: 10ms\n").problems, "");
}

TEST(LineProtocolConfig, WantsUserAndPasswordTogether) {
  ::setenv("CARBONGATE_TEST_SECRET", "s3cret", 1);
  const std::string base = "type: line-protocol\nurl: http://127.0.0.1/write\n";
  EXPECT_EQ(read(base + "username: gw\npassword_env: CARBONGATE_TEST_SECRET\n").problems, "");
  EXPECT_NE(read(base + "username: gw\n").problems.find("password_file"), std::string::npos);
  EXPECT_NE(read(base + "password_env: CARBONGATE_TEST_SECRET\n").problems.find("username"), std::string::npos);
  EXPECT_NE(read(base + "username: gw\npassword_env: CARBONGATE_TEST_SECRET\ntoken_env: CARBONGATE_TEST_SECRET\n")
                .problems.find("exclude each other"),
            std::string::npos);
}

TEST(LineProtocolConfig, WarnsBeforeASecretTravelsInTheClear) {
  ::setenv("CARBONGATE_TEST_SECRET", "s3cret", 1);
  const auto warnings = [](const std::string& url) {
    return read("type: line-protocol\nurl: " + url + "\ntoken_env: CARBONGATE_TEST_SECRET\n").problems;
  };
  EXPECT_NE(warnings("http://10.0.0.9/write").find("warning"), std::string::npos);
  EXPECT_EQ(warnings("https://10.0.0.9/write"), "");
  EXPECT_EQ(warnings("http://127.0.0.1/write"), "");
}

TEST(LineProtocolConfig, DialectsDifferInTokensAndCompressionOnly) {
  const auto in_dialect = [](const std::string& dialect, const std::string& more = "") {
    return read("type: line-protocol\nurl: http://127.0.0.1/write\ndialect: " + dialect + "\n" + more);
  };
  for (const char* dialect : {"influxdb", "victoriametrics", "greptimedb"}) {
    EXPECT_EQ(in_dialect(dialect).problems, "");
    EXPECT_TRUE(in_dialect(dialect).config.gzip) << dialect;
  }
  for (const char* dialect : {"questdb", "tdengine"}) {
    EXPECT_FALSE(in_dialect(dialect).config.gzip) << dialect;
    EXPECT_TRUE(in_dialect(dialect, "gzip: true").config.gzip) << dialect;
  }
  ::setenv("CARBONGATE_TEST_SECRET", "s3cret", 1);
  EXPECT_EQ(in_dialect("questdb", "token_env: CARBONGATE_TEST_SECRET").problems, "");
  EXPECT_NE(in_dialect("tdengine", "token_env: CARBONGATE_TEST_SECRET").problems.find("knows no tokens"),
            std::string::npos);
  EXPECT_NE(in_dialect("questDB").problems.find("did you mean 'questdb'"), std::string::npos);
}

TEST(LineProtocolConfig, TheSampleIsComplete) {
  const TemporaryDirectory directory;
  const auto sample = directory.path() / "sample.yaml";
  std::filesystem::copy_file(CARBONGATE_SOURCE_DIR "/gateway/sinks/line_protocol/sample.yaml", sample);
  std::ofstream(directory.path() / "tsdb.password") << "s3cret\n";
  std::ofstream(directory.path() / "park-ca.pem") << "";
  std::filesystem::permissions(directory.path() / "tsdb.password", std::filesystem::perms::owner_read);

  config::Problems problems;
  const config::Node node = config::parse_file(sample, problems);
  config::Reader in(node, problems);
  EXPECT_EQ(in.required<std::string>("type"), "line-protocol");
  const Config config = Config::from(in);
  in.finish();
  EXPECT_EQ(problems.to_text(), "");
  EXPECT_EQ(config.name, "park-tsdb");
  EXPECT_EQ(config.username, "gateway");
  EXPECT_EQ(config.password.reveal(), "s3cret");
  EXPECT_EQ(config.server.ca_file, (directory.path() / "park-ca.pem").string());
}

}  // namespace
}  // namespace carbongate::sinks::line_protocol
