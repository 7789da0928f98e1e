// The values of one series, as few bits; every bit of each comes back.
#pragma once

#include <span>

#include "gateway/store/bit_code.h"

namespace carbongate::store {

// A register is a whole number times a power of ten, or a float of 32 bits: as such it is coded, by differences.
void encode_values(std::span<const double> values, BitWriter& out);

// As many as there is room for. Throws DamagedRecord.
void decode_values(BitReader& in, std::span<double> values);

}  // namespace carbongate::store
