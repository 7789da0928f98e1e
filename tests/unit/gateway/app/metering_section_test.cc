#include "gateway/app/metering_section.h"

#include <gtest/gtest.h>

#include "config/reader/node.h"

namespace carbongate::app {
namespace {

struct Read {
  Metering metering;
  std::string said;
};

Read read(const std::string& metering) {
  config::Problems problems;
  const config::Node root =
      config::parse_text("carrier: electricity\nmetering: " + metering + "\n", "a.yaml", problems);
  config::Reader in(root, problems);
  in.optional<std::string>("carrier");
  Read result{.metering = read_metering(in), .said = {}};
  in.finish();
  result.said = problems.to_text();
  return result;
}

TEST(Metering, CombinesTheMeterWithItsTransformers) {
  const Read chain = read("{class: 0.5S, ct: 0.2, pt: 0.2}");
  EXPECT_EQ(chain.said, "");
  EXPECT_EQ(chain.metering, (Metering{6'633, {"0.5S, CT 0.2 %, PT 0.2 %"}}));
  EXPECT_EQ(read("{class: 1}").metering, (Metering{11'547, {"1"}}));
  EXPECT_EQ(read("{class: 1.0}").metering, (Metering{11'547, {"1"}}));
  EXPECT_EQ(read("{class: 1, load: light}").metering, (Metering{17'321, {"1 (light load)"}}));
  EXPECT_EQ(read("{class: gas, extra: 0.5}").metering, (Metering{23'805, {"gas, extra 0.5 %"}}));
  EXPECT_EQ(read("{limit_percent: 1.5}").metering, (Metering{17'321, {"limit 1.5 %"}}));
}

TEST(Metering, TakesTheUncertaintyOfACertificateAsItIs) {
  const Read read_one = read("{uncertainty_percent: 1.5, device: ADL400 No. 17, calibration: 2026-03-01}");
  EXPECT_EQ(read_one.said, "");
  EXPECT_EQ(read_one.metering, (Metering{15'000, {"U95 1.5 %", "ADL400 No. 17", "2026-03-01"}}));
}

TEST(Metering, StatesNothingWhereNothingIsWritten) {
  config::Problems problems;
  const config::Node root = config::parse_text("carrier: electricity", "a.yaml", problems);
  config::Reader in(root, problems);
  EXPECT_EQ(read_metering(in), Metering{});
  EXPECT_FALSE(problems.has_errors());
}

TEST(Metering, ReportsAClassThatIsNone) {
  const std::string said = read("{class: 0.5s, ct: 0.2}").said;
  EXPECT_NE(said.find("a.yaml:2:19: error: metering.class: unknown class '0.5s'; did you mean '0.5S'?"),
            std::string::npos)
      << said;
  EXPECT_NE(said.find("water-large"), std::string::npos) << said;
}

TEST(Metering, ReportsWhatDoesNotFitTogether) {
  EXPECT_NE(read("{ct: 0.2}").said.find("class: missing"), std::string::npos);
  EXPECT_NE(read("{class: 1, limit_percent: 1}").said.find("either a class or its limit"), std::string::npos);
  EXPECT_NE(read("{uncertainty_percent: 1, ct: 0.2}").said.find("of the whole chain"), std::string::npos);
  EXPECT_NE(read("{class: 1, ct: 60}").said.find("expected percent"), std::string::npos);
  EXPECT_NE(read("{class: 1, ct: -1}").said.find("expected percent"), std::string::npos);
  EXPECT_NE(read("{class: 1, cT: 1}").said.find("unknown key 'cT'"), std::string::npos);
  EXPECT_NE(read("0.5S").said.find("metering"), std::string::npos);
}

}  // namespace
}  // namespace carbongate::app
