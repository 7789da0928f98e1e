#include "gateway/cli/factors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "tests/support/temporary_directory.h"

namespace carbongate::cli {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Factors : public ::testing::Test {
 protected:
  template <class F>
  void run(F&& f) {
    std::ostringstream out, err;
    status_ = f(out, err);
    out_ = out.str();
    err_ = err.str();
  }
  void list() {
    run([&](auto& out, auto& err) { return run_factors_list(options_, out, err); });
  }
  void show(const std::string& id) {
    run([&](auto& out, auto& err) { return run_factors_show(options_, id, out, err); });
  }
  void diff(const std::string& a, const std::string& b) {
    run([&](auto& out, auto& err) { return run_factors_diff(options_, a, b, out, err); });
  }
  std::string write(const std::string& name, const std::string& text) {
    const auto path = directory_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }
  std::size_t lines() const { return static_cast<std::size_t>(std::ranges::count(out_, '\n')); }

  TemporaryDirectory directory_;
  FactorOptions options_;
  int status_ = -1;
  std::string out_;
  std::string err_;
};

TEST_F(Factors, AreListedAsTheyApplyAtATime) {
  options_.sets = {"cn-grid"};
  options_.region = "CN-SC";
  list();
  EXPECT_EQ(status_, 0) << err_;
  EXPECT_EQ(lines(), 4u) << out_;
  options_.at = "2022-07-01";
  list();
  EXPECT_EQ(out_,
            "id                          value             from        until       confidence\n"
            "cn-grid/CN-SC/average/2022  0.1404 kgCO2/kWh  2022-01-01              confirmed_2plus\n");
}

TEST_F(Factors, AreListedForMachines) {
  options_.carrier = "diesel";
  options_.format = "csv";
  list();
  EXPECT_THAT(out_, StartsWith("id,kind,carrier,region,method,value,unit,co2e_kg,valid_from,valid_until,version,"));
  EXPECT_THAT(out_, HasSubstr("\nipcc-2006/diesel/default/2006,emission,diesel,,default,\"CO2 74100, CH4 3, N2O 0.6\","
                              "kg/TJ,3.196749,2006-01-01,,2006,2006,confirmed_2plus,"));
  EXPECT_THAT(out_, HasSubstr("\ncn-standard-coal/diesel/default/2020,standard-coal,diesel,,default,1.4571,kgce/kg,,"));
  options_.format = "jsonl";
  list();
  EXPECT_THAT(out_, HasSubstr("\"co2e_kg\":3.196749,"));
  EXPECT_EQ(lines(), 4u) << out_;
}

TEST_F(Factors, AreShownWithEverythingThatIsKnown) {
  show("ipcc-2006/diesel/default/2006");
  EXPECT_EQ(
      out_,
      "ipcc-2006/diesel/default/2006\n"
      "  value         CO2 74100, CH4 3, N2O 0.6 kg/TJ\n"
      "  formula       (CO2 74100, CH4 3, N2O 0.6) kg/TJ x 43.0 GJ/t\n"
      "  carrier       diesel 柴油, in kg\n"
      "  region        everywhere\n"
      "  method        default\n"
      "  gas           CO2 3.1863 kg/kg\n"
      "  gas           CH4 0.000129 kg/kg\n"
      "  gas           N2O 0.0000258 kg/kg\n"
      "  CO2e by AR4   3.1972134 kgCO2e/kg\n"
      "  CO2e by AR5   3.196749 kgCO2e/kg  (in use)\n"
      "  CO2e by AR6   3.1968264 kgCO2e/kg\n"
      "  CO2e by SAR   3.197007 kgCO2e/kg\n"
      "  uncertainty   ± 2.0243 % (95 %)\n"
      "  valid         from 2006-01-01 until a newer one begins\n"
      "  set           ipcc-2006, version 2006\n"
      "  source        IPCC 2006 Guidelines Vol.2 Tables 1.2, 1.3, 1.4 (CO2) and 2.2 (CH4, N2O energy industries)\n"
      "  published     2006\n"
      "  confidence    confirmed_2plus\n"
      "  note          bounds, CH4 and N2O: memory\n");
  show("cn-grid/CN-SC/average/2022");
  EXPECT_THAT(out_, HasSubstr("  valid         from 2022-01-01 until 2023-01-01\n"
                              "  supersedes    cn-grid/CN-SC/average/2021\n"
                              "  superseded by cn-grid/CN-SC/average/2023\n"));
  show("cn-standard-coal/heat/default/2020");
  EXPECT_THAT(out_, HasSubstr("  standard coal 34.12 kgce/GJ\n"));
  EXPECT_THAT(out_, Not(HasSubstr("CO2e")));
  show("direct-nf3/nf3/default/1990");
  EXPECT_THAT(out_, HasSubstr("CO2e by SAR   no value for NF3\n"));
}

TEST_F(Factors, WithAnUnknownNameOfferTheNearest) {
  show("cn-grid/CN-SC/average/2032");
  EXPECT_EQ(status_, 65);
  EXPECT_THAT(err_,
              HasSubstr("there is no factor 'cn-grid/CN-SC/average/2032'; did you mean 'cn-grid/CN-SC/average/202"));
  options_.sets = {"cn-gird"};
  list();
  EXPECT_EQ(status_, 65);
  EXPECT_THAT(err_, HasSubstr("did you mean 'cn-grid'?"));
  options_ = {};
  options_.gwp = "AR7";
  list();
  EXPECT_EQ(status_, 65);
  EXPECT_THAT(err_, HasSubstr("there is no set of global warming potentials 'AR7'"));
  options_ = {};
  options_.carrier = "dieesel";
  list();
  EXPECT_EQ(status_, 65);
  EXPECT_THAT(err_, HasSubstr("there is no carrier 'dieesel'; did you mean 'diesel'?"));
  options_ = {};
  options_.format = "xml";
  list();
  EXPECT_EQ(status_, 65);
  options_ = {};
  options_.at = "soon";
  list();
  EXPECT_EQ(status_, 65);
}

TEST_F(Factors, OfTwoVersionsOfASetDifferByRow) {
  const auto set = [&](const std::string& file, const std::string& version, const std::string& rows) {
    return write(file, "set: own\nversion: \"" + version + "\"\npublisher: us\nfactors:\n" + rows);
  };
  const auto row = [](const std::string& rest) {
    return "  - {source: notice, publication: 2024-01-01, confidence: memory, " + rest + "}\n";
  };
  const std::string before = set("own_2024.yaml", "2024",
                                 row("carrier: heat, value: 0.11, unit: tCO2/GJ, year: 2023") +
                                     row("carrier: steam, value: 0.11, unit: tCO2/GJ, year: 2023") +
                                     row("carrier: lng, value: 3, unit: tCO2/t, year: 2023") +
                                     row("carrier: lpg, value: 3, unit: tCO2/t, year: 2023"));
  const std::string after = set("own_2025.yaml", "2025",
                                row("carrier: heat, value: 0.10, unit: tCO2/GJ, year: 2023") +
                                    row("carrier: steam, value: 0.11, unit: tCO2/GJ, year: 2023") +
                                    row("carrier: lpg, value: 3, unit: tCO2/t, note: new, year: 2023") +
                                    row("carrier: diesel, value: 3.1, unit: tCO2/t, year: 2023"));
  diff(before, after);
  EXPECT_EQ(status_, 1) << err_;
  EXPECT_EQ(out_, "--- " + before + " (own version 2024)\n+++ " + after +
                      " (own version 2025)\n"
                      "- lng/default/2023: 3 tCO2/t\n"
                      "+ diesel/default/2023: 3.1 tCO2/t\n"
                      "~ heat/default/2023: 0.11 tCO2/GJ -> 0.10 tCO2/GJ (-9.09 %)\n"
                      "~ lpg/default/2023: 3 tCO2/t, as before\n"
                      "      note:  -> new\n"
                      "1 added, 1 removed, 2 changed, 1 as before\n");
  diff(before, before);
  EXPECT_EQ(status_, 0);
  EXPECT_THAT(out_, EndsWith("0 added, 0 removed, 0 changed, 4 as before\n"));
}

TEST_F(Factors, OfTwoSetsDifferByTheirCommonSeries) {
  diff("cn-fuels", "cn-fuels-b");
  EXPECT_EQ(status_, 1);
  EXPECT_THAT(
      out_, HasSubstr("~ natural-gas/default/2011: 21.650151996 tCO2/10^4Nm3 -> 21.62188809 tCO2/10^4Nm3 (-0.13 %)\n"));
  diff("cn-fuels", "cn-fuel-c");
  EXPECT_EQ(status_, 65);
  EXPECT_THAT(err_, HasSubstr("there is no factor set 'cn-fuel-c'"));
  diff("cn-fuels", "/no/such/file.yaml");
  EXPECT_EQ(status_, 65);
}

constexpr const char* kPark = R"(
site:
  id: park
  timezone: Asia/Shanghai
  grid_region: CN-SC
  gwp: AR6
  standard_coal:
    electricity_equivalent:
      - {from: 2024-01-01, kgce_per_kwh: 0.302, source: 国家统计局公报, until: 2025-01-01}
      - {from: 2025-01-01, kgce_per_kwh: 0.3005, source: 国家统计局公报}
brokers: {plant: {url: "mqtt://127.0.0.1:1883"}}
devices:
  - {id: hall, driver: mqtt, broker: plant, topic: a/SENSOR, points: [{name: energy, json: /a, unit: kWh, kind: cumulative}]}
energy_users: [{id: hall, consumes: [{carrier: electricity, from: hall.energy}]}]
store: {path: data}
)";

