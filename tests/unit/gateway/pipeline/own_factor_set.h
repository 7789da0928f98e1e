// A site directory with a factor set that a test writes.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "gateway/pipeline/factor_registry.h"

namespace carbongate::pipeline {

// The set is named "own".
class OwnSet : public ::testing::Test {
 protected:
  OwnSet() {
    std::string name = ::testing::TempDir() + "factors-XXXXXX";
    directory_ = mkdtemp(name.data());
    std::filesystem::create_directories(directory_ / "factors");
  }
  ~OwnSet() override { std::filesystem::remove_all(directory_); }

  FactorRegistry load(const std::string& factors, std::string zone = "Asia/Shanghai", std::string set = "own",
                      const std::string& head = "", std::string gwp = "AR5") {
    write("own", head + "factors:\n" + factors);
    return FactorRegistry::load(config::DataFiles(directory_), {.sets = {set}, .gwp = gwp, .own = {}}, zone, problems_);
  }
  // The first three lines of a file say what it is.
  void write(const std::string& name, const std::string& rest) {
    std::ofstream(directory_ / "factors" / (name + ".yaml"))
        << "set: " + name + "\nversion: \"1\"\npublisher: us\n" + rest;
  }
  // One line of factors with what every factor needs.
  static std::string line(const std::string& rest) {
    return "  - {source: s, publication: 2024-01-01, confidence: memory, " + rest + "}\n";
  }

  std::filesystem::path directory_;
  config::Problems problems_;
};

}  // namespace carbongate::pipeline
