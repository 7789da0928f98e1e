// The resources, by what they need.
#pragma once

#include <functional>
#include <vector>

#include "gateway/ops/config.h"
#include "gateway/ops/facts.h"
#include "gateway/ops/live.h"
#include "gateway/ops/router.h"
#include "gateway/ops/state_json.h"
#include "gateway/ops/stream.h"
#include "gateway/ops/workers.h"

namespace carbongate::ops {

// What handlers share. All outlive them.
struct Context {
  const Config& config;
  const Facts& facts;
  const Documents& documents;
  Devices& devices;
  Live& live;
  Stream& stream;
  const SinkRates& rates;
  Workers& questions;  // short ones
  Workers& downloads;  // last as long as the client reads
  std::function<ServerFacts()> server;
};

// Answered at once, on the loop.
Handler at_once(std::function<io::HttpAnswer(const Request&)> answer);

// What is asked for is understood on the loop, and worked out by one of the workers.
using Work = std::function<io::HttpAnswer()>;
Handler on_worker(Workers& workers, std::function<Work(const Request&)> understand);

class Logins;
class ReadNow;

void add_session_routes(std::vector<Route>& routes, Logins& logins);  // and the audit log
void add_live_routes(std::vector<Route>& routes, const Context& context);
void add_device_routes(std::vector<Route>& routes, const Context& context, ReadNow& read_now);
void add_books_routes(std::vector<Route>& routes, const Context& context);
void add_probe_routes(std::vector<Route>& routes, const Context& context);

}  // namespace carbongate::ops
