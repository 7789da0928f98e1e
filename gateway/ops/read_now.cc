#include "gateway/ops/read_now.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>
#include <utility>
#include <variant>

#include "gateway/ops/json.h"
#include "gateway/ops/names.h"
#include "gateway/ops/problem.h"
#include "gateway/ops/router.h"

namespace carbongate::ops {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

json::array readings_json(const model::Site& site, const std::vector<Reading>& readings) {
  json::array list;
  for (const Reading& reading : readings) {
    const Point& point = site.points.at(index(reading.point));
    list.push_back(json::object{{"point", point.full_name()},
                                {"name", point.name},
                                {"unit", point.unit.symbol},
                                {"kind", word_of(point.kind)},
                                {"at", model::format_utc(reading.at)},
                                {"value", optional_number(reading.value)}});
  }
  return list;
}

}  // namespace

bool ReadNow::is_there(const std::string& device) const {
  return std::ranges::any_of(facts_.state().drivers, [&](const DriverStatus& driver) {
    return std::ranges::find(driver.devices, device, &DeviceStatus::device) != driver.devices.end();
  });
}

asio::awaitable<io::HttpAnswer> ReadNow::answer(const Request& request) {
  using namespace asio::experimental::awaitable_operators;
  const std::string device = request.parameters.at(0);
  if (!is_there(device)) co_return problem(404, "there is no such device");
  PollPort* const port = devices_.poll_port(device);
  if (port == nullptr) co_return problem(409, "nobody can ask this device: it sends by itself, or has no line");
  if (const auto wait = tries_.take(device, clock_.ticks().time_since_epoch()); wait > access::Steady::zero()) {
    co_return problem(429, "this device was asked a moment ago; its line has other work to do, too");
  }
  if (under_way_ >= kAtOnceMax) co_return problem(503, "too many devices are being asked; try again in a moment");
  struct UnderWay {
    std::size_t& count;
    explicit UnderWay(std::size_t& c) : count(c) { ++count; }
    ~UnderWay() { --count; }
  } const place(under_way_);
  const io::SteadyTime began = clock_.ticks();
  const std::variant<PollAnswer, std::monostate> first =
      co_await (port->poll(device) || clock_.sleep_until(began + kWithin));
  const PollAnswer* heard = std::get_if<PollAnswer>(&first);
  if (heard == nullptr) {
    co_return problem(504, fmt::format("it was not its turn, or not done, within {} s", kWithin.count()));
  }
  if (heard->readings.empty() && !heard->trouble.empty()) co_return problem(502, heard->trouble);
  co_return ok(to_text(json::object{{"device", device},
                                    {"at", model::format_utc(clock_.now())},
                                    {"took_ms", (clock_.ticks() - began).count()},
                                    {"trouble", heard->trouble},
                                    {"readings", readings_json(facts_.site(), heard->readings)}}));
}

}  // namespace carbongate::ops
