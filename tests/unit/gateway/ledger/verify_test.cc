#include "gateway/ledger/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "ledger_fixtures.h"

namespace carbongate::ledger {
namespace {

using namespace ledger_test;
using ::testing::HasSubstr;
using Kind = Finding::Kind;

// Twelve entries, sealed after 4, 8 and 10.
class VerifyTest : public ::testing::Test {
 protected:
  VerifyTest() {
    for (int n = 1; n <= 12; ++n) {
      scribe_.write_next();
      if (n == 4 || n == 8 || n == 10) scribe_.seal();
    }
    rows_ = scribe_.book().rows;
  }

  std::vector<Row>::iterator at(std::uint64_t number) {
    return std::ranges::find_if(rows_, [&](const Row& row) {
      const auto* entry = std::get_if<EntryRow>(&row);
      return entry && entry->number == number;
    });
  }
  EntryRow& entry(std::uint64_t number) { return std::get<EntryRow>(*at(number)); }
  std::vector<Row>::iterator seal_at(std::uint64_t number) {
    return std::ranges::find_if(rows_, [&](const Row& row) {
      const auto* seal = std::get_if<SignedSeal>(&row);
      return seal && seal->seal.number == number;
    });
  }
  std::string name(std::uint64_t number) { return model::to_string(*name_of(entry(number).line)); }
  void change(std::uint64_t number) { entry(number).line.replace(entry(number).line.find("average"), 1, "x"); }
  void hash_again(std::uint64_t from) {
    Hash before = scribe_.book().heads[from - 1].hash;
    for (std::uint64_t n = from; n <= 12; ++n) before = entry(n).hash = next_hash(before, entry(n).line);
  }

  Summary verified(Trust trust) { return verify(rows_, std::move(trust)); }
  Summary verified() { return verified({scribe_.key().public_key(), {}}); }
  const Finding& only(const Summary& summary) {
    EXPECT_EQ(summary.findings_total, 1u) << ledger_test::text_of(summary);
    static const Finding none;
    return summary.findings.empty() ? none : summary.findings.front();
  }

