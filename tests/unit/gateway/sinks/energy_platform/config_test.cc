#include "gateway/sinks/energy_platform/config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/temporary_directory.h"

namespace carbongate::sinks::energy_platform {
namespace {

using namespace std::chrono_literals;
using carbongate::energy_platform::Operation;
using carbongate::energy_platform::StatType;

constexpr const char* kSite = R"(site: {timezone: Asia/Shanghai}
energy_users:
  - id: hall
    consumes:
      - {carrier: electricity, from: incomer.import, metering: {class: 0.5S, device: ADL400}}
      - {carrier: natural-gas, from: gas.total}
)";
constexpr const char* kWhole = R"(url: https://nhjc.example/register
enterprise_code: 91510800MA62000000
region: "510800"
)";
constexpr const char* kItem = "{user: hall, from: incomer.import, code: 00-00-0000-023300-11, max: 500";

struct Read {
  Config config;
  std::string problems;
};

class EnergyPlatformConfig : public testing::Test {
 protected:
  Read read(const std::string& keys) const {
    config::Problems problems;
    const std::string file = (directory_.path() / "site.yaml").string();
    const config::Node node = config::parse_text("type: energy-platform\n" + keys, file, problems);
    const config::Node root = config::parse_text(kSite, file, problems);
    config::Reader in(node, problems);
    in.required<std::string>("type");
    Read result{Config::from(in, root), {}};
    in.finish();
    result.problems = problems.to_text();
    return result;
  }
  Read read_items(const std::string& items, const std::string& keys = "") const {
    return read(kWhole + keys + "items: [" + items + "]\n");
  }
  bool says(const std::string& items, std::string_view words, const std::string& keys = "") const {
    const std::string problems = read_items(items, keys).problems;
    return problems.find(words) != std::string::npos;
  }

  TemporaryDirectory directory_;
};

