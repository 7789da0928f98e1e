#include "gateway/model/certificate.h"

#include <algorithm>

namespace carbongate::model {

bool Certificate::may_match(const std::string& user, const std::string& of_carrier) const {
  return carrier == of_carrier && std::ranges::find(users, user) != users.end();
}

std::string Certificate::users_text() const {
  std::string text;
  for (const std::string& user : users) text += (text.empty() ? "" : ", ") + user;
  return text;
}

}  // namespace carbongate::model
