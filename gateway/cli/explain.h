// `carbongate explain`: from a tonne in the books down to the bytes of a register, as text or as one JSON object.
//
// What ENTRY may be: gateway/explain/question.h. What is found out, and what is said not to be known any more:
// gateway/explain/explanation.h. How it looks: explain_text.h and explain_json.h.
#pragma once

#include <cstddef>
#include <filesystem>
#include <iosfwd>
#include <string>

namespace carbongate::app {
struct GatewayConfig;
}

namespace carbongate::cli {

struct ExplainOptions {
  std::string entry = {};
  std::filesystem::path store = {};  // instead of the configured one
  bool json = false;                 // one object instead of text
  std::size_t readings = 12;         // shown of an interval
  std::size_t entries = 20;          // shown of a period; 0: all
  std::string result = {};           // time of the result of a derived point to take apart; empty: the last one
};

// Reads beside a running gateway as well as after it has stopped.
//
// Exit status: 0; 64 (EX_USAGE) for an ENTRY that is no name, or a time that is none; 65 (EX_DATAERR) for a damaged
// store; 66 (EX_NOINPUT) if the books hold nothing of that name; 74 (EX_IOERR) when the store cannot be read or the
// output cannot be written; 78 (EX_CONFIG) for a configuration with errors.
int run_explain(const std::filesystem::path& config, const ExplainOptions& options, std::ostream& out,
                std::ostream& err);

// The same of a configuration that was read already, from a file in `directory`, whose devices are all there. Any
// thread.
int run_explain(const app::GatewayConfig& site, const std::filesystem::path& directory, const ExplainOptions& options,
                std::ostream& out, std::ostream& err);

}  // namespace carbongate::cli
