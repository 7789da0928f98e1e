#include "gateway/sinks/remote_write/answer.h"

#include "protocols/wire/one_line.h"

namespace carbongate::sinks::remote_write {
namespace {

bool is_of_the_store(std::string_view words) {
  return !words.empty() && !words.starts_with('<') &&  // a page of a proxy
         words.find("HTTP request") == words.npos;     // "Client sent an HTTP request to an HTTPS server."
}

// No store says anything to a write that went well; who does is something before it.
Verdict verdict_of(int status, std::string_view words) {
  if (status >= 200 && status < 300) return words.empty() ? Verdict::written : Verdict::failed;
  if (status >= 500) return Verdict::busy;
  switch (status) {
    case 400:
    case 422:
      if (words.find("unsupported path") != words.npos) return Verdict::not_found;  // VictoriaMetrics
      return is_of_the_store(words) ? Verdict::refused : Verdict::failed;
    case 401:
    case 403: return Verdict::denied;
    case 404: return Verdict::not_found;
    case 413: return Verdict::too_large;
    case 429: return Verdict::busy;
    default: return Verdict::failed;
  }
}

}  // namespace

Answer read_answer(int status, std::string_view body) {
  Answer answer;
  answer.words = wire::one_line(std::string(body));
  answer.verdict = verdict_of(status, answer.words);
  if (answer.words.empty()) answer.words = "HTTP " + std::to_string(status);
  if (answer.verdict == Verdict::failed && status < 300) {
    answer.words =
        wire::one_line("HTTP " + std::to_string(status) + " with words, which is no store's answer: " + answer.words);
  }
  return answer;
}

}  // namespace carbongate::sinks::remote_write
