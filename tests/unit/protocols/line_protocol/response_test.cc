#include "protocols/line_protocol/response.h"

#include <gtest/gtest.h>

#include "protocols/wire/one_line.h"

namespace carbongate::line_protocol {
namespace {

using http::Verdict;
using http::WriteAnswer;

// As InfluxDB 1.6.7 and 2.7 answer.
constexpr const char* kConflict =
    R"({"error":"partial write: field type conflict: input field \"v\" on measurement \"m\" is type float, already exists as type integer dropped=2"})"
    "\n";
constexpr const char* kOutOfRange =
    R"({"error":"partial write: unable to parse 'm,a=c v=5.0 99999999999999999': time outside range -9223372036854775806 - 9223372036854775806 dropped=0"})";
constexpr const char* kConflictV2 =
    R"({"code":"unprocessable entity","message":"failure writing points to database: partial write: field type conflict: input field \"v\" on measurement \"m\" is type float, already exists as type integer dropped=1"})";

TEST(WriteAnswer, ASuccessThatSaysNothingMeansEveryLineIsWritten) {
  EXPECT_EQ(read_write_answer(204, "").verdict, Verdict::written);
  EXPECT_EQ(read_write_answer(200, "{}").verdict, Verdict::written);
}

TEST(WriteAnswer, APartialWriteNamesTheReasonAndTheNumberOfDroppedPoints) {
  const WriteAnswer answer = read_write_answer(400, kConflict);
  EXPECT_EQ(answer.verdict, Verdict::refused);
  EXPECT_EQ(answer.dropped, 2U);
  EXPECT_EQ(
      answer.words,
      "partial write: field type conflict: input field \"v\" on measurement \"m\" is type float, already exists as "
      "type integer dropped=2");
  EXPECT_EQ(read_write_answer(400, kOutOfRange).verdict, Verdict::refused);
  EXPECT_EQ(read_write_answer(400, kOutOfRange).dropped, 0U);
  EXPECT_EQ(read_write_answer(422, kConflictV2).verdict, Verdict::refused);
  EXPECT_EQ(read_write_answer(422, kConflictV2).dropped, 1U);
}

TEST(WriteAnswer, NamesTheFirstLineThatInfluxdb3ObjectsTo) {
  const WriteAnswer answer = read_write_answer(
      400,
      R"({"error":"partial write of line protocol occurred","data":[{"original_line":"m v=1 x","line_number":2,"error_message":"invalid column type for column 'v'"}]})");
  EXPECT_EQ(answer.verdict, Verdict::refused);
  EXPECT_EQ(answer.words, "partial write of line protocol occurred: invalid column type for column 'v'");
  EXPECT_EQ(answer.dropped, std::nullopt);
  EXPECT_EQ(
      read_write_answer(400, R"({"error":"parsing failed for write_lp endpoint","data":{"error_message":"no fields"}})")
          .words,
      "parsing failed for write_lp endpoint: no fields");
  EXPECT_EQ(read_write_answer(400, R"({"error":"partial write of line protocol occurred","data":[]})").words,
            "partial write of line protocol occurred");
}

TEST(WriteAnswer, UnderstandsQuestdb) {
  const WriteAnswer answer = read_write_answer(
      400,
      R"({"code":"invalid","message":"failed to parse line protocol: errors encountered on line(s):\nerror in line 2: table: m, column: v; cast error","line":2,"errorId":"e-1"})");
  EXPECT_EQ(answer.verdict, Verdict::refused);
  EXPECT_EQ(answer.words.substr(0, 29), "failed to parse line protocol");
}

TEST(WriteAnswer, UnderstandsTdengine) {
  // taosAdapter has one status for what its library says, and that one's code in the words.
  const char* kRefused[] = {
      R"({"code":"internal error","message":"[0x3002] Invalid data format"})",
      R"({"code":"internal error","message":"[0x3004] Not the same type like before"})",
      R"({"code":"internal error","message":"[0x60b] Timestamp data out of range"})",
  };
  for (const char* body : kRefused) EXPECT_EQ(read_write_answer(500, body).verdict, Verdict::refused) << body;
  EXPECT_EQ(read_write_answer(500, kRefused[0]).words, "[0x3002] Invalid data format");
  for (const char* body : {R"({"code":"internal error","message":"[0x383] Database not exist"})",
                           R"({"code":"internal error","message":"[0xb] Unable to establish connection"})"}) {
    EXPECT_EQ(read_write_answer(500, body).verdict, Verdict::busy) << body;
  }
  EXPECT_EQ(read_write_answer(400, R"({"code":"not found","message":"db required","op":"get db query"})").verdict,
            Verdict::failed);
}

