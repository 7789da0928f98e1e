// What to put in the place of hours without valid data, so that emissions are not understated. Pure; the original
// stays, and what is substituted is booked beside it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "drivers/api/reading.h"
#include "gateway/model/account.h"
#include "gateway/model/quality.h"
#include "gateway/model/quantity.h"
#include "gateway/pipeline/calendar.h"

namespace carbongate::books {

using model::SubstitutionMethod;

// One hour of an account: hours follow each other without a hole, oldest first.
struct Hour {
  Instant begin{};
  model::Activity amount;  // as measured, also when it is not valid; of a valid one with what it lacks by its mean
  bool valid = false;
  bool operating = true;  // false: the plant stood still, proven by its own data; needs no substitute
  bool settled = false;   // not valid, and needs no substitute all the same: a register difference or a person says it
};

// By which hj75 chose.
struct Chosen {
  std::size_t gap_hours = 0;
  std::size_t valid_percent = 0;  // of the hours of operation, rounded down
  bool of_quarter = false;        // of a quarter of the year that is over; else of the 2160 hours up to the hour
};

struct Substitute {
  Instant begin{};         // of the hour
  model::Activity amount;  // in the place of the hour's own; never less than it
  model::Rule rule = model::Rule::none;
  std::vector<Instant> from = {};  // the hours whose amount, or mean, it is
  std::optional<Chosen> chosen = {};
};

struct Substitution {
  std::vector<Substitute> hours;
  std::vector<Instant> refused;  // hours for which the rules allow no substitute: by hand, then
};

// Substitutes for the hours of [from, until) that are not valid. What lies before serves as history; of what comes
// after a gap only the share of valid hours in the quarter of the year is looked at.
//
// hj75, alpha = valid hours / operating hours of the calendar's quarter, once the hours given reach its end. As long as
// it goes on, of the 2160 hours up to the hour instead: a share that hardly moves, from its first hour on.
//   alpha >= 90 %, gap <= 24 h        greatest of the last 180 valid hours before the gap
//   alpha >= 90 %, gap > 24 h         greatest of the last 720
//   75 % <= alpha < 90 %              greatest of the last 2160
//   alpha < 75 %, or no valid hour    refused
// same_weekday: mean of the valid hours 1 to 8 weeks before at which the clock on the wall showed the same, rounded up;
// refused without any.
Substitution substitute(std::span<const Hour> hours, Instant from, Instant until, SubstitutionMethod method,
                        pipeline::Calendar& calendar);

// How many hours behind `until` it takes to tell a gap of a day from a longer one.
inline constexpr int kHoursBehind = 25;

// How far before `from` its rules look back. Those over valid hours of operation, 2160 at most, go no further than a
// year, however seldom a plant runs.
Duration looked_back(SubstitutionMethod method);

// What a valid hour lacks, by its own mean: `known` of the time `covered`, over `lacking`; to the nearest quantum.
model::Activity by_mean(model::Activity known, Duration covered, Duration lacking);

}  // namespace carbongate::books
