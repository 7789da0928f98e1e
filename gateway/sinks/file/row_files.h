// The directory of a file sink: which rows go into which file, when a file is complete, and how many there may be.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "drivers/api/reading.h"
#include "gateway/model/rows.h"
#include "gateway/ports/sink.h"
#include "gateway/sinks/file/config.h"
#include "gateway/sinks/file/part.h"
#include "gateway/tables/local_time.h"

namespace carbongate::sinks::file {

// There is a file for each kind of row, since kinds have different columns. What they hold is what `carbongate export`
// writes, with the row's sequence in the last column: with the store's id (in the file `.carbongate` of the directory)
// the key of a row. A row is in the files once, whatever is killed and when, as long as the newest file of its kind is
// left alone.
//
// Blocks. One thread at a time. Opens nothing until write() is called.
class RowFiles {
 public:
  // `store`: the id of the store whose rows these are; empty: it has none.
  RowFiles(Config config, std::string store) : config_(std::move(config)), store_(std::move(store)) {}
  ~RowFiles();
  RowFiles(const RowFiles&) = delete;
  RowFiles& operator=(const RowFiles&) = delete;

  // Writes what is not there yet; all of it is on disk then. `rows` ascend. `again`: rows that were refused before, and
  // may come behind later ones. Throws Trouble; what was written then is known, and not written again.
  std::vector<ports::RejectedRow> write(std::span<const model::StoredRow> rows, Instant now, bool again);

  // What happened that people should know, since this was last asked.
  std::vector<std::string> take_news() { return std::exchange(news_, {}); }

 private:
  struct Lines;

  void open();
  void leave();
  void lock();
  void recover();
  void recover(tables::Kind kind, std::vector<FileName>& names);
  void count();
  Lines render(tables::Kind kind, std::span<const model::StoredRow> rows, const std::string& day, bool again,
               std::vector<ports::RejectedRow>& rejected);
  void replace_what_is_gone();
  void take_back();
  Part& part_of(tables::Kind kind, const std::string& day);
  void append(const Lines& lines, const std::string& day);
  void complete(tables::Kind kind, const std::string& day);
  bool is_due(const Part& part, const std::string& day) const;
  void make_room_for_bytes(std::uint64_t bytes);
  void make_room_for_file();
  bool remove_oldest();
  void forget();
  void unlock();
  std::string_view header_of(const FileName& name);

  Config config_;
  std::string store_;
  std::vector<std::string> news_;
  std::optional<tables::LocalTime> time_;
  int lock_ = -1;
  std::map<tables::Kind, Part> parts_;
  std::map<tables::Kind, std::string> headers_;             // of CSV
  std::map<tables::Kind, std::uint64_t> last_of_complete_;  // of a kind without a part
  struct {
    std::map<std::pair<std::uint64_t, FileName>, std::uint64_t> files;  // complete, the oldest first: bytes
    std::uint64_t bytes = 0;
  } complete_;
};

}  // namespace carbongate::sinks::file
