#include "protocols/io/resolve.h"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace carbongate::io {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// Lives until the system's resolver has answered, whoever still wants to know.
struct Resolver::Lookup {
  explicit Lookup(const asio::any_io_executor& executor) : resolver(executor), done(executor) {}
  tcp::resolver resolver;
  asio::steady_timer done;  // expires at the deadline, cancelled by the answer
  bool given_up = false;
  bool answered = false;
  error_code error;
  Endpoints endpoints;
};

asio::awaitable<Resolver::Endpoints> Resolver::resolve(std::string host, std::uint16_t port,
                                                       asio::steady_timer::time_point deadline, error_code& error) {
  const auto address = asio::ip::make_address(host, error);
  if (!error) co_return Endpoints{tcp::endpoint(address, port)};

  const auto lookup = std::make_shared<Lookup>(executor_);
  lookup_ = lookup;
  // However this coroutine ends. Does nothing to a lookup that is answered.
  struct Guard {
    Lookup& lookup;
    ~Guard() { lookup.resolver.cancel(); }
  } const guard{*lookup};
  lookup->done.expires_at(deadline);
  lookup->resolver.async_resolve(host, std::to_string(port),
                                 [lookup](const error_code& failed, const tcp::resolver::results_type& found) {
                                   lookup->answered = true;
                                   lookup->error = failed;
                                   for (const auto& entry : found) lookup->endpoints.push_back(entry.endpoint());
                                   lookup->done.cancel();
                                 });
  error_code ignored;
  co_await lookup->done.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) {
    throw boost::system::system_error(asio::error::operation_aborted);
  }
  lookup_.reset();
  if (lookup->given_up) {
    error = asio::error::operation_aborted;
  } else {
    error = lookup->answered ? lookup->error : error_code(asio::error::timed_out);
  }
  co_return std::move(lookup->endpoints);
}

void Resolver::cancel() {
  if (const auto lookup = lookup_.lock()) {
    lookup->given_up = true;
    lookup->done.cancel();
  }
}

}  // namespace carbongate::io
