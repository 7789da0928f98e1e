#include "gateway/store/sink_progress.h"

#include <algorithm>
#include <chrono>
#include <system_error>

#include "gateway/store/database.h"
#include "gateway/store/migrations.h"
#include "gateway/store/store_config.h"

namespace carbongate::store {

bool SinkProgress::is_delivered(std::uint64_t sequence) const {
  if (dead.contains(sequence)) return false;
  return sequence <= settled || std::ranges::any_of(ahead, [sequence](const auto& stretch) {
           return sequence > stretch.first && sequence <= stretch.second;
         });
}

model::Result<Instant> written_at(const std::filesystem::path& directory) {
  const std::filesystem::path file = directory / kDatabaseFile;
  std::filesystem::path log = file;
  log += "-wal";  // is written to first, and is not there when the gateway has ended
  std::error_code error;
  const auto log_bytes = std::filesystem::file_size(log, error);
  const auto at = std::filesystem::last_write_time(!error && log_bytes > 0 ? log : file, error);
  if (error) return model::Fault{error, file.string() + ": " + error.message()};
  return std::chrono::floor<Duration>(std::chrono::file_clock::to_sys(at));
}

model::Result<SinkProgress> sink_progress(const std::filesystem::path& directory, const std::string& sink) {
  return guarded(directory, [&] {
    const auto database = open_for_reading(directory / kDatabaseFile);
    Transaction transaction(*database, Transaction::Kind::read);
    SinkProgress progress;
    Statement kept(*database, "SELECT name, value FROM kept WHERE sink = ?1");
    kept.bind(1, std::string_view(sink));
    for (Rows rows(kept); rows.next();) progress.kept.emplace(kept.text(0), kept.text(1));
    Statement cursor(*database, "SELECT settled, rejected FROM cursor WHERE sink = ?1");
    cursor.bind(1, std::string_view(sink));
    for (Rows rows(cursor); rows.next();) {
      progress.settled = static_cast<std::uint64_t>(cursor.integer(0));
      progress.rejected = static_cast<std::uint64_t>(cursor.integer(1));
    }
    Statement ahead(*database, "SELECT begun, settled FROM settled_ahead WHERE sink = ?1 ORDER BY begun");
    ahead.bind(1, std::string_view(sink));
    for (Rows rows(ahead); rows.next();) {
      progress.ahead.emplace_back(static_cast<std::uint64_t>(ahead.integer(0)),
                                  static_cast<std::uint64_t>(ahead.integer(1)));
    }
    Statement dead(*database, "SELECT seq FROM dead_letter WHERE sink = ?1");
    dead.bind(1, std::string_view(sink));
    for (Rows rows(dead); rows.next();) progress.dead.insert(static_cast<std::uint64_t>(dead.integer(0)));
    transaction.commit();
    return progress;
  });
}

}  // namespace carbongate::store
