// Thousands of random ledgers, each with one thing done to it: it is found, and what was touched is named.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>

#include "gateway/ledger/export_text.h"
#include "ledger_fixtures.h"
#include "tests/support/rounds.h"

namespace carbongate::ledger {
namespace {

using namespace ledger_test;
using Rows = std::vector<Row>;

class Tamperer {
 public:
  explicit Tamperer(unsigned seed) : random_(seed), scribe_(SigningKey::generate()) {
    const std::uint64_t entries = below(40) + 5;
    for (std::uint64_t n = 0; n < entries; ++n) {
      scribe_.write_next();
      if (below(4) == 0) scribe_.seal();
      if (below(15) == 0) rotate();
    }
    if (scribe_.sealed() < 3) scribe_.seal();
    rows_ = scribe_.book().rows;
  }

  std::uint64_t below(std::uint64_t limit) {
    return std::uniform_int_distribution<std::uint64_t>(0, limit - 1)(random_);
  }

  std::uint64_t last() const { return scribe_.book().head.number; }
  std::uint64_t sealed() const { return scribe_.sealed(); }
  Head head() const { return scribe_.book().head; }
  Head head(std::uint64_t number) const { return scribe_.book().heads[number]; }
  PublicKey key() const { return first_key_.value_or(scribe_.key().public_key()); }
  std::uint64_t any() { return below(last()) + 1; }
  std::uint64_t any_sealed() { return below(sealed()) + 1; }

  Rows::iterator at(std::uint64_t number) {
    return std::ranges::find_if(rows_, [&](const Row& row) {
      const auto* entry = std::get_if<EntryRow>(&row);
      return entry && entry->number == number;
    });
  }
  EntryRow& entry(std::uint64_t number) { return std::get<EntryRow>(*at(number)); }

  // Some other character within a random field; it remains a row of an export.
  void change_line(std::uint64_t number) {
    std::string& line = entry(number).line;
    std::size_t place = below(line.size());
    while (line[place] == '\t' || (line[place] & 0x80) != 0) place = below(line.size());
    line[place] = line[place] == '7' ? '8' : '7';
  }
  void hash_again(std::uint64_t from) {
    Hash before = scribe_.book().heads[from - 1].hash;
    for (std::uint64_t n = from; n <= last(); ++n) before = entry(n).hash = next_hash(before, entry(n).line);
  }

  Rows& rows() { return rows_; }

 private:
  void rotate() {
    if (!first_key_) first_key_ = scribe_.key().public_key();
    scribe_.seal(SigningKey::generate());
    scribe_.seal();
  }

