// What was measured while the gateway was away is heard afterwards, older than the clock: arrivals.h.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/algorithm/string/join.hpp>
#include <map>
#include <random>
#include <sstream>

#include "tests/support/rounds.h"
#include "tests/unit/gateway/pipeline/alert_fixture.h"

namespace carbongate::pipeline {
namespace {

using model::AlertRule;
using model::Measure;
using namespace std::chrono_literals;

// Meters, each a device, that publish by a broker, and one that is asked.
class AlertBacklog : public AlertsTest {
 protected:
  PointId add_meter(const std::string& device, const std::string& source) {
    PointLimits limits;
    limits.gap_max = 1min;
    const PointId point = site_.add_point("p", Kind::instantaneous, "kW", limits);
    site_.site.points[index(point)].device = device;
    sources_[device] = source;
    return point;
  }
  void watch_over(const std::vector<PointId>& meters) {
    AlertRule& over = rule("over", Measure::value);
    over.above = 100;
    over.hold_for = 15s;
    for (const PointId meter : meters) watch_point(meter);
  }
  void watch_silence(const std::vector<PointId>& meters) {
    rule("silent", Measure::silence).length = 60s;
    for (const PointId meter : meters) watch_point(meter);
  }

  void hear(const Reading& one, Instant received) {
    const Batch batch{.source = sources_.at(site_.site.points[index(one.point)].device),
                      .received = received,
                      .readings = {one},
                      .settled = {}};
    note(pipeline_->ingest({&batch, 1}, received));
  }
  // Stamped by the device.
  void hear(PointId point, std::string_view at, double value, std::string_view received) {
    hear(stamped(point, utc(day_ + std::string(at)), value), utc(day_ + std::string(received)));
  }
  static Reading stamped(PointId point, Instant at, double value) {
    Reading one = reading(point, at, value);
    one.stamped_by = StampedBy::device;
    return one;
  }
  // Each second, as a gateway does.
  void beat(Instant from, Instant until) {
    for (Instant now = from; now < until; now += 1s) note(pipeline_->pass(now));
  }
  void beat(std::string_view from, std::string_view until) {
    beat(utc(day_ + std::string(from)), utc(day_ + std::string(until)));
  }
  void restart_at(Instant now) {
    restart();
    pipeline_->resume(now, sources_);
  }
  void restart_at(std::string_view at) { restart_at(utc(day_ + std::string(at))); }

