#include "protocols/wire/crc16.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"

namespace carbongate::wire {
namespace {

// pymodbus-dev/pymodbus@007052cfa919 test/framer, BSD-3-Clause: the bytes E2 DB go over the wire.
TEST(Crc16, AgreesWithPymodbus) {
  EXPECT_EQ(crc16_modbus(testing::from_hex("1234234534564567")), 0xDBE2);
}

// The check value of CRC-16/MODBUS in the catalogue of parametrised CRC algorithms.
TEST(Crc16, HasTheCheckValueOfTheCatalogue) {
  EXPECT_EQ(crc16_modbus(testing::from_hex("313233343536373839")), 0x4B37);
}

TEST(Crc16, OfNothingIsTheStartValue) {
  EXPECT_EQ(crc16_modbus({}), 0xFFFF);
}

}  // namespace
}  // namespace carbongate::wire
