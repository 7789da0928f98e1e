#include "gateway/sinks/shared/http_endpoint.h"

namespace carbongate::sinks::shared {

HttpEndpoint read_http_endpoint(config::Reader& in, std::string_view example,
                                std::string (*objection)(const boost::urls::url_view& url)) {
  HttpEndpoint endpoint{http::read_endpoint(in, example, objection), {}};
  endpoint.name = in.value_or("name", endpoint.host_and_port);
  return endpoint;
}

}  // namespace carbongate::sinks::shared
