#include "protocols/http/endpoint.h"

#include <gtest/gtest.h>

namespace carbongate::http {
namespace {

using namespace std::chrono_literals;

TEST(RetryAfter, IsANumberOfSecondsOrADate) {
  const io::WallTime now{std::chrono::seconds(1'445'412'480)};  // 2015-10-21 07:28:00
  EXPECT_EQ(parse_retry_after("120", now, 5min), 120s);
  EXPECT_EQ(parse_retry_after("Wed, 21 Oct 2015 07:28:30 GMT", now, 5min), 30s);
  EXPECT_EQ(parse_retry_after("Wed, 21 Oct 2015 07:27:30 GMT", now, 5min), 0s);
  EXPECT_EQ(parse_retry_after("999999999999999999999", now, 5min), 5min);
  EXPECT_EQ(parse_retry_after("86400", now, 5min), 5min);
  EXPECT_EQ(parse_retry_after("", now, 5min), std::nullopt);
  EXPECT_EQ(parse_retry_after("soon", now, 5min), std::nullopt);
  EXPECT_EQ(parse_retry_after("12 parsecs", now, 5min), std::nullopt);
}

}  // namespace
}  // namespace carbongate::http
