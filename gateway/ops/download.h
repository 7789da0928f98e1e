// What a worker writes, passed on to a client piece by piece, however long it is.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "gateway/ops/workers.h"
#include "protocols/io/http_server.h"

namespace carbongate::ops {

// Writes to `out` and says why not in `err`; the status of a command's exit, 0: all is written. On a worker; `out` goes
// bad when the client has left.
using Writing = std::function<int(std::ostream& out, std::ostream& err)>;

// Answers once there is something to send, or it is known that there is not: `failed` makes the answer of what the
// status and `err` say then. What fails later cuts the download off. At most kDownloadBytesMax wait for the client.
// `packed`: as gzip, which the worker packs.
inline constexpr std::size_t kDownloadBytesMax = 1 << 20;
boost::asio::awaitable<io::HttpAnswer> download(Workers& workers, Writing writing,
                                                std::function<io::HttpAnswer(int, std::string)> failed,
                                                std::vector<io::HttpHeader> headers, bool packed);

}  // namespace carbongate::ops
