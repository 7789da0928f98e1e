#include "gateway/sinks/hj212/hj212_sink.h"

#include <gtest/gtest.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <memory>
#include <set>

#include "gateway/sinks/shared/under_way.h"
#include "protocols/hj212/frame.h"
#include "protocols/hj212/segment.h"
#include "protocols/io/event.h"
#include "protocols/io/task_group.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"

namespace carbongate::sinks::hj212 {
namespace {

namespace asio = boost::asio;
namespace codec = carbongate::hj212;
using asio::ip::tcp;
using namespace std::chrono_literals;

constexpr const char* kMn = "010000A8900016F000169DC0";
constexpr const char* kPassword = "123456";

// A platform on a loopback socket: keeps what it gets, and answers what `answers` says.
class Platform {
 public:
  explicit Platform(asio::io_context& loop) : acceptor_(loop, {asio::ip::address_v4::loopback(), 0}) {}

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  asio::awaitable<void> run() {
    for (;;) {
      socket_.emplace(co_await acceptor_.async_accept(asio::use_awaitable));
      ++connections;
      codec::FrameReader reader;
      std::array<char, 4096> bytes;
      for (;;) {
        boost::system::error_code error;
        const std::size_t count =
            co_await socket_->async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
        if (error) break;
        std::string_view rest(bytes.data(), count);
        while (!rest.empty()) {
          rest.remove_prefix(reader.push(rest));
          while (const auto found = reader.next()) take(found->frame.value());
        }
      }
      socket_.reset();
    }
  }
  void ask(const std::string& cn, const std::string& area, const std::string& qn) {
    send("QN=" + qn + ";ST=31;CN=" + cn + ";PW=" + kPassword + ";MN=" + kMn + ";Flag=5;CP=&&" + area + "&&");
  }
  void hang_up() {
    boost::system::error_code ignored;
    socket_->shutdown(tcp::socket::shutdown_both, ignored);
  }
  // Texts of alerts, as they came: "1", by the numbers that the tests give them.
  std::vector<std::string> alerts() const {
    std::vector<std::string> numbers;
    for (const auto& [cn, area] : got) {
      const std::size_t at = area.find("编号 ");
      if (cn == "3020") numbers.push_back(area.substr(at + 7, area.rfind("-0//") - at - 7));
    }
    return numbers;
  }
  std::size_t count(std::string_view cn) const {
    return static_cast<std::size_t>(std::ranges::count_if(got, [&](const auto& one) { return one.first == cn; }));
  }

  std::function<bool(const std::string& area)> answers = [](const std::string&) { return true; };
  std::vector<std::pair<std::string, std::string>> got;  // CN and data area
  std::set<std::string> passwords;                       // of data
  int connections = 0;

 private:
  void take(const codec::Frame& frame) {
    const auto segment = codec::parse_segment(frame.segment);
    const auto head = codec::head_of(*segment);
    const std::string area = to_text(*segment->area);
    got.emplace_back(head->cn, area);
    if (head->st != "91") passwords.insert(head->pw);
    if (!head->flag->wants_answer() || !answers(area)) return;
    send("QN=" + head->qn + ";ST=91;CN=9014;PW=" + head->pw + ";MN=" + head->mn + ";Flag=4;CP=&&&&");
  }
  void send(const std::string& segment) {
    boost::system::error_code ignored;
    asio::write(*socket_, asio::buffer(encode(codec::Frame{.segment = segment})), ignored);
  }

  tcp::acceptor acceptor_;
  std::optional<tcp::socket> socket_;
};

class Hj212SinkTest : public ::testing::Test {
 protected:
  Hj212SinkTest() {
    config_.name = "platform";
    config_.host = "127.0.0.1";
    config_.port = platform_.port();
    config_.where = "platform";
    config_.station = "stack";
    config_.sends_alerts = true;
    config_.options.limits = {.st = "31", .mn = kMn, .allow = {"1000", "1062", "1072"}, .real_time = 30s};
    config_.options.window = 8;
    config_.settings.password = kPassword;
    config_.settings.timeout = 1s;
    config_.settings.retries = 1;
    tasks_.spawn(platform_.run());
  }
  ~Hj212SinkTest() override {  // before what they use is gone
    tasks_.cancel();
    loop_.restart();
    loop_.run_for(50ms);
  }

  void start() {
    sink_ = std::make_unique<Hj212Sink>(config_, loop_.get_executor(), clock_, &store_,
                                        [this](const model::StoredRow& row) { return row.sequence != not_selected_; });
    tasks_.spawn(sink_->attend());
  }
  // Until it holds; time goes on by itself where nothing else happens.
  bool until(const std::function<bool()>& holds) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    loop_.restart();
    while (!holds() && std::chrono::steady_clock::now() < end) {
      if (loop_.run_one_for(5ms) == 0) clock_.advance(100ms);
    }
    return holds();
  }

