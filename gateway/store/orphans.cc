#include "gateway/store/orphans.h"

#include <sqlite3.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carbongate::store {
namespace {

namespace fs = std::filesystem;

using Page = std::uint32_t;  // from 1

constexpr int kLeaf = 0x0d;  // SQLite's file format, section 1.6
constexpr int kInner = 0x05;
constexpr int kIndexLeaf = 0x0a;
constexpr int kIndexInner = 0x02;
constexpr std::size_t kLeafHeader = 8;
constexpr std::size_t kInnerHeader = 12;
constexpr std::size_t kNote = 5;  // section 1.8: type and parent
constexpr int kNotFirst = 5;      // of a tree, and not its first page
constexpr int kDepthMax = 20;
constexpr std::string_view kJournal = "journal";
constexpr std::int64_t kJournalColumns = 7;

// The pages of a file, whatever is in them.
class Pages {
 public:
  Pages(const fs::path& file, std::size_t size)
      : file_(file, std::ios::in | std::ios::out | std::ios::binary), size_(size) {
    std::error_code ignored;
    count_ = static_cast<Page>(fs::file_size(file, ignored) / size);
  }
  std::size_t size() const { return size_; }
  Page count() const { return count_; }

  // Of zeros where it cannot be read.
  std::string read(Page page) {
    std::string bytes(size_, '\0');
    file_.clear();
    file_.seekg(static_cast<std::streamoff>(page - 1) * static_cast<std::streamoff>(size_));
    if (!file_.read(bytes.data(), static_cast<std::streamsize>(size_))) bytes.assign(size_, '\0');
    return bytes;
  }
  void write(Page page, const std::string& bytes) {
    file_.clear();
    file_.seekp(static_cast<std::streamoff>(page - 1) * static_cast<std::streamoff>(size_));
    if (!file_.write(bytes.data(), static_cast<std::streamsize>(size_)).flush()) {
      throw SqliteError(SQLITE_FULL, "a page cannot be written");
    }
  }

 private:
  std::fstream file_;
  std::size_t size_;
  Page count_ = 0;
};

std::uint32_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < size; ++i) {
    number = number << 8 | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0);
  }
  return number;
}

int kind_of(std::string_view page) {
  return static_cast<unsigned char>(page.front());
}

std::size_t cells_in(std::string_view page) {
  return number_at(page, 3, 2);
}

// Section 1.6: a number of one to nine bytes; `at` is moved behind it.
std::int64_t varint_at(std::string_view page, std::size_t& at) {
  std::uint64_t number = 0;
  for (int i = 0; i < 9 && at < page.size(); ++i) {
    const auto byte = static_cast<unsigned char>(page[at++]);
    if (i == 8) return static_cast<std::int64_t>(number << 8 | byte);
    number = number << 7 | (byte & 0x7fU);
    if (byte < 0x80) break;
  }
  return static_cast<std::int64_t>(number);
}

void append_varint(std::string& bytes, std::uint64_t number) {
  if (number >> 56 != 0) {  // nine bytes, the last one whole
    for (int i = 0; i < 8; ++i) bytes += static_cast<char>(0x80 | (number >> (57 - 7 * i) & 0x7f));
    bytes += static_cast<char>(number);
    return;
  }
  std::string groups(1, static_cast<char>(number & 0x7f));
  while ((number >>= 7) != 0) groups += static_cast<char>(0x80 | (number & 0x7f));
  bytes.append(groups.rbegin(), groups.rend());
}

std::vector<Page> children_of(std::string_view page) {
  std::vector<Page> children;
  for (std::size_t i = 0; i < cells_in(page) && kInnerHeader + 2 * i < page.size(); ++i) {
    children.push_back(number_at(page, number_at(page, kInnerHeader + 2 * i, 2), 4));
  }
  children.push_back(number_at(page, 8, 4));
  return children;
}

