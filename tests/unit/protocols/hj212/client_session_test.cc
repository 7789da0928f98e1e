#include "protocols/hj212/client_session.h"

#include <gtest/gtest.h>

#include <set>

using namespace carbongate::hj212;
using namespace std::chrono_literals;

namespace {

constexpr const char* kMn = "010000A8900016F000169DC0";

// A platform in front of a session, with a clock of its own.
class ClientSessionTest : public testing::Test {
 protected:
  static ClientOptions options() {
    return {.limits = {.st = "31", .mn = kMn, .allow = {"1062", "1072"}, .minute_intervals = {}}, .window = 4};
  }
  ClientSession::Moment now() const { return {ticks_, *read_data_time("20260801100000") + ticks_}; }
  void start(ClientOptions with = options()) {
    session_.emplace(with, ClientSettings{.password = "123456"});
    session_->connected(now());
  }
  // Everything that is to be sent now.
  std::vector<std::string> sent() {
    std::vector<std::string> frames;
    while (auto bytes = session_->next(now())) {
      session_->written();
      frames.push_back(*bytes);
    }
    return frames;
  }
  static std::string segment_of(const std::string& frame) { return frame.substr(6, frame.size() - 12); }
  static Head head(const std::string& frame) { return *head_of(*parse_segment(segment_of(frame))); }
  static std::string area(const std::string& frame) { return to_text(*parse_segment(segment_of(frame))->area); }
  static std::string packet(std::string_view cn, std::string_view qn, std::string_view area = "", int flag = 5,
                            std::string_view pw = "123456", std::string_view mn = kMn, std::string_view st = "31") {
    return encode({"QN=" + std::string(qn) + ";ST=" + std::string(st) + ";CN=" + std::string(cn) +
                   ";PW=" + std::string(pw) + ";MN=" + std::string(mn) + ";Flag=" + std::to_string(flag) + ";CP=&&" +
                   std::string(area) + "&&"});
  }
  void receipt(const std::string& frame) {
    session_->received(packet("9014", head(frame).qn, "", 4, "123456", kMn, "91"), now());
  }
  template <class T>
  std::optional<T> event() {
    while (auto found = session_->take_event()) {
      if (T* wanted = std::get_if<T>(&*found)) return *wanted;
    }
    return std::nullopt;
  }
  ClientSession::Ticket upload_at_once(std::string_view text = "a05001-Rtd=1.0,a05001-Flag=N") {
    const auto items = *parse_segment("CN=1;CP=&&" + std::string(text) + "&&")->area;
    return *session_->upload("2011", {{Value{"DataTime", "20260801100000"}}}, items, now());
  }
  // And lets the time pass until the clock shows the QN of each part.
  ClientSession::Ticket upload(std::string_view text = "a05001-Rtd=1.0,a05001-Flag=N") {
    const std::size_t before = session_->outstanding();
    const auto ticket = upload_at_once(text);
    ticks_ += (session_->outstanding() - before) * 1ms;
    return ticket;
  }