  static std::shared_ptr<model::Series> series(const std::string& rule) {
    auto made = std::make_shared<model::Series>();
    made->device = "stack";
    made->rule = rule;
    return made;
  }
  model::StoredRow alert(std::uint64_t sequence, const std::shared_ptr<model::Series>& watch) {
    model::Alert alert;
    alert.at = alert.since = Instant(24h * 365 * 53);
    alert.id = std::to_string(sequence);
    return {sequence, watch, alert};
  }
  model::StoredRow report(std::uint64_t sequence) {
    model::Report report;
    report.kind = model::ReportKind::minute;
    report.begin = Instant(24h * 365 * 53) + std::chrono::minutes(sequence);
    report.end = report.begin + 1min;
    report.values.emplace_back().code = "a05001";
    report.values.back().figures.value = 1;
    return {sequence, station_, report};
  }
  void offer(std::vector<model::StoredRow> rows, bool again = false) {
    rows_ = std::move(rows);
    tasks_.spawn(again ? deliver_again() : deliver());
  }
  // As the pump does: what is not settled is offered again.
  asio::awaitable<void> deliver() {
    while (!rows_.empty()) {
      const auto end = rows_.begin() + static_cast<std::ptrdiff_t>(std::min(rows_.size(), sink_->batch_rows()));
      const std::vector<model::StoredRow> rows(rows_.begin(), end);
      settle(co_await sink_->deliver(rows));
    }
  }
  asio::awaitable<void> deliver_again() {
    while (!rows_.empty()) {
      const std::vector<model::StoredRow> rows = rows_;
      settle(co_await sink_->deliver_again(rows));
    }
  }
  // Each packet is answered before the next: one goes beyond that for alerts.
  void answer_one_by_one() { config_.options.window = config_.options.beyond_window = 1; }
  std::vector<model::StoredRow> reports(std::uint64_t count) {
    std::vector<model::StoredRow> rows;
    while (rows.size() < count) rows.push_back(report(rows.size() + 1));
    return rows;
  }

  void settle(const model::Result<ports::Delivery>& delivery) {
    if (!delivery) {
      faults_.insert(delivery.error().code);
      return;
    }
    refused_.insert(refused_.end(), delivery->rejected.begin(), delivery->rejected.end());
    std::erase_if(rows_, [&](const auto& row) { return row.sequence <= delivery->settled_through; });
  }

