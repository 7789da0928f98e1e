#include "drivers/shared_section.h"

#include <vector>

#include "config/reader/text.h"

namespace carbongate {
namespace {

std::string example_of(const SharedSection& section, const std::string& name) {
  return "'" + std::string(section.key) + ": {" + name + ": " + std::string(section.example) + "}'";
}

}  // namespace

SharedEntries::SharedEntries(const SharedSection& section, const config::Node& root, config::Problems& problems)
    : section_(section), complete_(root.is_complete()) {
  const config::Node* node = root.find(section.key);
  if (!node || node->is_null()) return;
  if (!node->is_map()) {
    problems.error(node->place(),
                   std::string(section.key) + ": expected a map of names, such as " + example_of(section, "plant"));
    complete_ = false;
  }
  for (const config::Node::Member& member : node->members()) {
    entries_.emplace(member.key, section.read(*member.value, member.key, root, problems));
  }
}

const SharedEntry* SharedEntries::find(config::Reader& device) const {
  const auto name = device.required<std::string>(section_.reference);
  if (name.empty()) return nullptr;
  if (const auto found = entries_.find(name); found != entries_.end()) return found->second.get();
  if (!complete_) return nullptr;
  std::vector<std::string> known;
  for (const auto& [key, entry] : entries_) known.push_back(key);
  device.error(section_.reference, "unknown " + std::string(section_.reference) + " '" + config::printable(name) + "'" +
                                       (known.empty() ? "; there are no `" + std::string(section_.key) + "`; write " +
                                                            example_of(section_, config::printable(name))
                                                      : config::suggestion(name, known)));
  return nullptr;
}

}  // namespace carbongate
