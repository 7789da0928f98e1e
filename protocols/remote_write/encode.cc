#include "protocols/remote_write/encode.h"

#include <snappy.h>

#include "protocols/remote_write/write_request.pb.h"

namespace carbongate::remote_write {

std::string encode(std::span<const Series> series) {
  wire::WriteRequest request;
  for (const Series& one : series) {
    auto* to = request.add_timeseries();
    for (const auto& [name, value] : one.labels) {
      auto* label = to->add_labels();
      label->set_name(name);
      label->set_value(value);
    }
    for (const Sample& sample : one.samples) {
      auto* added = to->add_samples();
      added->set_value(sample.value);
      added->set_timestamp(sample.time_ms);
    }
  }
  return request.SerializeAsString();
}

std::string compress(std::string_view message) {
  std::string block;
  snappy::Compress(message.data(), message.size(), &block);
  return block;
}

}  // namespace carbongate::remote_write