TEST_F(EnergyPlatformConfig, TakesWhatItsSampleShows) {
  std::ifstream sample(CARBONGATE_SOURCE_DIR "/gateway/sinks/energy_platform/sample.yaml");
  std::stringstream text;
  text << sample.rdbuf();
  std::string keys = text.str();
  keys.replace(keys.find("type: energy-platform"), 21, "");
  std::ofstream(directory_.path() / "nhjc-ca.pem") << "x";
  const Read got = read(keys);
  EXPECT_EQ(got.problems, "");
  ASSERT_EQ(got.config.items.size(), 1u);
  const Item& item = got.config.items.front();
  EXPECT_EQ(item.code.digits, "0000000002330011");
  EXPECT_EQ(item.unit, "10000 kWh");
  EXPECT_EQ(item.quanta_per_unit, 10'000'000'000);
  EXPECT_EQ(item.meter.at("accuracy"), "0.5S");
  EXPECT_EQ(got.config.upload_time, 8h + 30min);
}

TEST_F(EnergyPlatformConfig, ADialectSaysWhatIsValid) {
  std::filesystem::create_directory(directory_.path() / "platforms");
  const auto dialect_of = [&](const std::string& keys) {
    std::ofstream(directory_.path() / "platforms" / "own.yaml") << "name: own\nextends: base\n" << keys;
    return read_items(std::string(kItem) + "}", "dialect: own\n");
  };
  const Read usual = dialect_of("");
  EXPECT_EQ(usual.problems, "");
  EXPECT_EQ(usual.config.dialect.valid_origins, (std::vector<std::string>{"measured", "late", "manual"}));
  EXPECT_EQ(usual.config.dialect.valid_watched_percent, 90u);
  const Read other = dialect_of("valid_origins: [measured, estimated]\nvalid_watched_percent: 75\n");
  EXPECT_EQ(other.problems, "");
  EXPECT_EQ(other.config.dialect.valid_origins, (std::vector<std::string>{"measured", "estimated"}));
  EXPECT_EQ(other.config.dialect.valid_watched_percent, 75u);
  EXPECT_NE(dialect_of("valid_origins: [estimatd]\n").problems.find("did you mean 'estimated'?"), std::string::npos);
  EXPECT_NE(dialect_of("valid_origins: [missing]\n").problems.find("is not one of"), std::string::npos);
}

TEST_F(EnergyPlatformConfig, TakesTheMeterOfTheAccount) {
  const Read got = read_items(std::string(kItem) + "}");
  EXPECT_EQ(got.problems, "");
  const Item& item = got.config.items.front();
  EXPECT_EQ(item.meter.at("accuracy"), "0.5S");
  EXPECT_EQ(item.meter.at("model"), "ADL400");
  EXPECT_EQ(item.carrier->id, "electricity");
  EXPECT_EQ(item.periods, (std::vector{StatType::real_time, StatType::day, StatType::month}));
  EXPECT_EQ(got.config.name, "nhjc.example");
}

TEST_F(EnergyPlatformConfig, NobodyTypesInQuarterHours) {
  const Read got = read_items(std::string(kItem) + ", input_type: 5}");
  EXPECT_EQ(got.problems, "");
  EXPECT_EQ(got.config.items.front().periods, (std::vector{StatType::day, StatType::month}));
}

TEST_F(EnergyPlatformConfig, SaysWhereAndWhatIsWrong) {
  EXPECT_NE(read(kWhole).problems.find("items: missing"), std::string::npos);
  EXPECT_NE(read(std::string(kWhole) + "items: []").problems.find("nothing to tell"), std::string::npos);
  const std::string problems =
      read_items(std::string(kItem) + ", unit: GJ}, {user: hal, from: x.y, code: 12, max: 1}").problems;
  EXPECT_NE(problems.find("site.yaml:5:"), std::string::npos) << problems;
  EXPECT_NE(problems.find("unknown energy user 'hal'"), std::string::npos) << problems;
  EXPECT_NE(problems.find("did you mean 'hall'"), std::string::npos) << problems;
  EXPECT_NE(problems.find("'12' is no data code"), std::string::npos) << problems;
  EXPECT_TRUE(says("{user: hall, from: incomer.imprt, code: 0000000002330011, max: 1}", "no account of 'hall'"));
  EXPECT_TRUE(says(std::string(kItem) + ", unit: m3}", "is no unit of electricity"));
  EXPECT_TRUE(says(std::string(kItem) + ", periods: [week]}", "'week' is not one of 15min"));
  EXPECT_TRUE(says(std::string(kItem) + ", min: 500}", "is not above `min`"));
  EXPECT_TRUE(says(std::string(kItem) + ", scope: 5}", "scope"));
  EXPECT_TRUE(says(std::string(kItem) + "}, " + kItem + "}", "told twice for the same period"));
  EXPECT_TRUE(says(std::string(kItem) + "}", "no time of day", "upload_time: \"24:00\"\n"));
  EXPECT_TRUE(says(std::string(kItem) + "}", "there is no dialect 'sm3'", "dialect: sm3\n"));
  EXPECT_TRUE(says(std::string(kItem) + "}", "token_file", "dialect: token\n"));
}

TEST_F(EnergyPlatformConfig, ChecksTheCreditCode) {
  const auto with = [&](const std::string& code) {
    return read("url: https://nhjc.example/\nregion: \"510800\"\nenterprise_code: " + code + "\nitems: [" + kItem +
                "}]\n")
        .problems;
  };
  EXPECT_EQ(with("91510800MA62000000"), "");
  EXPECT_NE(with("91510800MA62000001").find("统一社会信用代码"), std::string::npos);
  EXPECT_NE(with("91510800MA6200000I").find("统一社会信用代码"), std::string::npos);
  EXPECT_NE(with("9151").find("统一社会信用代码"), std::string::npos);
}

TEST_F(EnergyPlatformConfig, WarnsWhereNothingIsEncrypted) {
  const auto warns = [&](const std::string& url) {
    return read("url: " + url + "\nregion: \"510800\"\nenterprise_code: 91510800MA62000000\nitems: [" + kItem + "}]\n")
               .problems.find("the specification wants HTTPS") != std::string::npos;
  };
  EXPECT_TRUE(warns("http://10.0.0.9/register"));
  EXPECT_FALSE(warns("http://127.0.0.1/register"));
}

TEST_F(EnergyPlatformConfig, ADialectOfTheSiteExtendsOneThatShips) {
  std::filesystem::create_directory(directory_.path() / "platforms");
  std::ofstream(directory_.path() / "platforms" / "guangyuan.yaml")
      << "extends: sm4\nvalid: \"0\"\ninvalid: \"1\"\nnumbers: text\noperations: {data: {path: /api/data}}\n"
         "names: {manufacturer: maker}\n";
  const Read got = read_items(std::string(kItem) + "}", "dialect: guangyuan\n");
  EXPECT_EQ(got.problems, "");
  const auto& dialect = got.config.dialect;
  EXPECT_EQ(dialect.name, "guangyuan");
  EXPECT_TRUE(dialect.encrypts && dialect.numbers_as_text && !dialect.dashes);
  EXPECT_EQ(dialect.valid, "0");
  EXPECT_EQ(dialect.places[static_cast<std::size_t>(Operation::data)].path, "/api/data");
  EXPECT_EQ(dialect.places[static_cast<std::size_t>(Operation::meters)].field, "centerMeteringDataURL");
  EXPECT_EQ(dialect.names.at("manufacturer"), "maker");
}

TEST_F(EnergyPlatformConfig, ADialectSaysWhereItIsWrong) {
  std::filesystem::create_directory(directory_.path() / "platforms");
  const auto problem = [&](const std::string& text) {
    std::ofstream(directory_.path() / "platforms" / "odd.yaml") << text;
    return read_items(std::string(kItem) + "}", "dialect: odd\n").problems;
  };
  EXPECT_NE(problem("encryption: sm9\n").find("odd.yaml:1:"), std::string::npos);
  EXPECT_NE(problem("valid: \"{}\"\n").find("is no JSON"), std::string::npos);
  EXPECT_NE(problem("register_path: http://x/\n").find("is no path"), std::string::npos);
  EXPECT_NE(problem("extends: odd\n").find("extends itself"), std::string::npos);
  EXPECT_NE(problem("operations: {dta: {}}\n").find("unknown key"), std::string::npos);
}

}  // namespace
}  // namespace carbongate::sinks::energy_platform