  std::chrono::milliseconds ticks_{0};
  std::optional<ClientSession> session_;
};

TEST_F(ClientSessionTest, DataArriveWithTheirReceipt) {
  start();
  const auto ticket = upload();
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(segment_of(frames[0]),
            "QN=20260801100000000;ST=31;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;"
            "CP=&&DataTime=20260801100000;a05001-Rtd=1.0,a05001-Flag=N&&");
  EXPECT_FALSE(event<ClientSession::Received>());
  receipt(frames[0]);
  EXPECT_EQ(event<ClientSession::Received>()->ticket, ticket);
  EXPECT_EQ(session_->outstanding(), 0u);
  receipt(frames[0]);
  EXPECT_FALSE(event<ClientSession::Received>()) << "once";
}

TEST_F(ClientSessionTest, WithoutAReceiptItIsSentAgainAndThenTheConnectionIsOfNoUse) {
  start();
  upload();
  const auto first = sent();
  for (int times = 0; times < 3; ++times) {
    ticks_ += 9'999ms;
    EXPECT_TRUE(sent().empty());
    ticks_ += 1ms;
    EXPECT_EQ(session_->due(), ticks_);
    EXPECT_EQ(sent(), first) << "the same packet, with the same QN";
  }
  ticks_ += 10s;
  EXPECT_TRUE(sent().empty());
  EXPECT_TRUE(event<ClientSession::Useless>());
  session_->lost();
  session_->connected(now());
  EXPECT_EQ(sent(), first) << "first of all on the next connection";
  receipt(first[0]);
  EXPECT_TRUE(event<ClientSession::Received>());
}

TEST_F(ClientSessionTest, SaysEachTimeThatAnUploadIsSent) {
  ClientOptions with = options();
  with.segment_max = 200;
  start(with);
  const auto short_one = upload();
  const auto long_one =
      upload("a05001-Rtd=1.0,a05001-Flag=N;a19001-Rtd=2.0,a19001-Flag=N;a01012-Rtd=3.0,a01012-Flag=N");
  const auto tickets = [&] {
    std::vector<ClientSession::Ticket> found;
    while (const auto said = event<ClientSession::Sent>()) found.push_back(said->ticket);
    return found;
  };
  using Tickets = std::vector<ClientSession::Ticket>;
  EXPECT_EQ(tickets(), Tickets()) << "it waits to be written";
  const auto frames = sent();
  ASSERT_GE(frames.size(), 3u) << "one of them in parts";
  EXPECT_EQ(tickets(), (Tickets{short_one, long_one})) << "not of each part";
  receipt(frames[1]);  // of the first part
  ticks_ += 10s;
  sent();
  EXPECT_EQ(tickets(), (Tickets{short_one, long_one}));
  session_->lost();
  session_->connected(now());
  sent();
  EXPECT_EQ(tickets(), (Tickets{short_one, long_one})) << "on the next connection, too";
}

TEST_F(ClientSessionTest, NoMoreThanTheWindowIsUnderWay) {
  start();
  for (int i = 0; i < 6; ++i) upload();
  EXPECT_FALSE(session_->has_room());
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 4u);
  receipt(frames[2]);
  EXPECT_EQ(sent().size(), 1u);
}

TEST_F(ClientSessionTest, AnAnswerWithAnotherPasswordOrNameIsNoReceipt) {
  start();
  const auto ticket = upload();
  const std::string qn = head(sent().at(0)).qn;
  const auto answer = [&](const char* pw, const char* mn) {
    session_->received(packet("9014", qn, "", 4, pw, mn, "91"), now());
  };
  answer("654321", kMn);
  answer("", kMn);
  answer("123456", "010000A8900016F000169DC1");
  EXPECT_EQ(session_->outstanding(), 1u);
  EXPECT_EQ(session_->not_ours(), 3u);
  std::vector<std::string> said;
  while (const auto remark = event<ClientSession::Remark>()) {
    EXPECT_TRUE(remark->is_trouble);
    said.push_back(remark->text);
  }
  EXPECT_EQ(said, (std::vector<std::string>{"answer to QN " + qn + " with another PW: no receipt; 1 so far",
                                            "answer to QN " + qn + " with another PW: no receipt; 2 so far",
                                            "answer to QN " + qn + " with another MN: no receipt; 3 so far"}));
  answer("123456", kMn);
  EXPECT_EQ(event<ClientSession::Received>()->ticket, ticket);
}

TEST_F(ClientSessionTest, ThePasswordBeforeTheNewOneIsGoodForWhatWasSentWithIt) {
  start();
  upload();
  const auto frames = sent();
  session_->apply({.password = "xyz789"});
  receipt(frames[0]);
  EXPECT_TRUE(event<ClientSession::Received>());
  upload();
  const std::string qn = head(sent().at(0)).qn;
  session_->received(packet("9014", qn, "", 4, "123456", kMn, "91"), now());
  EXPECT_FALSE(event<ClientSession::Received>());
  session_->received(packet("9014", qn, "", 4, "xyz789", kMn, "91"), now());
  EXPECT_TRUE(event<ClientSession::Received>());
}

