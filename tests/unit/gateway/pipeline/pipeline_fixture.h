// A small site in memory, readings for it, and what comes out, as text and as rows.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/pipeline/pipeline.h"

namespace carbongate::pipeline {

// "2023-06-01 12:00:00" or "2023-06-01 12:00", UTC.
Instant utc(std::string_view text);

class TestSite {
 public:
  TestSite() {
    site.id = "test";
    site.name = "测试";
  }

  PointId add_point(std::string name, Kind kind, std::string_view unit, PointLimits limits = {});
  model::AccountId add_account(PointId source, std::string_view carrier = "electricity", std::string set = "cn-grid",
                               std::string region = "CN-SC", std::string method = "average");

  // The factor sets that ship with the program, for the site's zone.
  const FactorRegistry& factors();
  Pipeline pipeline(model::Checkpoint restored = {}) { return Pipeline(site, factors(), std::move(restored)); }

  model::Site site;
};

inline PointLimits every(Duration interval) {
  PointLimits limits;
  limits.interval = interval;
  return limits;
}

// One counter in kWh, read every minute, one account on it.
class OneMeter : public ::testing::Test {
 protected:
  OneMeter() {
    meter = site.add_point("energy", Kind::cumulative, "kWh", every(std::chrono::minutes(1)));
    account = site.add_account(meter);
  }

  TestSite site;
  PointId meter;
  model::AccountId account;
};

inline Reading reading(PointId point, Instant at, double value) {
  return {.point = point, .availability = Availability::available, .at = at, .value = value};
}

// Each reading alone, heard as it was measured, judged at that moment.
std::vector<model::JournalRow> feed(Pipeline& pipeline, const std::vector<Reading>& readings);

// One line a row, every field: equal texts are equal rows.
std::string to_text(const std::vector<model::JournalRow>& rows);
std::string to_text(const model::Checkpoint& checkpoint);

template <class Body>
std::vector<Body> only(const std::vector<model::JournalRow>& rows) {
  std::vector<Body> found;
  for (const model::JournalRow& row : rows) {
    if (const auto* body = row.body.get_if<Body>()) found.push_back(*body);
  }
  return found;
}

inline std::vector<model::RollupRow> rollups(const std::vector<model::JournalRow>& rows, model::Period period) {
  std::vector<model::RollupRow> found;
  for (const model::RollupRow& row : only<model::RollupRow>(rows)) {
    if (row.period == period) found.push_back(row);
  }
  return found;
}

}  // namespace carbongate::pipeline
