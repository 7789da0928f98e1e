#include "gateway/cli/decode.h"

#include <gtest/gtest.h>

#include <sstream>

namespace carbongate::cli {
namespace {

struct Decoded {
  std::string text;
  int status;
};

Decoded decode(const std::string& protocol, const std::string& side, const std::string& hex) {
  std::ostringstream out;
  const int status = run_decode({.protocol = protocol, .hex = hex, .side = side}, out);
  return {out.str(), status};
}

TEST(Decode, TellsARequestOverTcp) {
  const Decoded decoded = decode("modbus-tcp", "request", "0001 0000 0006 01 04 0000 0002");
  EXPECT_EQ(decoded.text, R"~({"unit":1,"transaction":1,"function":4,"address":0,"count":2})~"
                          "\n");
  EXPECT_EQ(decoded.status, 0);
}

TEST(Decode, TellsRegistersAndBits) {
  EXPECT_EQ(decode("modbus-rtu", "response", "01 03 06 02 2b 00 00 00 64 05 7a").text,
            R"~({"unit":1,"function":3,"registers":[555,0,100]})~"
            "\n");
  EXPECT_EQ(decode("modbus-tcp", "response", "0001 0000 0004 01 01 01 05").text,
            R"~({"unit":1,"transaction":1,"function":1,"bits":[true,false,true,false,false,false,false,false]})~"
            "\n");
}

TEST(Decode, TellsAnExceptionByName) {
  const Decoded decoded = decode("modbus-rtu", "response", "01 83 02 c0 f1");
  EXPECT_EQ(decoded.text, R"~({"unit":1,"function":3,"exception":{"code":2,"name":"illegal data address"}})~"
                          "\n");
  EXPECT_EQ(decoded.status, 0);
}

TEST(Decode, TakesHexAsPeopleWriteIt) {
  const std::string expected = R"~({"unit":1,"function":3,"registers":[300,70]})~"
                               "\n";
  for (const char* hex :
       {"010304012c0046bbf4", "01 03 04 01 2C 00 46 BB F4", "01:03:04:01:2c:00:46:bb:f4",
        "0x01 0x03 0x04 0x01 0x2c 0x00 0x46 0xbb 0xf4", "0x010304012c0046bbf4", " 0103\t04012c\n0046-bbf4 "}) {
    EXPECT_EQ(decode("modbus-rtu", "response", hex).text, expected) << hex;
  }
}

TEST(Decode, RefusesHexThatIsNotWholeBytes) {
  EXPECT_EQ(decode("modbus-rtu", "response", "01 03 0").text,
            R"~({"error":"hex: an odd number of digits, '0', at character 7"})~"
            "\n");
  EXPECT_EQ(decode("modbus-rtu", "response", "01 0x").text, R"~({"error":"hex: '0x' without digits at the end"})~"
                                                            "\n");
  EXPECT_EQ(decode("modbus-rtu", "response", "01 zz").text, R"~({"error":"hex: character 4 is no hexadecimal digit"})~"
                                                            "\n");
  EXPECT_EQ(decode("modbus-rtu", "response", "  ").text, R"~({"error":"hex: no bytes given"})~"
                                                         "\n");
  EXPECT_EQ(decode("modbus-rtu", "response", "01 0").status, 1);
}

TEST(Decode, SaysWhatIsWrongAndAtWhichByte) {
  const Decoded crc = decode("modbus-rtu", "response", "00 83 02 91 21");
  EXPECT_EQ(crc.text, R"~({"error":"byte 0: the CRC is wrong: 91 21, where 91 31 would be right for these 5 bytes"})~"
                      "\n");
  EXPECT_EQ(crc.status, 1);

  const Decoded early = decode("modbus-tcp", "request", "0001 0000 0006 01 04 0000");
  EXPECT_EQ(early.text, R"~({"error":"byte 0: the frame ends too early, after 10 of 12 bytes"})~"
                        "\n");
  EXPECT_EQ(early.status, 1);

  const Decoded protocol = decode("modbus-tcp", "request", "0001 0007 0006 01 04 0000 0002");
  EXPECT_EQ(protocol.text, R"~({"error":"byte 0: the protocol identifier is not 0 (00 01 00 07 00 06 01)"})~"
                           "\n");

  const Decoded count = decode("modbus-tcp", "request", "0001 0000 0006 01 04 0000 0000");
  EXPECT_EQ(count.text,
            R"~({"unit":1,"transaction":1,"function":4,"error":"byte 7: the count is not one the standard allows"})~"
            "\n");
  EXPECT_EQ(count.status, 1);
}

TEST(Decode, HintsAtTheOtherSide) {
  const Decoded decoded = decode("modbus-rtu", "response", "01 04 00 00 00 02 71 cb");
  EXPECT_EQ(decoded.text, R"~({"error":"byte 0: the CRC is wrong; as a request the bytes make sense"})~"
                          "\n");
}

TEST(Decode, GivesOneLineAFrame) {
  const Decoded tcp = decode("modbus-tcp", "request", "0000 0000 0006 00 03 007c 0002 0001 0000 0006 00 03 007c 0002");
  EXPECT_EQ(tcp.text, R"~({"unit":0,"transaction":0,"function":3,"address":124,"count":2})~"
                      "\n"
                      R"~({"unit":0,"transaction":1,"function":3,"address":124,"count":2})~"
                      "\n");
  const Decoded rtu = decode("modbus-rtu", "response", "00 83 02 91 21 00 83 02 91 31");
  EXPECT_EQ(rtu.text, R"~({"error":"byte 0: the CRC is wrong: 91 21, where 91 31 would be right for these 5 bytes"})~"
                      "\n"
                      R"~({"unit":0,"function":3,"exception":{"code":2,"name":"illegal data address"}})~"
                      "\n");
  EXPECT_EQ(rtu.status, 1);
}

TEST(Decode, CountsGlitchesOfTheLineAndIsNotWrong) {
  const Decoded decoded = decode("modbus-rtu", "response", "00 01 04 04 43 69 69 78 10 6e 00");
  EXPECT_EQ(decoded.text, R"~({"unit":1,"function":4,"noise_bytes":2,"registers":[17257,27000]})~"
                          "\n");
  EXPECT_EQ(decoded.status, 0);
}

TEST(Decode, NamesFunctionsItDoesNotInterpret) {
  EXPECT_EQ(decode("modbus-tcp", "request", "0001 0000 0005 01 2b 0e 01 00").text,
            R"~({"unit":1,"transaction":1,"function":43,"data":"0e 01 00"})~"
            "\n");
  EXPECT_EQ(decode("modbus-rtu", "request", "01 08 00 00 aa 55 5e 94").text,
            R"~({"unit":1,"function":8,"data":"00 00 aa 55"})~"
            "\n");
  EXPECT_EQ(decode("modbus-rtu", "request", "11 05 0007 ff00 3f 6b").text,
            R"~({"unit":17,"function":5,"address":7,"value":true})~"
            "\n");
}

TEST(Decode, RefusesUnknownProtocolsAndSides) {
  EXPECT_EQ(decode("modbus-ascii", "request", "00").status, 64);
  EXPECT_EQ(decode("modbus-rtu", "both", "00").status, 64);
}

Decoded decode_text(const std::string& text) {
  std::ostringstream out;
  const int status = run_decode({.protocol = "hj212", .hex = {}, .side = {}, .text = text}, out);
  return {out.str(), status};
}

TEST(Decode, TellsPacketsOfHj212WithWhatTheirCodesMean) {
  const Decoded decoded = decode_text(
      "##0094QN=20231008125115215;ST=22;CN=9011;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&QnRtn=1&&CC01\n"
      "##0157QN=20260801110500000;ST=31;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=7;PNUM=2;PNO=1;CP=&&"
      "DataTime=20260801105500;a05001-Avg=235000.0,a05001-Flag=M&&5440");
  EXPECT_EQ(decoded.status, 0);
  EXPECT_EQ(decoded.text, R"({"segment_bytes":94,"crc":"CC01","qn":"20231008125115215",)"
                          R"("st":{"code":"22","name":"air quality","name_zh":"空气质量监测"},)"
                          R"("cn":{"code":"9011","name":"answer to a request","name_zh":"请求应答"},)"
                          R"("pw":"123456","mn":"010000A8900016F000169DC0",)"
                          R"("flag":{"bits":4,"version":"2017","wants_answer":false},"data":[{"QnRtn":"1"}],)"
                          R"("result":{"code":"1","name":"ready","name_zh":"准备执行请求"}})"
                          "\n"
                          R"({"segment_bytes":157,"crc":"5440","qn":"20260801110500000",)"
                          R"("st":{"code":"31","name":"air pollution source","name_zh":"大气环境污染源"},)"
                          R"("cn":{"code":"2051","name":"minute data","name_zh":"污染物分钟数据"},)"
                          R"("pw":"123456","mn":"010000A8900016F000169DC0",)"
                          R"("flag":{"bits":7,"version":"2017","wants_answer":true},"part":{"number":1,"of":2},)"
                          R"("data":[{"DataTime":"20260801105500"},{"a05001-Avg":"235000.0","a05001-Flag":"M"}]})"
                          "\n");
}

TEST(Decode, SaysWhatIsWrongWithAPacketOfHj212) {
  Decoded decoded = decode_text(
      "##0136ST=32;CN=2011;PW=123456;MN=LD130133000015;CP=&&DataTime=20160824003817;B01-Rtd=36.91;011-Rtd=231.0,011-"
      "Flag=N;060-Rtd=1.803,060-Flag=N&&4980\n##0136ST");
  EXPECT_EQ(decoded.status, 1);
  EXPECT_EQ(decoded.text, R"({"error":"byte 0: the CRC is 4980, where 3C00 would be right for these 136 bytes"})"
                          "\n"
                          R"({"error":"byte 148: the packet ends too early, after 10 bytes"})"
                          "\n");
  decoded = decode("hj212", "", "23 23 30 30 31 34 51 4e");
  EXPECT_EQ(decoded.text, "{\"error\":\"byte 0: the packet ends too early, after 8 bytes\"}\n");
  EXPECT_EQ(decode_text("").status, 64);
  std::ostringstream out;
  EXPECT_EQ(run_decode({.protocol = "modbus-tcp", .hex = {}, .side = "request", .text = "01"}, out), 64);
}

}  // namespace
}  // namespace carbongate::cli
