// Late readings that fall into a doubt of a counter, or decide one: once it is over, the books are those of the order
// of time.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "tests/unit/gateway/app/restate_fixture.h"

namespace carbongate::app::restating {
namespace {

struct Shown {
  double minute;
  double kwh;
};

// Settled after each reading, or only at the end.
class LateInDoubt : public ::testing::TestWithParam<bool> {
 protected:
  LateInDoubt() {
    counter_ = site_.add("hall", Kind::cumulative, "kWh");
    limits().interval = 15min;
  }
  PointLimits& limits() { return site_.site.points.front().limits; }

  // As heard.
  void expect_as_in_order(std::span<const Shown> shown, double kwh) {
    std::vector<Reading> readings;
    for (const Shown& s : shown) readings.push_back(at(counter_, Duration(std::llround(s.minute * 60'000)), s.kwh));
    Books books(site_);
    for (const Reading& reading : readings) {
      books.hear({&reading, 1});
      if (GetParam()) books.restate_late_data();
    }
    books.restate_late_data();
    std::ranges::sort(readings, {}, &Reading::at);
    Books in_order(site_);
    in_order.hear(readings);
    const auto total = [](Books& of) { return static_cast<double>(of.state().accounts[0].amount.quanta()) / 1e6; };
    EXPECT_NEAR(total(in_order), kwh, 0.001);
    EXPECT_NEAR(total(books), kwh, 0.001);
    EXPECT_EQ(books.waiting(), 0u);
    EXPECT_FALSE(books.state().points[0].late);
    EXPECT_EQ(books.look(books.everything()).differences.size(), 0u);
    const KnownBooks expected = in_order.known();
    KnownBooks found = books.known();
    for (const auto& [key, known] : expected) {
      EXPECT_EQ(found[key].amount, known.amount) << (key.second - kStart) / 1min;
    }
    books.expect_sums_of_entries();
  }

  TestSite site_;
  PointId counter_{};
};
INSTANTIATE_TEST_SUITE_P(Settled, LateInDoubt, ::testing::Bool());

// The late reading is what the counter falls from: by its order what it showed before is believed later.
TEST_P(LateInDoubt, ACounterThatIsInNoneByTheOrderOfArrival) {
  limits().power_max_w = 1'000'000;
  std::vector<Shown> shown{{555, 9'970}, {570, 9'980}, {615, 10'200}, {600, 10'350}};
  for (int i = 2; i < 26; ++i) shown.push_back({600.0 + 15 * i, 10'000.0 + 10 * i});
  expect_as_in_order(shown, 510);
}

TEST_P(LateInDoubt, AnOlderReadingOfWhereTheCounterComesBackTo) {
  limits().count = 0.01;
  limits().rollover_at = {42'949'672.96};
  expect_as_in_order(std::vector<Shown>{{1095, 7'228.92},
                                        {1005, 10'177.44},
                                        {1110, 10'246.92},
                                        {1350, 10'456.92},
                                        {1365, 10'457.92},
                                        {1380, 10'477.92},
                                        {1395, 10'499.92},
                                        {1410, 10'518.92},
                                        {1425, 10'548.92},
                                        {1440, 10'552.92},
                                        {1455, 10'581.92},
                                        {1470, 10'588.92},
                                        {1485, 10'613.92},
                                        {1500, 10'637.92},
                                        {1515, 10'659.92},
                                        {1530, 10'677.92},
                                        {1545, 10'694.92}},
                     517.48);
}

// Unreadable when it is first heard; what a logger had kept follows, the newest first.
TEST_P(LateInDoubt, ABacklogBehindARegisterThatShows0) {
  limits().power_max_w = 300'000;
  expect_as_in_order(
      std::vector<Shown>{{1012.5, 0},     {1002.5, 0},     {992.5, 21'719}, {989.5, 21'677}, {988.5, 21'667},
                         {978.5, 21'654}, {802.5, 777},    {800, 777},      {797, 777},      {777, 20'552},
                         {756, 20'483},   {755.5, 20'477}, {754.5, 20'469}, {691, 17'237},   {1275, 22'284},
                         {1290, 22'285},  {1305, 22'306},  {1320, 22'315},  {1335, 22'344},  {1350, 22'345},
                         {1365, 22'349},  {1380, 22'354},  {1395, 22'356},  {1410, 22'360},  {1425, 22'361},
                         {1440, 22'384},  {1455, 22'396},  {1470, 22'397}},
      678);
}

TEST_P(LateInDoubt, AReadingFromAmongThoseThatWait) {
  limits().power_max_w = 300'000;
  limits().rollover_at = {10'000};
  expect_as_in_order(
      std::vector<Shown>{{870, 2'796},  {930, 3'287},  {945, 3'363},  {1365, 2'495}, {1380, 2'495}, {1395, 2'525},
                         {1575, 70},    {1560, 3'660}, {3660, 3'133}, {3675, 3'139}, {3690, 3'147}, {3705, 3'153},
                         {3720, 3'154}, {3735, 3'155}, {3750, 3'167}, {3765, 3'191}, {3780, 3'196}, {3795, 3'205},
                         {3810, 3'213}, {3825, 3'228}, {3840, 3'251}, {3855, 3'259}, {3870, 3'264}, {3885, 3'294}},
      799);
}

}  // namespace
}  // namespace carbongate::app::restating
