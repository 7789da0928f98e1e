// Exponential backoff with jitter: how long to wait before the next attempt.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace carbongate::io {

// Where backoffs without a seed of their own have it from, one generator for each thread. Whoever plays the same story
// twice seeds it.
inline std::mt19937_64& jitter_seeds() {
  thread_local std::mt19937_64 seeds(std::random_device{}());
  return seeds;
}

// Attempt n waits base * 2^n, at most cap, less a random share of up to half ("equal jitter"): many gateways that lost
// the same server do not come back in step, and none waits longer than the cap. Not thread-safe.
class Backoff {
 public:
  Backoff(std::chrono::milliseconds base, std::chrono::milliseconds cap, std::uint64_t seed = jitter_seeds()())
      : base_(base), cap_(cap), random_(seed) {}

  std::chrono::milliseconds next() {
    const auto full = std::min(cap_, base_ * (std::int64_t{1} << std::min(attempt_, 20)));
    ++attempt_;
    std::uniform_int_distribution<std::int64_t> jitter(0, full.count() / 2);
    return full - std::chrono::milliseconds(jitter(random_));
  }

  void reset() { attempt_ = 0; }
  int attempts() const { return attempt_; }

 private:
  std::chrono::milliseconds base_;
  std::chrono::milliseconds cap_;
  std::mt19937_64 random_;
  int attempt_ = 0;
};

}  // namespace carbongate::io
