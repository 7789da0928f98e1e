// Which keys of a table are where they belong, when they are read in the order in which they lie and some may be wrong:
// one flipped bit in a row's number, or a page of another place.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace carbongate::store {

// Keys ascend. Where one is followed by several that lie below it, and above all before it, it is that one that is
// wrong; where by one alone, nobody knows which of the two. One that is below what was judged right is wrong itself.
class KeyOrder {
 public:
  // `from`: none is less.
  explicit KeyOrder(std::int64_t from) : next_(from) {}

  static constexpr std::size_t kAhead = 1'024;  // more than lie on a page

  bool wants_more() const { return !is_ended_ && keys_.size() <= kAhead; }
  void add(std::int64_t key) {
    if (!keys_.empty() && key <= keys_.back().number) ++falls_;
    keys_.push_back({key});
  }
  void end() { is_ended_ = true; }  // no more can be read

  bool has_next() const { return !keys_.empty(); }

  // Whether the next key, in the order in which they were added, is where it belongs.
  bool judge() {
    const bool is_plain = falls_ == 0;
    const Key key = keys_.front();
    keys_.pop_front();
    if (!keys_.empty() && keys_.front().number <= key.number) --falls_;
    if (key.is_doubtful || key.number < next_) return false;
    if (!is_plain) {
      Key* below = nullptr;
      std::size_t count = 0;
      for (Key& other : keys_) {
        if (other.is_doubtful || other.number < next_ || other.number > key.number) continue;
        below = &other;
        ++count;
      }
      if (count == 1) below->is_doubtful = true;
      if (count != 0) return false;
    }
    next_ = key.number == INT64_MAX ? key.number : key.number + 1;
    return true;
  }

  std::int64_t next() const { return next_; }  // behind the last one that is right

 private:
  struct Key {
    std::int64_t number = 0;
    bool is_doubtful = false;
  };
  std::deque<Key> keys_;
  std::size_t falls_ = 0;  // keys in `keys_` that are not greater than the one before them
  std::int64_t next_;
  bool is_ended_ = false;
};

}  // namespace carbongate::store
