#include "drivers/http/answer.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <exception>
#include <string_view>
#include <tuple>
#include <utility>

#include "config/reader/text.h"
#include "protocols/http/endpoint.h"

namespace carbongate::http_driver {
namespace {

std::string status_text(int status) {
  return "HTTP " + std::to_string(status);
}

// The server's own words, if they are for people: the first line, unless it is HTML.
std::string words_of(const io::HttpResponse& response) {
  std::string_view body = response.body;
  body = body.substr(0, body.find_first_of("\r\n"));
  return body.empty() || body.starts_with('<') ? std::string() : ": " + config::printable(body);
}

// A Location may hold a secret behind its '?'.
std::string redirect_text(const io::HttpResponse& response) {
  std::string_view to = response.header("Location");
  to = to.substr(0, to.find_first_of("?#"));
  return status_text(response.status) + ": redirects" +
         (to.empty() ? std::string() : " to " + config::printable(to, 200)) +
         "; redirects are not followed: write the right address as `url`";
}

Answer refused(const io::HttpResponse& response, Instant received) {
  Answer answer;
  const int status = response.status;
  const bool passes = status >= 500 || status == 408 || status == 429;
  answer.lasting = !passes;
  answer.detail = status >= 300 && status < 400 ? redirect_text(response) : status_text(status) + words_of(response);
  if (status == 429 || status == 503) {
    answer.retry_after = http::parse_retry_after(response.header("Retry-After"), received, kRetryAfterMax);
  }
  return answer;
}

auto key_of(const Sample& sample) {
  return std::tuple(sample.at, sample.point, std::bit_cast<std::uint64_t>(sample.value), sample.hj212_flag);
}

bool comes_before(const Sample& a, const Sample& b) {
  return key_of(a) < key_of(b);
}

std::string joined(const std::vector<std::string>& problems) {
  std::string all;
  for (const std::string& problem : problems) all += (all.empty() ? "" : "; ") + problem;
  return all;
}

}  // namespace

Answer judge(const io::HttpResponse& response, const json_payload::PayloadMap& map, std::size_t body_max,
             Instant received, bool conditional) {
  if (response.status == 304 && conditional) return {.good = true, .unchanged = true};
  if (response.status < 200 || response.status >= 300) return refused(response, received);
  if (response.body_cut) {
    return {.lasting = true, .detail = "the answer is longer than body_max (" + std::to_string(body_max) + " bytes)"};
  }
  Decoded decoded;
  try {
    decoded = json_payload::decode(map, response.body, received);
  } catch (const std::exception& error) {
    decoded.problems.emplace_back(error.what());
  }
  Answer answer{.detail = joined(decoded.problems), .samples = std::move(decoded.samples)};
  answer.good = !answer.samples.empty();
  answer.lasting = !answer.good;
  if (!answer.good && answer.detail.empty()) {
    answer.detail = "the answer has none of the points; check the `json` pointers";
  }
  std::ranges::sort(answer.samples, comes_before);  // lists often begin with the newest
  return answer;
}

Answer no_answer(const io::HttpFailure& failure) {
  return {.detail = failure.text};
}

void Repeats::remove(std::vector<Sample>& samples) {
  std::vector<Sample> heard = samples;
  std::ranges::sort(heard, comes_before);
  std::erase_if(samples,
                [&](const Sample& sample) { return std::ranges::binary_search(before_, sample, comes_before); });
  before_ = std::move(heard);
}

}  // namespace carbongate::http_driver
