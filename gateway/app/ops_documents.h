// What the commands of the program write, for the HTTP server: the same bytes, by the same code.
#pragma once

#include <filesystem>

#include "gateway/app/gateway_config.h"
#include "gateway/ops/facts.h"

namespace carbongate::app {

// Any thread.
class OpsDocuments final : public ops::Documents {
 public:
  // Reads the configuration once more: its devices say where values come from, and those of the gateway have become
  // drivers. Throws std::runtime_error if it has errors now.
  explicit OpsDocuments(const std::filesystem::path& file);

  std::optional<Instant> parse_time(std::string_view text) const override;
  int statement(const StatementAsk& ask, std::ostream& out, std::ostream& err) const override;
  int export_rows(const ExportAsk& ask, std::ostream& out, std::ostream& err) const override;
  int explanation(const ExplanationAsk& ask, std::ostream& out, std::ostream& err) const override;
  std::string configuration_file() const override { return file_.string(); }
  boost::json::object configuration() const override;

 private:
  std::filesystem::path file_;
  GatewayConfig config_;
};

}  // namespace carbongate::app