TEST_F(ClientSessionTest, AnAnswerToNothingIsNotAnswered) {
  start();
  for (const char* cn : {"9011", "9012"}) {
    session_->received(packet(cn, "20260801100000777", "QnRtn=1", 4, "123456", kMn, "91"), now());
    session_->received(packet(cn, "20260801100000778", "QnRtn=1", 5, "654321", kMn, "91"), now());
  }
  EXPECT_TRUE(sent().empty()) << "two that answer each other's answers never end";
  EXPECT_EQ(session_->requests(), 0u);
}

TEST_F(ClientSessionTest, AnUrgentPacketGoesBeyondAFullWindow) {
  ClientOptions small = options();
  small.window = 1;
  small.beyond_window = 1;
  start(small);
  upload();
  EXPECT_EQ(sent().size(), 1u);
  EXPECT_FALSE(session_->has_room());
  const auto alert = [&] { return *session_->upload("3020", {}, {{Value{"i11001-Info", "//limit//"}}}, now(), true); };
  ASSERT_TRUE(session_->has_urgent_room());
  const auto first = alert();
  EXPECT_FALSE(session_->has_urgent_room()) << "by one";
  alert();
  upload();
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 1u) << "in their order";
  EXPECT_EQ(head(frames[0]).cn, "3020");
  receipt(frames[0]);
  EXPECT_EQ(event<ClientSession::Received>()->ticket, first);
  EXPECT_EQ(head(sent().at(0)).cn, "3020") << "the next one, and no data";
}

TEST_F(ClientSessionTest, NumbersAreNeverUsedTwice) {
  start();
  std::set<std::string> numbers;
  for (int i = 0; i < 50; ++i) {
    if (i == 20) ticks_ -= 3600s;  // the clock is set back
    upload();
    for (const std::string& frame : sent()) {
      EXPECT_TRUE(numbers.insert(head(frame).qn).second) << head(frame).qn;
      receipt(frame);
    }
  }
  EXPECT_EQ(numbers.size(), 50u);
}

TEST_F(ClientSessionTest, WhatIsTooLongGoesInPartsBetweenItems) {
  start();
  std::string text;
  for (int i = 10'000; i < 10'060; ++i) {
    text += (text.empty() ? "a" : ";a") + std::to_string(i) + "-Rtd=123.45,a" + std::to_string(i) + "-Flag=N";
  }
  const auto ticket = upload(text);
  const auto frames = sent();
  ASSERT_GE(frames.size(), 2u);
  std::string together;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_LE(segment_of(frames[i]).size(), kSegmentBytesMax);
    EXPECT_LE(area(frames[i]).size(), kAreaBytesMax);
    EXPECT_EQ(head(frames[i]).part->number, i + 1);
    EXPECT_EQ(head(frames[i]).part->total, frames.size());
    EXPECT_EQ(head(frames[i]).flag->bits, 7);
    EXPECT_TRUE(area(frames[i]).starts_with("DataTime=20260801100000;"));
    together += area(frames[i]).substr(23);
    EXPECT_FALSE(event<ClientSession::Received>()) << "not before the last part";
    receipt(frames[i]);
  }
  EXPECT_EQ(together, ";" + text);
  EXPECT_EQ(event<ClientSession::Received>()->ticket, ticket);
  EXPECT_FALSE(session_->upload("3020", {}, {{Value{"i11001-Info", std::string(951, 'x')}}}, now()));
}

TEST_F(ClientSessionTest, NoPacketIsSentBeforeTheClockShowsItsQn) {
  start();
  for (int i = 0; i < 3; ++i) upload_at_once();
  ASSERT_TRUE(session_->next(now()));
  session_->written();
  EXPECT_FALSE(session_->next(now())) << "the next one of the same millisecond";
  EXPECT_EQ(session_->due(), ticks_ + 1ms);
  ticks_ += 1ms;
  EXPECT_EQ(head(*session_->next(now())).qn, "20260801100000001");
}

// The process is killed while packets are made faster than one a millisecond, and starts again within two.
TEST_F(ClientSessionTest, ASessionOfTheNextLifeRepeatsNoQn) {
  std::set<std::string> numbers;
  for (int life = 0; life < 20; ++life) {
    start();
    for (int i = 0; i < 4; ++i) upload_at_once();
    for (const auto until = ticks_ + 2ms; ticks_ < until; ticks_ += 1ms) {
      while (const auto bytes = session_->next(now())) {
        session_->written();
        EXPECT_TRUE(numbers.insert(head(*bytes).qn).second) << head(*bytes).qn;
      }
    }
  }
  EXPECT_EQ(numbers.size(), 40u);
}