// The first or the last key of a leaf; nullopt: there is none.
std::optional<std::int64_t> key_in(std::string_view leaf, bool last) {
  const std::size_t cells = cells_in(leaf);
  if (kind_of(leaf) != kLeaf || cells == 0 || kLeafHeader + 2 * cells > leaf.size()) return std::nullopt;
  std::size_t at = number_at(leaf, kLeafHeader + 2 * (last ? cells - 1 : 0), 2);
  varint_at(leaf, at);  // size of the record
  return at < leaf.size() ? std::optional(varint_at(leaf, at)) : std::nullopt;
}

// Columns of the first record of a leaf.
std::int64_t columns_in(std::string_view leaf) {
  std::size_t at = number_at(leaf, kLeafHeader, 2);
  varint_at(leaf, at);
  varint_at(leaf, at);
  const std::size_t begin = at;
  const auto size = static_cast<std::size_t>(varint_at(leaf, at));
  std::int64_t columns = 0;
  for (; at < begin + size && at < leaf.size(); ++columns) varint_at(leaf, at);
  return columns;
}

// A subtree, and between which keys it lies.
struct Orphan {
  Page page = 0;
  std::int64_t first = 0;
  std::int64_t last = 0;
  bool is_certain = false;
};

class Adoption {
 public:
  Adoption(Pages& pages, const KeptTables& tables) : pages_(pages) {
    for (const KeptTables::Schema& one : tables.schema) {
      roots_.insert(static_cast<Page>(one.root));
      if (one.name == kJournal) journal_ = static_cast<Page>(one.root);
    }
    if (tables.auto_vacuum == 0) return;
    read_notes();
    if (!unknown_.empty() && journal_ != 0 && is_dead(journal_)) look_for_the_journals();
  }

  bool is_needed() const { return !orphans_.empty(); }

  // The count of pages written. Of parents and children that are both gone, the children first: then it is done again.
  int run() {
    int written = 0;
    for (auto& [parent, orphans] : orphans_) {
      const bool waits = std::ranges::any_of(children_[parent], [this](Page page) { return orphans_.contains(page); });
      if (!waits && write_parent(parent, orphans)) ++written;
    }
    return written;
  }

 private:
  bool is_dead(Page page) {
    const auto [known, is_new] = dead_.try_emplace(page, false);
    if (is_new) {
      const int kind = kind_of(pages_.read(page));
      known->second = kind != kLeaf && kind != kInner && kind != kIndexLeaf && kind != kIndexInner;
    }
    return known->second;
  }

  // Section 1.8: a page of notes, then the pages that they are about, and so on.
  void read_notes() {
    const auto per_page = static_cast<Page>(pages_.size() / kNote);
    for (Page notes_page = 2; notes_page <= pages_.count(); notes_page += per_page + 1) {
      const std::string notes = pages_.read(notes_page);
      const std::uint32_t first = number_at(notes, 0, 1);
      const bool is_gone = first == 0 || first > kNotFirst;
      for (Page i = 0; i < per_page; ++i) {
        const Page page = notes_page + 1 + i;
        if (page > pages_.count()) break;
        if (is_gone) {
          if (!roots_.contains(page)) unknown_.insert(page);
          continue;
        }
        if (number_at(notes, i * kNote, 1) != kNotFirst) continue;
        const Page parent = number_at(notes, i * kNote + 1, 4);
        if (parent < 2 || parent > pages_.count() || !is_dead(parent)) continue;  // the first page is lost_pages' work
        children_[parent].push_back(page);
        add(parent, page, true);
      }
    }
  }

  // Those that no page leads to.
  void look_for_the_journals() {
    for (Page page = 1; page <= pages_.count(); ++page) {
      const std::string bytes = pages_.read(page);
      if (kind_of(bytes) != kInner) continue;
      for (const Page child : children_of(bytes)) unknown_.erase(child);
    }
    for (const Page page : unknown_) {
      const std::optional<std::string> leaf = outer_leaf(page, false);
      if (leaf && cells_in(*leaf) != 0 && columns_in(*leaf) == kJournalColumns) add(journal_, page, false);
    }
  }

