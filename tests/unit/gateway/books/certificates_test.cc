#include "gateway/books/certificates.h"

#include <gtest/gtest.h>

#include <random>

namespace carbongate::books {
namespace {

using model::Activity;
using namespace std::chrono_literals;

const Instant kMarch = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);
constexpr std::int64_t kMegawattHour = 1'000'000'000;  // in mWh

model::Certificate certificate(std::string serial, std::int64_t mwh, Instant from = kMarch,
                               Instant until = kMarch + 24h) {
  model::Certificate c;
  c.serial = std::move(serial);
  c.user = "works";
  c.carrier = "electricity";
  c.volume = Activity::of(mwh * kMegawattHour);
  c.generated_from = from;
  c.generated_until = until;
  return c;
}

std::vector<Consumption> day(std::initializer_list<std::int64_t> mwh) {
  std::vector<Consumption> consumption;
  for (const std::int64_t amount : mwh) {
    consumption.push_back(
        {"works", "electricity", kMarch + consumption.size() * 1h, Activity::of(amount * kMegawattHour), {}});
  }
  return consumption;
}

Activity certified(const std::vector<Consumption>& consumption) {
  Activity sum;
  for (const Consumption& c : consumption) sum += c.certified;
  return sum;
}

TEST(Certificates, AreSpreadInProportionToWhatWasConsumed) {
  auto consumption = day({1, 3, 4});
  const std::vector certificates{certificate("GEC-1", 4)};
  EXPECT_TRUE(match(certificates, consumption).empty());
  EXPECT_EQ(consumption[0].certified.quanta(), kMegawattHour / 2);
  EXPECT_EQ(consumption[1].certified.quanta(), 3 * kMegawattHour / 2);
  EXPECT_EQ(consumption[2].certified.quanta(), 2 * kMegawattHour);
}

TEST(Certificates, NeverMatchMoreThanWasConsumed) {
  auto consumption = day({1, 1});
  const std::vector certificates{certificate("GEC-2", 3), certificate("GEC-1", 1)};
  const auto unused = match(certificates, consumption);
  ASSERT_EQ(unused.size(), 1u);
  EXPECT_EQ(unused[0].certificate->serial, "GEC-2") << "by serial, whatever their order in the file";
  EXPECT_EQ(unused[0].amount.quanta(), 2 * kMegawattHour);
  EXPECT_EQ(certified(consumption).quanta(), 2 * kMegawattHour);
}

TEST(Certificates, CountForTheirOwnPeriodUserAndCarrierAlone) {
  auto consumption = day({1, 1, 1});
  consumption[1].user = "another";
  consumption[2].carrier = "heat";
  const std::vector certificates{certificate("before", 1, kMarch - 24h, kMarch),
                                 certificate("GEC-1", 1, kMarch, kMarch + 1ms)};
  const auto unused = match(certificates, consumption);
  ASSERT_EQ(unused.size(), 1u);
  EXPECT_EQ(unused[0].certificate->serial, "before");
  EXPECT_EQ(consumption[0].certified, consumption[0].amount);
  EXPECT_EQ(consumption[1].certified, Activity{});
  EXPECT_EQ(consumption[2].certified, Activity{});
}

TEST(Certificates, OfAnHourComeBeforeThoseOfADaySoThatBothFindRoom) {
  auto consumption = day({1, 1});
  const std::vector certificates{certificate("day", 1), certificate("hour", 1, kMarch, kMarch + 1h)};
  EXPECT_TRUE(match(certificates, consumption).empty());
  EXPECT_EQ(certified(consumption).quanta(), 2 * kMegawattHour);
}

TEST(Certificates, LeaveNothingOfTheEmissionOfWhatIsMatchedInFull) {
  model::Emitted market;
  market.co2e = model::Co2e::of(609'601);
  market.gases[model::Gas::co2] = model::GasMass::of(609'601);
  market.u95_activity = model::Co2e::of(7);
  EXPECT_EQ(unmatched_part(market, Activity::of(3), Activity::of(3)), model::Emitted{});
  EXPECT_EQ(unmatched_part(market, Activity::of(3), Activity::of(0)), market);
  EXPECT_EQ(unmatched_part(market, Activity::of(3), Activity::of(1)).co2e.quanta(), 406'400);
}

TEST(Certificates, AddUpExactlyHoweverTheyAreCut) {
  std::mt19937_64 random(23);
  for (int round = 0; round < 500; ++round) {
    std::vector<Consumption> consumption;
    Activity consumed;
    for (int i = 0; i < 96; ++i) {
      const auto amount = Activity::of(static_cast<std::int64_t>(random() % 5'000'000) - 500'000);
      consumption.push_back({"works", "electricity", kMarch + i * 15min, amount, {}});
      if (amount > Activity{}) consumed += amount;
    }
    std::vector<model::Certificate> certificates;
    Activity volume;
    for (std::uint64_t i = 0, n = random() % 6; i < n; ++i) {
      certificates.push_back(certificate("GEC-" + std::to_string(i), 0));
      certificates.back().volume = Activity::of(static_cast<std::int64_t>(random() % 200'000'000));
      volume += certificates.back().volume;
    }
    Activity left;
    for (const Unused& unused : match(certificates, consumption)) left += unused.amount;
    ASSERT_EQ(certified(consumption), std::min(volume, consumed));
    ASSERT_EQ(left, volume - certified(consumption));
    for (const Consumption& c : consumption) {
      ASSERT_GE(c.certified, Activity{});
      ASSERT_LE(c.certified, std::max(c.amount, Activity{}));
    }
  }
}

}  // namespace
}  // namespace carbongate::books