  std::mt19937 random_;
  Scribe scribe_;
  std::optional<PublicKey> first_key_;
  Rows rows_;
};

// As an export, and read again; or as it is.
Summary verify_as(const Rows& rows, unsigned way, Trust trust) {
  if (way == 0) return verify(rows, std::move(trust));
  const TextFormat format = way == 1 ? TextFormat::csv : TextFormat::jsonl;
  Verifier verifier(std::move(trust));
  TextReader reader;
  if (format == TextFormat::csv) (void)reader.read(header(format));
  for (const Row& row : rows) {
    if (const auto read = reader.read(to_text(row, format))) verifier.take(*read);
  }
  return verifier.finish();
}

// One thing done to the ledger; returns the numbers that a finding must cover. {0, 0}: any finding will do.
using Tampering = std::function<std::pair<std::uint64_t, std::uint64_t>(Tamperer&)>;

void is_always_found(const Tampering& tampering) {
  for (int seed = 0; seed < rounds(1'000); ++seed) {
    Tamperer t(static_cast<unsigned>(seed));
    const Trust trust{t.key(), {}};
    const auto way = static_cast<unsigned>(seed % 3);
    const Summary before = verify_as(t.rows(), way, trust);
    ASSERT_EQ(before.findings_total, 0u) << "seed " << seed << "\n" << text_of(before);
    ASSERT_EQ(before.proven, t.sealed());
    const auto [first, last] = tampering(t);
    const Summary after = verify_as(t.rows(), way, trust);
    ASSERT_NE(after.findings_total, 0u) << "seed " << seed << ": not found";
    if (first == 0) continue;
    for (std::uint64_t number = first; number <= last; ++number) {
      const bool named = std::ranges::any_of(after.findings, [&](const Finding& f) {
        return f.number <= number && number <= f.last && f.text.find("ntr") != std::string::npos;
      });
      ASSERT_TRUE(named) << "seed " << seed << ": entry " << number << " is not named\n" << text_of(after);
    }
  }
}

TEST(VerifyProperty, AChangedEntryIsNamed) {
  is_always_found([](Tamperer& t) {
    const auto n = t.any();
    t.change_line(n);
    return std::pair(n, n);
  });
}

TEST(VerifyProperty, AChangedHashIsNamed) {
  is_always_found([](Tamperer& t) {
    const auto n = t.any();
    t.entry(n).hash[t.below(32)] ^= static_cast<std::uint8_t>(1 + t.below(255));
    return std::pair(n, n);
  });
}

TEST(VerifyProperty, AChangedEntryWithItsOwnHashComputedAnewIsFound) {
  is_always_found([](Tamperer& t) {
    const auto n = t.any_sealed();
    t.change_line(n);
    t.entry(n).hash = next_hash(t.head(n - 1).hash, t.entry(n).line);
    return std::pair<std::uint64_t, std::uint64_t>(0, 0);  // the next one does not fit, or the seal
  });
}

TEST(VerifyProperty, AChangedEntryWithAllHashesComputedAnewIsFoundByASealThatCoversIt) {
  is_always_found([](Tamperer& t) {
    const auto n = t.any_sealed();
    t.change_line(n);
    t.hash_again(n);
    return std::pair(n, n);
  });
}

TEST(VerifyProperty, MissingEntriesAreNamed) {
  is_always_found([](Tamperer& t) {
    const auto first = t.any_sealed();
    const auto last = std::min(t.sealed(), first + t.below(5));
    for (auto n = first; n <= last; ++n) t.rows().erase(t.at(n));
    return std::pair(first, last);
  });
}

TEST(VerifyProperty, AMissingEntryIsFoundAlthoughTheNumbersWereMended) {
  is_always_found([](Tamperer& t) {
    const auto n = t.any_sealed();
    t.rows().erase(t.at(n));
    for (auto later = n + 1; later <= t.last(); ++later) t.entry(later).number = later - 1;
    return std::pair<std::uint64_t, std::uint64_t>(0, 0);
  });
}

TEST(VerifyProperty, AForgedEntryIsFoundAlthoughTheNumbersWereMended) {
  is_always_found([](Tamperer& t) {
    const auto n = t.any_sealed();
    for (auto later = t.last(); later >= n; --later) t.entry(later).number = later + 1;
    EntryRow forged{n, canonical_line(press_shop(), full_entry()), {}, {}};
    forged.hash = next_hash(t.head(n - 1).hash, forged.line);
    t.rows().insert(t.at(n + 1), forged);
    return std::pair(n, n);
  });
}

TEST(VerifyProperty, RowsInAnotherOrderAreNamed) {
  is_always_found([](Tamperer& t) {
    auto a = t.any(), b = t.any();
    while (a == b) b = t.any();
    std::iter_swap(t.at(a), t.at(b));
    return std::pair(std::min(a, b), std::min(a, b));
  });
}

TEST(VerifyProperty, EntriesThatExchangedTheirContentAreNamed) {
  is_always_found([](Tamperer& t) {
    auto a = t.any(), b = t.any();
    while (a == b) b = t.any();
    std::swap(t.entry(a).line, t.entry(b).line);
    return std::pair(a, a);
  });
}

TEST(VerifyProperty, ARepeatedEntryIsNamed) {
  is_always_found([](Tamperer& t) {
    const auto n = t.any();
    const Row again = *t.at(n);
    t.rows().insert(t.rows().begin() + static_cast<std::ptrdiff_t>(1 + t.below(t.rows().size() - 1)), again);
    return std::pair(n, n);
  });
}

TEST(VerifyProperty, ASealThatIsMissingOrChangedOrMovedIsFound) {
  is_always_found([](Tamperer& t) {
    std::vector<Rows::iterator> seals;
    for (auto row = t.rows().begin(); row != t.rows().end(); ++row) {
      if (std::holds_alternative<SignedSeal>(*row)) seals.push_back(row);
    }
    auto& seal = std::get<SignedSeal>(*seals[t.below(seals.size())]);
    switch (t.below(6)) {
      case 0: seal.seal.sealed_at += 1ms; break;
      case 1: seal.seal.head[3] ^= 1; break;
      case 2: seal.seal.last += 1; break;
      case 3: seal.signature[t.below(64)] ^= 1; break;
      case 4: seal = sign(seal.seal, SigningKey::generate()); break;
      default:
        if (seals.size() > 1)
          t.rows().erase(seals.front());
        else
          seal.seal.number += 1;
    }
    return std::pair<std::uint64_t, std::uint64_t>(0, 0);
  });
}

TEST(VerifyProperty, WhatIsCutOffAtTheEndIsFoundByAHeadNotedEarlier) {
  for (int seed = 0; seed < rounds(500); ++seed) {
    Tamperer t(seed);
    const Trust trust{t.key(), t.head()};
    ASSERT_EQ(verify(t.rows(), trust).findings_total, 0u);
    const auto n = t.any();
    t.rows().erase(t.at(n), t.rows().end());
    ASSERT_NE(verify(t.rows(), trust).findings_total, 0u) << "seed " << seed;
  }
}

TEST(VerifyProperty, AnyStretchFromAnAnchorOnProvesItself) {
  for (int seed = 0; seed < rounds(500); ++seed) {
    Tamperer t(seed);
    const auto n = t.any_sealed();
    t.rows().erase(t.rows().begin(), t.at(n));
    t.rows().insert(t.rows().begin(), Anchor{t.head(n - 1)});
    const Summary summary = verify(t.rows());
    ASSERT_EQ(summary.findings_total, 0u) << "seed " << seed << "\n" << text_of(summary);
    ASSERT_EQ(summary.proven, t.sealed());
  }
}

}  // namespace
}  // namespace carbongate::ledger