  void add(Page parent, Page page, bool is_certain) {
    const std::optional<std::string> left = outer_leaf(page, false);
    const std::optional<std::string> right = outer_leaf(page, true);
    const auto first = left ? key_in(*left, false) : std::nullopt;
    const auto last = right ? key_in(*right, true) : std::nullopt;
    if (first && last && *first <= *last) orphans_[parent].push_back({page, *first, *last, is_certain});
  }

  // The leftmost or rightmost one below.
  std::optional<std::string> outer_leaf(Page page, bool right) {
    for (int depth = 0; depth < kDepthMax; ++depth) {
      std::string bytes = pages_.read(page);
      if (kind_of(bytes) == kLeaf) return bytes;
      if (kind_of(bytes) != kInner) return std::nullopt;
      page = right ? children_of(bytes).back() : children_of(bytes).front();
      if (page == 0 || page > pages_.count()) return std::nullopt;
    }
    return std::nullopt;
  }

  // Of two that overlap one is a page that was given up long ago.
  static std::vector<Orphan> in_order(std::vector<Orphan> orphans) {
    std::ranges::sort(orphans, {}, [](const Orphan& orphan) { return std::pair(!orphan.is_certain, orphan.first); });
    std::vector<Orphan> chosen;
    for (const Orphan& one : orphans) {
      const auto overlaps = [&one](const Orphan& other) { return one.first <= other.last && other.first <= one.last; };
      if (std::ranges::none_of(chosen, overlaps)) chosen.push_back(one);
    }
    std::ranges::sort(chosen, {}, &Orphan::first);
    return chosen;
  }

  bool write_parent(Page parent, std::vector<Orphan>& orphans) {
    std::vector<Orphan> chosen = in_order(std::move(orphans));
    if (chosen.empty()) return false;
    if (chosen.size() == 1) {
      pages_.write(parent, pages_.read(chosen.front().page));
      return true;
    }
    std::string page(pages_.size(), '\0');
    std::size_t content = page.size();
    std::vector<std::size_t> cells;
    // The newest first, in case that not all of them find room.
    for (std::size_t i = chosen.size() - 1; i-- > 0;) {
      std::string cell;
      for (int shift = 24; shift >= 0; shift -= 8) cell += static_cast<char>(chosen[i].page >> shift);
      append_varint(cell, static_cast<std::uint64_t>(chosen[i].last));
      if (kInnerHeader + 2 * (cells.size() + 1) + cell.size() > content) break;
      content -= cell.size();
      page.replace(content, cell.size(), cell);
      cells.push_back(content);
    }
    const auto put = [&page](std::size_t at, std::size_t value) {
      page[at] = static_cast<char>(value >> 8);
      page[at + 1] = static_cast<char>(value);
    };
    page[0] = kInner;
    put(3, cells.size());
    put(5, content);
    put(8, chosen.back().page >> 16);
    put(10, chosen.back().page & 0xffff);
    std::ranges::reverse(cells);
    for (std::size_t i = 0; i < cells.size(); ++i) put(kInnerHeader + 2 * i, cells[i]);
    pages_.write(parent, page);
    return true;
  }

  Pages& pages_;
  std::set<Page> roots_;
  Page journal_ = 0;
  std::map<Page, bool> dead_;                   // no page of a tree: of those that were looked at
  std::map<Page, std::vector<Page>> children_;  // of dead ones, by their notes
  std::map<Page, std::vector<Orphan>> orphans_;
  std::set<Page> unknown_;  // whose parent is noted on a page that is gone
};

}  // namespace

bool has_orphans(const fs::path& file, const KeptTables& tables) {
  if (tables.page_size <= 0) return false;
  Pages pages(file, static_cast<std::size_t>(tables.page_size));
  return pages.count() != 0 && Adoption(pages, tables).is_needed();
}

void adopt_orphans(const fs::path& copy, const KeptTables& tables) {
  Pages pages(copy, static_cast<std::size_t>(tables.page_size));
  for (int depth = 0; depth < kDepthMax; ++depth) {
    if (Adoption(pages, tables).run() == 0) return;
  }
}

}  // namespace carbongate::store
