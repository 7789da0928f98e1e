// What to ask a device for: its registers gathered into as few requests as it allows. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "drivers/modbus/register_field.h"

namespace carbongate::modbus_driver {

struct ReadLimits {
  std::uint16_t max_block = modbus::kReadRegistersMax;  // registers per request
  std::uint16_t max_gap = 16;                           // registers read and thrown away to save a request

  friend bool operator==(const ReadLimits&, const ReadLimits&) = default;
};

// One request, and the fields (as indices) whose values its answer holds, by ascending address.
struct Block {
  modbus::ReadRequest request;
  std::vector<std::size_t> fields;
};

// Every field is in exactly one block, and whole. Blocks are within the limits; a value that is wider than max_block is
// asked for on its own. Bits have 16 times the limits of registers, at most 2000. Sorts, then one pass.
std::vector<Block> plan_reads(std::span<const RegisterField> fields, ReadLimits limits);

// What to ask instead of a block that the device refused with "illegal data address": the same without gaps or, if it
// has none, its halves, so that an address which this model does not have costs no other. Empty: it cannot be divided.
std::vector<Block> divide(const Block& block, std::span<const RegisterField> fields);

}  // namespace carbongate::modbus_driver
