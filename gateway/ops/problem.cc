#include "gateway/ops/problem.h"

#include <boost/json/object.hpp>
#include <string>

#include "gateway/ops/json.h"

namespace carbongate::ops {
namespace {

std::string_view title_of(int status) {
  switch (status) {
    case 400: return "Bad request";
    case 401: return "Not logged in";
    case 403: return "Not allowed";
    case 404: return "Not found";
    case 405: return "Method not allowed";
    case 409: return "Conflict";
    case 413: return "Too large";
    case 415: return "Unsupported media type";
    case 417: return "Expectation failed";
    case 421: return "Misdirected request";
    case 429: return "Too many requests";
    case 431: return "Headers too large";
    case 500: return "Internal error";
    case 501: return "Not implemented";
    case 502: return "No answer of use";
    case 503: return "Not available now";
    case 504: return "No answer in time";
    case 505: return "HTTP version not supported";
    default: return "Error";
  }
}

}  // namespace

io::HttpAnswer problem(int status, std::string_view detail) {
  const boost::json::object body{
      {"type", "about:blank"}, {"title", title_of(status)}, {"status", status}, {"detail", detail}};
  io::HttpAnswer answer{
      .status = status, .headers = {{"Content-Type", "application/problem+json"}}, .body = to_text(body)};
  if (status == 503 || status == 429) answer.headers.push_back({"Retry-After", "2"});
  return answer;
}

io::HttpAnswer problem(const model::Fault& fault) {
  using boost::system::errc::errc_t;
  if (fault.code == errc_t::invalid_argument) return problem(400, fault.text);
  if (fault.code == errc_t::argument_out_of_domain) return problem(404, fault.text);
  return problem(503, fault.text);
}

}  // namespace carbongate::ops
