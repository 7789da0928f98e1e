#include "gateway/sinks/postgresql/config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace carbongate::sinks::postgresql {
namespace {

using namespace std::chrono_literals;

struct Read {
  Config config;
  std::string problems;
};

Read read(const std::string& keys) {
  config::Problems problems;
  const config::Node node = config::parse_text("type: postgresql\n" + keys, "site.yaml", problems);
  config::Reader in(node, problems);
  in.required<std::string>("type");
  Read result{Config::from(in), {}};
  in.finish();
  result.problems = problems.to_text();
  return result;
}

std::string problems_of(const std::string& keys) {
  return read(keys).problems;
}

TEST(PostgresqlConfig, NeedsAUrlOnly) {
  const Read got = read("url: postgresql://gateway@127.0.0.1/park");
  EXPECT_EQ(got.problems, "");
  EXPECT_EQ(got.config.name, "127.0.0.1:5432/park");
  EXPECT_EQ(got.config.where, "postgresql://127.0.0.1:5432/park");
  EXPECT_EQ(got.config.schema, "carbongate");
  EXPECT_EQ(got.config.timeout, 30s);
  EXPECT_EQ(value_of(got.config.parameters, "user"), "gateway");
  EXPECT_EQ(value_of(got.config.parameters, "dbname"), "park");
  EXPECT_EQ(value_of(got.config.parameters, "tcp_user_timeout"), "30000");
}

TEST(PostgresqlConfig, TakesAListOfParametersInstead) {
  const Read got = read("conninfo: host=/run/postgresql dbname=park");
  EXPECT_EQ(got.problems, "");
  EXPECT_EQ(value_of(got.config.parameters, "host"), "/run/postgresql");
  EXPECT_NE(problems_of("conninfo: host=a dbname=b\nurl: postgresql://a/b").find("exclude each other"),
            std::string::npos);
}

TEST(PostgresqlConfig, SaysWhatAUrlLacksAndNeverQuotesAPassword) {
  EXPECT_NE(problems_of("url: postgresql:///park").find("names no host"), std::string::npos);
  EXPECT_NE(problems_of("url: postgresql://127.0.0.1").find("names no database"), std::string::npos);
  EXPECT_NE(problems_of("url: postgresql://127.0.0.1:0/park").find("port outside 1 to 65535"), std::string::npos);
  EXPECT_NE(problems_of("url: postgresql://127.0.0.1/park?nonsense=1").find("is not a URL"), std::string::npos);
  EXPECT_NE(problems_of("url: http://127.0.0.1/park").find("is not a URL"), std::string::npos);
  EXPECT_NE(problems_of("conninfo: service=park").find("must not name a service"), std::string::npos);
  for (const char* url : {"url: postgresql://me:hidden@127.0.0.1/park", "conninfo: host=h dbname=d password=hidden",
                          "url: postgresql://me:hidden%zz@127.0.0.1/park"}) {
    EXPECT_NE(problems_of(url), "");
    EXPECT_EQ(problems_of(url).find("hidden"), std::string::npos);
  }
}

TEST(PostgresqlConfig, WarnsOfWhatLeavesTheMachineUnprotected) {
  EXPECT_NE(problems_of("url: postgresql://10.0.0.9/park").find("may send everything unencrypted"), std::string::npos);
  EXPECT_NE(problems_of("url: postgresql://127.0.0.1,10.0.0.9/park").find("unencrypted"), std::string::npos);
  EXPECT_NE(problems_of("url: postgresql://10.0.0.9/park?sslmode=require").find("does not check"), std::string::npos);
  EXPECT_EQ(problems_of("url: postgresql://10.0.0.9/park?sslmode=verify-full"), "");
  EXPECT_EQ(problems_of("url: postgresql://localhost/park"), "");
}

TEST(PostgresqlConfig, TakesPlainNamesOfSchemasOnly) {
  for (const char* good : {"carbongate", "park_2"}) {
    EXPECT_EQ(problems_of("url: postgresql://localhost/park\nschema: " + std::string(good)), "") << good;
  }
  for (const char* bad : {"Park", "pg_park", "2park", "a\\\"b", "a-b"}) {
    EXPECT_NE(problems_of("url: postgresql://localhost/park\nschema: \"" + std::string(bad) + "\""), "") << bad;
  }
}

TEST(PostgresqlConfig, TheSampleIsComplete) {
  const TemporaryDirectory directory;
  const auto sample = directory.path() / "sample.yaml";
  std::filesystem::copy_file(CARBONGATE_SOURCE_DIR "/gateway/sinks/postgresql/sample.yaml", sample);
  std::ofstream(directory.path() / "postgresql.password") << "s3cret\n";
  std::ofstream(directory.path() / "park-ca.pem") << "";
  std::filesystem::permissions(directory.path() / "postgresql.password", std::filesystem::perms::owner_read);

  config::Problems problems;
  const config::Node node = config::parse_file(sample, problems);
  config::Reader in(node, problems);
  EXPECT_EQ(in.required<std::string>("type"), "postgresql");
  const Config config = Config::from(in);
  in.finish();
  EXPECT_EQ(problems.to_text(), "");
  EXPECT_EQ(config.name, "park-db");
  EXPECT_EQ(config.password.reveal(), "s3cret");
  EXPECT_EQ(value_of(config.parameters, "sslmode"), "verify-full");
  EXPECT_EQ(value_of(config.parameters, "sslrootcert"), (directory.path() / "park-ca.pem").string());
}

TEST(PostgresqlHosts, ReadsListsAndWritesThemBack) {
  Parameters parameters{{"host", "a,/run/pg"}, {"port", "5433"}, {"dbname", "park"}};
  auto hosts = hosts_of(parameters);
  ASSERT_EQ(hosts.size(), 2U);
  EXPECT_EQ(hosts[0].name, "a");
  EXPECT_EQ(hosts[1].port, "5433");
  EXPECT_TRUE(hosts[1].is_local());
  hosts[0].address = "10.0.0.1";
  set_hosts(parameters, hosts);
  EXPECT_EQ(value_of(parameters, "host"), "a,/run/pg");
  EXPECT_EQ(value_of(parameters, "hostaddr"), "10.0.0.1,");
  EXPECT_EQ(value_of(parameters, "port"), "5433,5433");
  EXPECT_EQ(value_of(parameters, "dbname"), "park");
}

}  // namespace
}  // namespace carbongate::sinks::postgresql
