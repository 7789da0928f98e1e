#include "gateway/store/log_damage.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "gateway/store/database.h"

namespace carbongate::store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHeaderBytes = 32;
constexpr std::size_t kFrameHeaderBytes = 24;
constexpr std::size_t kSummedOfFrame = 8;    // of its header
constexpr std::size_t kSummedOfHeader = 24;  // of the log
constexpr std::uint32_t kMagic = 0x377f0682;
constexpr std::uint32_t kBigEndian = 1;  // of the magic number: of the words that are summed up
constexpr std::uint32_t kVersion = 3'007'000;
constexpr std::size_t kPageBytesMin = 512;
constexpr std::size_t kPageBytesMax = 65'536;
constexpr int kTries = 5;

using Salts = std::array<char, 8>;
struct Sum {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  bool operator==(const Sum&) const = default;
};

std::uint32_t big(const char* bytes) {
  const auto at = [bytes](int i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])); };
  return at(0) << 24 | at(1) << 16 | at(2) << 8 | at(3);
}

void put_big(char* bytes, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) bytes[i] = static_cast<char>(value >> (24 - 8 * i));
}

std::uint32_t native(const char* bytes) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// `bytes`: a multiple of 8 of them.
Sum add(Sum sum, std::string_view bytes, bool is_big) {
  const bool swaps = is_big != (std::endian::native == std::endian::big);
  for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
    std::uint32_t one = native(bytes.data() + i);
    std::uint32_t other = native(bytes.data() + i + 4);
    if (swaps) {
      one = __builtin_bswap32(one);
      other = __builtin_bswap32(other);
    }
    sum.first += one + sum.second;
    sum.second += other + sum.first;
  }
  return sum;
}

Sum sum_at(const char* bytes) {
  return {big(bytes), big(bytes + 4)};
}

void put_sum(char* bytes, Sum sum) {
  put_big(bytes, sum.first);
  put_big(bytes + 4, sum.second);
}

Salts salts_at(const char* bytes) {
  Salts salts{};
  std::memcpy(salts.data(), bytes, salts.size());
  return salts;
}

bool is_page_size(std::size_t bytes) {
  return std::has_single_bit(bytes) && bytes >= kPageBytesMin && bytes <= kPageBytesMax;
}

// Of a log whose own header does not say.
std::size_t page_size_of(const fs::path& database) {
  std::array<char, 18> begin{};
  std::ifstream(database, std::ios::binary).read(begin.data(), begin.size());
  const std::size_t bytes = big(begin.data() + 14) & 0xffff;
  return bytes == 1 ? kPageBytesMax : is_page_size(bytes) ? bytes : kPageBytesMin;
}

std::uintmax_t size_of(const fs::path& file) {
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(file, error);
  return error ? 0 : bytes;
}

struct Header {
  std::array<char, kHeaderBytes> bytes{};
  std::size_t read = 0;
  bool is_sound = false;
  bool is_big = false;
  std::size_t page_bytes = 0;
};

Header read_header(const fs::path& log, const fs::path& database) {
  Header header;
  std::ifstream in(log, std::ios::binary);
  in.read(header.bytes.data(), kHeaderBytes);
  header.read = static_cast<std::size_t>(in.gcount());
  if (header.read < kHeaderBytes && size_of(log) >= kHeaderBytes) {  // the disk does not give it back
    header.bytes = {};
    header.read = kHeaderBytes;
  }
  const char* bytes = header.bytes.data();
  header.is_big = big(bytes) == (kMagic | kBigEndian);
  header.page_bytes = big(bytes + 8);
  header.is_sound = header.read == kHeaderBytes && (big(bytes) & ~kBigEndian) == kMagic &&
                    is_page_size(header.page_bytes) &&
                    add({}, {bytes, kSummedOfHeader}, header.is_big) == sum_at(bytes + kSummedOfHeader);
  if (!header.is_sound) header.page_bytes = page_size_of(database);
  return header;
}

// How far a log was confirmed, and how much of it is in the database: what the last process that had it open knew.
struct Index {
  std::uint32_t confirmed = 0;
  std::uint32_t copied = 0;
  Salts salts{};
};

