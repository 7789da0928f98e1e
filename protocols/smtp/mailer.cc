#include "protocols/smtp/mailer.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <string_view>

#include "protocols/wire/one_line.h"

namespace carbongate::smtp {
namespace {

// Once for the process, before the first transfer.
bool is_ready() {
  static const bool kReady = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return kReady;
}

struct Transfer {
  std::string message;
  std::size_t sent = 0;
  std::string last_line;  // of the server
  const std::function<bool()>& is_to_end;
};

std::size_t read_message(char* to, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t bytes = std::min(size * count, transfer.message.size() - transfer.sent);
  std::copy_n(transfer.message.data() + transfer.sent, bytes, to);
  transfer.sent += bytes;
  return bytes;
}

int code_of(std::string_view line) {
  int code = 0;
  std::from_chars(line.data(), line.data() + std::min<std::size_t>(line.size(), 3), code);
  return code;
}

// RFC 5321, 4.2.1: what MAIL, RCPT, DATA or the message itself is answered with 5yz is not to be tried again as it is.
// libcurl says of the first three that it cannot send; what is said before them is about us, as are the replies of
// RFC 4954 that want another login.
bool is_permanent(int reply, CURLcode code, bool is_message_sent) {
  if (code != CURLE_SEND_ERROR && !is_message_sent) return false;
  if (reply == 530 || reply == 534 || reply == 535 || reply == 538) return false;
  return reply >= 500 && reply <= 599;
}

// The server's lines, one at a time.
std::size_t take_line(char* line, std::size_t size, std::size_t count, void* user) {
  const std::string text = wire::one_line(std::string(line, size * count), 200);
  if (!text.empty() && !text.starts_with("221")) static_cast<Transfer*>(user)->last_line = text;
  return size * count;
}

int look_whether_to_end(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(user)->is_to_end() ? 1 : 0;
}

std::string url_of(const Server& server) {
  const bool is_v6 = server.host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", server.security == Security::tls ? "smtps" : "smtp", is_v6 ? "[" : "",
                     server.host, is_v6 ? "]" : "", server.port);
}

void prepare(CURL* curl, const Server& server, Transfer& transfer, char* words) {
  curl_easy_setopt(curl, CURLOPT_URL, url_of(server).c_str());
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(server.timeout.count()));
  curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);  // QUIT is part of it, within its limits
  if (server.security != Security::none) curl_easy_setopt(curl, CURLOPT_USE_SSL, long{CURLUSESSL_ALL});
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  if (!server.ca_file.empty()) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, server.ca_file.c_str());
    curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
  }
  if (!server.username.empty()) {
    curl_easy_setopt(curl, CURLOPT_USERNAME, server.username.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, std::string(server.password.reveal()).c_str());
  }
  curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl, CURLOPT_READFUNCTION, &read_message);
  curl_easy_setopt(curl, CURLOPT_READDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &take_line);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &look_whether_to_end);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
}

}  // namespace

Sent send(const Server& server, const Mail& mail, const std::function<bool()>& is_to_end) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(is_ready() ? curl_easy_init() : nullptr,
                                                                 &curl_easy_cleanup);
  if (!curl) return {.trouble = "libcurl cannot be used"};
  Transfer transfer{.message = to_message(mail), .last_line = {}, .is_to_end = is_to_end};
  char words[CURL_ERROR_SIZE] = "";
  prepare(curl.get(), server, transfer, words);
  curl_slist* receivers = curl_slist_append(nullptr, ("<" + mail.to + ">").c_str());
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> guard(receivers, &curl_slist_free_all);
  const std::string sender = "<" + mail.from + ">";
  curl_easy_setopt(curl.get(), CURLOPT_MAIL_FROM, sender.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_MAIL_RCPT, receivers);
  const CURLcode code = curl_easy_perform(curl.get());
  Sent sent{.words = transfer.last_line};
  sent.is_accepted = code == CURLE_OK;
  if (sent.is_accepted) return sent;
  sent.is_refused = is_permanent(code_of(transfer.last_line), code, transfer.sent != 0);
  if (code == CURLE_WEIRD_SERVER_REPLY && !sent.words.empty()) {
    sent.trouble = url_of(server) + ": " + sent.words;
    return sent;
  }
  sent.trouble = fmt::format("{}: {}", url_of(server), *words != '\0' ? words : curl_easy_strerror(code));
  if (!sent.words.empty()) sent.trouble += " (" + sent.words + ")";
  return sent;
}

}  // namespace carbongate::smtp
