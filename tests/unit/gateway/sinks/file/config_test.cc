#include "gateway/sinks/file/config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace carbongate::sinks::file {
namespace {

struct Read {
  Config config;
  std::string problems;
};

Read read(const std::string& keys, const std::string& file = "/etc/park/site.yaml") {
  config::Problems problems;
  const config::Node node = config::parse_text("type: file\n" + keys, file, problems);
  const config::Node root = config::parse_text("site: {timezone: Asia/Shanghai}", file, problems);
  config::Reader in(node, problems);
  in.required<std::string>("type");
  Read result{Config::from(in, root), {}};
  in.finish();
  result.problems = problems.to_text();
  return result;
}

std::string problems_of(const std::string& keys) {
  return read(keys).problems;
}

bool says(const std::string& keys, std::string_view words) {
  return problems_of(keys).find(words) != std::string::npos;
}

TEST(FileConfig, NeedsAPathOnly) {
  const Read got = read("path: out");
  EXPECT_EQ(got.problems, "");
  EXPECT_EQ(got.config.directory, "/etc/park/out");
  EXPECT_EQ(got.config.name, "file out");
  EXPECT_EQ(got.config.time_zone, "Asia/Shanghai");
  EXPECT_EQ(got.config.format, tables::TableWriter::Format::csv);
  EXPECT_TRUE(got.config.rotate_daily);
  EXPECT_EQ(got.config.keep, Config::Keep::everything);
}

TEST(FileConfig, SaysWhereAndWhatIsWrong) {
  EXPECT_TRUE(says("name: x", "path"));
  EXPECT_TRUE(says("path: out\nformat: cvs", "site.yaml:3:9: "));
  EXPECT_TRUE(says("path: out\nrotate_size: 64", "expected a size such as 512MiB"));
  EXPECT_TRUE(says("path: out\nrotate_size: 1B", "is out of range; allowed: 4KiB to 4GiB"));
  EXPECT_TRUE(says("path: out\nsize_max: 64MiB", "at least twice `rotate_size`"));
  EXPECT_TRUE(says("path: out\nkeep: all", "keep"));
  EXPECT_TRUE(says("path: out\nfiles_max: 0", "out of range"));
  EXPECT_TRUE(says("path: out\nrotate_evry: day", "did you mean 'rotate_every'"));
  EXPECT_TRUE(says("path: out\nname: \"\"", "is empty"));
}

TEST(FileConfig, RefusesAPathThatIsAFile) {
  const TemporaryDirectory directory;
  std::ofstream(directory.path() / "file") << "x";
  EXPECT_TRUE(says("path: " + (directory.path() / "file" / "out").string(), "is not a directory"));
}

TEST(FileConfig, TakesItsSample) {
  const auto sample = std::filesystem::path(CARBONGATE_SOURCE_DIR) / "gateway/sinks/file/sample.yaml";
  config::Problems problems;
  const config::Node node = config::parse_file(sample, problems);
  config::Reader in(node, problems);
  in.required<std::string>("type");
  const Config config = Config::from(in, node);
  in.finish();
  EXPECT_EQ(problems.to_text(), "");
  EXPECT_EQ(config.rotate_bytes, Config().rotate_bytes) << "it shows the defaults";
  EXPECT_EQ(config.size_max, Config().size_max);
  EXPECT_EQ(config.files_max, Config().files_max);
  EXPECT_EQ(config.batch_rows, Config().batch_rows);
}

}  // namespace
}  // namespace carbongate::sinks::file
