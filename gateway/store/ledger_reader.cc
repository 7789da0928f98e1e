#include "gateway/store/ledger_reader.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gateway/ledger/canonical.h"
#include "gateway/store/database.h"
#include "gateway/store/migrations.h"
#include "gateway/store/record.h"
#include "gateway/store/series_table.h"
#include "gateway/store/store_config.h"

namespace carbongate::store {
namespace {

constexpr std::int64_t kRowsPerRead = 4'096;  // of one short transaction

template <std::size_t N>
std::optional<std::array<std::uint8_t, N>> array_of(std::string_view bytes) {
  std::array<std::uint8_t, N> array{};
  if (bytes.size() != N) return std::nullopt;
  std::ranges::copy(bytes, array.begin());
  return array;
}

// First and last number.
struct Stretch {
  std::int64_t first = 1;
  std::int64_t last = 0;
};

}  // namespace

class LedgerReader::Impl {
 public:
  explicit Impl(const std::filesystem::path& file) : database_(open_for_reading(file)) {}

  void each(const Range& range, const Visit& visit) {
    std::vector<ledger::Row> seals;
    const Stretch stretch = take_snapshot(range, seals);
    if (stretch.first > stretch.last && seals.empty() && !range.whole()) return;
    if (entries(stretch, std::move(seals), visit)) strays_before(INT64_MAX, visit);
  }

  std::vector<ledger::SignedSeal> seals(std::optional<std::uint64_t> before, std::size_t limit) {
    Statement newest(*database_, "SELECT line, signature FROM seal WHERE number < ?1 ORDER BY number DESC LIMIT ?2");
    newest.bind(1, before ? static_cast<std::int64_t>(std::min<std::uint64_t>(*before, INT64_MAX)) : INT64_MAX);
    newest.bind(2, static_cast<std::int64_t>(limit));
    std::vector<ledger::SignedSeal> found;
    for (Rows rows(newest); rows.next();) {
      auto seal = ledger::parse_seal(newest.text(0));
      const auto signature = array_of<64>(newest.blob(1));
      if (!seal || !signature) throw DamagedRecord("a seal cannot be read");
      found.push_back({std::move(*seal), *signature});
    }
    return found;
  }

 private:
  // What there is now: whatever is appended meanwhile is not part of it.
  Stretch take_snapshot(const Range& range, std::vector<ledger::Row>& seals) {
    Stretch stretch;
    {
      Transaction transaction(*database_, Transaction::Kind::read);
      last_sequence_ = database_->integer("SELECT max(seq) FROM journal");
      series_.emplace(*database_);
      if (range.whole()) {
        stretch.first = std::min<std::int64_t>(1, database_->integer("SELECT coalesce(min(number), 1) FROM ledger"));
        stretch.last = database_->integer("SELECT coalesce(max(number), 0) FROM ledger");
        find_strays();
      } else {
        stretch = stretch_of(range);
      }
      read_seals(seals);
    }
    if (!range.whole()) cut(stretch, seals);
    return stretch;
  }

  Stretch stretch_of(const Range& range) {
    Statement ends(*database_,
                   "SELECT coalesce(min(l.number), 1), coalesce(max(l.number), 0) FROM ledger l JOIN journal j ON "
                   "j.seq = l.seq WHERE j.kind = 3 AND j.at >= ?1 AND j.at < ?2");
    ends.bind(1, range.from ? range.from->time_since_epoch().count() : INT64_MIN);
    ends.bind(2, range.to ? range.to->time_since_epoch().count() : INT64_MAX);
    Rows rows(ends);
    return rows.next() ? Stretch{ends.integer(0), ends.integer(1)} : Stretch{};
  }

  void read_seals(std::vector<ledger::Row>& seals) {
    Statement all(*database_, "SELECT number, line, signature FROM seal ORDER BY number");
    for (Rows rows(all); rows.next();) {
      auto seal = ledger::parse_seal(all.text(1));
      const auto signature = array_of<64>(all.blob(2));
      if (seal && signature && all.integer(0) == static_cast<std::int64_t>(seal->number)) {
        seals.emplace_back(ledger::SignedSeal{std::move(*seal), *signature});
      } else {
        seals.emplace_back(ledger::DamagedRow{"seal " + std::to_string(all.integer(0)), "it cannot be read"});
      }
    }
  }

