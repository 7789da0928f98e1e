// Who is logged in, in memory: a restart of the gateway ends all sessions. Ids are kept as hashes, so that a picture of
// the memory's table lets nobody in.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/ledger/chain.h"
#include "gateway/ops/access/people.h"
#include "gateway/ops/access/random.h"

namespace carbongate::access {

// Time that never jumps, from any beginning.
using Steady = std::chrono::milliseconds;

struct SessionLimits {
  Steady idle = std::chrono::hours(8);      // without a request, and without a stream that is read
  Steady age = std::chrono::hours(24 * 7);  // since the login, used or not
  std::size_t all = 512;                    // the one that was not used for longest makes room
  std::size_t per_user = 16;                // likewise, of this user's
};

struct Session {
  User user;         // as it was at the login: another role or password ends it
  std::string csrf;  // what a changing request must bring along
  Steady begun{};
  Steady used{};
};

// Not thread-safe. Pointers are valid until the next call that is not const.
class Sessions {
 public:
  Sessions(SessionLimits limits, Randomness randomness);

  // A new session with a new id, whatever the browser showed before. The id is shown here and never again.
  struct Begun {
    std::string id;
    const Session* session;
  };
  Begun begin(const User& user, Steady now);

  // nullptr: there is none, or its time is over. Whoever asks has used it.
  const Session* use(std::string_view id, Steady now);

  // The same by what key_of() gave, for what lasts longer than a request.
  using Key = ledger::Hash;
  static Key key_of(std::string_view id);
  const Session* use(const Key& key, Steady now);

  void end(const Key& key);

  // Ends those whose user is not there any more as he was at the login.
  void keep_only(std::span<const User> users);

  Steady time_left(const Session& session, Steady now) const;
  std::size_t count() const { return sessions_.size(); }
  std::uint64_t pushed_out() const { return pushed_out_; }  // ended early by a limit

 private:
  bool is_over(const Session& session, Steady now) const;
  void push_out_oldest(std::string_view user);

  SessionLimits limits_;
  Randomness randomness_;
  std::map<Key, Session> sessions_;
  std::uint64_t pushed_out_ = 0;
};

}  // namespace carbongate::access
