#include "protocols/line_protocol/response.h"

#include <gtest/gtest.h>

#include "protocols/wire/one_line.h"

namespace carbongate::line_protocol {
namespace {

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
  EXPECT_EQ(answer.verdict, Verdict::lines_refused);
  EXPECT_EQ(answer.dropped, 2U);
  EXPECT_EQ(
      answer.words,
      "partial write: field type conflict: input field \"v\" on measurement \"m\" is type float, already exists as "
      "type integer dropped=2");
  EXPECT_EQ(read_write_answer(400, kOutOfRange).verdict, Verdict::lines_refused);
  EXPECT_EQ(read_write_answer(400, kOutOfRange).dropped, 0U);
  EXPECT_EQ(read_write_answer(422, kConflictV2).verdict, Verdict::lines_refused);
  EXPECT_EQ(read_write_answer(422, kConflictV2).dropped, 1U);
}

TEST(WriteAnswer, NamesTheFirstLineThatInfluxdb3ObjectsTo) {
  const WriteAnswer answer = read_write_answer(
      400,
      R"({"error":"partial write of line protocol occurred","data":[{"original_line":"m v=1 x","line_number":2,"error_message":"invalid column type for column 'v'"}]})");
  EXPECT_EQ(answer.verdict, Verdict::lines_refused);
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
  EXPECT_EQ(answer.verdict, Verdict::lines_refused);
  EXPECT_EQ(answer.words.substr(0, 29), "failed to parse line protocol");
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
  EXPECT_EQ(read_write_answer(500, R"({"error":"timeout"})").verdict, Verdict::failed);
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
  EXPECT_EQ(answer.verdict, Verdict::lines_refused);
  EXPECT_FALSE(answer.dropped);
}

}  // namespace
}  // namespace carbongate::line_protocol
