// A file that rows are appended to, and that survives a crash.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "gateway/sinks/file/file_name.h"

namespace carbongate::sinks::file {

// What the file system says. Nothing is settled; the next attempt may succeed.
class Trouble : public std::runtime_error {
 public:
  // `error`: of errno.
  Trouble(const std::string& doing, const std::filesystem::path& path, int error);
  Trouble(const std::string& text, int error) : std::runtime_error(text), error_(error) {}
  int error() const { return error_; }

 private:
  int error_;
};

// Makes names that were made, moved or removed in it durable. Throws Trouble.
void sync_directory(const std::filesystem::path& directory);

// A record is a line of JSON, or a record of CSV, which may hold line feeds within quotes; its last cell is the row's
// sequence. What is behind the last whole record is of a write that a crash or a full disk cut short: opening the file
// cuts it off. Throws Trouble. One thread.
class Part {
 public:
  // Opens the file, or makes it with the header (CSV; with its line feed).
  Part(std::filesystem::path directory, FileName name, std::string_view header);
  ~Part();
  Part(Part&& other) noexcept;
  Part& operator=(Part&&) = delete;

  const FileName& name() const { return name_; }
  std::uint64_t size() const { return written_; }
  bool has_rows() const { return has_rows_; }
  std::uint64_t last() const { return last_; }             // the highest sequence in it or before it
  std::uint64_t cut_off() const { return cut_off_; }       // bytes, when it was opened
  bool has_our_header() const { return has_our_header_; }  // false: it has other columns, of another version's

  // Whole records, up to this sequence. They are in the file for certain after sync().
  void append(std::string_view records, std::uint64_t last);
  void sync();
  // Takes back what was appended since the last sync().
  void take_back();

  bool is_gone() const;  // somebody removed the file

  // Gives it the name of a complete file; it is durable then. Nothing may be appended any more.
  void complete();
  // The day of a file without rows is that of its first one.
  void begin_on(const std::string& day);

  // The sequences of all records, in the order of the file; false: enough.
  void each(const std::function<bool(std::uint64_t)>& visit) const;

 private:
  struct Scan;

  Scan scan(const std::function<bool(std::uint64_t)>& visit) const;
  void begin_anew();
  void write(std::string_view text);
  void rename(FileName to);
  std::filesystem::path path() const { return directory_ / name_.text(); }

  std::filesystem::path directory_;
  FileName name_;
  std::string header_;
  int descriptor_ = -1;
  std::uint64_t written_ = 0;
  std::uint64_t last_ = 0;
  bool has_rows_ = false;
  struct {
    std::uint64_t size = 0;
    std::uint64_t last = 0;
    bool has_rows = false;
  } synced_;
  std::uint64_t cut_off_ = 0;
  bool has_our_header_ = true;
};

}  // namespace carbongate::sinks::file
