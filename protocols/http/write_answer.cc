#include "protocols/http/write_answer.h"

#include "protocols/wire/one_line.h"

namespace carbongate::http {
namespace {

Verdict verdict_of(int status) {
  if (status >= 500) return Verdict::busy;
  switch (status) {
    case 401:
    case 403: return Verdict::denied;
    case 404: return Verdict::not_found;
    case 413: return Verdict::too_large;
    case 429: return Verdict::busy;
    default: return Verdict::failed;
  }
}

}  // namespace

// No store says anything to a write that went well, but {}; who does is something before it, or an error of an old one.
WriteAnswer answer_by_status(int status, std::string_view said) {
  const std::string words = wire::one_line(std::string(said));
  const std::string number = "HTTP " + std::to_string(status);
  if (status < 200 || status >= 300) return {verdict_of(status), words.empty() ? number : words};
  if (words.empty() || words == "{}") return {Verdict::written, number};
  return {Verdict::failed, wire::one_line(number + " with words, which is no store's answer: " + words)};
}

}  // namespace carbongate::http
