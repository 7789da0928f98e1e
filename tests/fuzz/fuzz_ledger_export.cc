// Any bytes as an exported ledger: each line is a row or is named as damaged, what is read can be written and read
// again, and the verification comes to an end with findings or without.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gateway/ledger/export_text.h"
#include "gateway/ledger/verify.h"

namespace {

using namespace carbongate::ledger;

void require(bool holds) {
  if (!holds) std::abort();
}

void reads_what_it_writes(const Row& row) {
  for (const TextFormat format : {TextFormat::csv, TextFormat::jsonl}) {
    const std::string text = to_text(row, format);
    if (text.empty()) continue;
    // Texts of a CSV file need not be UTF-8, those of JSON must be.
    if (format == TextFormat::jsonl && std::ranges::any_of(text, [](char c) { return (c & 0x80) != 0; })) continue;
    TextReader reader;
    if (format == TextFormat::csv) require(!reader.read(header(format)));
    const auto again = reader.read(text);
    require(again && *again == row);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  TextReader reader;
  Verifier verifier({});
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const auto row = reader.read(text.substr(0, end));
    text.remove_prefix(end);
    if (!row) continue;
    reads_what_it_writes(*row);
    verifier.take(*row);
  }
  const Summary summary = verifier.finish();
  require(summary.findings.size() <= kFindingsMax && summary.findings.size() <= summary.findings_total);
  require(summary.proven <= summary.head.number);
  return 0;
}