  std::map<std::string, std::string> sources_;
};

TEST_F(AlertBacklog, AValueInItDoesNotLastUntilTheClock) {
  const PointId meter = add_meter("a", "mqtt");
  watch_over({meter});
  start();
  hear(meter, "12:00:00", 150, "12:00:00");
  restart_at("12:05:00");
  beat("12:05:01", "12:05:03");
  EXPECT_EQ(told(), "") << "what comes next has not been heard";
  hear(meter, "12:00:10", 50, "12:05:03");
  hear(meter, "12:00:20", 150, "12:05:03");
  beat("12:05:04", "12:05:13");
  hear(meter, "12:00:30", 50, "12:05:13");
  hear(meter, "12:00:40", 150, "12:05:13");
  beat("12:05:14", "12:05:38");
  EXPECT_EQ(told(), "");
  beat("12:05:38", "12:05:40");
  EXPECT_EQ(told(), "06-01 12:00:55 over a.p firing since 06-01 12:00:40 150/100\n") << "the queue ended with it";
}

TEST_F(AlertBacklog, AMeterWhoseReadingsAreStillInTheQueueIsNotSilent) {
  const PointId first = add_meter("a", "mqtt");
  const PointId second = add_meter("b", "mqtt");
  const PointId asked = add_meter("c", "modbus");
  watch_silence({first, second, asked});
  start();
  for (const PointId point : {first, second, asked}) hear(point, "12:00:00", 50, "12:00:00");
  restart_at("12:05:00");
  beat("12:05:01", "12:05:05");
  for (int i = 0; i < 20; ++i) {  // of the first one, for twenty seconds
    const Instant now = utc(day_ + "12:05:05") + 1s * i;
    hear(stamped(first, utc(day_ + "12:00:02") + 2s * i, 50), now);
    hear(reading(asked, now, 50), now);
    beat(now, now + 1s);
  }
  // But that the one that is asked was not heard.
  EXPECT_EQ(told(),
            "06-01 12:01:00 silent c.p firing since 06-01 12:01:00\n06-01 12:05:05 silent c.p resolved since 06-01 "
            "12:01:00 #1\n");
  hear(second, "12:00:42", 50, "12:05:25");
  beat("12:05:26", "12:06:20");
  EXPECT_EQ(told(), "");
}

TEST_F(AlertBacklog, ADeadMeterAmongOthersIsSilentOnceTheirsAreThrough) {
  const PointId dead = add_meter("a", "mqtt");
  const PointId other = add_meter("b", "mqtt");
  watch_silence({dead, other});
  start();
  hear(dead, "12:00:00", 50, "12:00:00");
  hear(other, "12:00:00", 50, "12:00:00");
  restart_at("12:05:00");
  for (int i = 1; i <= 30; ++i) {  // half a second each
    const Instant now = utc(day_ + "12:05:00") + 500ms * i;
    hear(stamped(other, utc(day_ + "12:00:00") + 10s * i, 50), now);
    note(pipeline_->pass(now));
    if (i == 6) {
      EXPECT_EQ(told(), "");
    }
    if (i == 7) {
      EXPECT_EQ(told(), "06-01 12:01:00 silent a.p firing since 06-01 12:01:00\n");
    }
  }
  EXPECT_EQ(told(), "");
}

TEST_F(AlertBacklog, AfterAStartIsToldWithinTheGraceWhatNothingIsHeardOf) {
  const PointId meter = add_meter("a", "mqtt");
  watch_silence({meter});
  start();
  hear(meter, "12:00:00", 50, "12:00:00");
  restart_at("12:05:00");
  beat("12:05:00", "12:05:10");
  EXPECT_EQ(told(), "");
  beat("12:05:10", "12:05:11");
  EXPECT_EQ(told(), "06-01 12:01:00 silent a.p firing since 06-01 12:01:00\n");
}

TEST_F(AlertBacklog, ASourceThatEndsInItIsSilent) {
  const PointId first = add_meter("a", "mqtt");
  const PointId second = add_meter("b", "mqtt");
  watch_silence({first, second});
  start();
  hear(first, "12:00:00", 50, "12:00:00");
  hear(second, "12:00:00", 50, "12:00:00");
  restart_at("12:05:00");
  hear(first, "12:00:10", 50, "12:05:02");
  beat("12:05:02", "12:05:13");
  EXPECT_EQ(told(), "") << "there may be more";
  beat("12:05:13", "12:05:14");
  EXPECT_EQ(told(), "06-01 12:01:00 silent b.p firing since 06-01 12:01:00\n");
  beat("12:05:14", "12:06:11");
  EXPECT_EQ(told(), "");
  beat("12:06:11", "12:06:17");  // so long after it was heard, to a sixteenth
  EXPECT_EQ(told(), "06-01 12:01:10 silent a.p firing since 06-01 12:01:10\n");
}

TEST_F(AlertBacklog, TheNetworkWasAway) {
  const PointId first = add_meter("a", "mqtt");
  const PointId second = add_meter("b", "mqtt");
  watch_silence({first, second});
  start();
  hear(first, "12:00:00", 50, "12:00:00");
  hear(second, "12:00:00", 50, "12:00:00");
  beat("12:00:01", "12:01:05");  // the grace is not over
  hear(first, "12:00:10", 50, "12:01:05");
  for (int i = 0; i < 20; ++i) {
    const Instant now = utc(day_ + "12:01:06") + 1s * i;
    hear(stamped(first, utc(day_ + "12:00:11") + 1s * i, 50), now);
    beat(now, now + 1s);
  }
  hear(second, "12:00:31", 50, "12:01:26");
  EXPECT_EQ(told(), "");
}

TEST_F(AlertBacklog, OfADeviceThatIsAlwaysBehindTimePassesByItsOwnStamps) {
  const PointId logger = add_meter("a", "mqtt");
  const PointId asked = add_meter("c", "modbus");
  watch_over({logger});
  start();
  const auto play = [&](int from, int until, double value) {
    for (int i = from; i < until; ++i) {
      const Instant now = utc(day_ + "12:02:30") + 1s * i;
      hear(reading(asked, now, 50), now);
      beat(now, now + 1s);
      if (i % 10 == 0) hear(stamped(logger, utc(day_ + "12:00:00") + 1s * i, value), now);
    }
  };
  for (int i = 0; i < 100; i += 20) {  // never for fifteen seconds
    play(i, i + 10, 150);
    play(i + 10, i + 20, 50);
  }
  EXPECT_EQ(told(), "");
  play(100, 120, 150);
  EXPECT_EQ(told(), "");
  play(120, 121, 150);
  EXPECT_EQ(told(), "06-01 12:01:55 over a.p firing since 06-01 12:01:40 150/100\n")
      << "as soon as it is heard to have held";
}

// What is not heard yet after a start may be as far behind as it was.
TEST_F(AlertBacklog, AfterAStartTheCoverageOfALoggerIsJudgedByItsOwnStamps) {
  const PointId logger = add_meter("a", "mqtt");
  const model::AccountId account = site_.add_account(logger);
  AlertRule& coverage = rule("coverage", Measure::coverage);
  coverage.period = model::Period::hour;
  coverage.below = 90;
  watch_user("press", {account}).unit = "%";
  start();
  const Duration behind = 2h + 30min;
  Instant at = utc(day_ + "09:00:00");
  for (; at < utc(day_ + "10:19:00"); at += 30s) hear(stamped(logger, at, 50), at + behind);
  restart_at(at + behind);
  beat(at + behind, at + behind + 30min);
  EXPECT_EQ(told(), "") << "the hour from 10:00 goes on";
  for (; at < utc(day_ + "11:05:00"); at += 30s) hear(stamped(logger, at, 50), at + behind + 30min);
  EXPECT_EQ(told(), "");
  beat(at + behind + 30min, at + behind + 3h);
  EXPECT_EQ(told(), "06-01 12:00:00 coverage press firing since 06-01 12:00:00 7.5/90\n") << "it is dead";
}

class AnyBacklog : public AlertBacklog, public ::testing::WithParamInterface<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Seeds, AnyBacklog, ::testing::Range(1u, kSanitized ? 10u : 60u));

// Twenty meters that publish each ten seconds, some of which die or pause, one that is always late, and one that is
// asked. The gateway is away twice, and the queue comes at any rate.
TEST_P(AnyBacklog, GivesTheAlertsOfAReplayAndNoOthers) {
  std::mt19937_64 random(GetParam());
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  constexpr Duration kLate = 150s;
  std::vector<PointId> meters;
  for (int i = 0; i < 20; ++i) meters.push_back(add_meter("m" + std::to_string(i), "mqtt"));
  const PointId logger = add_meter("logger", "mqtt of loggers");
  const PointId asked = add_meter("asked", "modbus");
  std::vector<PointId> all = meters;
  all.push_back(logger);
  watch_over(all);
  watch_silence(meters);
  AlertRule& power = rule("power", Measure::rate);
  power.above = 180;
  power.hold_for = 25s;
  const std::vector<model::AccountId> accounts{site_.add_account(meters[0]), site_.add_account(meters[1])};
  watch_user("hall", accounts).unit = "kW";

  const Instant begin = utc("2023-06-01 00:00");
  const Instant end = begin + 20min;
  std::vector<Reading> published;
  for (const PointId meter : all) {
    const Instant dies = below(4) == 0 ? begin + 1s * below(1200) : end;
    const Instant pauses = below(4) == 0 ? begin + 1s * below(1000) : end;
    for (Instant at = begin + 1ms * below(10'000); at < dies; at += 10s) {
      if (at < pauses || at > pauses + 150s) published.push_back(stamped(meter, at, below(2) == 0 ? 150 : 50));
    }
  }
  std::vector<std::pair<Instant, Reading>> sent;
  for (const Reading& one : published) sent.emplace_back(one.at + (one.point == logger ? kLate : 10ms), one);
  std::ranges::sort(sent, {}, [](const auto& one) { return std::pair(one.first, one.second.point); });

  start();
  std::vector<std::pair<Instant, Instant>> away{{begin + 200s, begin + 200s + 1s * (1 + below(300))}};
  away.emplace_back(begin + 800s, begin + 800s + 1s * (1 + below(300)));
  std::size_t next = 0;
  std::vector<Reading> heard;
  for (Instant now = begin; now < end + 10min; now += 100ms) {
    if (!away.empty() && now >= away.front().first) {
      now = away.front().second;
      away.erase(away.begin());
      restart_at(now);
    }
    for (std::int64_t n = 1 + below(5); n > 0 && next < sent.size() && sent[next].first <= now; --n) {
      heard.push_back(sent[next].second);
      hear(sent[next++].second, now);
    }
    if (now.time_since_epoch() % 5s == 0s && now < end) {
      heard.push_back(reading(asked, now, 50));
      hear(heard.back(), now);
    }
    if (now.time_since_epoch() % 1s == 0s) note(pipeline_->pass(now));
  }
  ASSERT_EQ(next, sent.size());
  const auto lines = [&] {
    std::vector<std::string> found;
    std::istringstream text(told());
    for (std::string line; std::getline(text, line);) found.push_back(line);
    std::ranges::sort(found);
    return boost::algorithm::join(found, "\n");
  };
  const std::string live = lines();
  EXPECT_GT(std::ranges::count(live, '\n'), 20);

  start();
  std::ranges::sort(heard, {}, [](const Reading& one) { return std::pair(one.at, one.point); });
  for (const Reading& one : heard) hear(one, one.at);
  note(pipeline_->pass(end + 10min));
  EXPECT_EQ(lines(), live);
}

}  // namespace
}  // namespace carbongate::pipeline