TEST_F(ClientSessionTest, AClockSetBackHoldsNothingUp) {
  start();
  upload();
  EXPECT_EQ(sent().size(), 1u);
  const auto before = now();
  const ClientSession::Moment after{before.ticks, before.local - 1h};
  session_->upload("2011", {{Value{"DataTime", "20260801090000"}}}, *parse_segment("CN=1;CP=&&a05001-Rtd=1.0&&")->area,
                   after);
  const auto bytes = session_->next(after);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(head(*bytes).qn, "20260801100000001") << "the numbers go on in order";
}

TEST_F(ClientSessionTest, WithoutReceiptsWhatIsWrittenHasArrived) {
  ClientOptions with = options();
  with.wants_receipts = false;
  start(with);
  const auto ticket = upload();
  const auto bytes = session_->next(now());
  EXPECT_EQ(head(*bytes).flag->bits, 4);
  EXPECT_FALSE(event<ClientSession::Received>());
  session_->written();
  EXPECT_EQ(event<ClientSession::Received>()->ticket, ticket);
}

TEST_F(ClientSessionTest, AnAllowedChangeIsAnsweredWhenItIsKept) {
  start();
  session_->received(packet("1062", "20260801100000777", "RtdInterval=60"), now());
  const auto asked = event<ClientSession::Asked>();
  ASSERT_TRUE(asked);
  auto frames = sent();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(segment_of(frames[0]),
            "QN=20260801100000777;ST=91;CN=9011;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&QnRtn=1&&");
  session_->apply(std::get<Change>(asked->work).set);
  session_->finish(asked->qn, 1);
  frames = sent();
  EXPECT_EQ(head(frames[0]).cn + area(frames[0]), "9012ExeRtn=1");
  session_->received(packet("1062", "20260801100000777", "RtdInterval=60"), now());
  EXPECT_EQ(sent().size(), 2u) << "asked again, answered again";
  EXPECT_FALSE(event<ClientSession::Asked>()) << "and not done again";
}

TEST_F(ClientSessionTest, WhoDoesNotKnowThePasswordIsNotToldIt) {
  start();
  session_->received(packet("1061", "20260801100000777", "", 5, "000000"), now());
  const auto frames = sent();
  EXPECT_EQ(area(frames[0]), "QnRtn=3");
  EXPECT_EQ(head(frames[0]).pw, "000000");
  EXPECT_TRUE(event<ClientSession::Remark>()->is_trouble);
  EXPECT_EQ(session_->refused(), 1u);
}

TEST_F(ClientSessionTest, SaysOfEachRequestWhichItWas) {
  start();
  session_->received(packet("1064", "20260801100000701", "MinInterval=10"), now());
  session_->received(packet("1062", "20260801100000702", "RtdInterval=60"), now());
  session_->received(packet("4711", "20260801100000703", ""), now());
  std::vector<ClientSession::Remark> remarks;
  while (auto found = session_->take_event()) {
    if (auto* remark = std::get_if<ClientSession::Remark>(&*found)) remarks.push_back(*remark);
  }
  ASSERT_EQ(remarks.size(), 3u);
  EXPECT_EQ(remarks[0].command, "1064");
  EXPECT_TRUE(remarks[0].is_trouble && !remarks[0].is_setting) << "not allowed";
  EXPECT_EQ(remarks[1].command, "1062");
  EXPECT_TRUE(remarks[1].is_setting && !remarks[1].is_trouble);
  EXPECT_EQ(remarks[1].text, "CN 1062: set: RtdInterval 60 s");
  EXPECT_EQ(remarks[2].command, "") << "none of the standard's, of which there are as many as somebody likes";
}

TEST_F(ClientSessionTest, ANewPasswordHoldsForWhatIsSentFromThenOn) {
  start();
  upload();
  session_->received(packet("1072", "20260801100000777", "NewPW=abcdef"), now());
  const auto asked = event<ClientSession::Asked>();
  session_->apply(std::get<Change>(asked->work).set);
  session_->finish(asked->qn, 1);
  for (const std::string& frame : sent()) EXPECT_EQ(head(frame).pw, head(frame).cn == "2011" ? "abcdef" : "123456");
}

