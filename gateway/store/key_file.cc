#include "gateway/store/key_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>

#include "gateway/store/database.h"

namespace carbongate::store {
namespace {

constexpr std::streamsize kKeyBytesMax = 64 * 1024;

std::optional<std::string> read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::nullopt;
  std::string text(kKeyBytesMax, '\0');
  in.read(text.data(), kKeyBytesMax);
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

std::string source_of(const StoreConfig& config) {
  return config.ledger_key.empty() ? key_file_of(config).string() : "the environment variable of store.ledger_key_env";
}

KeyOrTrouble read_key(const StoreConfig& config) {
  std::optional<std::string> text;
  if (!config.ledger_key.empty()) {
    text = config.ledger_key.reveal();
  } else {
    errno = 0;
    text = read_file(key_file_of(config));
    if (!text) {
      const int error = errno;
      return {{}, key_file_of(config).string() + ": " + std::strerror(error != 0 ? error : ENOENT), error == ENOENT};
    }
  }
  auto key = ledger::SigningKey::parse_pem(*text);
  if (!key) return {{}, source_of(config) + " holds no Ed25519 private key in PEM without a password"};
  return {std::move(key), {}};
}

void sync_directory(const std::filesystem::path& directory) {
  const int descriptor = ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

std::filesystem::path key_file_of(const StoreConfig& config) {
  return config.ledger_key_file.empty() ? config.path / kLedgerKeyFile : config.ledger_key_file;
}

std::filesystem::path next_key_file_of(const StoreConfig& config) {
  return key_file_of(config).string() + ".next";
}

void write_key(const std::filesystem::path& file, const ledger::SigningKey& key, bool replace) {
  const auto refuse = [&file] { throw Refused(file.string() + " cannot be written: " + std::strerror(errno)); };
  const std::string text = key.pem();
  const int descriptor =
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (replace ? O_TRUNC : O_EXCL), S_IRUSR | S_IWUSR);
  if (descriptor < 0) refuse();
  const bool written =
      ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(descriptor) == 0;
  ::close(descriptor);
  if (!written) {
    const int error = errno;
    ::unlink(file.c_str());
    errno = error;
    refuse();
  }
  sync_directory(file.parent_path());
}

KeyOrTrouble open_key(const StoreConfig& config, const std::optional<ledger::PublicKey>& expected) {
  KeyOrTrouble found = read_key(config);
  if (found.absent && !expected) {
    try {
      found = {ledger::SigningKey::generate(), {}};
      write_key(key_file_of(config), *found.key, false);
    } catch (const Refused& error) {
      return {{}, error.what()};
    }
  }
  if (expected && (!found.key || found.key->public_key() != *expected) && config.ledger_key.empty()) {
    // The old key's seal announces a new one: its file was about to take its place.
    const auto text = read_file(next_key_file_of(config));
    auto next = text ? ledger::SigningKey::parse_pem(*text) : std::nullopt;
    std::error_code error;
    if (next && next->public_key() == *expected) {
      std::filesystem::rename(next_key_file_of(config), key_file_of(config), error);
      if (!error) found = {std::move(next), {}};
    }
  }
  if (found.key && expected && found.key->public_key() != *expected) {
    found = {{},
             source_of(config) + " holds another key (" + ledger::fingerprint(found.key->public_key()) +
                 ") than the one that the ledger's last seal asks for (" + ledger::fingerprint(*expected) + ")"};
  }
  if (!found.key) {
    found.trouble = "the ledger is not being sealed: " + found.trouble;
    if (expected) found.trouble += "; put the key back, or run 'carbongate key CONFIG --rotate --lost'";
    return found;
  }
  publish_key(config, found.key->public_key());
  return found;
}

void publish_key(const StoreConfig& config, const ledger::PublicKey& key) {
  const auto file = config.path / kLedgerPublicFile;
  if (read_public_key(file) == key) return;
  const auto part = file.string() + ".part";
  std::ofstream out(part, std::ios::binary | std::ios::trunc);
  out << ledger::to_pem(key);
  out.close();
  std::error_code ignored;
  if (out) std::filesystem::rename(part, file, ignored);
}

std::optional<ledger::PublicKey> read_public_key(const std::filesystem::path& file) {
  const auto text = read_file(file);
  return text ? ledger::parse_public_pem(*text) : std::nullopt;
}

}  // namespace carbongate::store
