#include "gateway/ops/routes.h"

#include <utility>

#include "gateway/ops/logins.h"

namespace carbongate::ops {

namespace asio = boost::asio;

namespace {

using Answer = std::function<io::HttpAnswer(const Request&)>;

asio::awaitable<io::HttpAnswer> answer_now(const Answer& answer, const Request& request) {
  co_return answer(request);
}

asio::awaitable<io::HttpAnswer> answer_by(Workers& workers, Work work) {
  co_return co_await workers.run<io::HttpAnswer>(std::move(work));
}

}  // namespace

Handler at_once(Answer answer) {
  return [answer = std::move(answer)](const Request& request) { return answer_now(answer, request); };
}

Handler on_worker(Workers& workers, std::function<Work(const Request&)> understand) {
  return [&workers, understand = std::move(understand)](const Request& request) {
    return answer_by(workers, understand(request));
  };
}

void add_session_routes(std::vector<Route>& routes, Logins& logins) {
  routes.push_back({"GET", "/api/v1/session", std::nullopt, {}, at_once([&logins](const Request& request) {
                      return logins.session(request);
                    })});
  routes.push_back({"POST", "/api/v1/session", std::nullopt, {}, [&logins](const Request& request) {
                      return logins.log_in(request);
                    }});
  routes.push_back({"DELETE", "/api/v1/session", Role::viewer, {}, at_once([&logins](const Request& request) {
                      return logins.log_out(request);
                    })});
  routes.push_back(
      {"GET", "/api/v1/audit", Role::administrator, {"limit", "cursor"}, [&logins](const Request& request) {
         return logins.audit(request);
       }});
}

}  // namespace carbongate::ops