  // On to the end of the seal that covers the last entry, and only the seals that end within.
  static void cut(Stretch& stretch, std::vector<ledger::Row>& seals) {
    if (stretch.first > stretch.last) return seals.clear();
    const auto end_of = [](const ledger::Row& row) {
      const auto* seal = std::get_if<ledger::SignedSeal>(&row);
      return seal ? static_cast<std::int64_t>(seal->seal.last) : std::int64_t{0};
    };
    const auto covers = std::ranges::find_if(seals, [&](const ledger::Row& r) { return end_of(r) >= stretch.last; });
    if (covers != seals.end()) stretch.last = end_of(*covers);
    std::erase_if(seals, [&](const ledger::Row& r) { return end_of(r) < stretch.first || end_of(r) > stretch.last; });
  }

  struct Link {
    ledger::Row row;
    std::int64_t sequence = 0;  // of its entry
  };

  bool entries(const Stretch& stretch, std::vector<ledger::Row> seals, const Visit& visit) {
    Statement page(*database_,
                   "SELECT l.number, l.seq, l.hash, j.kind, j.series, j.at, j.quality, j.body FROM ledger l LEFT JOIN "
                   "journal j ON j.seq = l.seq WHERE l.number >= ?1 AND l.number <= ?2 ORDER BY l.number LIMIT ?3");
    auto seal = seals.begin();
    const auto seals_before = [&](std::uint64_t number) {
      for (; seal != seals.end(); ++seal) {
        const auto* signed_seal = std::get_if<ledger::SignedSeal>(&*seal);
        if (signed_seal && signed_seal->seal.last >= number) break;
        if (!visit(*seal)) return false;
      }
      return true;
    };
    bool anchored = false;
    for (std::int64_t from = stretch.first; from <= stretch.last;) {
      const std::vector<Link> links = read_page(page, from, stretch.last);
      if (links.empty()) break;
      for (const auto& [row, sequence] : links) {
        const auto* entry = std::get_if<ledger::EntryRow>(&row);
        if (!anchored && (!entry || !entry->line.empty())) {
          if (entry && !visit(anchor(stretch, entry->line))) return false;
          anchored = entry != nullptr;
        }
        if (entry && !(strays_before(place_of(*entry, sequence), visit) && seals_before(entry->number))) return false;
        if (!visit(row)) return false;
      }
      from = last_read_ + 1;
      if (links.size() < static_cast<std::size_t>(kRowsPerRead)) break;
    }
    return strays_before(INT64_MAX, visit) && seals_before(UINT64_MAX);
  }

  // A link that a repair took from a seal knows no row of the journal: it stands before the next one that does.
  std::int64_t place_of(const ledger::EntryRow& entry, std::int64_t sequence) {
    if (sequence > 0) return sequence;
    Statement next(*database_,
                   "SELECT coalesce(min(seq), 9223372036854775807) FROM ledger WHERE number > ?1 AND seq > 0");
    next.bind(1, static_cast<std::int64_t>(entry.number));
    const Rows reset(next);
    return next.step() ? next.integer(0) : INT64_MAX;
  }

  ledger::Row anchor(const Stretch& stretch, std::string_view first_line) {
    if (stretch.first <= 1) return ledger::Anchor{{0, ledger::genesis(ledger::site_of(first_line))}};
    Statement before(*database_, "SELECT hash FROM ledger WHERE number = ?1");
    before.bind(1, stretch.first - 1);
    Rows rows(before);
    const auto hash = rows.next() ? array_of<32>(before.blob(0)) : std::nullopt;
    if (hash) return ledger::Anchor{{static_cast<std::uint64_t>(stretch.first - 1), *hash}};
    return ledger::DamagedRow{"entry " + std::to_string(stretch.first - 1),
                              "its hash, on which the first one here is built, is gone"};
  }