TEST_F(Factors, OfASiteAreItsSetsAndWhatItStatesItself) {
  options_.config = write("park.yaml", kPark);
  options_.carrier = "electricity";
  options_.at = "2024-12-31T23:59:59+08:00";
  options_.format = "csv";
  list();
  EXPECT_EQ(status_, 0) << err_;
  EXPECT_THAT(out_, HasSubstr("\nsite-standard-coal/electricity/equivalent/2024-01-01,standard-coal,electricity,,"
                              "equivalent,0.302,kgce/kWh,,2024-01-01,2025-01-01,"));
  EXPECT_THAT(out_, Not(HasSubstr("0.3005")));
  EXPECT_THAT(out_, HasSubstr("\ncn-standard-coal/electricity/calorific/2020,"));
  show("site-standard-coal/electricity/equivalent/2025-01-01");
  EXPECT_THAT(out_, HasSubstr("  standard coal 0.3005 kgce/kWh\n"));
  show("direct/sf6/default/1990");
  EXPECT_THAT(out_, HasSubstr("  CO2e by AR6   25200 kgCO2e/kg  (in use)\n"));
}

TEST_F(Factors, OfAConfigurationWithErrorsAreNotGuessed) {
  options_.config = write("park.yaml", "site: {id: park, gwp: AR5}\n");
  list();
  EXPECT_EQ(status_, 78);
  EXPECT_THAT(err_, HasSubstr("site.grid_region: missing"));
  EXPECT_EQ(out_, "");
}

}  // namespace
}  // namespace carbongate::cli
