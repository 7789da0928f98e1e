// `metering` of an account: how good the meter is from which it is counted.
//
//   metering: {class: 0.5S, ct: 0.2, pt: 0.2}     # class of the meter, limits of its transformers in percent
//   metering: {class: gas, extra: 0.5}            # whatever else stands between: a corrector, a sampling
//   metering: {class: 1, load: light}             # mostly below 5 % of its rated current
//   metering: {limit_percent: 1.5}                # instead of a class: the limit of error
//   metering: {uncertainty_percent: 1.5}          # or the 95 % half-width of the whole chain, of a certificate
//   metering: {..., device: ADL400, calibration: 2026-03-01}   # for statements, optional
#pragma once

#include <cstdint>

#include "config/reader/reader.h"
#include "gateway/model/account.h"

namespace carbongate::app {

struct Metering {
  std::int32_t u95_ppm = 0;  // half-width of the 95 % interval of the amounts, in millionths; 0: not stated
  model::MeterDescription meter{};

  friend bool operator==(const Metering&, const Metering&) = default;
};

// Reads the key `metering` of an account. Absent: nothing is stated. Problems are reported with their place.
Metering read_metering(config::Reader& account);

}  // namespace carbongate::app
