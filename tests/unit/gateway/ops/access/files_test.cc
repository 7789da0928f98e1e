#include "gateway/ops/access/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/support/temporary_directory.h"

namespace carbongate::access {
namespace {

const std::vector<User> kUsers{{.name = "li", .role = Role::viewer, .password = {.salt = {1}}}};

class FilesTest : public testing::Test {
 protected:
  FilesTest() { write_private(users_, to_text(kUsers)); }

  TemporaryDirectory directory_;
  std::filesystem::path users_ = directory_.path() / kUsersFile;
  std::string trouble_;
};

TEST_F(FilesTest, AreForTheirOwnerAlone) {
  struct stat info{};
  ASSERT_EQ(::stat(users_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  EXPECT_EQ(read_private(users_, 10'000, trouble_), to_text(kUsers));
  for (const mode_t mode : {0640U, 0604U, 0620U, 0666U}) {
    ASSERT_EQ(::chmod(users_.c_str(), mode), 0);
    EXPECT_FALSE(read_private(users_, 10'000, trouble_));
    EXPECT_EQ(trouble_, users_.string() + ": others than its owner may use it; run: chmod 600 " + users_.string());
  }
}

TEST_F(FilesTest, ThatAreNotThereAreNoTrouble) {
  EXPECT_FALSE(read_private(directory_.path() / "none", 10, trouble_));
  EXPECT_EQ(trouble_, "");
  EXPECT_FALSE(read_private(directory_.path(), 10, trouble_));
  EXPECT_NE(trouble_.find("is not a file"), std::string::npos);
  EXPECT_FALSE(read_private(users_, 10, trouble_));
  EXPECT_NE(trouble_.find("more than 10 bytes"), std::string::npos);
}

TEST_F(FilesTest, AreReplacedWhole) {
  std::ofstream(users_.string() + ".part") << "what a crash left";
  write_private(users_, "new");
  EXPECT_EQ(read_private(users_, 10'000, trouble_), "new");
  EXPECT_FALSE(std::filesystem::exists(users_.string() + ".part"));
  EXPECT_THROW(write_private(directory_.path() / "missing" / "users", "x"), std::runtime_error);
}

TEST_F(FilesTest, AreReadAgainWhenTheyHaveChanged) {
  PeopleFiles files(directory_.path());
  const auto first = files.changed(trouble_);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->users, kUsers);
  EXPECT_FALSE(files.changed(trouble_));
  EXPECT_EQ(trouble_, "");
  write_private(users_, to_text(std::vector<User>()));
  ASSERT_TRUE(files.changed(trouble_));
  std::filesystem::remove(users_);
  const auto gone = files.changed(trouble_);
  ASSERT_TRUE(gone);
  EXPECT_TRUE(gone->users.empty()) << "nobody may log in, and nobody stays";
}

TEST_F(FilesTest, WhatCannotBeUsedIsToldOnce) {
  PeopleFiles files(directory_.path());
  ASSERT_TRUE(files.changed(trouble_));
  ASSERT_EQ(::chmod(users_.c_str(), 0644), 0);
  EXPECT_FALSE(files.changed(trouble_));
  EXPECT_NE(trouble_.find("chmod 600"), std::string::npos);
  trouble_.clear();
  EXPECT_FALSE(files.changed(trouble_));
  EXPECT_EQ(trouble_, "");
  ASSERT_EQ(::chmod(users_.c_str(), 0600), 0);
  EXPECT_TRUE(files.changed(trouble_));
}

TEST_F(FilesTest, AreLockedByOneAtATime) {
  {
    const AccessLock lock(directory_.path());
  }
  const AccessLock again(directory_.path());
  EXPECT_THROW(AccessLock(directory_.path() / "missing"), std::runtime_error);
}

}  // namespace
}  // namespace carbongate::access
