#include "gateway/store/key_order.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <vector>

namespace carbongate::store {
namespace {

// The keys that are judged to be where they belong.
std::vector<std::int64_t> right_of(const std::vector<std::int64_t>& keys, std::int64_t from = INT64_MIN) {
  KeyOrder order(from);
  std::vector<std::int64_t> right;
  std::size_t ahead = 0;
  for (const std::int64_t key : keys) {
    while (order.wants_more()) ahead < keys.size() ? order.add(keys[ahead++]) : order.end();
    if (order.judge()) right.push_back(key);
  }
  return right;
}

std::vector<std::int64_t> numbers(std::int64_t first, std::int64_t last) {
  std::vector<std::int64_t> keys(static_cast<std::size_t>(last - first + 1));
  std::iota(keys.begin(), keys.end(), first);
  return keys;
}

TEST(KeyOrder, KeysThatAscendAreRight) {
  EXPECT_EQ(right_of({}), (std::vector<std::int64_t>{}));
  EXPECT_EQ(right_of({INT64_MIN, -1, 0, 7, INT64_MAX}), (std::vector<std::int64_t>{INT64_MIN, -1, 0, 7, INT64_MAX}));
  EXPECT_EQ(right_of(numbers(1, 5'000)), numbers(1, 5'000));
  EXPECT_EQ(right_of({3, 5, 7}, 5), (std::vector<std::int64_t>{5, 7}));
}

TEST(KeyOrder, WithoutAKeyThereIsNoNext) {
  KeyOrder order(0);
  EXPECT_TRUE(order.wants_more());
  EXPECT_FALSE(order.has_next());
  order.end();
  EXPECT_FALSE(order.wants_more());
}

TEST(KeyOrder, OneThatIsTooHighTakesNoOtherWithIt) {
  auto keys = numbers(1, 5'000);
  for (const std::int64_t wrong : {std::int64_t{700}, std::int64_t{3'000}, std::int64_t{1} << 60}) {
    keys[600] = wrong;
    auto right = numbers(1, 5'000);
    right.erase(right.begin() + 600);
    EXPECT_EQ(right_of(keys), right) << wrong;
  }
}

TEST(KeyOrder, OneThatIsTooLowTakesNoOtherWithIt) {
  auto keys = numbers(1, 5'000);
  keys[600] = 90;
  auto right = numbers(1, 5'000);
  right.erase(right.begin() + 600);
  right.erase(right.begin() + 89);  // of the two with that number neither is believed
  EXPECT_EQ(right_of(keys), right);
}

TEST(KeyOrder, OfTwoThatContradictEachOtherNeitherIsBelieved) {
  EXPECT_EQ(right_of({10, 20, 26, 23, 30}), (std::vector<std::int64_t>{10, 20, 30}));
  EXPECT_EQ(right_of({10, 20, 23, 23, 30}), (std::vector<std::int64_t>{10, 20, 30}));
}

TEST(KeyOrder, APageOfAnotherPlaceTakesNoOtherWithIt) {
  auto keys = numbers(1, 5'000);
  const auto foreign = numbers(3'000, 3'080);
  std::ranges::copy(foreign, keys.begin() + 500);
  auto right = numbers(1, 5'000);
  right.erase(right.begin() + 500, right.begin() + 581);
  EXPECT_EQ(right_of(keys), right);
}

TEST(KeyOrder, ManyWrongOnesCostThemselvesAndFewOthers) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 50; ++round) {
    auto keys = numbers(1, 5'000);
    std::size_t wrong = 0;
    for (auto& key : keys) {
      if (random() % 200 != 0) continue;
      key ^= std::int64_t{1} << (random() % 40);
      ++wrong;
    }
    const auto right = right_of(keys);
    EXPECT_TRUE(std::ranges::is_sorted(right, std::less_equal()) && std::ranges::adjacent_find(right) == right.end());
    EXPECT_GE(right.size() + 3 * wrong, keys.size());
  }
}

}  // namespace
}  // namespace carbongate::store
