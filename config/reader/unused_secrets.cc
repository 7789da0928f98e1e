#include "config/reader/unused_secrets.h"

#include <utility>

namespace carbongate::config {
namespace {

thread_local Secrets unused = Secrets::none;

}  // namespace

UnusedSecrets::UnusedSecrets(Secrets which) : before_(std::exchange(unused, which)) {}

UnusedSecrets::~UnusedSecrets() {
  unused = before_;
}

bool UnusedSecrets::apply() {
  return unused != Secrets::none;
}

bool UnusedSecrets::apply_to_all() {
  return unused == Secrets::all;
}

}  // namespace carbongate::config
