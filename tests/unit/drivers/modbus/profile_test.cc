#include "drivers/modbus/profile.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "config/reader/data_files.h"

namespace carbongate::modbus_driver {
namespace {

struct Read {
  Profile profile;
  std::string problems;
};

Read read(const std::string& yaml) {
  config::Problems problems;
  const config::Node node = config::parse_text(yaml, "test.yaml", problems);
  config::Reader in(node, problems);
  Read out{read_profile(in), ""};
  out.problems = problems.to_text();
  return out;
}

std::vector<std::string> shipped() {
  return config::DataFiles("/nowhere").names("profiles");
}

TEST(Profile, EveryOneThatIsShippedIsFreeOfProblems) {
  const auto names = shipped();
  EXPECT_GE(names.size(), 15u);
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    const Read out = read(config::DataFiles("/nowhere").find("profiles", name)->text);
    EXPECT_EQ(out.problems, "");
    EXPECT_EQ(out.profile.name, name);
    EXPECT_FALSE(out.profile.registers.empty());
    for (const std::string& field : {out.profile.vendor, out.profile.source, out.profile.licence}) EXPECT_NE(field, "");
    EXPECT_FALSE(out.profile.models.empty());
  }
}

TEST(Profile, EveryMeterThatIsShippedCountsEnergyInAUnitOfEnergy) {
  for (const std::string& name : shipped()) {
    if (name == "tsun-mx3000d") continue;  // what is known of it has no counter
    const Read out = read(config::DataFiles("/nowhere").find("profiles", name)->text);
    const bool counts = std::ranges::any_of(out.profile.registers, [](const ProfileRegister& r) {
      return r.point.kind == Kind::cumulative && r.point.unit.dimension == Dimension::energy;
    });
    EXPECT_TRUE(counts) << name;
  }
}

TEST(Profile, TakesKindFromTheUnitAndRolloverFromTheRegister) {
  const Read out = read(R"(
name: test
registers:
  - {name: energy, address: 0, type: uint32, scale: 0.01, unit: kWh}
  - {name: signed, address: 2, type: int32, unit: Wh}
  - {name: long, address: 4, type: uint64, unit: Wh}
  - {name: float, address: 8, type: float32, unit: kWh}
  - {name: today, address: 10, type: uint16, unit: kWh, kind: instantaneous}
  - {name: known, address: 11, type: uint32, unit: kWh, rollover_at: 1000000}
  - {name: power, address: 13, type: int32, unit: W}
  - {name: display, address: 15, type: uint32, scale: 0.01, unit: kWh, register_digits: 8}
)");
  ASSERT_EQ(out.problems, "");
  const auto& registers = out.profile.registers;
  EXPECT_EQ(registers[0].point.kind, Kind::cumulative);
  EXPECT_EQ(registers[0].point.limits.rollover_at, std::vector{42949672.96});
  EXPECT_EQ(registers[1].point.limits.rollover_at, (std::vector{2147483648.0, 4294967296.0}));
  EXPECT_TRUE(registers[2].point.limits.rollover_at.empty());
  EXPECT_TRUE(registers[3].point.limits.rollover_at.empty());
  EXPECT_EQ(registers[4].point.kind, Kind::instantaneous);
  EXPECT_TRUE(registers[4].point.limits.rollover_at.empty());
  EXPECT_EQ(registers[5].point.limits.rollover_at, std::vector{1000000.0});
  EXPECT_EQ(registers[7].point.limits.rollover_at, std::vector{1000000.0}) << "8 digits, two of them decimals";
  EXPECT_EQ(registers[6].point.kind, Kind::instantaneous);
}

TEST(Profile, ARegisterSaysWhatDiffersFromTheDefaults) {
  const Read out = read(R"(
name: test
function: 4
type: float32
order: CDAB
not_available: {float32: "0xFFFFFFFF", uint16: ["0xFFFF", "0x8000"]}
max_block: 80
max_gap: 0
pause: 50ms
registers:
  - {name: a, address: 0x10}
  - {name: b, address: 2, function: 3, type: uint16, order: BADC}
  - {name: c, address: 3, type: uint16, not_available: []}
  - {name: d, address: 7, function: 1}
)");
  ASSERT_EQ(out.problems, "");
  EXPECT_EQ(out.profile.limits, (ReadLimits{.max_block = 80, .max_gap = 0}));
  EXPECT_EQ(out.profile.pause, Duration(50));
  const auto& registers = out.profile.registers;
  EXPECT_EQ(registers[0].field.address, 16);
  EXPECT_EQ(registers[0].field.function, modbus::Function::read_input_registers);
  EXPECT_EQ(registers[0].field.order, ByteOrder::cdab);
  EXPECT_EQ(registers[0].field.not_available.size(), 1u);
  EXPECT_EQ(registers[1].field.function, modbus::Function::read_holding_registers);
  EXPECT_EQ(registers[1].field.order, ByteOrder::badc);
  EXPECT_EQ(registers[1].field.not_available.size(), 2u);
  EXPECT_TRUE(registers[2].field.not_available.empty());
  EXPECT_EQ(registers[3].field.type, RegisterType::bit);
}

TEST(Profile, SaysEverythingThatIsWrong) {
  const Read out = read(R"(name: test
max_block: 200
registers:
  - {name: A b, address: 0, type: uint16}
  - {name: a, address: 70000, type: uint16}
  - {name: b, address: 65535, type: uint32}
  - {name: c, address: 0, type: unit16}
  - {name: d, address: 0}
  - {name: e, address: 0, type: uint16, scale: 1/3}
  - {name: f, address: 0, type: uint16, unit: kwh}
  - {name: g, address: 0, type: uint16, not_available: "0xFF"}
  - {name: h, address: 0, function: 1, type: uint16}
  - {name: i, adress: 0, address: 1, type: uint16}
  - {name: j, address: 0, type: bit}
  - {name: k, address: 0, type: uint16, order: BADA}
)");
  for (const char* expected :
       {"test.yaml:2:", "max_block: 200 is out of range; allowed: 4 to 125",
        "registers[0].name: 'A b' is no point's name", "registers[1].address: '70000' is out of range",
        "registers[2].address: the value would end at 65536",
        "registers[3].type: unknown type 'unit16'; did you mean 'uint16'?", "registers[4].type: missing",
        "registers[5].scale: '1/3' is no decimal number", "registers[6].unit: unknown unit 'kwh'; did you mean 'kWh'?",
        "registers[7].not_available: '0xFF' is no bit pattern of uint16: write 0x and 4 hexadecimal digits",
        "registers[8].type: coils and discrete inputs", "'adress'; did you mean 'address'?",
        "registers[10].type: a bit is read by function 1 or 2", "'BADA'"}) {
    EXPECT_NE(out.problems.find(expected), std::string::npos) << expected << "\nin\n" << out.problems;
  }
}

TEST(Profile, NamesAPointOnce) {
  const Read out =
      read("name: t\nregisters: [{name: a, address: 0, type: uint16}, {name: a, address: 1, type: uint16}]\n");
  EXPECT_NE(out.problems.find("'a' is there twice"), std::string::npos) << out.problems;
}

}  // namespace
}  // namespace carbongate::modbus_driver
