#include "gateway/app/certificates_section.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>

namespace carbongate::app {
namespace {

class CertificatesSectionTest : public testing::Test {
 protected:
  CertificatesSectionTest() {
    model::Account account;
    account.user = "works";
    account.carrier = model::find_carrier("electricity");
    account.scope = model::Scope::energy;
    site_.accounts.push_back(account);
    account.user = "paint";
    site_.accounts.push_back(account);
    account.user = "boiler-house";
    account.carrier = model::find_carrier("natural-gas");
    account.scope = model::Scope::direct;
    site_.accounts.push_back(account);
  }

  std::vector<model::Certificate> read(const std::string& list) { return read_text("certificates: [" + list + "]"); }

  std::vector<model::Certificate> read_text(const std::string& text) {
    problems_ = {};
    const config::Node root = config::parse_text(text, "c.yaml", problems_);
    config::Reader in(root, problems_);
    auto certificates = read_certificates(in, site_);
    said_ = problems_.to_text();
    return certificates;
  }

  model::Site site_;
  config::Problems problems_;
  std::string said_;
};

TEST_F(CertificatesSectionTest, ReadsSerialVolumeAndPeriodInTheSitesTime) {
  const auto certificates = read(
      "{serial: GEC-1, user: works, volume: 1 MWh, generated: 2026-03, retired: 2026-04-10, technology: wind}, "
      "{serial: GEC-2, user: works, volume: 250 kWh, generated: 2026-03-31, retired: 2026-04-10}");
  EXPECT_EQ(said_, "");
  ASSERT_EQ(certificates.size(), 2u);
  EXPECT_EQ(certificates[0].volume.quanta(), 1'000'000'000);
  EXPECT_EQ(certificates[0].generated_until - certificates[0].generated_from, std::chrono::hours(31 * 24));
  EXPECT_EQ(certificates[1].generated_from,
            Instant(std::chrono::sys_days(std::chrono::year(2026) / 3 / 30)) + std::chrono::hours(16));
  EXPECT_EQ(certificates[0].technology, "wind");
}

TEST_F(CertificatesSectionTest, WarnsThatACertificateOfAPartChangesNoTotal) {
  site_.containments.push_back({.user = "works", .carrier = "electricity", .own_supply = false, .of = "park"});
  read("{serial: GEC-1, user: works, volume: 1 MWh, generated: 2026-03, retired: 2026-04-10}");
  EXPECT_NE(said_.find("warning: certificates[0].user: 'works' is part of 'park': what is bought for a part changes no "
                       "total of the site"),
            std::string::npos)
      << said_;
}

TEST_F(CertificatesSectionTest, RefusesWhatCannotBeClaimed) {
  read(
      "{serial: GEC-1, user: works, volume: 1 MWh, generated: 2026-03, retired: 2026-04-10}, "
      "{serial: GEC-1, user: works, volume: 1 MWh, generated: 2026-03, retired: 2026-04-10}");
  EXPECT_EQ(
      said_,
      "c.yaml:1:111: error: certificates[1].serial: 'GEC-1' is there already, in line 1; one serial counts once\n");
  for (const auto& [wrong, said] : std::initializer_list<std::pair<std::string, std::string>>{
           {"serial: '', user: works, volume: 1 MWh, generated: 2026-03, retired: 2026-04-10",
            "serial: '' is empty, or begins or ends with a blank"},
           {"serial: ' GEC-9', user: works, volume: 1 MWh, generated: 2026-03, retired: 2026-04-10",
            "serial: ' GEC-9' is empty, or begins or ends with a blank"},
           {"serial: GEC-9, user: works, volume: 1 MWh, generated: 2026-03, retired: 2026-04-10}, "
            "{serial: gec-9, user: works, volume: 1 MWh, generated: 2026-03, retired: 2026-04-10",
            "serial: 'gec-9' is there already, in line 1"},
           {"serial: a, user: work, volume: 1 MWh, generated: 2026, retired: 2026-04-10",
            "unknown energy user 'work'; did you mean 'works'?"},
           {"serial: a, user: boiler-house, volume: 1 MWh, generated: 2026, retired: 2026-04-10",
            "'boiler-house' purchases no electricity"},
           {"serial: a, user: works, volume: 1 m3, generated: 2026, retired: 2026-04-10",
            "'1 m3' is not an amount of electricity, such as '1 MWh'"},
           {"serial: a, user: works, volume: -1 MWh, generated: 2026, retired: 2026-04-10",
            "is not an amount of electricity"},
           {"serial: a, user: works, volume: 1 MW, generated: 2026, retired: 2026-04-10",
            "is not an amount of electricity"},
           {"serial: a, user: works, volume: 1 MWh, generated: 2026-13, retired: 2026-04-10",
            "generated: '2026-13' is not a year, a month or a day"},
           {"serial: a, user: works, volume: 1 MWh, generated: 2026-03, retired: 2026-04",
            "retired: '2026-04' is not a day"},
           {"serial: a, user: works, volume: 1 MWh, generated: 2026-03, retired: 2026-02-01",
            "was retired before its generation began"},
           {"serial: a;b, user: works, volume: 1 MWh, generated: 2026-03, retired: 2026-04-10", "holds one of ; ( )"},
           {"serial: a, user: works, volume: 1 MWh, generated: 2026-03", "retired: missing"}}) {
    read("{" + wrong + "}");
    EXPECT_NE(said_.find(said), std::string::npos) << wrong << "\n" << said_;
  }
}

TEST_F(CertificatesSectionTest, ReadsWhatAContractDeliveredInEachPeriod) {
  const auto read = read_text(
      "contracts: [{id: PPA-7, supplier: 川西绿电, users: [works, paint], factor: 50 gCO2e/kWh, uncertainty_percent: "
      "5, "
      "source: disclosure, deliveries: [{period: 2026-03, volume: 120 MWh}, "
      "{from: 2026-04-01, until: 2026-04-16, volume: 60 MWh}]}]");
  EXPECT_EQ(said_, "");
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].serial, "PPA-7/2026-03");
  EXPECT_EQ(read[1].serial, "PPA-7/2026-04-01..2026-04-16");
  EXPECT_EQ(read[1].generated_from, read[0].generated_until);
  EXPECT_EQ(read[1].generated_until - read[1].generated_from, std::chrono::hours(15 * 24));
  EXPECT_EQ(read[0].volume.quanta(), 120'000'000'000);
  EXPECT_EQ(read[1].users_text(), "works, paint");
  ASSERT_TRUE(read[1].contract);
  EXPECT_EQ(read[1].contract->scaled_factor, 50'000'000'000) << "0.05 mg per mWh";
  EXPECT_EQ(read[1].contract->u95_ppm, 50'000);
  EXPECT_EQ(read[1].contract->gas, model::Gas::unsplit);
  EXPECT_EQ(read[1].contract->supplier, "川西绿电");
}

TEST_F(CertificatesSectionTest, RefusesContractsThatCannotBeAllocated) {
  const std::string good =
      "{id: P, supplier: s, users: works, factor: 0 kgCO2/kWh, deliveries: [{period: 2026-03, volume: 1 MWh}]}";
  EXPECT_EQ(read_text("contracts: [" + good + "]").size(), 1u);
  EXPECT_EQ(said_, "");
  read_text("contracts: [" + good + ",\n " + good + "]");
  EXPECT_EQ(said_, "c.yaml:2:7: error: contracts[1].id: 'P' is there already, in line 1; one id counts once\n");
  read_text(
      "certificates: [{serial: P/2026-03, user: works, volume: 1 MWh, generated: 2026, retired: 2026-04-10}]\n"
      "contracts: [" +
      good + "]");
  EXPECT_NE(said_.find("c.yaml:2:18: error: contracts[0].id: the delivery P/2026-03 has the serial of a certificate"),
            std::string::npos)
      << said_;
  for (const auto& [from, to, said] : std::initializer_list<std::tuple<std::string, std::string, std::string>>{
           {"id: P, ", "", "contracts[0].id: missing"},
           {"id: P", "id: 'P;1'", "holds one of ; ( )"},
           {"supplier: s, ", "", "contracts[0].supplier: missing"},
           {"users: works", "users: [works, works]", "users: 'works' stands there twice"},
           {"users: works", "users: []", "users: an empty list"},
           {"users: works", "users: [works, work]", "unknown energy user 'work'; did you mean 'works'?"},
           {"users: works", "users: boiler-house", "'boiler-house' purchases no electricity"},
           {"0 kgCO2/kWh", "0", "'0' is not a factor such as 0.05 kgCO2e/kWh: it has no unit"},
           {"0 kgCO2/kWh", "-1 kgCO2/kWh", "its number is not a plain decimal number >= 0"},
           {"0 kgCO2/kWh", "1 kgCH4/kWh", "it is of CO2 or CO2e"},
           {"0 kgCO2/kWh", "1 kgCO2/m3", "'1 kgCO2/m3' is not a factor such as"},
           {"period: 2026-03", "period: March", "period: 'March' is not a year, a month or a day"},
           {"period: 2026-03, ", "", "deliveries[0].period: missing"},
           {"period: 2026-03", "from: 2026-03-01", "deliveries[0].until: missing"},
           {"period: 2026-03", "from: 2026-03-02, until: 2026-03-02", "until: '2026-03-02' is not after 'from'"},
           {"period: 2026-03", "from: 2026-03, until: 2026-04-01", "from: '2026-03' is not a day"},
           {"period: 2026-03", "period: 2026-03, from: 2026-03-02, until: 2026-03-03", "period: stands beside"},
           {"1 MWh}", "1 MWh}, {period: 2026-03-31, volume: 1 MWh}",
            "deliveries[1].period: overlaps the delivery of 2026-03; what was delivered counts once"},
           {"1 MWh}", "1 MW}", "volume: '1 MW' is not an amount of electricity"},
           {"[{period: 2026-03, volume: 1 MWh}]", "[]", "deliveries: an empty list"},
           {"deliveries: [{period: 2026-03, volume: 1 MWh}]", "", "contracts[0].deliveries: missing"}}) {
    std::string wrong = good;
    ASSERT_NE(wrong.find(from), std::string::npos) << from;
    wrong.replace(wrong.find(from), from.size(), to);
    read_text("contracts: [" + wrong + "]");
    EXPECT_NE(said_.find(said), std::string::npos) << wrong << "\n" << said_;
  }
}

}  // namespace
}  // namespace carbongate::app
