// What the store tells of the past, as the API shows it. Each call opens the store for reading by itself and runs on
// any thread; it blocks as long as the store takes. What cannot be answered throws a Refusal.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/model/checkpoint.h"
#include "gateway/model/site.h"
#include "gateway/ops/facts.h"

namespace carbongate::ops {

// Half open; where an end is not given there is none.
struct Window {
  std::optional<Instant> from = {};
  std::optional<Instant> until = {};
};

// Where each account stands in the period in progress, copied on the loop.
using OpenPeriods = std::vector<std::optional<model::OpenPeriod>>;  // by account
OpenPeriods open_periods(const model::Checkpoint& accounts, model::Period period);

enum class SeriesMeasure { energy, kgce, co2e };

struct SeriesAsk {
  std::string user;  // "site": the whole site, if no user is called so
  SeriesMeasure measure = SeriesMeasure::energy;
  bool market = false;
  std::optional<model::Scope> scope = {};
  model::Period interval = model::Period::hour;
  Instant from{};
  Instant until{};
};
std::string series_text(const std::filesystem::path& store, const model::Site& site, const SeriesAsk& ask,
                        const OpenPeriods& open);

struct CoverageAsk {
  std::string device;
  Instant from{};
  Instant until{};
};
std::string coverage_text(const std::filesystem::path& store, const model::Site& site, const CoverageAsk& ask,
                          const OpenPeriods& hours, const OpenPeriods& days);

struct ReadingsAsk {
  PointId point{};
  Instant from{};
  Instant until{};
  std::size_t slots = 500;
};
std::string readings_text(const std::filesystem::path& store, const model::Site& site, const ReadingsAsk& ask);

struct EntriesAsk {
  Window window = {};
  std::string user = {};     // empty: all
  std::string carrier = {};  // empty: all
  std::optional<model::Scope> scope = {};
  std::size_t limit = 100;
  std::string cursor = {};
};
std::string entries_text(const std::filesystem::path& store, const EntriesAsk& ask);

struct AlertsAsk {
  bool all = false;    // else those that fire or are pending
  Window window = {};  // by the last change
  std::size_t limit = 100;
  std::string cursor = {};
  Instant now{};
};
std::string alerts_text(const std::filesystem::path& store, const model::Site& site, const AlertsAsk& ask);

// Why an alert cannot be acknowledged; nullopt: it fires, and nobody has.
struct Objection {
  int status = 0;  // of HTTP
  std::string why;
};
std::optional<Objection> why_not_acknowledged(const std::filesystem::path& store, const model::Site& site,
                                              const std::string& id);

struct DeliveriesAsk {
  Window window = {};  // by the last attempt
  std::string sink = {};
  bool only_open = false;
  std::size_t limit = 100;
  std::string cursor = {};
};
std::string deliveries_text(const std::filesystem::path& store, const DeliveriesAsk& ask);

// What the store's status says beside the seals.
struct LedgerState {
  std::uint64_t entries = 0;
  std::uint64_t sealed = 0;
  std::string trouble;
};
std::string seals_text(const std::filesystem::path& store, const LedgerState& state, std::size_t limit,
                       std::optional<std::uint64_t> before);

}  // namespace carbongate::ops
