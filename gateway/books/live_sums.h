// The sums of a live screen: what each user has consumed of each carrier since the first reading, with how much of that
// time was watched, how far the truth may lie from it, and which steps in doubt it lacks. Pure; no threads of its own.
#pragma once

#include <string>
#include <vector>

#include "gateway/model/checkpoint.h"
#include "gateway/model/site.h"
#include "gateway/model/stated.h"
#include "gateway/pipeline/counter.h"

namespace carbongate::books {

// A counter whose newest step is in doubt: nothing since `step.since` is booked until its next readings decide.
struct Waiting {
  std::string point;
  pipeline::Pending step;
  std::vector<PointId> of;  // the points whose amounts lack it: its own, and those derived from it
};

std::vector<Waiting> waiting_points(const model::Site& site, const model::Checkpoint& checkpoint);

struct LiveSum {
  const model::Account* account = nullptr;  // the first of them; nullptr: of the site
  model::Activity amount;                   // means nothing of the site
  model::Co2e co2e;
  model::Co2e u95;  // of co2e, combined as in statements: one meter's and one factor's parts add linearly
  model::Stated stated = model::Stated::none;
  double amount_per_hour = 0;
  double co2e_kg_per_hour = 0;
  bool waits = false;  // for a step that is in doubt
  Duration covered{};  // summed over its metering points, each since its first reading,
  Duration elapsed{};  // out of that; zero: not known
};

// One for each user, carrier and flow: what a person calls "the press shop's electricity". Each point is looked at
// until its own newest reading.
std::vector<LiveSum> user_sums(const model::Site& site, const model::Checkpoint& state,
                               const std::vector<Waiting>& waiting);

// What each user consumes of a carrier that others are part of, less what they consume. Its coverage is that of its
// worst metering point.
std::vector<LiveSum> unallocated_sums(const model::Site& site, const model::Checkpoint& state);

// Of the site. Each point is looked at until the newest reading of any: one that is silent lowers the coverage.
LiveSum site_sum(const model::Site& site, const model::Checkpoint& state);

}  // namespace carbongate::books