  Scribe scribe_;
  std::vector<Row> rows_;
};

TEST_F(VerifyTest, FindsNothingWhereNothingWasChanged) {
  const Summary summary = verified();
  EXPECT_EQ(summary.findings_total, 0u) << text_of(summary);
  EXPECT_EQ(summary.entries, 12u);
  EXPECT_EQ(summary.seals, 3u);
  EXPECT_EQ(summary.proven, 10u) << "the last two are not sealed yet";
  EXPECT_EQ(summary.head, scribe_.book().head);
  EXPECT_EQ(summary.key, scribe_.key().public_key());
}

TEST_F(VerifyTest, NamesAChangedEntry) {
  change(6);
  const Summary summary = verified();
  EXPECT_EQ(only(summary).kind, Kind::entry_changed);
  EXPECT_EQ(only(summary).text, "entry 6 (" + name(6) + ") was changed");
}

TEST_F(VerifyTest, NamesTheFirstAndTheLastEntryWhenTheyWereChanged) {
  change(1);
  change(12);
  const Summary summary = verified();
  ASSERT_EQ(summary.findings_total, 2u) << text_of(summary);
  EXPECT_EQ(summary.findings[0].number, 1u);
  EXPECT_EQ(summary.findings[1].number, 12u);
}

TEST_F(VerifyTest, TellsAChangedHashFromAChangedEntry) {
  for (const std::uint64_t number : {3u, 8u}) {
    entry(number).hash[5] ^= 1;
    const Summary summary = verified();
    EXPECT_EQ(only(summary).kind, Kind::hash_changed);
    EXPECT_EQ(only(summary).number, number);
    entry(number).hash[5] ^= 1;
  }
}

TEST_F(VerifyTest, NamesTheNumbersOfMissingEntriesAndTheirNeighbours) {
  rows_.erase(at(5), at(7));
  const Summary summary = verified();
  EXPECT_EQ(only(summary).kind, Kind::entry_missing);
  EXPECT_EQ(only(summary).text,
            "entries 5..6 are missing, after entry 4 (" + name(4) + "), before entry 7 (" + name(7) + ")");
}

TEST_F(VerifyTest, ChecksWhatFollowsAMissingEntryByTheSealOfTheMissingOne) {
  rows_.erase(at(4));
  EXPECT_EQ(only(verified()).kind, Kind::entry_missing);
  change(5);
  const Summary summary = verified();
  ASSERT_EQ(summary.findings_total, 2u) << text_of(summary);
  EXPECT_EQ(summary.findings[1].text, "entry 5 (" + name(5) + ") was changed");
}

TEST_F(VerifyTest, FindsAnEntryThatWasTakenOutAlthoughTheNumbersWereMended) {
  rows_.erase(at(6));
  for (std::uint64_t n = 7; n <= 12; ++n) entry(n).number = n - 1;
  const Summary summary = verified();
  EXPECT_EQ(only(summary).kind, Kind::entry_missing);
  EXPECT_THAT(only(summary).text, HasSubstr("1 entry was taken out before entry 6 (" + name(6) + ")"));
}

TEST_F(VerifyTest, DoesNotCallMoreProvenThanThereIs) {
  rows_.erase(at(9), seal_at(3));
  rows_.erase(at(11), rows_.end());
  rows_.erase(at(3));
  for (std::uint64_t n = 4; n <= 8; ++n) entry(n).number = n - 1;
  const Summary summary = verified();
  EXPECT_EQ(summary.head.number, 7u);
  EXPECT_LE(summary.proven, 7u);
}

TEST_F(VerifyTest, FindsAnEntryThatWasPutInAlthoughTheNumbersWereMended) {
  for (std::uint64_t n = 12; n >= 6; --n) entry(n).number = n + 1;
  EntryRow forged{6, canonical_line(press_shop(), full_entry()), {}, {}};
  forged.hash = next_hash(entry(5).hash, forged.line);
  rows_.insert(at(7), forged);
  const Summary summary = verified();
  ASSERT_GE(summary.findings_total, 1u);
  EXPECT_EQ(summary.findings[0].kind, Kind::entry_inserted);
  EXPECT_EQ(summary.findings[0].number, 6u);
}

TEST_F(VerifyTest, NamesAnEntryWhoseNumberWasChangedByTheRightOne) {
  for (const std::uint64_t wrong : {std::uint64_t{3}, std::uint64_t{7}, std::uint64_t{500}}) {
    const std::string right = name(6);
    entry(6).number = wrong;
    const Summary summary = verified();
    EXPECT_EQ(only(summary).kind, Kind::entry_changed);
    EXPECT_EQ(only(summary).number, 6u);
    EXPECT_THAT(only(summary).text, HasSubstr("entry 6 (" + right + ") was changed: it says that it is number"));
    EXPECT_EQ(summary.proven, 10u);
    for (Row& row : rows_) {
      auto* changed = std::get_if<EntryRow>(&row);
      if (changed && model::to_string(*name_of(changed->line)) == right) changed->number = 6;
    }
  }
}

TEST_F(VerifyTest, FindsASecondEntryOfTheSameNumber) {
  EntryRow twice = entry(6);
  rows_.insert(at(8), twice);
  EXPECT_EQ(only(verified()).kind, Kind::entry_inserted);
}

TEST_F(VerifyTest, FindsEntriesThatStandInAnotherOrder) {
  std::iter_swap(at(2), at(3));
  const Summary summary = verified();
  EXPECT_EQ(only(summary).kind, Kind::entry_moved);
  EXPECT_EQ(only(summary).text, "entry 2 (" + name(2) + ") stands after entry 3: out of order");
}

TEST_F(VerifyTest, FindsEntriesThatExchangedTheirPlaces) {
  std::swap(entry(2).line, entry(6).line);
  const Summary summary = verified();
  ASSERT_EQ(summary.findings_total, 2u) << text_of(summary);
  EXPECT_EQ(summary.findings[0].text, "entry 2 is not in its place: it stands as entry 6 (" + name(6) + ")");
  EXPECT_EQ(summary.findings[1].kind, Kind::entry_moved);
}

TEST_F(VerifyTest, FindsAChangeWhoseHashesWereComputedAnewByTheNextSeal) {
  change(6);
  hash_again(6);
  const Summary summary = verified();
  EXPECT_EQ(summary.findings[0].kind, Kind::seal_mismatch);
  EXPECT_EQ(summary.findings[0].number, 5u);
  EXPECT_EQ(summary.findings[0].last, 8u);
  EXPECT_THAT(summary.findings[0].text, HasSubstr("entries 5..8"));
  for (std::size_t i = 1; i < summary.findings.size(); ++i) EXPECT_EQ(summary.findings[i].kind, Kind::hash_changed);
}

TEST_F(VerifyTest, CannotSeeAChangeThatNoSealStandsForYet) {
  change(11);
  hash_again(11);
  EXPECT_EQ(verified().findings_total, 0u) << "chained, not sealed: the summary says so";
  EXPECT_EQ(verified({scribe_.key().public_key(), scribe_.book().head}).findings_total, 1u);
}

TEST_F(VerifyTest, CountsWhatIsNotSealedAsAFindingWhenToldTo) {
  Trust trust{scribe_.key().public_key(), {}, true};
  EXPECT_EQ(only(verified(trust)).text, "no seal stands for entries 11..12, up to the end");
  rows_.erase(at(11), rows_.end());
  EXPECT_EQ(verified(trust).findings_total, 0u);
}

TEST_F(VerifyTest, SaysThatEntriesWithoutAnySealProveNothing) {
  std::erase_if(rows_, [](const Row& row) { return std::holds_alternative<SignedSeal>(row); });
  EXPECT_EQ(only(verified()).kind, Kind::seal_missing);
}

TEST_F(VerifyTest, FindsThatTheEndWasCutOffWhereASealKnowsIt) {
  rows_.erase(at(9), seal_at(3));
  rows_.erase(at(11), rows_.end());
  const Summary summary = verified();
  EXPECT_EQ(only(summary).kind, Kind::entry_missing);
  EXPECT_THAT(only(summary).text,
              HasSubstr("entries 9..10 are missing: the ledger ends with entry 8 (" + name(8) + ")"));
}

TEST_F(VerifyTest, FindsThatTheEndWasCutOffWithItsSealsOnlyByWhatWasNotedBefore) {
  rows_.erase(at(9), rows_.end());
  EXPECT_EQ(verified().findings_total, 0u);
  const Summary summary = verified({scribe_.key().public_key(), scribe_.book().head});
  EXPECT_EQ(only(summary).kind, Kind::entry_missing);
  EXPECT_THAT(only(summary).text, HasSubstr("entries 9..12 are missing"));
}

TEST_F(VerifyTest, HoldsAHeadNotedBeforeAgainstTheLedger) {
  EXPECT_EQ(verified({{}, scribe_.book().heads[7]}).findings_total, 0u);
  Head other = scribe_.book().heads[7];
  other.hash[0] ^= 1;
  EXPECT_EQ(only(verified({{}, other})).kind, Kind::head);
}

TEST_F(VerifyTest, NamesAChangedSeal) {
  std::get<SignedSeal>(*seal_at(2)).seal.sealed_at += 1h;
  const Summary summary = verified();
  EXPECT_EQ(only(summary).kind, Kind::seal_changed);
  EXPECT_EQ(only(summary).number, 2u);
  EXPECT_EQ(summary.proven, 10u) << "the next seal stands for those entries too";
}

TEST_F(VerifyTest, NamesAMissingSeal) {
  rows_.erase(seal_at(2));
  EXPECT_EQ(only(verified()).kind, Kind::seal_missing);
  EXPECT_EQ(only(verified()).number, 2u);
}

TEST_F(VerifyTest, NamesASealInTheWrongPlace) {
  const Row seal = *seal_at(2);
  rows_.erase(seal_at(2));
  rows_.insert(at(7), seal);
  EXPECT_EQ(only(verified()).kind, Kind::seal_moved);
}

TEST_F(VerifyTest, RefusesAnotherKey) {
  const Summary summary = verified({SigningKey::generate().public_key(), {}});
  EXPECT_EQ(only(summary).kind, Kind::seal_foreign);
  EXPECT_EQ(summary.proven, 0u);
}

TEST_F(VerifyTest, RefusesAForgedLedgerWithSealsOfAnotherKey) {
  Scribe forger;
  for (int n = 1; n <= 12; ++n) forger.write_next();
  forger.seal();
  EXPECT_NE(verify(forger.book().rows, {scribe_.key().public_key(), {}}).findings_total, 0u);
}

TEST_F(VerifyTest, RefusesASealByAKeyThatNobodyAnnounced) {
  auto& last = std::get<SignedSeal>(*seal_at(3));
  last = sign(last.seal, SigningKey::generate());
  const Summary summary = verified();
  EXPECT_EQ(only(summary).kind, Kind::seal_foreign);
  EXPECT_EQ(summary.proven, 8u);
}

TEST_F(VerifyTest, FindsAChangedBeginning) {
  std::get<Anchor>(rows_[0]).head.hash[0] ^= 1;
  EXPECT_EQ(only(verified()).kind, Kind::beginning);
  rows_.erase(rows_.begin());
  EXPECT_EQ(only(verified()).kind, Kind::beginning);
}

TEST_F(VerifyTest, NamesEntriesThatAreInTheBooksWithoutBeingInTheLedger) {
  const StrayRow stray{canonical_line(press_shop(), full_entry()), "row 99 of the journal"};
  rows_.insert(at(7), stray);
  EXPECT_EQ(only(verified()).kind, Kind::entry_inserted) << "no link is missing there";
  EXPECT_THAT(only(verified()).text, HasSubstr("press-shop/electricity/incomer.energy@2026-01-01T00:00:00Z#2"));
  rows_.erase(at(7) - 1);
  rows_.emplace_back(stray);
  EXPECT_EQ(only(verified()).kind, Kind::entry_unlinked) << "at the end nobody knows";
  EXPECT_THAT(only(verified()).text, HasSubstr("it was put in, or its link was lost"));
}

// Links `first` to `last` are gone, their entries are there.
TEST_F(VerifyTest, DoesNotCallEntriesInsertedWhoseLinksWereLost) {
  const auto lose = [this](std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t n = first; n <= last; ++n) {
      *at(n) = StrayRow{entry(n).line, "row " + std::to_string(n) + " of the journal"};
    }
  };
  const std::vector<Row> sound = rows_;
  lose(6, 7);
  Summary summary = verified();
  EXPECT_EQ(only(summary).kind, Kind::link_missing);
  EXPECT_THAT(only(summary).text, HasSubstr("the links to entries 6..7 in the ledger are gone; the entries are in the "
                                            "books as they were: they lead to entry 8"));
  EXPECT_EQ(summary.entries, 12u);
  EXPECT_EQ(summary.proven, 10u) << "all that was sealed";

