// For commands that connect nowhere: an administrator who looks at a store has no passwords of servers at hand.
#pragma once

namespace carbongate::config {

enum class Secrets : unsigned char { none, of_connections, all };

// While one lives, on its thread, what only a connection needs is not looked at: read_secret() gives empty secrets
// without a problem, and read_file_name() takes a certificate's or a key's file unseen. How they are named in the
// configuration is judged as ever. With Secrets::all, what the gateway signs by is not looked for either.
class UnusedSecrets {
 public:
  explicit UnusedSecrets(Secrets which = Secrets::of_connections);
  ~UnusedSecrets();
  UnusedSecrets(const UnusedSecrets&) = delete;
  UnusedSecrets& operator=(const UnusedSecrets&) = delete;

  static bool apply();         // on this thread, now
  static bool apply_to_all();  // likewise

 private:
  Secrets before_;
};

}  // namespace carbongate::config
