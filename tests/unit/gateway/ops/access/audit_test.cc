#include "gateway/ops/access/audit.h"

#include <gtest/gtest.h>

namespace carbongate::access {
namespace {

const AuditEntry kEntry{.number = 17,
                        .at = Instant(Duration(1'790'000'000'123)),
                        .user = "li.wei",
                        .by = "session",
                        .address = "192.0.2.7",
                        .action = "log in",
                        .outcome = "done",
                        .detail = ""};

TEST(Audit, EntriesAreALineEach) {
  EXPECT_EQ(to_line(kEntry), R"({"number":17,"at":1790000000123,"user":"li.wei","by":"session","address":"192.0.2.7",)"
                             R"("action":"log in","outcome":"done","detail":""})"
                             "\n");
  std::string line = to_line(kEntry);
  line.pop_back();
  EXPECT_EQ(parse_audit_line(line), kEntry);
}

TEST(Audit, WhatStrangersSayForgesNoLine) {
  AuditEntry entry = kEntry;
  entry.user = "x\"}\n{\"number\":99,\"user\":\"root\x01\xff";
  entry.detail = std::string(10'000, 'x');
  const std::string line = to_line(entry);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_LT(line.size(), 1'000U);
  const auto parsed = parse_audit_line(std::string_view(line).substr(0, line.size() - 1));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->number, 17U);
  EXPECT_EQ(parsed->user, "x\"}?{\"number\":99,\"user\":\"root??");
}

TEST(Audit, WhatIsCutOffIsNoEntry) {
  const std::string line = to_line(kEntry);
  for (std::size_t size = 0; size + 1 < line.size(); ++size) {
    EXPECT_FALSE(parse_audit_line(line.substr(0, size))) << size;
  }
  EXPECT_FALSE(parse_audit_line(R"({"number":17})"));
  EXPECT_FALSE(parse_audit_line("[]"));
}

}  // namespace
}  // namespace carbongate::access
