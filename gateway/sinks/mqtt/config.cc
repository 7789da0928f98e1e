#include "gateway/sinks/mqtt/config.h"

#include <algorithm>

#include "drivers/mqtt/broker_config.h"
#include "drivers/shared_section.h"
#include "gateway/sinks/shared/site_zone.h"

namespace carbongate::sinks::mqtt {
namespace {

constexpr std::size_t kBatchRowsMax = 20'000;

void read_broker(config::Reader& in, const config::Node& root, Config& config) {
  config::Problems reported;  // by the driver, which reads `brokers` whoever refers to them
  const SharedEntries brokers(mqtt_driver::kBrokers, root, reported);
  if (const auto* broker = static_cast<const mqtt_driver::Broker*>(brokers.find(in))) config.session = broker->session;
}

}  // namespace

Config Config::from(config::Reader& in, const config::Node& root) {
  Config config;
  read_broker(in, root, config);
  config.name = in.value_or("name", "mqtt " + in.value_or("broker", ""));
  if (config.name.empty()) in.error("name", "is empty; leave it out to name the sink by its broker");
  // Beside the driver's session, and that of another sink: a broker has one session for each client id.
  config.session.client_id += "-" + config.name;
  std::ranges::replace(config.session.client_id, ' ', '-');

  const std::string topic = in.value_or("topic", std::string(kDefaultTopic));
  if (const std::string problem = TopicTemplate::problem_of(topic); !problem.empty()) {
    in.error("topic", problem);
  } else {
    config.topic = *TopicTemplate::parse(topic);
  }
  config.time_zone = shared::zone_of_site(root);
  config.retain = in.value_or("retain", false);
  config.in_flight = in.in_range<std::size_t>("in_flight", config.in_flight, 1, 10'000);
  config.batch_rows = in.in_range<std::size_t>("batch_rows", config.batch_rows, 1, kBatchRowsMax);
  return config;
}

}  // namespace carbongate::sinks::mqtt
