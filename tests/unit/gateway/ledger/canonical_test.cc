#include "gateway/ledger/canonical.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <map>

#include "ledger_fixtures.h"

namespace carbongate::ledger {
namespace {

using namespace ledger_test;

// What was stored before lines named what contains an entry.
model::EmissionEntry of_before(model::EmissionEntry entry) {
  entry.names_part_of = false;
  return entry;
}

TEST(Canonical, IsThisLineAndNoOther) {
  model::Series series = press_shop();
  series.part_of = "works";
  EXPECT_EQ(canonical_line(series, full_entry()),
            "carbongate-entry-3\tedz-1\tpress-shop\t冲压车间\telectricity\tincomer\tenergy\tkWh\tCN-SC\t2\tconsumed\t"
            "2026-01-01T00:00:00Z\t2026-01-01T00:15:00Z\t-12500000\t840000\t1536000\tcoal/electricity/calorific/2020\t"
            "-6250000\tCO2=-6250001;N2O=1\t7\t8\tcn-grid/CN-SC/average/2023\t2025-12-31\t"
            "9000\tCO2=8999;N2O=1\t7\t8\tcn-grid/CN/residual/2023\t2025-12-31\t"
            "substituted\tgap\t2\tfactor\t2025 -> 2026\t2026-01-01T01:00:00Z\t\t\tworks");
  EXPECT_TRUE(canonical_line(press_shop(), entry_by_gwp()).ends_with("\tAR5\tAR6\t")) << "contained in none";
  EXPECT_EQ(*name_of(canonical_line(series, full_entry())), model::name_of(series, full_entry()));
}

TEST(Canonical, OfWhatWasStoredBeforeItNamedWhatContainsItIsAsItWas) {
  model::Series series = press_shop();
  series.part_of = "works";
  EXPECT_EQ(canonical_line(series, of_before(full_entry())),
            "carbongate-entry-1\tedz-1\tpress-shop\t冲压车间\telectricity\tincomer\tenergy\tkWh\tCN-SC\t2\tconsumed\t"
            "2026-01-01T00:00:00Z\t2026-01-01T00:15:00Z\t-12500000\t840000\t1536000\tcoal/electricity/calorific/2020\t"
            "-6250000\tCO2=-6250001;N2O=1\t7\t8\tcn-grid/CN-SC/average/2023\t2025-12-31\t"
            "9000\tCO2=8999;N2O=1\t7\t8\tcn-grid/CN/residual/2023\t2025-12-31\t"
            "substituted\tgap\t2\tfactor\t2025 -> 2026\t2026-01-01T01:00:00Z");
}

TEST(Canonical, NamesTheGwpSetsInLinesOfFormatTwo) {
  std::string expected = canonical_line(press_shop(), of_before(full_entry()));
  expected.replace(expected.find("entry-1"), 7, "entry-2");
  EXPECT_EQ(canonical_line(press_shop(), of_before(entry_by_gwp())), expected + "\tAR5\tAR6");
  model::EmissionEntry one = of_before(full_entry());
  one.market->gwp_set = "AR6";
  EXPECT_EQ(canonical_line(press_shop(), one), expected + "\t\tAR6");
  expected += "\t\tAR6";
  EXPECT_EQ(split_fields(expected).size(), kFields2);
  EXPECT_EQ(*name_of(canonical_line(press_shop(), one)), model::name_of(press_shop(), one));
}

TEST(Canonical, LeavesEmptyWhatAnEntryDoesNotHave) {
  const std::string line = canonical_line(press_shop(), entry_at(kStart, 2));
  const auto fields = split_fields(line);
  ASSERT_EQ(fields.size(), kFields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const bool may_be_empty = kFields[i].starts_with("market_") || kFields[i] == "coal_factor" ||
                              kFields[i] == "rule" || kFields[i] == "cause" || kFields[i] == "note" ||
                              kFields[i] == "booked_at" || kFields[i] == "gwp_set" || kFields[i] == "part_of";
    EXPECT_EQ(fields[i].empty(), may_be_empty) << kFields[i];
  }
}

TEST(Canonical, TellsAnEmptyMarketResultFromNone) {
  model::EmissionEntry entry = entry_at(kStart, 2);
  const std::string without = canonical_line(press_shop(), entry);
  entry.market.emplace();
  EXPECT_NE(canonical_line(press_shop(), entry), without);
}

TEST(Canonical, EscapesWhatWouldLookLikeAnotherField) {
  model::EmissionEntry entry = full_entry();
  entry.correction->note = "a\tb\nc\rd\\e\\t";
  const std::string line = canonical_line(press_shop(), entry);
  EXPECT_EQ(split_fields(line).size(), kFields.size());
  EXPECT_NE(line.find("\ta\\tb\\nc\\rd\\\\e\\\\t\t"), std::string::npos) << line;
}

TEST(Canonical, NamesItsEntry) {
  const std::string line = canonical_line(press_shop(), full_entry());
  const auto name = name_of(line);
  ASSERT_TRUE(name);
  EXPECT_EQ(*name, model::name_of(press_shop(), full_entry()));
  EXPECT_EQ(site_of(line), "edz-1");
  EXPECT_FALSE(name_of("x\ty"));
  EXPECT_FALSE(name_of(""));
}

model::Series part_of_works() {
  model::Series series = press_shop();
  series.part_of = "works";
  return series;
}

struct Booked {
  model::Series series = part_of_works();
  model::EmissionEntry entry = entry_by_gwp();
};

// One change for every member there is, each gas and each basis among them.
std::map<std::string, std::function<void(Booked&)>> changes() {
  std::map<std::string, std::function<void(Booked&)>> all;
  const auto text = [&](const std::string& name, auto member) {
    all[name + " longer"] = [member](Booked& b) { member(b) += "x"; };
    all[name + " empty"] = [member](Booked& b) { member(b).clear(); };
  };
  text("site", [](Booked& b) -> std::string& { return b.series.site; });
  text("device", [](Booked& b) -> std::string& { return b.series.device; });
  text("point", [](Booked& b) -> std::string& { return b.series.point; });
  text("unit", [](Booked& b) -> std::string& { return b.series.unit; });
  text("user", [](Booked& b) -> std::string& { return b.series.user; });
  text("user_name", [](Booked& b) -> std::string& { return b.series.user_name; });
  text("carrier", [](Booked& b) -> std::string& { return b.series.carrier; });
  text("region", [](Booked& b) -> std::string& { return b.series.region; });
  text("part_of", [](Booked& b) -> std::string& { return b.series.part_of; });
  all["names part_of"] = [](Booked& b) { b.entry.names_part_of = false; };
  for (const auto scope : {model::Scope::none, model::Scope::direct}) {
    all["scope " + std::to_string(static_cast<int>(scope))] = [scope](Booked& b) { b.series.scope = scope; };
  }
  for (const auto flow : {model::Flow::exported, model::Flow::produced}) {
    all["flow " + std::to_string(static_cast<int>(flow))] = [flow](Booked& b) { b.series.flow = flow; };
  }
  all["begin"] = [](Booked& b) { b.entry.begin += 1ms; };
  all["end"] = [](Booked& b) { b.entry.end -= 1ms; };
  all["amount"] = [](Booked& b) { b.entry.amount += model::Activity::of(1); };
  all["amount sign"] = [](Booked& b) { b.entry.amount = -b.entry.amount; };
  all["coal"] = [](Booked& b) { b.entry.coal += model::StandardCoal::of(1); };
  text("coal factor", [](Booked& b) -> std::string& { return b.entry.coal_factor_id; });
  const auto basis = [&](const std::string& name, auto of) {
    all[name + " co2e"] = [of](Booked& b) { of(b).emitted.co2e += model::Co2e::of(1); };
    for (std::size_t g = 0; g < model::kGasCount; ++g) {
      all[name + " gas " + std::to_string(g)] = [of, g](Booked& b) {
        of(b).emitted.gases[static_cast<model::Gas>(g)] += model::GasMass::of(1);
      };
    }
    all[name + " gas instead of another"] = [of](Booked& b) {
      std::swap(of(b).emitted.gases[model::Gas::co2], of(b).emitted.gases[model::Gas::co2_biogenic]);
    };
    all[name + " u95 activity"] = [of](Booked& b) { of(b).emitted.u95_activity += model::Co2e::of(1); };
    all[name + " u95 factor"] = [of](Booked& b) { of(b).emitted.u95_factor += model::Co2e::of(1); };
    text(name + " factor", [of](Booked& b) -> std::string& { return of(b).factor_id; });
    text(name + " factor version", [of](Booked& b) -> std::string& { return of(b).factor_version; });
    text(name + " GWP set", [of](Booked& b) -> std::string& { return of(b).gwp_set; });
  };
  basis("primary", [](Booked& b) -> model::Emission& { return b.entry.primary; });
  basis("market", [](Booked& b) -> model::Emission& { return *b.entry.market; });
  all["bases exchanged"] = [](Booked& b) { std::swap(b.entry.primary, *b.entry.market); };
  all["no market"] = [](Booked& b) { b.entry.market.reset(); };
  all["covered"] = [](Booked& b) { b.entry.covered += 1ms; };
  for (int origin = 0; origin <= static_cast<int>(model::Origin::missing); ++origin) {
    if (static_cast<model::Origin>(origin) == full_entry().quality.origin) continue;
    all["origin " + std::to_string(origin)] = [origin](Booked& b) {
      b.entry.quality.origin = static_cast<model::Origin>(origin);
    };
  }
  for (std::size_t rule = 0; rule < model::kRuleCount; ++rule) {
    if (!model::is_known(static_cast<model::Rule>(rule))) continue;
    if (static_cast<model::Rule>(rule) == full_entry().quality.rule) continue;
    all["rule " + std::to_string(rule)] = [rule](Booked& b) { b.entry.quality.rule = static_cast<model::Rule>(rule); };
  }
  all["revision"] = [](Booked& b) { ++b.entry.revision; };
  all["no correction"] = [](Booked& b) { b.entry.correction.reset(); };
  for (int cause = 1; cause <= static_cast<int>(model::Cause::manual); ++cause) {
    if (static_cast<model::Cause>(cause) == full_entry().correction->cause) continue;
    all["cause " + std::to_string(cause)] = [cause](Booked& b) {
      b.entry.correction->cause = static_cast<model::Cause>(cause);
    };
  }
  text("note", [](Booked& b) -> std::string& { return b.entry.correction->note; });
  all["booked at"] = [](Booked& b) { b.entry.correction->booked_at += 1ms; };
  return all;
}

TEST(Canonical, EveryMemberChangesTheHashAndNoTwoChangesGiveTheSame) {
  std::map<Hash, std::string> seen;
  const Booked original;
  seen[next_hash({}, canonical_line(original.series, original.entry))] = "the original";
  const auto all = changes();
  EXPECT_GT(all.size(), 100u);
  for (const auto& [name, change] : all) {
    Booked booked;
    change(booked);
    const auto [place, is_new] = seen.emplace(next_hash({}, canonical_line(booked.series, booked.entry)), name);
    EXPECT_TRUE(is_new) << name << " hashes as " << place->second;
  }
}

TEST(Canonical, WritesTheLargestAndSmallestNumbers) {
  model::EmissionEntry entry = full_entry();
  entry.amount = model::Activity::of(std::numeric_limits<std::int64_t>::min());
  entry.coal = model::StandardCoal::of(std::numeric_limits<std::int64_t>::max());
  entry.revision = std::numeric_limits<std::uint32_t>::max();
  const std::string line = canonical_line(press_shop(), entry);
  EXPECT_NE(line.find("\t-9223372036854775808\t840000\t9223372036854775807\t"), std::string::npos) << line;
  EXPECT_NE(line.find("\t4294967295\t"), std::string::npos) << line;
}

}  // namespace
}  // namespace carbongate::ledger
