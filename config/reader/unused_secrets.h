// For commands that connect nowhere: an administrator who looks at a store has no passwords of servers at hand.
#pragma once

namespace carbongate::config {

// While one lives, on its thread, what only a connection needs is not looked at: read_secret() gives empty secrets
// without a problem, and read_file_name() takes a certificate's or a key's file unseen. How they are named in the
// configuration is judged as ever.
class UnusedSecrets {
 public:
  UnusedSecrets();
  ~UnusedSecrets();
  UnusedSecrets(const UnusedSecrets&) = delete;
  UnusedSecrets& operator=(const UnusedSecrets&) = delete;

  static bool apply();  // on this thread, now

 private:
  bool before_;
};

}  // namespace carbongate::config