std::optional<Index> read_index(const fs::path& database) {
  constexpr std::size_t kCopyBytes = 48;
  constexpr std::size_t kSummed = 40;
  std::array<char, 2 * kCopyBytes + 4> bytes{};
  std::ifstream in(database.string() + "-shm", std::ios::binary);
  if (!in.read(bytes.data(), bytes.size())) return std::nullopt;
  const char* one = bytes.data();
  const bool is_sound = std::memcmp(one, one + kCopyBytes, kCopyBytes) == 0 && native(one) == kVersion && one[12] == 1;
  const Sum sum = add({}, {one, kSummed}, std::endian::native == std::endian::big);
  if (!is_sound || sum != Sum{native(one + kSummed), native(one + kSummed + 4)}) return std::nullopt;
  return Index{.confirmed = native(one + 16), .copied = native(one + 2 * kCopyBytes), .salts = salts_at(one + 32)};
}

// One frame after the other, and whether each follows from what is stored of the one before it.
class Frames {
 public:
  Frames(const fs::path& log, const Header& header)
      : in_(log, std::ios::binary),
        size_(size_of(log)),
        header_(header),
        bytes_(kFrameHeaderBytes + header.page_bytes) {
    in_.seekg(kHeaderBytes);
  }

  bool next() {
    const Sum before = stored_;
    const Salts of_before = salts_;
    const std::uintmax_t end = kHeaderBytes + (std::uintmax_t{number_} + 1) * bytes_.size();
    is_unreadable_ = !in_.read(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
    if (is_unreadable_) {
      if (end > size_) return false;
      std::ranges::fill(bytes_, '\0');
      in_.clear();
      in_.seekg(static_cast<std::streamoff>(end));
    }
    ++number_;
    stored_ = sum_at(bytes_.data() + 16);
    salts_ = salts_at(bytes_.data() + 8);
    follows_ = number_ == 1 ? follows_header() : salts_ == of_before && sum_after(before) == stored_;
    if (page() == 0) follows_ = false;  // nothing but zeros has a sum that follows
    return true;
  }

  std::uint32_t number() const { return number_; }  // from 1
  bool follows() const { return follows_; }
  bool is_unreadable() const { return is_unreadable_; }  // the disk does not give it back: all of it reads as zeros
  const Salts& salts() const { return salts_; }
  std::uint32_t page() const { return big(bytes_.data()); }
  std::uint32_t pages_after() const { return big(bytes_.data() + 4); }  // of the database; 0: it ends no transaction
  // How it ends a transaction. Where a device writes whole sectors only, its last frame is there once more to fill one
  // up, and what of that lies in the sector behind is confirmed with the next transaction.
  std::uint64_t ends() const { return std::uint64_t{page()} << 32 | pages_after(); }
  Sum stored() const { return stored_; }
  Sum sum_after(Sum before) const {
    const std::string_view all(bytes_.data(), bytes_.size());
    return add(add(before, all.substr(0, kSummedOfFrame), header_.is_big), all.substr(kFrameHeaderBytes),
               header_.is_big);
  }
  const std::vector<char>& bytes() const { return bytes_; }

 private:
  // Of a header that is not sound, its sum may still be, or what it was made of.
  bool follows_header() const {
    const char* bytes = header_.bytes.data();
    if (sum_after(sum_at(bytes + kSummedOfHeader)) == stored_)
      return !header_.is_sound || salts_ == salts_at(bytes + 16);
    return !header_.is_sound && sum_after(add({}, {bytes, kSummedOfHeader}, header_.is_big)) == stored_;
  }

  std::ifstream in_;
  std::uintmax_t size_;
  const Header& header_;
  std::vector<char> bytes_;
  std::uint32_t number_ = 0;
  Sum stored_;
  Salts salts_{};
  bool follows_ = false;
  bool is_unreadable_ = false;
};

struct Scan {
  Header header{};
  Salts salts{};                   // of this generation
  std::uint32_t frames = 0;        // whole ones, also of older generations
  std::uint32_t sound = 0;         // without a break from the first on
  std::uint32_t taken = 0;         // SQLite's end: the last of them that ends a transaction
  std::uint32_t end = 0;           // the real one
  bool ends_confirmed = false;     // as the index says: that frame ends a transaction
  std::uint32_t commits_lost = 0;  // between the two, that are still there
  bool is_stopped = false;         // the disk does not give back the frame behind the sound ones, which SQLite wants
};

// Of the first frame that another one follows: those of older generations lie behind it.
Salts salts_of(const fs::path& log, const Header& header) {
  if (header.is_sound) return salts_at(header.bytes.data() + 16);
  Frames frames(log, header);
  Salts before{};
  while (frames.next()) {
    if (frames.number() > 1 && frames.follows()) return before;
    before = frames.salts();
  }
  return before;
}

Scan scan(const fs::path& log, const Header& header) {
  Scan found{.header = header, .salts = salts_of(log, header)};
  struct Run {  // frames of which each follows the one before it
    std::uint32_t commits = 0;
    std::uint32_t last_commit = 0;
  } run;
  std::uint64_t ends_before = 0;
  std::uint32_t commits = 0;
  std::uint32_t commits_taken = 0;
  Frames frames(log, header);
  while (frames.next()) {
    found.frames = frames.number();
    const bool is_first_sound = frames.number() > 1 || header.is_sound;
    if (frames.follows() && is_first_sound && found.sound + 1 == frames.number()) {
      found.sound = frames.number();
      if (frames.pages_after() != 0) found.taken = frames.number();
    }
    if (frames.is_unreadable() && found.sound + 1 == frames.number()) found.is_stopped = true;
    if (!frames.follows()) run = {};
    const bool is_filler = frames.ends() == std::exchange(ends_before, frames.ends());
    if (frames.salts() != found.salts || frames.pages_after() == 0) continue;
    if (!is_filler) {
      ++commits;
      ++run.commits;
    }
    run.last_commit = frames.number();
    if (found.taken == frames.number()) commits_taken = commits;
    if (run.commits >= 2) {
      found.end = run.last_commit;
      found.commits_lost = commits - commits_taken;
    }
  }
  found.end = std::max(found.end, found.taken);
  if (found.end == found.taken) found.commits_lost = 0;
  return found;
}

struct Damage {
  Scan scan;
  std::string text;
};

// The index is read first: it never says more than the log holds.
std::optional<Damage> look(const fs::path& database, const Header& header) {
  const std::string name = database.filename().string() + "-wal";
  const auto index = read_index(database);
  if (header.read < kHeaderBytes) {
    if (!index || index->confirmed <= index->copied) return std::nullopt;
    return Damage{{},
                  fmt::format("{} is {}: {} frames of it were confirmed and are not in the database yet", name,
                              header.read == 0 ? "empty or missing" : "cut short", index->confirmed - index->copied)};
  }
  Damage damage{scan(database.string() + "-wal", header), {}};
  Scan& found = damage.scan;
  const bool is_known = index && index->salts == found.salts;
  const std::uint32_t confirmed = is_known ? index->confirmed : 0;
  found.end = std::max(found.end, std::min(confirmed, found.frames));
  found.ends_confirmed = found.end == confirmed;
  const std::string behind = fmt::format("{} transactions that were confirmed lie behind it", found.commits_lost);
  if (!header.is_sound) {
    if (found.frames == 0 || (is_known && confirmed == 0)) return std::nullopt;
    damage.text = fmt::format("{}: its first {} bytes are not as they were written; {}", name, kHeaderBytes, behind);
  } else if (found.end > found.sound) {
    damage.text = fmt::format("{}: frame {} of {}, from byte {} on, is not as it was written; {}", name,
                              found.sound + 1, std::max(confirmed, found.end),
                              kHeaderBytes + found.sound * (kFrameHeaderBytes + header.page_bytes), behind);
  } else if (found.is_stopped) {
    damage.text = fmt::format("{}: frame {}, from byte {} on, cannot be read", name, found.sound + 1,
                              kHeaderBytes + found.sound * (kFrameHeaderBytes + header.page_bytes));
  } else if (confirmed > found.taken) {
    damage.text =
        fmt::format("{} is cut short: of {} frames that were confirmed {} are there", name, confirmed, found.frames);
  } else {
    return std::nullopt;
  }
  return damage;
}

// Beside a gateway that runs: the header is written before the frames, so as long as it is the same, they are those
// that it was read with; and a frame that was read while it was written is sound a moment later.
std::optional<Damage> damage_of(const fs::path& database) {
  const fs::path log = database.string() + "-wal";
  std::optional<std::uint32_t> sound_before;
  for (int i = 0; i < kTries; ++i) {
    const Header header = read_header(log, database);
    auto found = look(database, header);
    if (!found) return std::nullopt;
    if (read_header(log, database).bytes != header.bytes) continue;
    if (sound_before == found->scan.sound) return found;
    sound_before = found->scan.sound;
  }
  return std::nullopt;  // it is written to all the time
}

// A log that is written frame by frame, with sums that follow.
class LogWriter {
 public:
  LogWriter(const fs::path& path, const Scan& of)
      : path_(path), out_(path, std::ios::binary | std::ios::trunc), is_big_(of.header.is_big), salts_(of.salts) {
    std::array<char, kHeaderBytes> header{};
    put_big(header.data(), kMagic | (is_big_ ? kBigEndian : 0));
    put_big(header.data() + 4, kVersion);
    put_big(header.data() + 8, static_cast<std::uint32_t>(of.header.page_bytes));
    std::ranges::copy(salts_, header.begin() + 16);
    sum_ = add({}, {header.data(), kSummedOfHeader}, is_big_);
    put_sum(header.data() + kSummedOfHeader, sum_);
    out_.write(header.data(), header.size());
  }

