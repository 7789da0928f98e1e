#include "gateway/ops/admission.h"

#include <gtest/gtest.h>

namespace carbongate::ops {
namespace {

io::HttpCall call(std::vector<io::HttpHeader> headers) {
  return {.method = "POST", .target = "/", .headers = std::move(headers), .body = {}, .address = "127.0.0.1"};
}

int status_of(std::vector<io::HttpHeader> headers, bool changes) {
  OpenAdmission admission;
  auto admitted = admission.admit(call(std::move(headers)), Role::administrator, changes);
  if (const auto* refused = std::get_if<io::HttpAnswer>(&admitted)) return refused->status;
  EXPECT_EQ(std::get<Identity>(admitted).role, Role::administrator);
  return 200;
}

TEST(OpenAdmission, AnswersToNamesOfThisMachineAlone) {
  for (const char* host : {"127.0.0.1", "127.0.0.1:8080", "localhost:8080", "[::1]:8080", "127.1.2.3:80"}) {
    EXPECT_EQ(status_of({{"Host", host}}, false), 200) << host;
  }
  for (const char* host :
       {"evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "[::2]"}) {
    EXPECT_EQ(status_of({{"Host", host}}, false), 421) << host;
  }
}

TEST(OpenAdmission, LetsNoOtherSiteChangeAnything) {
  const io::HttpHeader host{"Host", "127.0.0.1:8080"};
  EXPECT_EQ(status_of({host}, true), 200);
  EXPECT_EQ(status_of({host, {"Origin", "http://127.0.0.1:8080"}}, true), 200);
  EXPECT_EQ(status_of({host, {"Sec-Fetch-Site", "same-origin"}}, true), 200);
  for (const char* origin : {"http://evil.example", "http://127.0.0.1:9090", "null", ""}) {
    EXPECT_EQ(status_of({host, {"Origin", origin}}, true), *origin == '\0' ? 200 : 403) << origin;
  }
  EXPECT_EQ(status_of({host, {"Sec-Fetch-Site", "cross-site"}}, true), 403);
  EXPECT_EQ(status_of({host, {"Sec-Fetch-Site", "same-site"}}, true), 403);
  EXPECT_EQ(status_of({host, {"Origin", "http://evil.example"}}, false),
            200);  // what it gets, the browser keeps from it
}

}  // namespace
}  // namespace carbongate::ops
