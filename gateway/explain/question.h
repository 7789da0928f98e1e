// What someone wants to have explained, as text: a name of gateway/model/entry_name.h, or a shorter one.
//
//   USER/CARRIER/DEVICE.POINT@BEGIN#REVISION      one revision of an entry
//   USER/CARRIER/DEVICE.POINT@BEGIN               an entry with all its revisions
//   USER/CARRIER/DEVICE.POINT@2026-01-03          a day, a month (2026-01) or a year (2026) of an account,
//   USER/CARRIER@2026-01, USER@2026               of a user's carrier, or of a user; in the site's time zone
//   USER/scope-2@2026-01                          of a user's scope
//   site@2026, site/scope-1@2026, site/CARRIER@2026   of all users, unless one is called "site"
//
// BEGIN is an instant with its offset: 2026-01-01T00:15:00Z or 2026-01-01T08:15:00+08:00.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/model/account.h"
#include "gateway/model/errors.h"
#include "gateway/pipeline/calendar.h"

namespace carbongate::explain {

struct Question {
  std::string user;
  bool whole_site = false;  // all users; `user` is "site"
  std::optional<model::Scope> scope = {};
  std::string carrier = {};  // empty: all of the user's
  std::string device = {};   // empty: all of the carrier's
  std::string point = {};
  std::optional<std::uint32_t> revision = {};  // of an entry
  std::optional<model::Period> period = {};    // nullopt: an entry, which begins at span.begin
  pipeline::Span span = {};

  std::string part() const;     // "/electricity/incomer.energy", "/scope-2": what is asked for of the user
  std::string account() const;  // "press-shop/electricity/incomer.energy", or as much of it as there is
};

// Fault: invalid_argument; the text says what is wrong, and what would do.
model::Result<Question> parse_question(std::string_view text, const std::string& time_zone);

}  // namespace carbongate::explain