TEST(WriteAnswer, UnderstandsGreptimedb) {
  const char* kRefused[] = {
      R"({"code":1004,"error":"Failed to parse InfluxDB line protocol: no fields were provided","execution_time_ms":0})",
      R"({"error":"Column: v, datatype incompatible, expected: 10, actual: 12"})",
      R"-({"error":"Invalid request to region 4814658338816(1121, 0), reason: column v expect type Float64(Float64Type), given: STRING(12)"})-",
  };
  for (const char* body : kRefused) EXPECT_EQ(read_write_answer(400, body).verdict, Verdict::refused) << body;
  // The table's column of the time is another one: no line can be right.
  EXPECT_EQ(
      read_write_answer(
          400,
          R"-({"error":"Invalid request to region 4814658338816(1121, 0), reason: column ts expect type Timestamp(Millisecond(TimestampMillisecondType)), given: TIMESTAMP_NANOSECOND(18)"})-")
          .verdict,
      Verdict::failed);
  EXPECT_EQ(read_write_answer(400, R"({"code":4001,"error":"Database not found: nope"})").verdict, Verdict::failed);
}

TEST(WriteAnswer, AStoreWithoutRoomForAnotherSeriesBlamesNoLine) {
  for (
      const char* body :
      {R"({"error":"partial write: max-series-per-database limit exceeded: (1) dropped=3"})",
       R"({"error":"partial write: max-values-per-tag limit exceeded (2/2): measurement=\"m\" tag=\"a\" value=\"x\" dropped=1"})"}) {
    EXPECT_EQ(read_write_answer(400, body).verdict, Verdict::busy) << body;
    EXPECT_EQ(read_write_answer(400, body).dropped, std::nullopt);
    EXPECT_NE(read_write_answer(400, body).words.find("limit exceeded"), std::string::npos);
  }
  EXPECT_EQ(read_write_answer(413, R"({"error":"size limit exceeded"})").verdict, Verdict::too_large);
}

TEST(WriteAnswer, ABadRequestThatDoesNotSpeakOfLinesBlamesNone) {
  EXPECT_EQ(read_write_answer(400, R"({"error":"database is required"})").verdict, Verdict::failed);
  EXPECT_EQ(read_write_answer(400, "<html>The plain HTTP request was sent to HTTPS port</html>").verdict,
            Verdict::failed);
  EXPECT_EQ(read_write_answer(400, "").verdict, Verdict::failed);
}

TEST(WriteAnswer, CredentialsAreNotLinesHoweverTheServerPutsIt) {
  const WriteAnswer answer = read_write_answer(401, R"({"error":"unable to parse authentication credentials"})");
  EXPECT_EQ(answer.verdict, Verdict::denied);
  EXPECT_EQ(answer.words, "unable to parse authentication credentials");
  EXPECT_EQ(read_write_answer(403, "").verdict, Verdict::denied);
}

TEST(WriteAnswer, KnowsWhatToWaitForAndWhatToCorrect) {
  EXPECT_EQ(read_write_answer(404, R"({"error":"database not found: \"nope\""})").verdict, Verdict::not_found);
  EXPECT_EQ(read_write_answer(413, R"({"error":"Request Entity Too Large"})").verdict, Verdict::too_large);
  EXPECT_EQ(read_write_answer(429, "").verdict, Verdict::busy);
  EXPECT_EQ(read_write_answer(503, "").verdict, Verdict::busy);
  EXPECT_EQ(read_write_answer(500, R"({"error":"timeout"})").verdict, Verdict::busy);
  EXPECT_EQ(read_write_answer(302, "").verdict, Verdict::failed);
}

TEST(WriteAnswer, TakesNoPageForAReceipt) {
  EXPECT_EQ(read_write_answer(204, "").verdict, Verdict::written);
  EXPECT_EQ(read_write_answer(200, " \r\n").verdict, Verdict::written);
  const WriteAnswer page = read_write_answer(200, "<html>Please log in</html>");
  EXPECT_EQ(page.verdict, Verdict::failed);
  EXPECT_EQ(page.words, "HTTP 200 with words, which is no store's answer: <html>Please log in</html>");
  EXPECT_EQ(read_write_answer(200, R"({"error":"quota exceeded"})").verdict, Verdict::failed);
  EXPECT_EQ(read_write_answer(200, std::string(10'000, 'x')).words.size(), wire::kWordsBytesMax);
}

TEST(WriteAnswer, WordsAreOneShortLine) {
  EXPECT_EQ(read_write_answer(502, "  <html>\r\n<b>Bad Gateway</b>\n").words, "<html>  <b>Bad Gateway</b>");
  EXPECT_EQ(read_write_answer(502, " \r\n").words, "HTTP 502");
  const WriteAnswer longest = read_write_answer(500, std::string(10'000, 'x'));
  EXPECT_EQ(longest.words.size(), wire::kWordsBytesMax);
  std::string chinese;
  while (chinese.size() < 10'000) chinese += "错";
  const std::string words = read_write_answer(500, chinese).words;
  EXPECT_LE(words.size(), wire::kWordsBytesMax);
  EXPECT_EQ((words.size() - 3) % 3, 0U) << "a character was cut in two";
}

TEST(WriteAnswer, ReadsAnAnswerThatWasCutShort) {
  const WriteAnswer answer = read_write_answer(400, R"({"error":"partial write: field type conf)");
  EXPECT_EQ(answer.verdict, Verdict::refused);
  EXPECT_FALSE(answer.dropped);
}

}  // namespace
}  // namespace carbongate::line_protocol
