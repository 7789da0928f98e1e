#include "protocols/http/signature.h"

#include <gtest/gtest.h>

#include "protocols/wire/base64.h"

namespace carbongate::http {
namespace {

// Worked out with Python's hmac and base64.
TEST(WebhookSignature, IsTheHmacOfIdTimeAndBody) {
  EXPECT_EQ(webhook_signature("0123456789abcdef", "store-42", 1'767'225'600, "{\"a\":1}"),
            "v1,99Vx8Q02QFx16IdRyJESmeMqzhdrn1xJxEic0PQ4IOk=");
}

TEST(Base64, PadsToFours) {
  EXPECT_EQ(wire::base64(""), "");
  EXPECT_EQ(wire::base64("f"), "Zg==");
  EXPECT_EQ(wire::base64("fo"), "Zm8=");
  EXPECT_EQ(wire::base64("foobar"), "Zm9vYmFy");
}

}  // namespace
}  // namespace carbongate::http
