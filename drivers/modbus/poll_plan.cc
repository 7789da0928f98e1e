#include "drivers/modbus/poll_plan.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace carbongate::modbus_driver {
namespace {

struct Limits {
  unsigned block;
  unsigned gap;
};

Limits limits_of(modbus::Function function, ReadLimits limits) {
  constexpr unsigned kBitsPerRegister = 16;
  if (!modbus::reads_bits(function)) {
    return {std::min<unsigned>(limits.max_block, modbus::kReadRegistersMax), limits.max_gap};
  }
  return {std::min<unsigned>(limits.max_block * kBitsPerRegister, modbus::kReadBitsMax),
          limits.max_gap * kBitsPerRegister};
}

// `order`: indices of fields, ascending by function and address.
std::vector<Block> gather(std::span<const std::size_t> order, std::span<const RegisterField> fields,
                          ReadLimits limits) {
  std::vector<Block> blocks;
  for (const std::size_t index : order) {
    const RegisterField& field = fields[index];
    if (!blocks.empty()) {
      Block& block = blocks.back();
      const auto [block_max, gap_max] = limits_of(field.function, limits);
      const unsigned begin = block.request.address;
      const unsigned end = begin + block.request.count;
      const unsigned new_end = std::max(end, field.end());
      if (field.function == block.request.function && field.address <= end + gap_max && new_end - begin <= block_max) {
        block.request.count = static_cast<std::uint16_t>(new_end - begin);
        block.fields.push_back(index);
        continue;
      }
    }
    const auto count = static_cast<std::uint16_t>(field.length());
    blocks.push_back({.request = {field.function, field.address, count}, .fields = {index}});
  }
  return blocks;
}

}  // namespace

std::vector<Block> plan_reads(std::span<const RegisterField> fields, ReadLimits limits) {
  std::vector<std::size_t> order(fields.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::tuple(fields[i].function, fields[i].address, i); });
  return gather(order, fields, limits);
}

std::vector<Block> divide(const Block& block, std::span<const RegisterField> fields) {
  if (block.fields.size() < 2) return {};
  const ReadLimits without_gaps{.max_block = modbus::kReadRegistersMax, .max_gap = 0};
  std::vector<Block> parts = gather(block.fields, fields, without_gaps);
  if (parts.size() > 1) return parts;
  const std::span<const std::size_t> all(block.fields);
  const std::size_t half = all.size() / 2;
  parts = gather(all.first(half), fields, without_gaps);
  for (Block& part : gather(all.subspan(half), fields, without_gaps)) parts.push_back(std::move(part));
  return parts;
}

}  // namespace carbongate::modbus_driver
