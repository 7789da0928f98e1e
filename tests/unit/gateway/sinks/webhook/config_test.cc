#include "gateway/sinks/webhook/config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace carbongate::sinks::webhook {
namespace {

struct Read {
  Config config;
  std::string problems;
};

Read read(const std::string& keys) {
  config::Problems problems;
  const config::Node node = config::parse_text("type: webhook\n" + keys, "site.yaml", problems);
  const config::Node root = config::parse_text("site: {timezone: Asia/Shanghai}", "site.yaml", problems);
  config::Reader in(node, problems);
  in.required<std::string>("type");
  Read result{Config::from(in, root), {}};
  in.finish();
  result.problems = problems.to_text();
  return result;
}

TEST(WebhookConfig, NeedsAnAddressOnly) {
  const Read got = read("url: http://127.0.0.1:8080");
  EXPECT_EQ(got.problems, "");
  EXPECT_EQ(got.config.name, "127.0.0.1:8080");
  EXPECT_EQ(got.config.target, "/");
  EXPECT_EQ(got.config.time_zone, "Asia/Shanghai");
  EXPECT_TRUE(got.config.secret.empty());
}

TEST(WebhookConfig, KnowsWhereAlertmanagerTakesAlerts) {
  for (const char* url : {"http://127.0.0.1:9093", "http://127.0.0.1:9093/", "http://127.0.0.1:9093/api/v2/alerts"}) {
    const Read got = read("format: alertmanager\nurl: " + std::string(url));
    EXPECT_EQ(got.problems, "") << url;
    EXPECT_EQ(got.config.target, "/api/v2/alerts") << url;
    EXPECT_EQ(got.config.where, "http://127.0.0.1:9093/api/v2/alerts") << url;
  }
  EXPECT_EQ(read("format: alertmanager\nurl: http://am:9093/park/").config.target, "/park/api/v2/alerts");
}

TEST(WebhookConfig, DoesNotTellThePathInWhichChatServicesHaveTheirSecret) {
  const Read got = read("url: https://hooks.example/services/T000/B000/SECRET");
  EXPECT_EQ(got.config.target, "/services/T000/B000/SECRET");
  EXPECT_EQ(got.config.where, "https://hooks.example");
  EXPECT_EQ(got.config.name, "hooks.example");
}

TEST(WebhookConfig, SaysWhereAndWhatIsWrong) {
  const auto says = [](const std::string& keys, std::string_view words) {
    return read(keys).problems.find(words) != std::string::npos;
  };
  EXPECT_TRUE(says("name: x", "url"));
  EXPECT_TRUE(says("url: http://h/\nformat: slack", "site.yaml:3:9: error: format"));
  EXPECT_TRUE(says("url: http://h/\nbatch_rows: 0", "batch_rows"));
  EXPECT_TRUE(says("url: http://h/\nrepeat_every: 5min", "alertmanager"));
  EXPECT_TRUE(says("url: http://h/\nformat: alertmanager\nrepeat_every: 2h", "repeat_every"));
  EXPECT_FALSE(says("url: http://h/\nformat: alertmanager\nrepeat_every: 1min", "repeat_every"));
  const TemporaryDirectory directory;
  const auto file = directory.path() / "s";
  std::ofstream(file) << "short";
  std::filesystem::permissions(file, std::filesystem::perms::owner_read);
  EXPECT_TRUE(says("url: http://h/\nsecret_file: " + file.string(), "less than 16 characters"));
}

TEST(WebhookConfig, TakesItsSample) {
  const TemporaryDirectory directory;
  const auto sample = directory.path() / "sample.yaml";
  std::filesystem::copy_file(CARBONGATE_SOURCE_DIR "/gateway/sinks/webhook/sample.yaml", sample);
  std::ofstream(directory.path() / "park-ca.pem") << "x";
  for (const char* name : {"webhook.secret", "hook.token"}) {
    std::ofstream(directory.path() / name) << "0123456789abcdef";
    std::filesystem::permissions(directory.path() / name, std::filesystem::perms::owner_read);
  }
  config::Problems problems;
  const config::Node node = config::parse_file(sample, problems);
  config::Reader in(node, problems);
  in.required<std::string>("type");
  const Config config = Config::from(in, node);
  in.finish();
  EXPECT_EQ(problems.to_text(), "");
  EXPECT_EQ(config.batch_rows, Config().batch_rows) << "it shows the defaults";
  EXPECT_EQ(config.timeout, Config().timeout);
}

}  // namespace
}  // namespace carbongate::sinks::webhook