  std::vector<Link> read_page(Statement& page, std::int64_t from, std::int64_t last) {
    std::vector<Link> result;
    page.bind(1, from).bind(2, last).bind(3, kRowsPerRead);
    for (Rows rows(page); rows.next();) {
      last_read_ = page.integer(0);
      const auto hash = array_of<32>(page.blob(2));
      if (page.integer(0) < 1 || page.integer(0) > static_cast<std::int64_t>(ledger::kNumberMax)) {
        result.push_back({ledger::DamagedRow{"ledger row " + std::to_string(page.integer(0)), "no such number"}, 0});
        continue;
      }
      ledger::EntryRow entry{
          .number = static_cast<std::uint64_t>(page.integer(0)), .line = {}, .hash = {}, .damage = {}};
      read_entry(page, entry);
      if (hash) entry.hash = *hash;  // else zeros, which no line leads to
      result.push_back({std::move(entry), page.integer(1)});
    }
    return result;
  }

  void read_entry(Statement& page, ledger::EntryRow& entry) {
    const std::string row = "its row " + std::to_string(page.integer(1)) + " of the journal ";
    if (page.is_null(3)) {
      entry.damage = row + "is missing";
    } else if (page.integer(3) != static_cast<std::int64_t>(RowKind::entry)) {
      entry.damage = row + "is no entry any more: missing";
    } else {
      entry.line = line_of(page.integer(4), page.integer(5), page.integer(6), page.blob(7));
      if (entry.line.empty()) entry.damage = row + "cannot be read: it was changed";
    }
  }

  // Empty: it cannot be read.
  std::string line_of(std::int64_t series, std::int64_t at_ms, std::int64_t quality, std::string_view body) {
    try {
      const auto row =
          codec_.decode_row({.kind = RowKind::entry, .at_ms = at_ms, .value = 0, .quality = quality, .body = body});
      return ledger::canonical_line(*series_->series(series), row.get<model::EmissionEntry>());
    } catch (const DamagedRecord&) {
      return {};
    }
  }

  // Entries that no link leads to.
  void find_strays() {
    strays_.clear();
    next_stray_ = 0;
    Statement strays(*database_,
                     "SELECT seq FROM journal INDEXED BY journal_books WHERE kind > 1 AND kind = 3 AND seq <= ?1 "
                     "EXCEPT SELECT seq FROM ledger ORDER BY seq");
    strays.bind(1, last_sequence_);
    for (Rows rows(strays); rows.next();) strays_.push_back(strays.integer(0));
  }

  // False: enough.
  bool strays_before(std::int64_t sequence, const Visit& visit) {
    if (next_stray_ == strays_.size() || strays_[next_stray_] >= sequence) return true;
    Statement stray(*database_, "SELECT series, at, quality, body FROM journal WHERE seq = ?1");
    for (; next_stray_ < strays_.size() && strays_[next_stray_] < sequence; ++next_stray_) {
      stray.bind(1, strays_[next_stray_]);
      std::string line;
      if (Rows rows(stray); rows.next())
        line = line_of(stray.integer(0), stray.integer(1), stray.integer(2), stray.blob(3));
      const std::string where = "row " + std::to_string(strays_[next_stray_]) + " of the journal";
      if (!visit(ledger::StrayRow{std::move(line), where})) return false;
    }
    return true;
  }

  std::unique_ptr<Database> database_;
  RecordCodec codec_;
  std::optional<SeriesTable> series_;
  std::int64_t last_sequence_ = 0;
  std::int64_t last_read_ = 0;        // number
  std::vector<std::int64_t> strays_;  // of a whole ledger: sequences, ascending
  std::size_t next_stray_ = 0;
};

LedgerReader::LedgerReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LedgerReader::~LedgerReader() = default;

model::Result<std::unique_ptr<LedgerReader>> LedgerReader::open(const std::filesystem::path& directory) {
  return guarded(directory, [&] {
    auto reader = std::unique_ptr<LedgerReader>(new LedgerReader(std::make_unique<Impl>(directory / kDatabaseFile)));
    reader->directory_ = directory;
    return reader;
  });
}

model::Result<std::vector<ledger::SignedSeal>> LedgerReader::seals(std::optional<std::uint64_t> before,
                                                                   std::size_t limit) {
  return guarded(directory_, [&] { return impl_->seals(before, limit); });
}

model::Result<void> LedgerReader::each(const Range& range, const Visit& visit) {
  return guarded(directory_, [&] { impl_->each(range, visit); });
}

}  // namespace carbongate::store
