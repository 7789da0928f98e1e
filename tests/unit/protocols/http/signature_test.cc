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

TEST(WebhookSignature, TakesTheBytesOfASecretOfStandardWebhooks) {
  EXPECT_EQ(webhook_key("a plain secret of our own"), "a plain secret of our own");
  EXPECT_EQ(webhook_key("whsec_MDEyMzQ1Njc4OWFiY2RlZiE="), "0123456789abcdef!");
  EXPECT_EQ(webhook_signature(*webhook_key("whsec_MDEyMzQ1Njc4OWFiY2RlZiE="), "store-42", 1'767'225'600, "{\"a\":1}"),
            "v1,FtPfbnLI43znTUHl+pYipWrCu1CSqH9G4q+2+VRRYGg=");
  EXPECT_EQ(webhook_key("whsec_no base64!"), std::nullopt);
  EXPECT_EQ(webhook_key("whsec_MDEyMw"), std::nullopt) << "cut short";
  EXPECT_EQ(webhook_key("whsec_"), "");
}

TEST(Base64, PadsToFours) {
  EXPECT_EQ(wire::base64(""), "");
  EXPECT_EQ(wire::base64("f"), "Zg==");
  EXPECT_EQ(wire::base64("fo"), "Zm8=");
  EXPECT_EQ(wire::base64("foobar"), "Zm9vYmFy");
}

}  // namespace
}  // namespace carbongate::http
