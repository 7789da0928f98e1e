// Every folder of tests/golden/replay is a story: a configuration, recorded readings, and the books they must lead to,
// byte for byte. UPDATE_GOLDEN=1 writes what comes out now; the difference is the review.
#include "gateway/cli/replay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/cli/export.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::cli {
namespace {

const std::filesystem::path kCases = std::filesystem::path(CARBONGATE_SOURCE_DIR) / "tests/golden/replay";

std::vector<std::string> cases() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kCases))
    names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

std::string read_file(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

class GoldenReplay : public testing::TestWithParam<std::string> {};

TEST_P(GoldenReplay, LeadsToTheseBooks) {
  const std::filesystem::path golden = kCases / GetParam();
  const TemporaryDirectory directory;
  const std::filesystem::path store = directory.path() / "store";
  std::ostringstream out, err;
  ASSERT_EQ(run_replay({.config = golden / "config.yaml", .input = golden / "input.csv", .store = store}, out, err), 0)
      << err.str();
  for (const char* what : {"rollups", "entries", "alerts"}) {
    std::ostringstream books;
    ExportOptions options{.store = store, .what = what, .time_zone = "Asia/Shanghai"};
    ASSERT_EQ(run_export(options, books, err), 0) << err.str();
    const std::filesystem::path expected = golden / ("expected_" + std::string(what) + ".csv");
    const bool is_empty = books.str().find('\n') + 1 == books.str().size();  // of a site without rules
    if (what == std::string_view("alerts") && is_empty && !std::filesystem::exists(expected)) continue;
    if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(expected, std::ios::binary) << books.str();
    EXPECT_EQ(books.str(), read_file(expected));
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenReplay, testing::ValuesIn(cases()), [](const auto& info) { return info.param; });

}  // namespace
}  // namespace carbongate::cli
