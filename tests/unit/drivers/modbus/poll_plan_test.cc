#include "drivers/modbus/poll_plan.h"

#include <gtest/gtest.h>

#include <random>

namespace carbongate::modbus_driver {
namespace {

using modbus::Function;
using modbus::ReadRequest;

RegisterField field(std::uint16_t address, RegisterType type = RegisterType::uint16,
                    Function function = Function::read_holding_registers) {
  RegisterField out;
  out.address = address;
  out.type = type;
  out.function = function;
  return out;
}

std::vector<ReadRequest> requests(const std::vector<Block>& blocks) {
  std::vector<ReadRequest> out;
  for (const Block& block : blocks) out.push_back(block.request);
  return out;
}

using Requests = std::vector<ReadRequest>;
constexpr auto kHolding = Function::read_holding_registers;

TEST(PollPlan, GathersNeighboursWhateverTheirOrder) {
  const std::vector fields{field(4), field(0, RegisterType::float32), field(2, RegisterType::float32)};
  const auto blocks = plan_reads(fields, {});
  EXPECT_EQ(requests(blocks), (Requests{{kHolding, 0, 5}}));
  EXPECT_EQ(blocks[0].fields, (std::vector<std::size_t>{1, 2, 0}));
}

TEST(PollPlan, FillsGapsUpToTheLimit) {
  const std::vector fields{field(0), field(11), field(23)};
  EXPECT_EQ(requests(plan_reads(fields, {.max_block = 125, .max_gap = 10})),
            (Requests{{kHolding, 0, 12}, {kHolding, 23, 1}}));
  EXPECT_EQ(requests(plan_reads(fields, {.max_block = 125, .max_gap = 11})), (Requests{{kHolding, 0, 24}}));
  EXPECT_EQ(plan_reads(fields, {.max_block = 125, .max_gap = 0}).size(), 3u);
}

TEST(PollPlan, NeverSplitsAValue) {
  const std::vector fields{field(0, RegisterType::uint64), field(4, RegisterType::uint64),
                           field(8, RegisterType::uint64)};
  EXPECT_EQ(requests(plan_reads(fields, {.max_block = 11, .max_gap = 16})),
            (Requests{{kHolding, 0, 8}, {kHolding, 8, 4}}));
}

TEST(PollPlan, KeepsFunctionsApart) {
  const std::vector fields{field(0), field(1, RegisterType::uint16, Function::read_input_registers)};
  EXPECT_EQ(plan_reads(fields, {}).size(), 2u);
}

TEST(PollPlan, AsksForAtMostWhatTheStandardAllows) {
  std::vector<RegisterField> words;
  std::vector<RegisterField> bits;
  for (std::uint16_t address = 0; address < 2'001; ++address) {
    words.push_back(field(address));
    bits.push_back(field(address, RegisterType::bit, Function::read_coils));
  }
  const auto word_blocks = plan_reads(words, {});
  EXPECT_EQ(word_blocks.size(), 17u);
  EXPECT_EQ(word_blocks[0].request.count, 125);
  EXPECT_EQ(requests(plan_reads(bits, {})),
            (Requests{{Function::read_coils, 0, 2000}, {Function::read_coils, 2000, 1}}));
}

TEST(PollPlan, ReadsTheSameRegisterForTwoFieldsOnce) {
  const std::vector fields{field(10, RegisterType::uint32), field(10), field(11)};
  EXPECT_EQ(requests(plan_reads(fields, {})), (Requests{{kHolding, 10, 2}}));
}

TEST(PollPlan, ReachesTheLastAddress) {
  const std::vector fields{field(65'535), field(65'534)};
  EXPECT_EQ(requests(plan_reads(fields, {})), (Requests{{kHolding, 65'534, 2}}));
}

TEST(PollPlan, OfNothingIsNothing) {
  EXPECT_TRUE(plan_reads({}, {}).empty());
}

TEST(PollPlan, CoversEveryFieldOnceWithinTheLimits) {
  std::mt19937 random(7);
  constexpr RegisterType kTypes[] = {RegisterType::uint16, RegisterType::float32, RegisterType::uint64};
  for (int round = 0; round < 200; ++round) {
    const ReadLimits limits{.max_block = static_cast<std::uint16_t>(4 + random() % 122),
                            .max_gap = static_cast<std::uint16_t>(random() % 40)};
    std::vector<RegisterField> fields;
    for (unsigned i = 0; i < 1 + random() % 60; ++i) {
      fields.push_back(field(static_cast<std::uint16_t>(random() % 800), kTypes[random() % 3]));
    }
    std::vector<int> seen(fields.size());
    for (const Block& block : plan_reads(fields, limits)) {
      EXPECT_LE(block.request.count, limits.max_block);
      for (const std::size_t i : block.fields) {
        ++seen[i];
        EXPECT_GE(fields[i].address, block.request.address);
        EXPECT_LE(fields[i].end(), unsigned{block.request.address} + block.request.count);
      }
    }
    EXPECT_EQ(seen, std::vector<int>(fields.size(), 1));
  }
}

TEST(PollPlan, DividesARefusedBlockAtItsGapsFirst) {
  const std::vector fields{field(0), field(1), field(5)};
  const auto blocks = plan_reads(fields, {});
  ASSERT_EQ(blocks.size(), 1u);
  const auto parts = divide(blocks[0], fields);
  EXPECT_EQ(requests(parts), (Requests{{kHolding, 0, 2}, {kHolding, 5, 1}}));
  const auto halves = divide(parts[0], fields);
  EXPECT_EQ(requests(halves), (Requests{{kHolding, 0, 1}, {kHolding, 1, 1}}));
  EXPECT_TRUE(divide(halves[0], fields).empty());
}

}  // namespace
}  // namespace carbongate::modbus_driver
