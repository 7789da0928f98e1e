#include "config/reader/secret.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>

#include "config/reader/unused_secrets.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::config {
namespace {

class SecretTest : public testing::Test {
 protected:
  void write(const std::string& name, std::string_view text, mode_t mode) {
    const auto file = directory_.path() / name;
    std::ofstream(file) << text;
    ASSERT_EQ(::chmod(file.c_str(), mode), 0);
  }
  Secret read(std::string_view text) {
    node_ = parse_text(text, (directory_.path() / "site.yaml").string(), problems_);
    Reader in(node_, problems_);
    Secret secret = read_secret(in, "password");
    in.finish();
    return secret;
  }
  bool said(std::string_view text) const { return problems_.to_text().find(text) != std::string::npos; }

  TemporaryDirectory directory_;
  Problems problems_;
  Node node_;
};

TEST_F(SecretTest, IsTheFirstLineOfItsFile) {
  write("pass", "s3cret\r\nand a note\n", 0600);
  EXPECT_EQ(read("password_file: pass").reveal(), "s3cret");
  EXPECT_EQ(problems_.to_text(), "");
  EXPECT_EQ(read("password_file: " + (directory_.path() / "pass").string()).reveal(), "s3cret") << "an absolute path";
}

TEST_F(SecretTest, IsNotLookedForWhereNothingConnects) {
  const auto problems_of = [&](std::string_view text) {
    problems_ = {};
    const Secret secret = read(text);
    EXPECT_TRUE(secret.empty());
    return problems_.to_text();
  };
  {
    const UnusedSecrets unused;
    EXPECT_EQ(problems_of("password_file: no-such-file"), "");
    EXPECT_EQ(problems_of("password_env: CARBONGATE_NO_SUCH_VARIABLE"), "");
    EXPECT_NE(problems_of("password: s3cret"), "") << "what the file says of it is judged as ever";
    EXPECT_NE(problems_of("{password_file: a, password_env: B}"), "");
    {
      const UnusedSecrets inner(Secrets::all);
      EXPECT_TRUE(UnusedSecrets::apply_to_all());
    }
    EXPECT_FALSE(UnusedSecrets::apply_to_all());
    EXPECT_EQ(problems_of("password_file: no-such-file"), "");
  }
  EXPECT_NE(problems_of("password_file: no-such-file"), "");
  EXPECT_NE(problems_of("password_env: CARBONGATE_NO_SUCH_VARIABLE"), "");
}

TEST_F(SecretTest, WarnsOfAFileThatEveryoneMayRead) {
  write("pass", "s3cret\n", 0644);
  EXPECT_EQ(read("password_file: pass").reveal(), "s3cret");
  EXPECT_TRUE(said("site.yaml:1:16: warning: password_file: ")) << problems_.to_text();
  EXPECT_TRUE(said("can be read by everyone (mode 0644); run: chmod o= "));
  EXPECT_FALSE(problems_.has_errors());
}

TEST_F(SecretTest, ComesFromTheEnvironment) {
  ASSERT_EQ(::setenv("CARBONGATE_TEST_SECRET", "s3cret", 1), 0);
  EXPECT_EQ(read("password_env: CARBONGATE_TEST_SECRET").reveal(), "s3cret");
  EXPECT_EQ(problems_.to_text(), "");
  ASSERT_EQ(::unsetenv("CARBONGATE_TEST_SECRET"), 0);
  EXPECT_TRUE(read("password_env: CARBONGATE_TEST_SECRET").empty());
  EXPECT_TRUE(said("the environment variable 'CARBONGATE_TEST_SECRET' is not set"));
}

TEST_F(SecretTest, DoesNotBelongIntoTheConfigurationAndIsNotRepeatedInTheMessage) {
  EXPECT_TRUE(read("password: hunter2").empty());
  EXPECT_TRUE(said("'password_file'"));
  EXPECT_FALSE(said("hunter2"));
  EXPECT_EQ(problems_.all().size(), 1u);
}

TEST_F(SecretTest, IsNamedOnceAndExists) {
  read("{password_file: a, password_env: B}");
  EXPECT_TRUE(said("'password_file' is given too"));
  read("password_file: gone");
  EXPECT_TRUE(said("No such file or directory"));
  read("password_file: /");
  EXPECT_TRUE(said("it is a directory"));
  write("empty", "\n", 0600);
  read("password_file: empty");
  EXPECT_TRUE(said("is empty"));
  write("long", std::string(5000, 'x'), 0600);
  read("password_file: long");
  EXPECT_TRUE(said("is longer than 4096 bytes"));
}

TEST_F(SecretTest, IsEmptyWhenNotConfigured) {
  EXPECT_TRUE(read("{}").empty());
  EXPECT_EQ(problems_.to_text(), "");
}

}  // namespace
}  // namespace carbongate::config