  rows_ = sound;
  lose(9, 12);
  summary = verified();
  ASSERT_EQ(summary.findings_total, 3u) << text_of(summary);
  EXPECT_EQ(summary.proven, 10u) << "to what the seal says";
  EXPECT_EQ(summary.findings[0].kind, Kind::entry_unlinked);
  EXPECT_EQ(summary.findings[1].kind, Kind::entry_unlinked);
  EXPECT_THAT(summary.findings[2].text, HasSubstr("to entries 9..10 in the ledger are gone"));
  EXPECT_THAT(summary.findings[2].text, HasSubstr("lead to seal 3"));

  rows_ = sound;
  lose(1, 12);
  rows_.erase(rows_.begin());
  summary = verified();
  EXPECT_EQ(summary.first, 1u);
  EXPECT_EQ(summary.proven, 10u) << "the seals alone say so: " << text_of(summary);
}

// As a repair leaves it: the hash of the last sealed entry is known, and no row for it.
TEST_F(VerifyTest, TakesAHashWithoutAnEntryForThatOfTheOneInTheBooks) {
  for (const std::uint64_t n : {std::uint64_t{9}, std::uint64_t{10}}) {
    rows_.insert(at(n) + 1, StrayRow{entry(n).line, "row " + std::to_string(n) + " of the journal"});
  }
  const Hash head = entry(10).hash;
  rows_.erase(at(9));
  std::iter_swap(at(10), at(10) + 1);  // the entry before its link
  entry(10) = EntryRow{10, {}, head, "its row 0 of the journal is missing"};
  rows_.erase(at(11), rows_.end());
  const Summary summary = verified();
  EXPECT_EQ(only(summary).kind, Kind::link_missing);
  EXPECT_EQ(summary.entries, 10u);
  EXPECT_EQ(summary.proven, 10u);
}

TEST_F(VerifyTest, DoesNotTakeAChangedEntryForOneWhoseLinkWasLost) {
  change(7);
  *at(7) = StrayRow{entry(7).line, "row 7 of the journal"};
  const Summary summary = verified();
  ASSERT_EQ(summary.findings_total, 2u) << text_of(summary);
  EXPECT_EQ(summary.findings[0].kind, Kind::entry_unlinked);
  EXPECT_EQ(summary.findings[1].kind, Kind::entry_missing);
}

TEST(VerifyEmpty, HasNothingToProve) {
  const std::vector<Row> header_only;
  EXPECT_EQ(verify(header_only).findings_total, 0u);
  const Summary summary = verify(header_only, {.key = {}, .expected_head = {}, .all_sealed = true});
  ASSERT_EQ(summary.findings_total, 1u);
  EXPECT_EQ(summary.findings[0].kind, Kind::seal_missing);
}

TEST_F(VerifyTest, AStretchIsCheckedFromItsAnchorOn) {
  rows_.erase(rows_.begin(), at(6));
  rows_.insert(rows_.begin(), Anchor{scribe_.book().heads[5]});
  Summary summary = verified();
  EXPECT_EQ(summary.findings_total, 0u) << text_of(summary);
  EXPECT_EQ(summary.first, 6u);
  EXPECT_EQ(summary.proven, 10u);
  std::get<Anchor>(rows_[0]).head.hash[0] ^= 1;
  EXPECT_NE(verified().findings_total, 0u);
}

TEST(VerifyRotation, FollowsAKeyThatTheOneBeforeAnnounced) {
  Scribe scribe;
  const PublicKey first = scribe.key().public_key();
  for (int n = 0; n < 4; ++n) scribe.write_next();
  scribe.seal(SigningKey::generate());
  scribe.seal();  // of no entry: the new key signs in turn
  for (int n = 0; n < 4; ++n) scribe.write_next();
  scribe.seal();
  for (const PublicKey& key : {first, scribe.key().public_key()}) {
    const Summary summary = verify(scribe.book().rows, {key, {}});
    EXPECT_EQ(summary.findings_total, 0u) << text_of(summary);
    EXPECT_EQ(summary.proven, 8u);
  }
  EXPECT_NE(verify(scribe.book().rows, {SigningKey::generate().public_key(), {}}).findings_total, 0u);
}

TEST(VerifyRotation, AnAnnouncementAloneProvesNothing) {
  const SigningKey real = SigningKey::generate();
  Scribe forger;
  for (int n = 0; n < 4; ++n) forger.write_next();
  forger.seal(real);  // by the forger, who has not the real key
  const Summary summary = verify(forger.book().rows, {real.public_key(), {}});
  EXPECT_NE(summary.findings_total, 0u);
  EXPECT_EQ(summary.proven, 0u);
}

TEST(Verify, AnEmptyLedgerIsNothingChanged) {
  EXPECT_EQ(verify({}).findings_total, 0u);
}

TEST(Verify, KeepsALimitedNumberOfFindingsAndCountsThemAll) {
  std::vector<Row> rows{Anchor{{0, genesis("edz-1")}}};
  for (std::uint64_t n = 1; n <= kFindingsMax + 1'000; ++n) rows.emplace_back(EntryRow{n, "x", genesis("y"), {}});
  const Summary summary = verify(rows);
  EXPECT_EQ(summary.findings.size(), kFindingsMax);
  EXPECT_EQ(summary.findings_total, kFindingsMax + 1'001) << "and that there is no seal";
}

}  // namespace
}  // namespace carbongate::ledger
