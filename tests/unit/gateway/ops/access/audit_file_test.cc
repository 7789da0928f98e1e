#include "gateway/ops/access/audit_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/support/temporary_directory.h"

namespace carbongate::access {
namespace {

AuditEntry entry_of(const std::string& action) {
  return {.at = Instant(Duration(1'790'000'000'000)),
          .user = "li",
          .by = "session",
          .address = "192.0.2.7",
          .action = action,
          .outcome = "done",
          .detail = ""};
}

class AuditFileTest : public testing::Test {
 protected:
  std::vector<std::uint64_t> numbers(std::optional<std::uint64_t> before = {}, std::size_t limit = 1'000) {
    page_ = *read_audit(directory_.path(), before, limit);
    std::vector<std::uint64_t> numbers;
    for (const AuditEntry& entry : page_.entries) numbers.push_back(entry.number);
    return numbers;
  }

  TemporaryDirectory directory_;
  AuditPage page_;
};

TEST_F(AuditFileTest, NumbersGoOnWhoeverWrites) {
  AuditFile gateway(directory_.path());
  EXPECT_EQ(*gateway.append(entry_of("a")), 1U);
  EXPECT_EQ(*gateway.append(entry_of("b")), 2U);
  AuditFile command_line(directory_.path());
  EXPECT_EQ(*command_line.append(entry_of("c")), 3U);
  EXPECT_EQ(*gateway.append(entry_of("d")), 4U);
  EXPECT_EQ(numbers(), (std::vector<std::uint64_t>{4, 3, 2, 1}));
  EXPECT_EQ(page_.entries.front().action, "d");
  struct stat info{};
  ASSERT_EQ(::stat((directory_.path() / kAuditFile).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(AuditFileTest, IsReadPageByPage) {
  AuditFile file(directory_.path());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(file.append(entry_of("a")));
  EXPECT_EQ(numbers({}, 2), (std::vector<std::uint64_t>{5, 4}));
  ASSERT_EQ(page_.next, 4U);
  EXPECT_EQ(numbers(page_.next, 2), (std::vector<std::uint64_t>{3, 2}));
  EXPECT_EQ(numbers(page_.next, 2), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(page_.next, std::nullopt);
}

TEST_F(AuditFileTest, WhatWasTornStaysAndTheNextLineIsWhole) {
  AuditFile file(directory_.path());
  ASSERT_TRUE(file.append(entry_of("a")));
  std::ofstream(directory_.path() / kAuditFile, std::ios::app) << R"({"number":2,"at":17)";
  EXPECT_EQ(*file.append(entry_of("b")), 2U) << "what was torn was never acknowledged";
  EXPECT_EQ(numbers(), (std::vector<std::uint64_t>{2, 1}));
  EXPECT_EQ(page_.unreadable, 1U);
  AuditFile later(directory_.path());
  EXPECT_EQ(*later.append(entry_of("c")), 3U);
}

TEST_F(AuditFileTest, TakesNoMoreRoomThanItsLimit) {
  const AuditLimits limits{.file_bytes_max = 1'000, .files_max = 3};
  AuditFile file(directory_.path(), limits);
  for (std::uint64_t i = 1; i <= 60; ++i) ASSERT_EQ(*file.append(entry_of("something")), i);
  const auto kept = numbers();
  ASSERT_GT(kept.size(), 10U);
  ASSERT_LT(kept.size(), 30U);
  for (std::size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(kept[i], 60 - i) << "without a gap";
  std::size_t files = 0;
  for (const auto& one : std::filesystem::directory_iterator(directory_.path())) {
    if (one.path().extension() != ".jsonl") continue;
    ++files;
    EXPECT_LE(one.file_size(), 1'000U);
  }
  EXPECT_EQ(files, 3U);
  AuditFile later(directory_.path(), limits);
  EXPECT_EQ(*later.append(entry_of("something")), 61U);
}

TEST_F(AuditFileTest, ALineThatCannotBeWrittenIsSaid) {
  AuditFile file(directory_.path() / "missing");
  const auto result = file.append(entry_of("a"));
  ASSERT_TRUE(result.has_error());
  EXPECT_NE(result.error().text.find("audit log: "), std::string::npos);
}

TEST_F(AuditFileTest, OfNothingIsEmpty) {
  EXPECT_TRUE(numbers().empty());
  EXPECT_EQ(page_.next, std::nullopt);
}

}  // namespace
}  // namespace carbongate::access
