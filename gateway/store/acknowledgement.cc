#include "gateway/store/acknowledgement.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>

#include "config/reader/text.h"
#include "gateway/store/database.h"
#include "gateway/store/store_config.h"

namespace carbongate::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFolder = "requests";
constexpr std::string_view kPrefix = "acknowledge-";
constexpr std::string_view kVersion = "1";
constexpr std::size_t kBytesOfCharacterMax = 4;
constexpr std::streamsize kFileMax = 2 * kBytesOfCharacterMax * kAcknowledgementTextMax + 64;
constexpr std::size_t kFilesMax = 10'000;

bool is_alert_id(std::string_view id) {
  return id.size() == 16 && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string objection_to_text(std::string_view what, std::string_view text) {
  const std::string name(what);
  if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
    return name + " has a line break or another control character; write it as one line";
  }
  if (config::find_invalid_text(text)) return name + " is no text; write it in UTF-8";
  const auto characters = static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
  if (characters <= kAcknowledgementTextMax) return "";
  return name + " is too long: " + std::to_string(characters) + " characters, of at most " +
         std::to_string(kAcknowledgementTextMax);
}

fs::path file_of(const fs::path& directory, const std::string& alert) {
  return directory / kFolder / (std::string(kPrefix) + alert);
}

[[noreturn]] void refuse(const fs::path& path) {
  throw Refused(path.string() + ": " + std::strerror(errno));
}

void sync(const fs::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0 || ::fsync(descriptor) != 0) {
    const int error = errno;
    if (descriptor >= 0) ::close(descriptor);
    errno = error;
    refuse(path);
  }
  ::close(descriptor);
}

std::optional<Acknowledgement> parse(std::string_view text, std::string alert) {
  const auto line = [&text]() -> std::optional<std::string> {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    std::string one(text.substr(0, end));
    text.remove_prefix(end + 1);
    return one;
  };
  const auto version = line();
  const auto at = line();
  const auto by = line();
  const auto note = line();
  if (version != kVersion || !note || !text.empty()) return std::nullopt;
  std::int64_t ms = 0;
  const auto [end, error] = std::from_chars(at->data(), at->data() + at->size(), ms);
  if (error != std::errc() || end != at->data() + at->size()) return std::nullopt;
  Acknowledgement said{.alert = std::move(alert), .at = Instant(Duration(ms)), .by = *by, .note = *note};
  return objection_to(said).empty() ? std::optional(std::move(said)) : std::nullopt;
}

std::optional<Acknowledgement> read(const fs::path& path, std::string alert) {
  std::string text(kFileMax, '\0');
  std::ifstream in(path, std::ios::binary);
  in.read(text.data(), kFileMax);
  text.resize(static_cast<std::size_t>(in.gcount()));
  return parse(text, std::move(alert));
}

}  // namespace

std::string objection_to(const Acknowledgement& said) {
  if (!is_alert_id(said.alert)) return "'" + said.alert + "' is no alert's id; it has 16 digits of 0-9, a-f";
  if (said.by.empty()) return "who acknowledges is not said";
  const std::string name = objection_to_text("the name", said.by);
  return name.empty() ? objection_to_text("the note", said.note) : name;
}

model::Result<void> request_acknowledgement(const fs::path& directory, const Acknowledgement& said) {
  if (std::string why = objection_to(said); !why.empty()) {
    return model::Fault{make_error_code(boost::system::errc::invalid_argument), std::move(why)};
  }
  return guarded(directory, [&] {
    std::error_code error;
    if (!fs::exists(directory / kDatabaseFile, error)) {
      throw Refused("there is no carbongate.db in it; the gateway has not run on it yet");
    }
    const fs::path folder = directory / kFolder;
    fs::create_directory(folder, error);
    if (error) throw Refused(folder.string() + ": " + error.message());
    const fs::path file = file_of(directory, said.alert);
    const fs::path part = file.string() + ".part-" + std::to_string(::getpid());
    errno = 0;
    std::ofstream out(part, std::ios::binary | std::ios::trunc);
    out << kVersion << '\n' << said.at.time_since_epoch().count() << '\n' << said.by << '\n' << said.note << '\n';
    out.close();
    if (!out) refuse(part);
    sync(part, O_WRONLY);
    // Not by rename(), which would put it in the place of somebody else's.
    const bool is_refused = ::link(part.c_str(), file.c_str()) != 0;
    const int why = errno;
    fs::remove(part, error);
    if (is_refused && why == EEXIST) {
      const auto other = waiting_acknowledgement(directory, said.alert);
      if (other && other->by == said.by && other->note == said.note) return;
      throw Refused("alert " + said.alert + " was acknowledged" + (other ? " by " + other->by : std::string()) +
                    " before; the gateway has not taken that up yet");
    }
    errno = why;
    if (is_refused) refuse(file);
    sync(folder, O_RDONLY | O_DIRECTORY);
  });
}

std::optional<Acknowledgement> waiting_acknowledgement(const fs::path& directory, const std::string& alert) {
  if (!is_alert_id(alert)) return std::nullopt;
  return read(file_of(directory, alert), alert);
}

std::vector<Acknowledgement> waiting_acknowledgements(const fs::path& directory, std::string& trouble) {
  std::vector<Acknowledgement> waiting;
  std::error_code error;
  std::size_t looked_at = 0;
  for (fs::directory_iterator i(directory / kFolder, error), end; !error && i != end; i.increment(error)) {
    const std::string name = i->path().filename().string();
    if (++looked_at > kFilesMax) break;
    if (!name.starts_with(kPrefix) || name.find(".part-") != std::string::npos) continue;
    const std::string alert = name.substr(kPrefix.size());
    auto said = is_alert_id(alert) ? read(i->path(), alert) : std::nullopt;
    if (said) {
      waiting.push_back(std::move(*said));
      continue;
    }
    trouble += i->path().string() + ": is no request, and was removed\n";
    std::error_code ignored;
    fs::remove(i->path(), ignored);
  }
  std::ranges::sort(waiting, {}, &Acknowledgement::alert);
  return waiting;
}

void forget_acknowledgement(const fs::path& directory, const std::string& alert) {
  std::error_code ignored;
  fs::remove(file_of(directory, alert), ignored);
}

}  // namespace carbongate::store
