#include "protocols/energy_platform/data_code.h"

#include <gtest/gtest.h>

namespace carbongate::energy_platform {
namespace {

TEST(DataCode, IsTheSameWithDashesAndWithout) {
  const auto dashed = parse_data_code("00-01-0203-023300-11");
  const auto plain = parse_data_code("0001020302330011");
  ASSERT_TRUE(dashed && plain);
  EXPECT_EQ(*dashed, *plain);
  EXPECT_EQ(plain->text(true), "00-01-0203-023300-11");
  EXPECT_EQ(dashed->text(false), "0001020302330011");
}

TEST(DataCode, HasItsParts) {
  const DataCode code = *parse_data_code("12-34-5678-901234-56");
  EXPECT_EQ(code.process(), "12");
  EXPECT_EQ(code.process_unit(), "34");
  EXPECT_EQ(code.equipment(), "56");
  EXPECT_EQ(code.equipment_unit(), "78");
  EXPECT_EQ(code.energy_class(), "90");
  EXPECT_EQ(code.energy_type(), "1234");
  EXPECT_EQ(code.usage(), "56");
}

TEST(DataCode, IsNothingElse) {
  for (const char* text :
       {"", "000000000002330", "00000000000233001", "00-00-0000-02330011", "0-000-0000-023300-11",
        "00-00-0000-0233001-1", "00-00-0000-023300-1a", "000000000002330x", "-0-00-0000-023300-11"}) {
    EXPECT_FALSE(parse_data_code(text)) << text;
  }
}

}  // namespace
}  // namespace carbongate::energy_platform
