#include "config/reader/data_files.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "tests/support/temporary_directory.h"

namespace carbongate::config {
namespace {

class DataFilesTest : public testing::Test {
 protected:
  void write(const std::string& name, std::string_view text) {
    const auto file = directory_.path() / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  TemporaryDirectory directory_;
  DataFiles data_{directory_.path()};
};

TEST_F(DataFilesTest, HoldsEveryFileOfTheSourceTreeByteForByte) {
  for (const std::string kind : {"profiles", "factors"}) {
    for (const auto& entry :
         std::filesystem::directory_iterator(std::filesystem::path(CARBONGATE_SOURCE_DIR) / "config" / kind)) {
      if (entry.path().extension() != ".yaml") continue;
      std::ostringstream text;
      text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      const auto file = data_.find(kind, entry.path().stem().string());
      ASSERT_TRUE(file) << entry.path();
      EXPECT_TRUE(file->text == text.str()) << entry.path();
      EXPECT_TRUE(file->where.starts_with("built-in " + kind + "/"));
    }
  }
}

TEST_F(DataFilesTest, PrefersTheSitesOwn) {
  write("profiles/my_meter.yaml", "a: 1\n");
  const auto file = data_.find("profiles", "my-meter");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->text, "a: 1\n");
  EXPECT_EQ(file->name, "my-meter");
  EXPECT_EQ(file->where, (directory_.path() / "profiles/my_meter.yaml").string());
  const auto names = data_.names("profiles");
  EXPECT_NE(std::find(names.begin(), names.end(), "my-meter"), names.end());
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
}

TEST_F(DataFilesTest, WarnsOfFilesThatAreNotRead) {
  write("factors/own.yaml", "set: own\n");
  write("factors/former/own-2025.yml", "set: own\n");
  write("factors/README.md", "x");
  Problems problems;
  data_.warn_of_unread(problems);
  EXPECT_EQ(problems.to_text(), "");

  write("factors/cn-grid.yml", "set: cn-grid\n");
  write("factors/cn fuels.yaml", "set: cn-fuels\n");
  write("factors/cn-heat.yaml", "set: cn-heat\n");
  write("factors/cn_heat.yaml", "set: cn-heat\n");
  std::filesystem::create_symlink("gone.yaml", directory_.path() / "factors/cn-process.yaml");
  std::filesystem::create_directories(directory_.path() / "profiles/meter.yaml");
  data_.warn_of_unread(problems);
  EXPECT_FALSE(problems.has_errors());
  const std::string told = problems.to_text();
  EXPECT_EQ(problems.all().size(), 5u) << told;
  EXPECT_NE(told.find("factors/cn-grid.yml: warning: not read: files end in .yaml here"), std::string::npos) << told;
  EXPECT_NE(told.find("factors/cn fuels.yaml: warning: not read: a name has"), std::string::npos) << told;
  EXPECT_NE(told.find("factors/cn_heat.yaml: warning: means the same as cn-heat.yaml"), std::string::npos) << told;
  EXPECT_NE(told.find("factors/cn-process.yaml: warning: not read: it is no file"), std::string::npos) << told;
  EXPECT_NE(told.find("profiles/meter.yaml: warning: not read: it is no file"), std::string::npos) << told;
}

TEST_F(DataFilesTest, TakesNoPathForAName) {
  write("outside.yaml", "x");
  for (const char* name : {"../outside", "", ".", "..", "a/b", "gone"})
    EXPECT_FALSE(data_.find("profiles", name)) << name;
}

}  // namespace
}  // namespace carbongate::config
