// How often a property is tried on generated cases.
#pragma once

#include <algorithm>

namespace carbongate {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

// A twentieth under sanitizers: there a case takes ten times as long, and what they look for is in the first ones too.
// `tests/run --quick` tries them all.
constexpr int rounds(int all) {
  return kSanitized ? std::max(all / 20, 1) : all;
}

}  // namespace carbongate