TEST_F(ClientSessionTest, AHostilePlatformIsRefusedAndThenLeft) {
  start();
  upload();
  session_->received("GET / HTTP/1.1\r\n\r\n", now());
  session_->received("##9999", now());
  session_->received(packet("9014", "20260801100000999", "", 4), now());
  session_->received(packet("4711", "20260801100000778"), now());
  EXPECT_EQ(area(sent()[0]), "QnRtn=8");
  EXPECT_FALSE(event<ClientSession::Received>());
  for (int i = 0; i < 200; ++i) session_->received("##00x0", now());
  EXPECT_TRUE(event<ClientSession::Useless>());
  session_->connected(now());
  for (int i = 0; i < 100; ++i) session_->received(packet("1061", "202608011000" + std::to_string(10'000 + i)), now());
  EXPECT_TRUE(event<ClientSession::Useless>()) << "it does not read its answers";
}

TEST_F(ClientSessionTest, TheEditionOf2025HasItsVersionAndAHeartbeat) {
  ClientOptions with = options();
  with.limits.version = Flag::kVersion2025;
  with.heartbeat = 60s;
  start(with);
  upload();
  const auto frames = sent();
  EXPECT_EQ(head(frames[0]).flag->bits, 9);
  receipt(frames[0]);
  EXPECT_EQ(session_->due(), ticks_ + 60s);
  ticks_ += 60s;
  const auto beat = sent();
  ASSERT_EQ(beat.size(), 1u);
  EXPECT_EQ(head(beat[0]).cn, "9015");
  EXPECT_EQ(head(beat[0]).flag->bits, 8);
}

TEST_F(ClientSessionTest, TheTimeIsAskedForOnANewConnection) {
  ClientOptions with = options();
  with.asks_for_time = true;
  start(with);
  const auto frames = sent();
  EXPECT_EQ(head(frames[0]).cn, "1013");
  session_->received(packet("9013", head(frames[0]).qn, "", 4), now());
  EXPECT_EQ(session_->outstanding(), 0u);
  ticks_ += 1ms;
  session_->connected(now());
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(sent().size(), 1u);
    ticks_ += 10s;
  }
  EXPECT_TRUE(sent().empty());
  EXPECT_FALSE(event<ClientSession::Useless>()) << "nobody needs to answer it";
}

TEST_F(ClientSessionTest, WhatWasCutOffIsDoneWhenItIsAskedForAgain) {
  start();
  const auto ask = [&] {
    session_->received(packet("2061", "20260801100000777", "BeginTime=20260801000000;EndTime=20260801235959"), now());
  };
  ask();
  ASSERT_TRUE(event<ClientSession::Asked>());
  EXPECT_EQ(sent().size(), 1u);
  session_->lost();
  session_->finish("20260801100000777", 1);  // too late
  session_->connected(now());
  ask();
  const auto again = event<ClientSession::Asked>();
  ASSERT_TRUE(again) << "with the same QN";
  session_->finish(again->qn, 1);
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(head(frames[0]).cn + area(frames[0]), "9011QnRtn=1");
  EXPECT_EQ(head(frames[1]).cn + area(frames[1]), "9012ExeRtn=1");
  session_->lost();
  session_->connected(now());
  ask();
  EXPECT_EQ(sent(), frames) << "what was done is not done again";
  EXPECT_FALSE(event<ClientSession::Asked>());
}

TEST_F(ClientSessionTest, AResultComesHoweverMuchIsAskedMeanwhile) {
  start();
  session_->received(packet("2061", "20260801100000777", "BeginTime=20260801000000;EndTime=20260801235959"), now());
  const auto asked = event<ClientSession::Asked>();
  for (std::size_t i = 0; i < 2 * ClientSession::kRemembered; ++i) {
    session_->received(packet("1061", "202608011001" + std::to_string(10'000 + i)), now());
    sent();
  }
  session_->finish(asked->qn, 1);
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(head(frames[0]).cn + area(frames[0]), "9012ExeRtn=1");
}

}  // namespace
