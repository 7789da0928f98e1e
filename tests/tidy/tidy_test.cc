// The house checks itself: arrows between folders, where time comes from, what lies at the top.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/tidy/layers.h"

namespace carbongate::tidy {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = CARBONGATE_SOURCE_DIR;

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<fs::path> product_sources() {
  std::vector<fs::path> files;
  for (const char* folder : {"config", "protocols", "drivers", "gateway"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
      const auto extension = entry.path().extension();
      if (extension == ".h" || extension == ".cc") files.push_back(fs::relative(entry.path(), kRoot));
    }
  }
  std::ranges::sort(files);
  return files;
}

TEST(Layers, PatternsMatchPrefixesWithinOneFolder) {
  EXPECT_TRUE(begins_with("protocols/modbus/tcp_transport.cc", "protocols/modbus/*_transport"));
  EXPECT_FALSE(begins_with("protocols/modbus/pdu.cc", "protocols/modbus/*_transport"));
  EXPECT_TRUE(begins_with("gateway/sinks/line_protocol/config.cc", "gateway/sinks/*/"));
  EXPECT_FALSE(begins_with("gateway/sinks/registry.cc", "gateway/sinks/*/"));
}

TEST(Layers, ObjectToAnArrowThatTheTableDoesNotHold) {
  const Layers layers = Layers::parse("drivers/api:\ngateway/model: drivers/api\n<sqlite3.h>: gateway/store\n");
  EXPECT_FALSE(layers.objection("gateway/model/site.h", "\"drivers/api/point.h\""));
  EXPECT_FALSE(layers.objection("gateway/model/site.h", "\"gateway/model/account.h\""));
  EXPECT_TRUE(layers.objection("drivers/api/point.h", "\"gateway/model/site.h\""));
  EXPECT_TRUE(layers.objection("gateway/model/site.cc", "<sqlite3.h>"));
  EXPECT_TRUE(layers.objection("unknown/file.cc", "\"drivers/api/point.h\""));
}

TEST(House, EveryIncludeFollowsTheLayers) {
  const Layers layers = Layers::parse(text_of(kRoot / "tests/tidy/layers.txt"));
  std::size_t includes = 0;
  for (const fs::path& file : product_sources()) {
    for (const Include& include : includes_of(text_of(kRoot / file))) {
      ++includes;
      if (const auto why = layers.objection(file.generic_string(), include.header)) {
        ADD_FAILURE() << file.string() << ":" << include.line << ": must not include " << include.header << ": "
                      << *why;
      }
    }
  }
  EXPECT_GT(includes, 100U) << "the sources were not found";
}

TEST(House, AsksTheMachineForTheTimeInOneFileOnly) {
  for (const fs::path& file : product_sources()) {
    if (file == "protocols/io/system_clock.cc") continue;
    const std::string text = text_of(kRoot / file);
    for (const char* call : {"system_clock::now", "steady_clock::now", "gettimeofday", "clock_gettime", "std::time("}) {
      EXPECT_EQ(text.find(call), std::string::npos) << file.string() << " asks for the time itself: " << call;
    }
  }
}

TEST(House, HasOnlyTheAgreedFoldersAtItsTop) {
  const std::set<std::string> agreed{"CMakeLists.txt", "gateway",      "protocols",       "drivers",
                                     "config",         "deploy",       "tests",           "README.md",
                                     "LICENSE",        "CHANGELOG.md", "ARCHITECTURE.md", "CMakePresets.json",
                                     "build"};
  for (const auto& entry : fs::directory_iterator(kRoot)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(".")) continue;
    EXPECT_TRUE(agreed.contains(name)) << name << " does not belong at the top level";
  }
}

}  // namespace
}  // namespace carbongate::tidy
