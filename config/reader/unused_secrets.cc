#include "config/reader/unused_secrets.h"

#include <utility>

namespace carbongate::config {
namespace {

thread_local bool unused = false;

}  // namespace

UnusedSecrets::UnusedSecrets() : before_(std::exchange(unused, true)) {}

UnusedSecrets::~UnusedSecrets() {
  unused = before_;
}

bool UnusedSecrets::apply() {
  return unused;
}

}  // namespace carbongate::config
