#include "gateway/sinks/mail/config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace carbongate::sinks::mail {
namespace {

struct Read {
  Config config;
  std::string problems;
};

Read read_node(const config::Node& node, config::Problems& problems) {
  const config::Node root = config::parse_text("site: {timezone: Asia/Shanghai}", "site.yaml", problems);
  config::Reader in(node, problems);
  in.required<std::string>("type");
  Read result{Config::from_keys(in, root), {}};
  in.child("select");  // read by whoever reads all sinks
  in.finish();
  result.problems = problems.to_text();
  return result;
}

Read read(const std::string& keys) {
  config::Problems problems;
  const config::Node node = config::parse_text("type: mail\n" + keys, "site.yaml", problems);
  return read_node(node, problems);
}

constexpr const char* kAddresses = "from: a@b.c\nto: d@e.f\n";

TEST(MailConfig, NeedsAServerAndTwoAddresses) {
  const Read got = read(std::string(kAddresses) + "server: mail.park.example:465");
  EXPECT_EQ(got.problems, "");
  EXPECT_EQ(got.config.name, "d@e.f");
  EXPECT_EQ(got.config.server.host, "mail.park.example");
  EXPECT_EQ(got.config.server.port, 465);
  EXPECT_EQ(got.config.server.security, smtp::Security::tls);
}

TEST(MailConfig, SaysWhatIsWrong) {
  const auto problems = [](const std::string& keys) { return read(keys).problems; };
  EXPECT_NE(problems("server: mail.park.example\n" + std::string(kAddresses)).find("no host with a port"),
            std::string::npos);
  EXPECT_NE(problems("server: m:25\nfrom: a@b.c\nto: \"a@b.c, d@e.f\"").find("each address has a sink of its own"),
            std::string::npos);
  EXPECT_NE(problems("server: m:25\nusername: x\n" + std::string(kAddresses)).find("go together"), std::string::npos);
  EXPECT_NE(problems("server: m:25\nsecurity: none\n" + std::string(kAddresses)).find("in clear"), std::string::npos);
  EXPECT_NE(problems("server: m:25\nsecurity: ssl\n" + std::string(kAddresses)).find("starttls"), std::string::npos);
}

TEST(MailConfig, SendsNoPasswordInClear) {
  TemporaryDirectory directory;
  const auto secret = directory.path() / "mail.password";
  std::ofstream(secret) << "open sesame\n";
  std::filesystem::permissions(secret, std::filesystem::perms::owner_read);
  const std::string keys =
      std::string(kAddresses) + "username: x\npassword_file: " + secret.string() + "\nsecurity: none\n";
  EXPECT_NE(
      read(keys + "server: mail.park.example:25").problems.find("the password would go over the network in clear"),
      std::string::npos);
  EXPECT_EQ(read(keys + "server: 127.0.0.1:25").problems, "");
}

TEST(MailConfig, ReadsTheSample) {
  TemporaryDirectory directory;
  const auto sample = directory.path() / "sample.yaml";
  std::filesystem::copy_file(CARBONGATE_SOURCE_DIR "/gateway/sinks/mail/sample.yaml", sample);
  for (const char* name : {"mail.password", "park-ca.pem"}) {
    std::ofstream(directory.path() / name) << "secret\n";
    std::filesystem::permissions(directory.path() / name, std::filesystem::perms::owner_read);
  }
  config::Problems problems;
  const config::Node node = config::parse_file(sample, problems);
  const Read got = read_node(node, problems);
  EXPECT_EQ(got.problems, "");
  EXPECT_EQ(got.config.name, "duty-mail");
  EXPECT_EQ(got.config.server.password.reveal(), "secret");
}

}  // namespace
}  // namespace carbongate::sinks::mail
