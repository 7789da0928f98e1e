#include "protocols/modbus/pdu.h"

#include <gtest/gtest.h>

#include "tests/unit/protocols/modbus/vectors.h"

namespace carbongate::modbus {
namespace {

using testing::from_hex;
using testing::to_hex;

TEST(Pdu, ReadsTheExamplesOfTheStandard) {
  const auto vectors = load_vectors("spec_examples.json");
  for (const auto& example : vectors.at("cases").as_array()) {
    SCOPED_TRACE(example.at("function").as_string().c_str());
    EXPECT_TRUE(parse_response(hex_at(example, "response_pdu_hex")).has_value());
    EXPECT_TRUE(parse_request(hex_at(example, "request_pdu_hex")).has_value());
  }
}

TEST(Pdu, WritesTheReadRequestsOfTheStandard) {
  EXPECT_EQ(to_hex(encode({Function::read_coils, 0x13, 0x13})), "0100130013");
  EXPECT_EQ(to_hex(encode({Function::read_discrete_inputs, 0xC4, 0x16})), "0200c40016");
  EXPECT_EQ(to_hex(encode({Function::read_holding_registers, 0x6B, 3})), "03006b0003");
  EXPECT_EQ(to_hex(encode({Function::read_input_registers, 8, 1})), "0400080001");
}

TEST(Pdu, MatchesAnAnswerToItsRequest) {
  const ReadRequest request{Function::read_holding_registers, 0x6B, 3};
  const auto pdu = from_hex("03 06 022b 0000 0064");
  EXPECT_EQ(to_hex(std::get<std::span<const std::byte>>(*match_answer(request, pdu))), "022b00000064");

  const auto bits = from_hex("01 03 cd6b05");
  const auto answer = match_answer({Function::read_coils, 0x13, 19}, bits);
  EXPECT_EQ(std::get<std::span<const std::byte>>(*answer).size(), 3u);
}

TEST(Pdu, TakesAnExceptionAsAnAnswer) {
  const auto pdu = from_hex("83 02");
  const auto answer = match_answer({Function::read_holding_registers, 0, 1}, pdu);
  const auto exception = std::get<Exception>(*answer);
  EXPECT_EQ(exception.function, 3);
  EXPECT_EQ(exception.code, 2);
  EXPECT_EQ(exception_name(exception.code), "illegal data address");
  EXPECT_EQ(exception_name(9), "unknown");
}

TEST(Pdu, RefusesWhatAnswersAnotherRequest) {
  const ReadRequest request{Function::read_holding_registers, 0, 2};
  const auto error_of = [&](const char* hex) { return match_answer(request, from_hex(hex)).error(); };
  EXPECT_EQ(error_of("04 04 00000000"), make_error_code(Error::wrong_function));
  EXPECT_EQ(error_of("84 02"), make_error_code(Error::wrong_function));
  EXPECT_EQ(error_of("03 02 0000"), make_error_code(Error::wrong_count));
  EXPECT_EQ(error_of("03 06 000000000000"), make_error_code(Error::wrong_count));
  EXPECT_EQ(error_of("03 04 0000"), make_error_code(Error::truncated));
  EXPECT_EQ(error_of("03 04 0000000000"), make_error_code(Error::trailing_bytes));
  EXPECT_EQ(error_of("83"), make_error_code(Error::truncated));
  EXPECT_EQ(error_of("83 02 00"), make_error_code(Error::trailing_bytes));
  EXPECT_EQ(error_of(""), make_error_code(Error::truncated));
}

TEST(Pdu, HoldsRequestsToTheLimitsOfTheStandard) {
  EXPECT_TRUE(parse_request(from_hex("03 0000 007d")));
  EXPECT_EQ(parse_request(from_hex("03 0000 007e")).error(), make_error_code(Error::bad_count));
  EXPECT_EQ(parse_request(from_hex("03 0000 0000")).error(), make_error_code(Error::bad_count));
  EXPECT_TRUE(parse_request(from_hex("01 0000 07d0")));
  EXPECT_EQ(parse_request(from_hex("01 0000 07d1")).error(), make_error_code(Error::bad_count));
  EXPECT_EQ(parse_request(from_hex("05 0000 0001")).error(), make_error_code(Error::bad_value));
  EXPECT_EQ(parse_request(from_hex("10 0000 0002 02 0000")).error(), make_error_code(Error::bad_byte_count));
  EXPECT_EQ(parse_request(from_hex("83 02")).error(), make_error_code(Error::bad_function));
}

TEST(Pdu, RefusesRegistersThatAreNotWhole) {
  EXPECT_EQ(parse_response(from_hex("03 03 000000")).error(), make_error_code(Error::bad_byte_count));
  EXPECT_EQ(parse_response(from_hex("03 00")).error(), make_error_code(Error::bad_byte_count));
  EXPECT_EQ(parse_response(from_hex("00 00")).error(), make_error_code(Error::bad_function));
}

TEST(Pdu, GivesAllBitsOfTheBytes) {
  const auto bits = std::get<Bits>(*parse_response(from_hex("01 01 05")));
  EXPECT_EQ(bits.values, (std::vector<bool>{true, false, true, false, false, false, false, false}));
}

TEST(Pdu, NamesWhatItDoesNotInterpret) {
  const auto pdu = from_hex("2b 0e 01 00");
  EXPECT_EQ(std::get<Other>(*parse_request(pdu)).function, 0x2B);
}

}  // namespace
}  // namespace carbongate::modbus