  void add_frame(std::vector<char> frame, std::uint32_t pages_after) {
    put_big(frame.data() + 4, pages_after);
    std::ranges::copy(salts_, frame.begin() + 8);
    const std::string_view all(frame.data(), frame.size());
    sum_ = add(add(sum_, all.substr(0, kSummedOfFrame), is_big_), all.substr(kFrameHeaderBytes), is_big_);
    put_sum(frame.data() + 16, sum_);
    out_.write(frame.data(), static_cast<std::streamsize>(frame.size()));
  }

  void finish() {
    if (!out_.flush()) throw SqliteError(SQLITE_FULL, path_.string() + " cannot be written");
  }

 private:
  fs::path path_;
  std::ofstream out_;
  bool is_big_;
  Salts salts_;
  Sum sum_;
};

// A frame that is not as it was written may still be right: where only its own sum was hit, the next one follows from
// what it holds.
MendedLog write_mended(const fs::path& log, const Scan& of, const fs::path& to) {
  struct Doubtful {
    std::vector<char> frame;
    Sum sum;
    std::uint32_t pages_after = 0;
  };
  MendedLog mended{.reads_on = of.end > of.taken};
  LogWriter out(to, of);
  std::optional<Doubtful> doubtful;
  std::uint32_t pages = 0;  // of the database, as of the last transaction
  const auto decide = [&](bool is_right, bool ends) {
    if (!doubtful) return;
    if (!is_right) {
      ++mended.pages_in_doubt;
      std::fill(doubtful->frame.begin() + kFrameHeaderBytes, doubtful->frame.end(), '\0');
    }
    const std::uint32_t after = is_right ? doubtful->pages_after : ends ? std::max(pages, 1U) : 0;
    if (big(doubtful->frame.data()) != 0) out.add_frame(std::move(doubtful->frame), after);
    doubtful.reset();
  };
  Frames frames(log, of.header);
  Sum sum = sum_at(of.header.bytes.data() + kSummedOfHeader);  // of what is known to be right
  while (frames.number() < of.end && frames.next()) {
    const bool follows_doubtful = doubtful && frames.page() != 0 && frames.sum_after(doubtful->sum) == frames.stored();
    decide(follows_doubtful, false);
    if (frames.follows() || follows_doubtful) {
      if (frames.pages_after() != 0) pages = frames.pages_after();
      out.add_frame(frames.bytes(), frames.pages_after());
    } else {
      doubtful = Doubtful{frames.bytes(), frames.sum_after(sum), frames.pages_after()};
    }
    sum = frames.stored();
  }
  decide(false, of.ends_confirmed);
  out.finish();
  return mended;
}

}  // namespace

std::optional<std::string> find_log_damage(const fs::path& database) {
  auto damage = damage_of(database);
  if (!damage) return std::nullopt;
  return std::move(damage->text);
}

std::optional<MendedLog> mend_log(const fs::path& database, const fs::path& copy) {
  const auto damage = damage_of(database);
  if (!damage || damage->scan.end == 0) return std::nullopt;
  std::error_code error;
  fs::create_hard_link(database, copy, error);
  if (error) fs::copy_file(database, copy, error);
  if (error) throw SqliteError(SQLITE_FULL, copy.string() + " cannot be made: " + error.message());
  return write_mended(database.string() + "-wal", damage->scan, copy.string() + "-wal");
}

}  // namespace carbongate::store
