#include "gateway/store/dead_letters.h"

#include <utility>
#include <vector>

#include "gateway/store/database.h"
#include "gateway/store/known_damage.h"
#include "gateway/store/migrations.h"
#include "gateway/store/reading_walk.h"
#include "gateway/store/row_finder.h"
#include "gateway/store/store_config.h"
#include "gateway/store/store_lock.h"

namespace carbongate::store {
namespace {

constexpr std::int64_t kLettersPerRead = 1'024;  // of one short transaction

constexpr const char* kRead =
    "SELECT sink, seq, at, reason, retry FROM dead_letter "
    "WHERE (sink, seq) > (?1, ?2) AND (?3 = '' OR sink = ?3) ORDER BY sink, seq LIMIT ?4";

class Reader {
 public:
  explicit Reader(Database& database) : database_(database), finder_(database), read_(database, kRead) {}

  // What follows the last one read; empty: nothing does.
  std::vector<DeadLetter> next(const std::string& sink) {
    std::vector<DeadLetter> letters;
    Transaction transaction(database_, Transaction::Kind::read);
    read_.bind(1, std::string_view(last_sink_)).bind(2, last_).bind(3, std::string_view(sink));
    read_.bind(4, kLettersPerRead);
    for (Rows rows(read_); rows.next();) letters.push_back(letter());
    transaction.commit();
    if (letters.empty()) return letters;
    last_sink_ = letters.back().sink;
    last_ = static_cast<std::int64_t>(letters.back().sequence);
    return letters;
  }

 private:
  DeadLetter letter() {
    return {.sink = std::string(read_.text(0)),
            .sequence = static_cast<std::uint64_t>(read_.integer(1)),
            .at = Instant(Duration(read_.integer(2))),
            .reason = std::string(read_.text(3)),
            .retry = read_.integer(4) != 0,
            .row = finder_.find(read_.integer(1))};
  }

  Database& database_;
  RowFinder finder_;
  Statement read_;
  std::string last_sink_;
  std::int64_t last_ = 0;
};

// The store, for this process alone. Throws Refused if there is none: nothing is made for a wrong path.
class OwnStore {
 public:
  explicit OwnStore(const std::filesystem::path& directory)
      : lock_(existing(directory)), database_(sound(directory) / kDatabaseFile, Database::Mode::read_write) {
    migrate(database_);
  }
  Database& database() { return database_; }

  std::uint64_t change(const char* sql, const std::string& sink) {
    Statement statement(database_, sql);
    statement.bind(1, std::string_view(sink)).run();
    return static_cast<std::uint64_t>(database_.changes());
  }

 private:
  static const std::filesystem::path& existing(const std::filesystem::path& directory) {
    std::error_code ignored;
    if (!std::filesystem::exists(directory / kDatabaseFile, ignored)) {
      throw Refused("there is no carbongate.db in it; the gateway has not run on it yet");
    }
    return directory;
  }

  StoreLock lock_;
  Database database_;
};

}  // namespace

model::Result<void> each_dead_letter(const std::filesystem::path& directory, const std::string& sink,
                                     const std::function<bool(const DeadLetter&)>& visit) {
  return guarded(directory, [&] {
    const auto database = open_for_reading(directory / kDatabaseFile);
    Reader reader(*database);
    while (true) {
      const std::vector<DeadLetter> letters = reader.next(sink);
      if (letters.empty()) return;
      for (const DeadLetter& letter : letters) {
        if (!visit(letter)) return;
      }
    }
  });
}

model::Result<DeadLetterChange> retry_dead_letters(const std::filesystem::path& directory, const std::string& sink) {
  return guarded(directory, [&] {
    OwnStore store(directory);
    Transaction transaction(store.database());
    DeadLetterChange change;
    BlockTable blocks(store.database());
    ReadingWalk journal(store.database(), blocks, ReadingWalk::Kinds::all);
    Statement letters(store.database(), "SELECT sink, seq FROM dead_letter WHERE ?1 = '' OR sink = ?1 ORDER BY seq");
    Statement mark(store.database(), "UPDATE dead_letter SET retry = 1 WHERE sink = ?1 AND seq = ?2");
    letters.bind(1, std::string_view(sink));
    std::vector<std::pair<std::string, std::int64_t>> found;  // a table is not changed while it is read
    for (Rows rows(letters); rows.next();) {
      if (journal.find(letters.integer(1), [](const ReadingWalk::Row&) { return true; })) {
        found.emplace_back(letters.text(0), letters.integer(1));
      } else {
        ++change.gone;
      }
    }
    for (const auto& [letter_sink, sequence] : found)
      mark.bind(1, std::string_view(letter_sink)).bind(2, sequence).run();
    change.rows = found.size();
    transaction.commit();
    return change;
  });
}

model::Result<DeadLetterChange> drop_dead_letters(const std::filesystem::path& directory, const std::string& sink) {
  return guarded(directory, [&] {
    OwnStore store(directory);
    Transaction transaction(store.database());
    const std::uint64_t rows = store.change("DELETE FROM dead_letter WHERE ?1 = '' OR sink = ?1", sink);
    transaction.commit();
    return DeadLetterChange{rows, 0};
  });
}

}  // namespace carbongate::store
