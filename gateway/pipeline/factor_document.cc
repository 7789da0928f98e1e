#include "gateway/pipeline/factor_document.h"

#include <algorithm>
#include <vector>

namespace carbongate::pipeline {
namespace {

constexpr std::string_view kConfidences[] = {"confirmed_2plus", "one_source_plus_memory", "one_source",
                                             "memory",          "own_measurement",        "supplier"};

}  // namespace

void Documents::read(config::Reader& in) {
  const config::Node* documents = in.child("documents");
  if (!documents) return;
  if (!documents->is_map()) {
    in.error("documents", "expected a map of documents, each with a title and a date of publication");
    return;
  }
  for (const config::Node::Member& member : documents->members()) {
    config::Reader document(*member.value, in.problems());
    documents_[member.key] = {.title = document.required<std::string>("title"),
                              .published = document.required<std::string>("published")};
    document.finish();
  }
}

const Documents::Document* Documents::find(config::Reader& row, std::string_view key, const std::string& name) const {
  const auto document = documents_.find(name);
  if (document != documents_.end()) return &document->second;
  std::vector<std::string> known;
  for (const auto& [id, value] : documents_) known.push_back(id);
  row.error(key, "unknown document '" + name + "'" + config::suggestion(name, known));
  return nullptr;
}

std::string Documents::title(config::Reader& row, std::string_view key) const {
  const auto name = row.optional<std::string>(key);
  const Document* document = name ? find(row, key, *name) : nullptr;
  return document ? document->title : "";
}

Origin Documents::read_origin(config::Reader& row) const {
  Origin origin;
  if (const auto name = row.optional<std::string>("document")) {
    if (const Document* document = find(row, "document", *name)) {
      origin.source = document->title;
      origin.publication = document->published;
    }
  } else if (!row.has("source")) {
    row.error("source",
              "missing: a factor without a source proves nothing; name a 'document' of the file, or 'source' "
              "and 'publication'");
    row.optional<std::string>("publication");
  } else {
    origin.source = row.required<std::string>("source");
    origin.publication = row.required<std::string>("publication");
  }
  origin.confidence = row.required<std::string>("confidence");
  if (!origin.confidence.empty() && std::ranges::find(kConfidences, origin.confidence) == std::end(kConfidences)) {
    const std::vector<std::string> known(std::begin(kConfidences), std::end(kConfidences));
    row.error("confidence",
              "unknown confidence '" + origin.confidence + "'" + config::suggestion(origin.confidence, known));
  }
  origin.note = row.value_or("note", "");
  return origin;
}

std::optional<Fraction> read_decimal(config::Reader& in, std::string_view key) {
  const std::string text = in.required<std::string>(key);
  if (text.empty()) return std::nullopt;
  const auto value = Fraction::decimal(text);
  if (!value) in.error(key, "'" + text + "' is not a plain decimal number >= 0 with at most 18 digits");
  return value;
}

}  // namespace carbongate::pipeline
