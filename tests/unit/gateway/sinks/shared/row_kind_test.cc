#include "gateway/sinks/shared/row_kind.h"

#include <gtest/gtest.h>

namespace carbongate::sinks::shared {
namespace {

TEST(RowKinds, FollowTheKindOfTheBody) {
  EXPECT_EQ(kind_of(model::JudgedReading{}), RowKind::reading);
  EXPECT_EQ(kind_of(model::EnergyInterval{}), RowKind::interval);
  EXPECT_EQ(kind_of(model::EmissionEntry{}), RowKind::entry);
  EXPECT_EQ(kind_of(model::RollupRow{}), RowKind::rollup);
  EXPECT_EQ(kind_of(model::RunningTotal{}), RowKind::total);
  EXPECT_EQ(kind_of(model::Alert{}), RowKind::alert);
  EXPECT_EQ(kind_of(model::Report{}), RowKind::report);
}

}  // namespace
}  // namespace carbongate::sinks::shared
