// What every factor file has: where its figures come from, and how sure that is. For factor_set.cc, factor_worth.cc and
// gwp.cc only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "config/reader/reader.h"
#include "gateway/pipeline/factor_value.h"

namespace carbongate::pipeline {

struct Origin {
  std::string source;
  std::string publication;
  std::string confidence;
  std::string note;
};

// The map `documents` of a file, and the keys of a row that refer to it.
class Documents {
 public:
  void read(config::Reader& in);

  // Either `document`, one of the file's documents, or `source` with `publication`; `confidence`, and a `note`.
  Origin read_origin(config::Reader& row) const;

  // The title of the document that `key` names; "" if the key is absent.
  std::string title(config::Reader& row, std::string_view key) const;

 private:
  struct Document {
    std::string title;
    std::string published;
  };
  const Document* find(config::Reader& row, std::string_view key, const std::string& name) const;

  std::map<std::string, Document, std::less<>> documents_;
};

// A plain decimal >= 0, required; nullopt: reported.
std::optional<Fraction> read_decimal(config::Reader& in, std::string_view key);

}  // namespace carbongate::pipeline
