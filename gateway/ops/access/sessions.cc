#include "gateway/ops/access/sessions.h"

#include <algorithm>
#include <utility>

namespace carbongate::access {

Sessions::Sessions(SessionLimits limits, Randomness randomness) : limits_(limits), randomness_(std::move(randomness)) {}

Sessions::Key Sessions::key_of(std::string_view id) {
  return ledger::sha256(id);
}

bool Sessions::is_over(const Session& session, Steady now) const {
  return now - session.used >= limits_.idle || now - session.begun >= limits_.age;
}

Steady Sessions::time_left(const Session& session, Steady now) const {
  return std::max(Steady::zero(), std::min(session.used + limits_.idle, session.begun + limits_.age) - now);
}

// `user` empty: of all.
void Sessions::push_out_oldest(std::string_view user) {
  auto oldest = sessions_.end();
  for (auto i = sessions_.begin(); i != sessions_.end(); ++i) {
    if (!user.empty() && i->second.user.name != user) continue;
    if (oldest == sessions_.end() || i->second.used < oldest->second.used) oldest = i;
  }
  if (oldest == sessions_.end()) return;
  sessions_.erase(oldest);
  ++pushed_out_;
}

Sessions::Begun Sessions::begin(const User& user, Steady now) {
  std::erase_if(sessions_, [&](const auto& item) { return is_over(item.second, now); });
  const auto of_user =
      std::ranges::count_if(sessions_, [&](const auto& item) { return item.second.user.name == user.name; });
  if (static_cast<std::size_t>(of_user) >= limits_.per_user) push_out_oldest(user.name);
  if (sessions_.size() >= limits_.all) push_out_oldest("");
  std::string id = random_secret(randomness_);
  const auto [place, is_new] = sessions_.insert_or_assign(
      key_of(id), Session{.user = user, .csrf = random_secret(randomness_), .begun = now, .used = now});
  return {.id = std::move(id), .session = &place->second};
}

const Session* Sessions::use(std::string_view id, Steady now) {
  return use(key_of(id), now);
}

const Session* Sessions::use(const Key& key, Steady now) {
  const auto found = sessions_.find(key);
  if (found == sessions_.end()) return nullptr;
  if (is_over(found->second, now)) {
    sessions_.erase(found);
    return nullptr;
  }
  found->second.used = now;
  return &found->second;
}

void Sessions::end(const Key& key) {
  sessions_.erase(key);
}

void Sessions::keep_only(std::span<const User> users) {
  std::erase_if(sessions_, [&](const auto& item) { return std::ranges::find(users, item.second.user) == users.end(); });
}

}  // namespace carbongate::access
