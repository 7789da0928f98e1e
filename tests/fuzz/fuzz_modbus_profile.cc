// Any text as a profile: either problems are reported, or its registers can be planned and decoded.
#include <cstdint>
#include <string_view>
#include <vector>

#include "drivers/modbus/poll_plan.h"
#include "drivers/modbus/profile.h"

using namespace carbongate;
using namespace carbongate::modbus_driver;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  config::Problems problems;
  const config::Node node =
      config::parse_text(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz.yaml", problems);
  config::Reader in(node, problems);
  const Profile profile = read_profile(in);
  std::vector<RegisterField> fields;
  for (const ProfileRegister& reg : profile.registers) fields.push_back(reg.field);
  const std::vector<std::byte> answer(2 * modbus::kReadRegistersMax, std::byte{0xA5});
  for (const Block& block : plan_reads(fields, profile.limits)) {
    for (const std::size_t i : block.fields) (void)decode_value(fields[i], block.request.address, answer);
    (void)divide(block, fields);
  }
  return 0;
}