  asio::io_context loop_;
  testing::FakeClock clock_{loop_.get_executor()};
  testing::FakeDisk disk_;
  testing::FakeStore store_{disk_, model::Site{}};
  Platform platform_{loop_};
  std::shared_ptr<model::Series> station_ = series("");
  Config config_;
  std::unique_ptr<Hj212Sink> sink_;
  io::TaskGroup tasks_{loop_.get_executor()};
  std::vector<model::StoredRow> rows_;
  std::uint64_t not_selected_ = 0;
  std::vector<ports::RejectedRow> refused_;
  std::set<boost::system::error_code> faults_;
};

TEST_F(Hj212SinkTest, AlertsOfOneWatchKeepTheirOrderOverAnOutage) {
  const auto watch = series("limit");
  std::vector<model::StoredRow> rows;
  for (std::uint64_t s = 1; s <= 8; ++s) {  // each of a watch of its own, but the fifth
    rows.push_back(alert(s, s == 5 ? watch : series("another")));
  }
  rows.push_back(alert(9, watch));  // the end of the fifth, for which the window has no place
  platform_.answers = [&](const std::string&) { return platform_.connections > 1; };
  start();
  offer(rows);
  ASSERT_TRUE(until([&] { return platform_.connections == 2; })) << "given up, with eight of them under way";
  EXPECT_EQ(platform_.count("3020"), 16u) << "each sent twice";
  platform_.got.clear();
  ASSERT_TRUE(until([&] { return rows_.empty(); }));
  const auto order = platform_.alerts();
  const auto fifth = std::ranges::find(order, "5");
  const auto ninth = std::ranges::find(order, "9");
  ASSERT_TRUE(fifth != order.end() && ninth != order.end());
  EXPECT_LT(fifth - order.begin(), ninth - order.begin());
}

TEST_F(Hj212SinkTest, TheEndOfAnAlertWaitsUntilItsBeginHasArrived) {
  const auto watch = series("limit");
  int ignored = 0;
  platform_.answers = [&](const std::string& area) { return area.find("编号 1-0") == area.npos || ++ignored > 2; };
  start();
  offer({alert(1, watch), alert(2, watch), alert(3, series("other"))});
  ASSERT_TRUE(until([&] { return rows_.empty(); }));
  EXPECT_EQ(platform_.alerts(), (std::vector<std::string>{"1", "3", "1", "1", "3", "2"}))
      << "no other waits for it; one of them asks whether the platform answers at all";
  EXPECT_TRUE(refused_.empty());
}

TEST_F(Hj212SinkTest, WhatHadItsReceiptBeforeARestartIsNotSentAgain) {
  using Outcome = ports::Attempt::Outcome;
  const std::vector<model::StoredRow> rows = {alert(1, series("limit")), alert(2, series("other")), report(3),
                                              report(4)};
  store_.set_last_sequence(4);
  disk_.recorded["platform"] = {{.sequence = 1, .outcome = Outcome::open},
                                {.sequence = 2, .outcome = Outcome::received},
                                {.sequence = 3, .outcome = Outcome::received}};
  start();
  offer(rows);
  ASSERT_TRUE(until([&] { return rows_.empty(); }));
  EXPECT_EQ(platform_.alerts(), std::vector<std::string>{"1"});
  EXPECT_EQ(platform_.count("2051"), 1u) << "the last one, which nobody knows of";
  EXPECT_TRUE(refused_.empty());
}

TEST_F(Hj212SinkTest, AnAlertDoesNotWaitBehindABacklogOfReports) {
  answer_one_by_one();
  disk_.rows = reports(2000);
  std::size_t before_it = 0;
  platform_.answers = [&](const std::string& area) {
    if (area.find("编号") != area.npos) before_it = platform_.count("2051");
    return true;
  };
  start();
  rows_ = disk_.rows;
  const model::StoredRow last = alert(2001, series("limit"));
  rows_.push_back(last);
  tasks_.spawn(deliver());
  ASSERT_TRUE(until([&] { return platform_.count("2051") == 20; }));
  EXPECT_TRUE(platform_.alerts().empty());
  disk_.rows.push_back(last);
  store_.set_last_notice(2001);
  ASSERT_TRUE(until([&] { return !platform_.alerts().empty(); }));
  EXPECT_LE(before_it, 25u);
  ASSERT_TRUE(until([&] { return rows_.empty(); }));
  EXPECT_EQ(platform_.alerts(), std::vector<std::string>{"2001"}) << "once";
  EXPECT_EQ(platform_.count("2051"), 2000u);
  std::vector<std::string> areas;
  for (const auto& [cn, area] : platform_.got) {
    if (cn == "2051") areas.push_back(area.substr(0, area.find(';')));
  }
  EXPECT_TRUE(std::ranges::is_sorted(areas)) << "reports in their order, which is that of their DataTime";
}

TEST_F(Hj212SinkTest, ABacklogOfReportsGoesOnUnderManyAlerts) {
  answer_one_by_one();
  disk_.rows = reports(1000);
  const std::array watches{series("a"), series("b"), series("c")};
  for (std::uint64_t s = 1001; s <= 1400; ++s) disk_.rows.push_back(alert(s, watches[s % 3]));
  start();
  rows_ = disk_.rows;
  tasks_.spawn(deliver());
  ASSERT_TRUE(until([&] { return platform_.count("3020") == 400; }));
  EXPECT_GE(platform_.count("2051"), 400u / (Hj212Sink::kAlertsInARow + 1) - 1);
  EXPECT_LE(platform_.count("2051"), 700u) << "and alerts go before them";
  ASSERT_TRUE(until([&] { return rows_.empty(); }));
  EXPECT_EQ(platform_.count("3020"), 400u);
  std::array<std::vector<std::string>, 3> of_watch;
  for (const std::string& number : platform_.alerts()) of_watch[std::stoul(number) % 3].push_back(number);
  for (const auto& numbers : of_watch) EXPECT_TRUE(std::ranges::is_sorted(numbers)) << "order per rule kept";
}

TEST_F(Hj212SinkTest, WhatWentAheadOfABacklogBeforeARestartIsNotSentAgain) {
  answer_one_by_one();
  disk_.rows = reports(600);
  const auto watch = series("limit");
  for (std::uint64_t s = 601; s <= 603; ++s) disk_.rows.push_back(alert(s, watch));
  store_.set_last_sequence(603);
  disk_.recorded["platform"] = {{.sequence = 601, .outcome = ports::Attempt::Outcome::received}};
  not_selected_ = 603;
  start();
  rows_ = reports(600);  // no more of it is offered
  tasks_.spawn(deliver());
  ASSERT_TRUE(until([&] { return rows_.empty(); }));
  EXPECT_EQ(platform_.alerts(), std::vector<std::string>{"602"}) << "nor is one sent that is not selected";
  EXPECT_EQ(platform_.got.front().first, "3020");
}

TEST_F(Hj212SinkTest, WithoutReceiptsWhatWasWrittenAheadBeforeARestartIsNotSentAgainEither) {
  config_.options.wants_receipts = false;
  disk_.rows = reports(600);
  disk_.rows.push_back(alert(601, series("limit")));
  store_.set_last_sequence(601);
  disk_.recorded["platform"] = {{.sequence = 601, .outcome = ports::Attempt::Outcome::sent}};
  start();
  rows_ = reports(600);
  tasks_.spawn(deliver());
  ASSERT_TRUE(until([&] { return rows_.empty(); }));
  ASSERT_TRUE(until([&] { return platform_.count("2051") == 600; }));
  EXPECT_EQ(platform_.count("3020"), 0u);
}

TEST_F(Hj212SinkTest, AnAlertsLastChangeFollowsAFormerOneThatIsOfferedAgain) {
  answer_one_by_one();
  const auto watch = series("limit");
  const model::StoredRow begin = alert(1, watch);
  const model::StoredRow end = alert(700, watch);
  disk_.rows = reports(600);
  disk_.rows.front() = begin;
  disk_.rows.push_back(end);
  store_.set_last_notice(700);
  start();
  rows_ = {disk_.rows.begin() + 1, disk_.rows.begin() + 600};  // the first of them is a dead letter
  tasks_.spawn(deliver());
  ASSERT_TRUE(until([&] { return !platform_.alerts().empty(); })) << "it goes ahead";
  ASSERT_TRUE(until([&] { return rows_.empty(); }));
  offer({begin, end}, true);
  ASSERT_TRUE(until([&] { return rows_.empty(); }));
  EXPECT_EQ(platform_.alerts(), (std::vector<std::string>{"700", "1", "700"}))
      << "the platform's last word is the true one";
}

TEST_F(Hj212SinkTest, APlatformThatDoesNotAnswerAsksForNoSmallerBatches) {
  platform_.answers = [](const std::string&) { return false; };
  start();
  offer({report(3)});
  ASSERT_TRUE(until([&] { return !faults_.empty(); }));
  EXPECT_FALSE(faults_.contains(make_error_code(boost::system::errc::timed_out)));
  platform_.answers = [](const std::string&) { return true; };
  EXPECT_TRUE(until([&] { return rows_.empty(); }));
}

TEST_F(Hj212SinkTest, WhatIsRetriedAndIgnoredAgainIsRefusedAfterOneRound) {
  platform_.answers = [](const std::string&) { return false; };
  start();
  offer({report(3), report(5)}, true);
  ASSERT_TRUE(until([&] { return rows_.empty(); })) << "the journal waits behind them";
  ASSERT_EQ(refused_.size(), 2u);
  EXPECT_EQ(refused_[0].sequence, 3u);
  EXPECT_EQ(refused_[0].reason, "offered again, and not answered again");
  EXPECT_EQ(platform_.count("2051"), 4u) << "each twice, on one connection";
}

TEST_F(Hj212SinkTest, WhatIsRetriedWaitsForAPlatformThatIsAway) {
  start();
  int cuts = 0;
  platform_.answers = [&](const std::string&) {
    if (++cuts > 3) return true;
    platform_.hang_up();
    return false;
  };
  offer({report(3)}, true);
  ASSERT_TRUE(until([&] { return rows_.empty(); }));
  EXPECT_TRUE(refused_.empty());
}

TEST_F(Hj212SinkTest, AChangeThatIsCutOffWhileItIsKeptHolds) {
  io::Event is_kept(loop_.get_executor());
  disk_.after_kept = [&] { return is_kept.wait(); };
  start();
  ASSERT_TRUE(until([&] { return platform_.connections == 1; }));
  platform_.ask("1072", "NewPW=abc123", "20260801100000777");
  ASSERT_TRUE(until([&] { return !disk_.kept.empty(); }));
  platform_.hang_up();
  ASSERT_TRUE(until([&] { return platform_.connections == 2; }));
  is_kept.notify_all();
  offer({report(3)});
  ASSERT_TRUE(until([&] { return rows_.empty(); }));
  EXPECT_EQ(platform_.passwords, std::set<std::string>({"abc123"})) << "as after a restart";
}

}  // namespace
}  // namespace carbongate::sinks::hj212
