// What of a user's consumption other users consume, and in whose consumption its own is.
#pragma once

#include "gateway/books/statement.h"
#include "gateway/explain/explanation.h"
#include "gateway/explain/question.h"
#include "gateway/model/rows.h"
#include "gateway/model/site.h"

namespace carbongate::explain {

// For the period of `question`: of a user or of one of its carriers. Of one account alone there is nothing to say: its
// parts are those of all its user's accounts.
class Containments {
 public:
  Containments(const model::Site& site, const Question& question);

  void add(const model::StoredRow& row);  // entries, as the store gives them out

  void tell(Breakdown& breakdown);

 private:
  bool is_asked_for(std::string_view user, std::string_view carrier) const;

  const model::Site& site_;
  const Question& question_;
  books::Statement statement_;
};

}  // namespace carbongate::explain
