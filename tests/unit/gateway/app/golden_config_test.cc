// Every folder of tests/golden/config is a story: a wrong configuration and what must be said about it, word for word.
// UPDATE_GOLDEN=1 writes what is said now; the difference is the review.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "gateway/app/gateway_config.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::app {
namespace {

const std::filesystem::path kCases = std::filesystem::path(CARBONGATE_SOURCE_DIR) / "tests/golden/config";

std::vector<std::string> cases() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kCases))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string read_file(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

class GoldenConfig : public testing::TestWithParam<std::string> {};

TEST_P(GoldenConfig, SaysWhatIsWrong) {
  const std::filesystem::path golden = kCases / GetParam();
  // A copy, because a checkout does not keep who may read a file.
  const TemporaryDirectory directory;
  std::filesystem::copy(golden, directory.path(), std::filesystem::copy_options::recursive);
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    ASSERT_EQ(::chmod(entry.path().c_str(), entry.path().extension() == ".pass" ? 0644 : 0600), 0);
  }

  config::Problems problems;
  const Instant now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21);
  load_config(directory.path() / "config.yaml", problems, now);
  std::string said = problems.to_text();
  const std::string folder = directory.path().string() + "/";
  for (auto at = said.find(folder); at != std::string::npos; at = said.find(folder)) said.erase(at, folder.size());

  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(golden / "expected.err") << said;
  EXPECT_EQ(said, read_file(golden / "expected.err"));
  EXPECT_NE(said, "") << "a story about nothing";
  EXPECT_EQ(said.find("not-a-real-secret"), std::string::npos) << "a secret was printed";
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenConfig, testing::ValuesIn(cases()), [](const auto& info) { return info.param; });

}  // namespace
}  // namespace carbongate::app
