#include "gateway/app/metering_section.h"

#include <optional>
#include <utility>
#include <vector>

#include "config/reader/text.h"
#include "gateway/model/uncertainty.h"
#include "gateway/pipeline/factor_value.h"

namespace carbongate::app {
namespace {

constexpr std::int64_t kPpmPerPercent = 10'000;
constexpr std::int64_t kPpmMax = 500'000;  // an amount that may be wrong by half is no measurement

// A percentage, in millionths. nullopt: absent, or reported.
std::optional<std::int32_t> read_percent(config::Reader& in, std::string_view key) {
  const auto text = in.optional<std::string>(key);
  if (!text) return std::nullopt;
  const auto value = pipeline::Fraction::decimal(*text);
  const auto ppm = value ? value->scaled(kPpmPerPercent) : std::nullopt;
  if (!ppm || *ppm > kPpmMax || (*ppm == 0 && !value->zero())) {
    in.error(key, "expected percent from 0.0001 to 50, such as 0.2, found '" + config::printable(*text) +
                      "'; leave it out "
                      "where there is nothing of the kind");
    return std::nullopt;
  }
  return static_cast<std::int32_t>(*ppm);
}

const model::MeterClass* read_class(config::Reader& in) {
  const auto id = in.optional<std::string>("class");
  if (!id) return nullptr;
  const model::MeterClass* found = model::find_meter_class(*id);
  if (!found) {
    std::vector<std::string> known;
    for (const model::MeterClass& one : model::meter_classes()) known.emplace_back(one.id);
    const std::string near = config::nearest(*id, known);
    std::string all;
    for (const std::string& one : known) all += (all.empty() ? "" : ", ") + one;
    in.error("class", "unknown class '" + config::printable(*id) + "'" +
                          (near.empty() ? "" : "; did you mean '" + near + "'?") + "; known: " + all +
                          "; or give limit_percent instead");
  }
  return found;
}

void append(std::string& text, std::string_view what, config::Reader& in, std::string_view key) {
  const auto value = in.optional<std::string>(key);
  if (value) text += (text.empty() ? "" : ", ") + std::string(what) + " " + *value + " %";
}

void read_chain(config::Reader& in, Metering& metering) {
  model::MeterChain chain;
  const model::MeterClass* known = read_class(in);
  const bool light = in.one_of("load", {"normal", "light"}, 0) == 1;
  if (known) {
    chain.meter_ppm = light ? known->limit_light_ppm : known->limit_ppm;
    metering.meter.accuracy = std::string(known->id) + (light ? " (light load)" : "");
  }
  if (const auto limit = read_percent(in, "limit_percent")) {
    if (in.has("class")) in.error("limit_percent", "give either a class or its limit");
    chain.meter_ppm = *limit;
    append(metering.meter.accuracy, "limit", in, "limit_percent");
  }
  chain.ct_ppm = read_percent(in, "ct").value_or(0);
  chain.pt_ppm = read_percent(in, "pt").value_or(0);
  chain.extra_ppm = read_percent(in, "extra").value_or(0);
  append(metering.meter.accuracy, "CT", in, "ct");
  append(metering.meter.accuracy, "PT", in, "pt");
  append(metering.meter.accuracy, "extra", in, "extra");
  metering.u95_ppm = chain.u95_ppm();
}

}  // namespace

Metering read_metering(config::Reader& account) {
  Metering metering;
  const config::Node* node = account.child("metering");
  if (!node) return metering;
  config::Reader in(*node, account.problems());
  metering.meter.device = in.value_or("device", "");
  metering.meter.calibration = in.value_or("calibration", "");
  if (in.has("uncertainty_percent")) {
    metering.u95_ppm = read_percent(in, "uncertainty_percent").value_or(0);
    append(metering.meter.accuracy, "U95", in, "uncertainty_percent");
    for (const char* key : {"class", "limit_percent", "ct", "pt", "extra", "load"}) {
      if (in.has(key)) in.error(key, "uncertainty_percent is that of the whole chain; give one or the other");
      in.child(key);
    }
  } else {
    if (node->is_map() && !in.has("class") && !in.has("limit_percent")) {
      in.error("class",
               "missing; write the class of the meter, such as 0.5S, or limit_percent, or uncertainty_percent");
    }
    read_chain(in, metering);
  }
  in.finish();
  return metering;
}

}  // namespace carbongate::app
