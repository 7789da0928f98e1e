#include "gateway/books/certificates.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "gateway/model/factor.h"
#include "gateway/model/stated.h"
#include "gateway/pipeline/emission.h"

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
  c.users = {"works"};
  c.carrier = "electricity";
  c.volume = Activity::of(mwh * kMegawattHour);
  c.generated_from = from;
  c.generated_until = until;
  return c;
}

// `mg_per_kwh`: of its factor.
model::Certificate contract(std::string serial, std::int64_t mwh, std::int64_t mg_per_kwh,
                            std::vector<std::string> users = {"works"}) {
  model::Certificate c = certificate(std::move(serial), mwh);
  c.users = std::move(users);
  c.contract.emplace().scaled_factor = mg_per_kwh * (model::kFactorScale / 1'000'000);
  c.contract->factor_text = std::to_string(mg_per_kwh) + " mgCO2e/kWh";
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

model::Emitted left_of(const model::Emitted& market, std::int64_t amount, std::int64_t certified, MarketCarry& carry) {
  const std::vector shares{SerialShare{.serial = "GEC-1", .amount = Activity::of(certified)}};
  return market_based(market, Activity::of(amount), shares, 0, carry);
}

TEST(Certificates, LeaveNothingOfTheEmissionOfWhatIsMatchedInFull) {
  model::Emitted market;
  market.co2e = model::Co2e::of(609'601);
  market.gases[model::Gas::co2] = model::GasMass::of(609'601);
  market.u95_activity = model::Co2e::of(7);
  MarketCarry carry;
  EXPECT_EQ(left_of(market, 3, 1, carry).co2e.quanta(), 406'401) << "406400.67";
  EXPECT_EQ(left_of(market, 3, 3, carry), model::Emitted{});
  EXPECT_EQ(market_based(market, Activity::of(3), {}, 0, carry), market);
  EXPECT_EQ(left_of(market, 3, 1, carry).co2e.quanta(), 406'400) << "with what the first one had too much";
}

// 1862.4 kWh, +-1.291 %, at 0.6096 kg/kWh, of which a certificate of 0.3 MWh matches a part: (1862.4 +- 24.044 - 300)
// kWh
// * 0.6096 kg/kWh = 952.43904 +- 14.657 kg.
TEST(Certificates, LeaveAllThatTheMeterErrsByInWhatTheyDoNotMatch) {
  model::Emitted market;
  market.co2e = model::Co2e::of(1'135'319'040);
  market.u95_activity = model::Co2e::of(14'656'969);
  market.u95_factor = model::Co2e::of(113'531'904);  // 10 %
  MarketCarry carry;
  const model::Emitted left = left_of(market, 1'862'400'000, 300'000'000, carry);
  EXPECT_EQ(left.co2e.quanta(), 952'439'040);
  EXPECT_EQ(left.u95_activity.quanta(), 14'656'969) << "of the whole amount";
  EXPECT_EQ(left.u95_factor.quanta(), 95'243'904) << "10 % of what is left";
}

// 10 kWh, +-1 %: 4 kWh are certified, and a contract delivers the rest at 0.05 kg/kWh +-5 %.
TEST(Contracts, ThatDeliverAllTheRestErrAsMuchAsTheMeter) {
  model::Emitted market;
  market.co2e = model::Co2e::of(6'096'000);
  market.u95_activity = model::Co2e::of(60'960);
  model::Certificate ppa = contract("PPA-7", 6, 50'000);
  ppa.contract->u95_ppm = 50'000;
  const std::vector shares{
      SerialShare{.serial = "GEC-1", .amount = Activity::of(4'000'000)},
      SerialShare{.serial = ppa.serial, .amount = Activity::of(6'000'000), .contract = &*ppa.contract}};
  MarketCarry carry;
  const model::Emitted known = market_based(market, Activity::of(10'000'000), shares, 10'000, carry);
  EXPECT_EQ(known.co2e.quanta(), 300'000);
  EXPECT_EQ(known.u95_activity.quanta(), 5'000) << "+-0.1 kWh at 0.05 kg/kWh";
  EXPECT_EQ(known.u95_factor.quanta(), 15'000);
}

// 3 of 10 kWh by one contract in two deliveries, 4 by another, the rest at 0.6 kg/kWh +-10 %.
TEST(Contracts, ErrApartFromEachOtherAndFromTheResidualMix) {
  model::Emitted market;
  market.co2e = model::Co2e::of(6'000'000);
  market.u95_factor = model::Co2e::of(600'000);
  model::Certificate first = contract("PPA-7", 3, 500'000);
  first.contract->u95_ppm = 400'000;
  model::Certificate second = contract("PPA-8", 4, 500'000);
  second.contract->id = "PPA-8";
  second.contract->u95_ppm = 120'000;
  const std::vector shares{
      SerialShare{.serial = "PPA-7/1", .amount = Activity::of(1'000'000), .contract = &*first.contract},
      SerialShare{.serial = "PPA-7/2", .amount = Activity::of(2'000'000), .contract = &*first.contract},
      SerialShare{.serial = "PPA-8/1", .amount = Activity::of(4'000'000), .contract = &*second.contract}};
  MarketCarry carry;
  const model::Emitted known = market_based(market, Activity::of(10'000'000), shares, 0, carry);
  EXPECT_EQ(known.co2e.quanta(), 1'800'000 + 1'500'000 + 2'000'000);
  EXPECT_EQ(known.u95_factor.quanta(), std::llround(std::sqrt(180e3 * 180e3 + 600e3 * 600e3 + 240e3 * 240e3)));
}

// 4 of 10 kWh by a contract at 0.05 kg/kWh, the rest at 0.6 kg/kWh; the meter +-1 %.
TEST(Contracts, AreNoReasonToCallAnUncertaintyStatedThatIsNotInPart) {
  const auto known = [](std::int32_t contract_ppm, std::int64_t residual, std::int64_t meter, int volume) {
    model::Emitted market;
    market.co2e = model::Co2e::of(6'000'000);
    market.u95_activity = model::Co2e::of(meter);
    market.u95_factor = model::Co2e::of(residual);
    model::Certificate ppa = contract("PPA-7", volume, 50'000);
    ppa.contract->u95_ppm = contract_ppm;
    const std::vector shares{
        SerialShare{.serial = ppa.serial, .amount = Activity::of(volume * 1'000'000), .contract = &*ppa.contract}};
    MarketCarry carry;
    return market_based(market, Activity::of(10'000'000), shares, meter == 0 ? 0 : 10'000, carry);
  };
  const auto stated = [&](std::int32_t contract_ppm, std::int64_t residual, std::int64_t meter, int volume = 4) {
    return model::stated(known(contract_ppm, residual, meter, volume), model::Quality{});
  };
  using model::Stated;
  EXPECT_EQ(stated(100'000, 600'000, 60'000), Stated::all);
  EXPECT_EQ(stated(100'000, 0, 60'000), Stated::part) << "the residual mix states none";
  EXPECT_EQ(stated(0, 600'000, 60'000), Stated::part) << "the contract states none";
  EXPECT_EQ(stated(0, 0, 60'000), Stated::part);
  EXPECT_EQ(stated(100'000, 0, 0), Stated::part);
  EXPECT_EQ(stated(0, 0, 0), Stated::none);
  EXPECT_EQ(stated(100'000, 0, 60'000, 10), Stated::all) << "nothing is left for the residual mix";
  EXPECT_EQ(stated(0, 600'000, 60'000, 10), Stated::part);
  EXPECT_EQ(known(100'000, 0, 60'000, 4).u95().quanta(), 60'000) << "by the meter alone";
  EXPECT_EQ(known(100'000, 0, 0, 4).u95().quanta(), 20'000) << "10 % of 0.2 kg";
}

// 44613.034 kWh and a certificate of 7 MWh.
TEST(Certificates, LeaveSumsThatAreExact) {
  constexpr std::int64_t kFactor = 609'600;  // mg per kWh
  const std::int64_t consumed = 44'613'034'000;
  std::vector<Consumption> consumption;
  std::int64_t reached = 0;
  for (std::int64_t i = 1; i <= 2'976; ++i) {
    const std::int64_t until_here = consumed / 2'976 * i + (i == 2'976 ? consumed % 2'976 : i * i % 997);
    consumption.push_back({"works", "electricity", kMarch + i * 15min, Activity::of(until_here - reached), {}});
    reached = until_here;
  }
  std::vector certificates{certificate("G1", 7, kMarch, kMarch + 24h * 32)};
  std::vector<Share> shares;
  ASSERT_TRUE(match(certificates, consumption, shares).empty());
  ASSERT_EQ(shares.size(), consumption.size());
  MarketCarry carry;
  std::int64_t remainder = 0;
  std::int64_t known = 0;
  for (const Share& share : shares) {
    const Consumption& c = consumption[share.consumption];
    model::Emitted market;
    market.co2e = model::Co2e::of(pipeline::multiply(c.amount, kFactor * (model::kFactorScale / 1'000'000), remainder));
    const std::int64_t left = left_of(market, c.amount.quanta(), share.amount.quanta(), carry).co2e.quanta();
    const double exact = static_cast<double>((c.amount - share.amount).quanta()) * kFactor / 1e6;
    EXPECT_NEAR(static_cast<double>(left), exact, 2)
        << "of an entry that is less than 1 mg off without the certificate";
    known += left;
  }
  EXPECT_EQ(known, 22'928'905'526) << "(44613.034 - 7000) * 0.6096 = 22928.9055264 kg";
}

TEST(Contracts, AreMatchedAfterTheCertificatesOfTheirPeriodAndNeverTogetherAboveWhatWasConsumed) {
  auto consumption = day({1, 3});
  const std::vector certificates{contract("PPA-7/2026-03-01", 3, 50'000), certificate("GEC-1", 2)};
  std::vector<Share> shares;
  const auto unused = match(certificates, consumption, shares);
  ASSERT_EQ(unused.size(), 1u);
  EXPECT_EQ(unused[0].certificate->serial, "PPA-7/2026-03-01");
  EXPECT_EQ(unused[0].amount.quanta(), kMegawattHour);
  EXPECT_EQ(certified(consumption).quanta(), 4 * kMegawattHour);
  ASSERT_EQ(shares.size(), 4u);
  EXPECT_EQ(shares[0].certificate, 1u) << "the certificate first";
  EXPECT_EQ(shares[1].amount.quanta(), kMegawattHour / 2);
}

TEST(Contracts, AreSpreadOverAllTheirUsersAndNobodyElse) {
  auto consumption = day({1, 1, 2, 4});
  consumption[1].user = "another";
  consumption[3].user = "third";
  const std::vector certificates{contract("PPA-7", 2, 0, {"works", "another"})};
  EXPECT_TRUE(match(certificates, consumption).empty());
  EXPECT_EQ(consumption[0].certified.quanta(), kMegawattHour / 2);
  EXPECT_EQ(consumption[1].certified.quanta(), kMegawattHour / 2);
  EXPECT_EQ(consumption[2].certified.quanta(), kMegawattHour);
  EXPECT_EQ(consumption[3].certified, Activity{});
}

// 4.79 kWh and 1.92 kWh in each of 96 quarter hours, and 300 kWh: however they take turns, no user gets a share of the
// other's.
TEST(Contracts, AreDividedAmongTheirUsersToTheQuantum) {
  std::vector<Consumption> consumption;
  for (int i = 0; i < 96; ++i) {
    consumption.push_back({"works", "electricity", kMarch + i * 15min, Activity::of(4'791'667), {}});
    consumption.push_back({"another", "electricity", kMarch + i * 15min, Activity::of(1'916'667), {}});
  }
  std::vector<model::Certificate> certificates{contract("PPA-7", 0, 0, {"works", "another"})};
  certificates[0].volume = Activity::of(300'000'000);
  EXPECT_TRUE(match(certificates, consumption).empty());
  Activity works, another;
  for (const Consumption& c : consumption) (c.user == "works" ? works : another) += c.certified;
  EXPECT_EQ(works.quanta(), 300'000'000LL * 4'791'667 / (4'791'667 + 1'916'667));
  EXPECT_EQ((works + another).quanta(), 300'000'000);
}

TEST(Contracts, EmitTheirFactorTimesWhatTheyDeliveredToTheMilligram) {
  std::mt19937_64 random(29);
  for (int round = 0; round < 300; ++round) {
    std::vector<Consumption> consumption;
    for (int i = 0; i < 96; ++i) {
      const auto amount = Activity::of(static_cast<std::int64_t>(random() % 5'000'000));
      consumption.push_back({i % 2 == 0 ? "works" : "another", "electricity", kMarch + i / 2 * 15min, amount, {}});
    }
    std::vector<model::Certificate> certificates{contract("PPA-7", 0, 0, {"works", "another"})};
    certificates[0].volume = Activity::of(static_cast<std::int64_t>(random() % 300'000'000));
    certificates[0].contract->scaled_factor = static_cast<std::int64_t>(random() % 1'000'000'000'000);
    std::vector<Share> shares;
    match(certificates, consumption, shares);
    Activity delivered;
    for (const std::int64_t user : {0, 1}) {
      Activity amount;
      model::Co2e co2e;
      MarketCarry carry;
      for (const Share& share : shares) {
        if (share.consumption % 2 != user) continue;
        const std::vector of_serial{
            SerialShare{.serial = "PPA-7", .amount = share.amount, .contract = &*certificates[0].contract}};
        amount += share.amount;
        co2e += market_based({}, consumption[share.consumption].amount, of_serial, 0, carry).co2e;
      }
      delivered += amount;
      const auto exact = static_cast<__int128>(amount.quanta()) * certificates[0].contract->scaled_factor;
      const auto twice = static_cast<std::int64_t>(2 * exact / model::kFactorScale);
      ASSERT_LE(std::llabs(2 * co2e.quanta() - twice), 1) << "rounded once";
    }
    ASSERT_EQ(delivered, certified(consumption));
  }
}

TEST(Contracts, TakeThePlaceOfTheResidualMixInTheEntry) {
  model::EmissionEntry entry;
  entry.amount = Activity::of(10'000'000);  // 10 kWh at 0.6096 kg/kWh
  entry.market.emplace().emitted.co2e = model::Co2e::of(6'096'000);
  entry.market->emitted.gases[model::Gas::co2] = model::GasMass::of(6'096'000);
  entry.market->emitted.u95_activity = model::Co2e::of(60'960);
  const model::Certificate ppa = contract("PPA-7/2026-03", 4, 50'000);
  const std::vector shares{
      SerialShare{.serial = ppa.serial, .amount = Activity::of(4'000'000), .contract = &*ppa.contract}};
  model::Account account;
  account.carrier = model::find_carrier("electricity");
  account.activity_u95_ppm = 10'000;
  MarketCarry carry;
  const auto correction = certificate_correction(layers_of(std::span(&entry, 1)), shares, account, carry, kMarch);
  ASSERT_TRUE(correction);
  EXPECT_EQ(correction->correction->note, "PPA-7/2026-03: 4 kWh at 50000 mgCO2e/kWh of 10 kWh");
  EXPECT_EQ(serials_in("why (" + correction->correction->note + ")"), std::vector<std::string>{"PPA-7/2026-03"});
  model::Emitted known = entry.market->emitted;
  known += correction->market->emitted;
  EXPECT_EQ(known.co2e.quanta(), 6 * 609'600 + 4 * 50'000);
  EXPECT_EQ(known.gases[model::Gas::co2].quanta(), 6 * 609'600);
  EXPECT_EQ(known.gases[model::Gas::unsplit].quanta(), 4 * 50'000);
  EXPECT_EQ(known.u95_activity.quanta(), 10 * 6'096) << "the 4 kWh are exact: 6 kWh are left, +-1 % of 10 kWh";
  const std::vector<model::EmissionEntry> revisions{entry, *correction};
  EXPECT_FALSE(certificate_correction(layers_of(revisions), shares, account, carry, kMarch)) << "booked once";
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
