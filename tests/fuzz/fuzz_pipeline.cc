// Any readings of any points: nothing overflows, every reading is a row, and the rows add up to the accounts.
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

#include "gateway/model/carrier.h"
#include "gateway/pipeline/pipeline.h"

using namespace carbongate;
using namespace std::chrono_literals;

namespace {

class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : left_(data, size) {}
  bool empty() const { return left_.empty(); }
  template <class T>
  T take() {
    T value{};
    const std::size_t n = std::min(sizeof value, left_.size());
    std::memcpy(&value, left_.data(), n);
    left_ = left_.subspan(n);
    return value;
  }

 private:
  std::span<const std::uint8_t> left_;
};

void require(bool condition) {
  if (!condition) std::abort();
}

model::Site make_site() {
  model::Site site;
  PointLimits bounded;
  bounded.power_max_w = 1e6;
  bounded.rollover_at = {1e6};
  bounded.interval = 10s;
  PointLimits net = bounded;
  net.runs_back = true;
  net.rollover_at = {65'536.0, 4'294'967.296};
  PointLimits free;
  free.min = -1e300;
  const struct {
    Kind kind;
    const char* unit;
    const char* carrier;
    PointLimits limits;
  } points[] = {
      {Kind::cumulative, "kWh", "electricity", bounded}, {Kind::cumulative, "GJ", "heat", free},
      {Kind::interval, "kWh", "electricity", free},      {Kind::interval, "t", "diesel", {}},
      {Kind::instantaneous, "MW", "electricity", free},  {Kind::instantaneous, "Nm3/h", "natural-gas", bounded},
      {Kind::cumulative, "kWh", "electricity", net}};
  for (const auto& p : points) {
    const auto id = static_cast<PointId>(site.points.size());
    site.points.push_back({id, "d", "p" + std::to_string(index(id)), p.kind, *find_unit(p.unit), p.limits, {}});
    if (p.limits.runs_back) {
      const Instant start{std::chrono::sys_days(std::chrono::year(2022) / 12 / 31)};
      site.points.back().history = {.replaced = {{start + 1h, 1'000.5, 0.2}, {start + 30h, 70'000.0, 3'000.0}},
                                    .ratios = {{Instant::min(), 40, 3}, {start + 2h, 60, 1}}};
    }
    model::Account account;
    account.id = static_cast<model::AccountId>(index(id));
    account.user = "u";
    account.carrier = model::find_carrier(p.carrier);
    account.source = id;
    account.factor = model::FactorChoice{.set = p.carrier[0] == 'e'   ? "cn-grid"
                                                : p.carrier[0] == 'h' ? "cn-heat"
                                                                      : "cn-fuels",
                                         .region = "CN-SC",
                                         .method = p.carrier[0] == 'e' ? "average" : "default"};
    site.accounts.push_back(account);
  }
  return site;
}

const model::Site kSite = make_site();

const pipeline::FactorRegistry& factors() {
  static const pipeline::FactorRegistry registry = [] {
    config::Problems problems;
    const std::vector<std::string> sets{"cn-grid", "cn-heat", "cn-fuels"};
    return pipeline::FactorRegistry::load(config::DataFiles("."), sets, kSite.time_zone, problems);
  }();
  return registry;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes bytes(data, std::min<std::size_t>(size, 2'000));
  pipeline::Pipeline pipeline(kSite, factors(), {});
  Instant at{std::chrono::sys_days(std::chrono::year(2022) / 12 / 31)};
  std::vector<model::Activity> amounts(kSite.points.size());
  std::vector<model::Co2e> co2e(kSite.accounts.size());
  while (!bytes.empty()) {
    const auto head = bytes.take<std::uint8_t>();
    const auto far = bytes.take<std::int16_t>();  // tenths of a second; now and then quarter hours, of up to a year
    at += (head & 0x08) != 0 && far % 16 == 0 ? Duration(far * 900'000LL) : Duration(far * 100LL);
    const auto raw = bytes.take<std::uint32_t>();
    const double value = (head & 0x10) != 0   ? static_cast<double>(std::bit_cast<float>(raw)) * 1e6
                         : (head & 0x20) != 0 ? static_cast<double>(raw) / 1e3
                                              : static_cast<double>(raw & 0xffff) / 10;
    Batch batch{.source = "fuzz", .received = at, .readings = {}, .settled = {}};
    batch.readings.push_back({.point = static_cast<PointId>((head & 7) % kSite.points.size()),
                              .availability = head == 0xff ? Availability::not_available : Availability::available,
                              .at = at,
                              .value = value});
    std::size_t judged = 0;
    for (const model::JournalRow& row : pipeline.ingest({&batch, 1}, at).rows) {
      if (row.body.get_if<model::JudgedReading>() != nullptr) ++judged;
      if (const auto* r = row.body.get_if<model::EnergyInterval>()) {
        amounts[index(std::get<PointId>(row.subject))] += r->amount;
        require(r->covered >= 0ms && r->covered <= r->end - r->begin && r->end - r->begin <= 15min);
      }
      if (const auto* r = row.body.get_if<model::EmissionEntry>()) {
        co2e[model::index(std::get<model::AccountId>(row.subject))] += r->primary.emitted.co2e;
      }
    }
    require(judged == 1);
  }
  const model::Checkpoint& state = pipeline.state();
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    if (state.points[i].open) amounts[i] += state.points[i].open->amount;
    if (state.accounts[i].open[0]) co2e[i] += state.accounts[i].open[0]->emitted[model::Basis::primary].co2e;
    require(amounts[i] == state.accounts[i].amount);
    const model::EmissionState& emission = state.accounts[i].emissions[model::Basis::primary];
    require(co2e[i] == emission.total.co2e);
    require(emission.co2e_remainder >= 0 && state.points[i].counter.doubts <= 2);
  }
  return 0;
}
