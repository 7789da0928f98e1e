// An answer of a platform: what is made of it is bounded, and what is kept of a registration is read back as it was.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "protocols/energy_platform/messages.h"
#include "protocols/energy_platform/sm4.h"

using namespace carbongate::energy_platform;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Dialect dialect;
  dialect.places[static_cast<std::size_t>(Operation::data)].field = "centerDataURL";
  dialect.places[static_cast<std::size_t>(Operation::meters)].path = "/meters";
  dialect.token.field = "ak";
  dialect.token.expires = "akExpiresIn";
  std::string why;
  if (const auto code = parse_data_code(text)) {
    if (parse_data_code(code->text(true)) != code || parse_data_code(code->text(false)) != code) std::abort();
  }
  registration_of(text);
  if (const auto plain = sm4_decrypt("0123456789ABCDEFFEDCBA9876543210", text)) {
    if (sm4_encrypt("0123456789abcdeffedcba9876543210", *plain)->size() != text.size()) std::abort();
  }
  const auto answer = decode_answer(text, dialect, why);
  if (!answer && why.empty()) std::abort();
  if (!answer) return 0;
  if (answer->message.size() > 200 || answer->message.find('\n') != std::string::npos) std::abort();
  decode_versions(*answer);
  if (const auto token = decode_token(*answer, dialect, why); token && token->good_for.count() < 1) std::abort();
  auto registration = decode_registration(*answer, dialect, why);
  if (!registration) return 0;
  registration->secret_key.clear();
  if (registration_of(to_text(*registration)) != registration) std::abort();
  return 0;
}
