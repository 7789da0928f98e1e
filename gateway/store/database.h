// SQLite as C++: connections, statements and transactions that clean up after themselves. Only gateway/store knows
// SQLite.
#pragma once

#include <boost/system/errc.hpp>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "gateway/model/errors.h"

struct sqlite3;
struct sqlite3_stmt;

namespace carbongate::store {

// The process has as many files open as it may. A code of ours: SQLite does not tell it from a file that is not there.
inline constexpr int kFilesDenied = 0xf0;

// What SQLite would call it that a file cannot be opened or made; of `errno`.
int sqlite_code_of(int system_error);

// Thrown within this folder only; the store's operations turn it into a Fault.
class SqliteError : public std::runtime_error {
 public:
  SqliteError(int extended_code, const std::string& text) : std::runtime_error(text), code_(extended_code) {}
  int code() const { return code_ & 0xff; }  // SQLITE_FULL, SQLITE_IOERR, ...
  int extended_code() const { return code_; }
  bool is_unreadable() const;  // the disk does not give back what is there, as with a bad block

 private:
  int code_;
};

// What is in the file is not what this program writes: a row or state that cannot be read back.
class DamagedRecord : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The store is not ours to open: in use; or, with `not_supported`, of another program or version.
class Refused : public std::runtime_error {
 public:
  using Meaning = boost::system::errc::errc_t;
  explicit Refused(const std::string& text, Meaning meaning = Meaning::device_or_resource_busy)
      : std::runtime_error(text), meaning_(meaning) {}
  Meaning meaning() const { return meaning_; }

 private:
  Meaning meaning_;
};

// Code and text for people: "store /var/lib/carbongate: the disk is full (database or disk is full); ...".
model::Fault to_fault(const SqliteError& error, const std::filesystem::path& directory);
model::Fault to_fault(const DamagedRecord& error, const std::filesystem::path& directory);
model::Fault to_fault(const Refused& error, const std::filesystem::path& directory);

// Runs `work`; what this folder throws becomes a Fault, anything else goes on to the caller.
template <class Work>
auto guarded(const std::filesystem::path& directory, Work&& work) -> model::Result<decltype(work())> {
  try {
    if constexpr (std::is_void_v<decltype(work())>) {
      work();
      return {};
    } else {
      return work();
    }
  } catch (const SqliteError& error) {
    return to_fault(error, directory);
  } catch (const DamagedRecord& error) {
    return to_fault(error, directory);
  } catch (const Refused& error) {
    return to_fault(error, directory);
  }
}

// One connection; one thread at a time. Statements made from it must not outlive it.
class Database {
 public:
  enum class Mode {
    read_write,  // creates the file, mode 0640, if there is none
    read_only,   // works beside a writer
    immutable,   // read-only, and nobody writes: no locks, no files beside the database are made
  };
  Database(const std::filesystem::path& file, Mode mode);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void execute(const std::string& sql);          // one or more statements; rows are ignored
  std::int64_t integer(const std::string& sql);  // the one value a query gives; 0 if it gives none
  std::string text(const std::string& sql);

  std::int64_t changes() const;  // rows that the last INSERT, UPDATE or DELETE touched
  bool in_transaction() const;
  void require_in_place() const;  // throws where another file has its name now, or none
  sqlite3* handle() const { return handle_; }

  // Whether this process has it open. Then nobody may open and close it, or what lies beside it, without SQLite: that
  // would release the locks that the process holds on it (POSIX; SQLite's "How To Corrupt", 2.2). Any thread.
  static bool is_open(const std::filesystem::path& file);

 private:
  sqlite3* handle_ = nullptr;
  std::filesystem::path file_;
};

// A prepared statement, made once and used many times. Parameters and columns are numbered as SQLite does: from 1 and
// 0.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;

  // Text and blobs are not copied: they must live until the statement has been run or reset.
  Statement& bind(int parameter, std::int64_t value);
  Statement& bind(int parameter, double value);  // NaN becomes NULL
  Statement& bind(int parameter, std::string_view text);
  Statement& bind_blob(int parameter, std::string_view bytes);
  Statement& bind_null(int parameter);
  Statement& bind(int parameter, const Statement& row, int column);  // the value as it is, of whatever type

  void run();   // to the end, then ready for the next use
  bool step();  // true: a row is there. After the last one, or after an error, ready for the next use
  void reset() noexcept;

  std::int64_t integer(int column) const;
  double real(int column) const;            // NULL becomes NaN
  std::string_view text(int column) const;  // until the next step or reset
  std::string_view blob(int column) const;
  bool is_null(int column) const;

 private:
  [[noreturn]] void fail() const;
  void check(int code) const;

  sqlite3* database_;
  sqlite3_stmt* handle_ = nullptr;
};

// Resets a statement that is read row by row when the reader leaves, however it leaves.
class Rows {
 public:
  explicit Rows(Statement& statement) : statement_(statement) {}
  ~Rows() { statement_.reset(); }
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;
  bool next() { return statement_.step(); }

 private:
  Statement& statement_;
};

// Rolls back unless committed.
class Transaction {
 public:
  enum class Kind { write, read };  // write: takes the lock now; read: all that is read is of one moment
  explicit Transaction(Database& database, Kind kind = Kind::write);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
};

}  // namespace carbongate::store
