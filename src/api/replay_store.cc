#include "api/replay_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>

#include "codec/hex.h"
#include "crypto/sha256.h"
#include "pki/directory_files.h"

namespace salus::api {

namespace {

// A message may be a day old, or 5 minutes ahead (jose::OpenRules); the rest is reserve.
constexpr std::chrono::hours kKeep{26};
constexpr std::size_t kDigestBytes = 16;

std::string KeyOf(std::string_view sender, std::string_view id) {
  std::string text(sender);
  text.push_back('\0');
  text += id;
  const crypto::Hash32 digest = crypto::Sha256(AsBytes(text));
  return codec::HexEncode(ByteSpan(digest).first(kDigestBytes));
}

struct Line {
  std::int64_t time_ms = 0;
  std::string key;
};

// A torn last line was never acted on.
Result<std::vector<Line>> ReadLines(std::string_view text) {
  std::vector<Line> lines;
  while (text.find('\n') != std::string_view::npos) {
    const std::string_view one = text.substr(0, text.find('\n'));
    text.remove_prefix(one.size() + 1);
    Line line;
    const auto [stop, error] = std::from_chars(one.data(), one.data() + one.size(), line.time_ms);
    const auto used = static_cast<std::size_t>(stop - one.data());
    if (error != std::errc() || one.size() != used + 1 + 2 * kDigestBytes) {
      return Corruption("exchange.seen: a line is not of this format");
    }
    line.key = one.substr(used + 1);
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

Result<std::unique_ptr<ReplayStore>> ReplayStore::Open(const std::string& path,
                                                       const Clock& clock) {
  std::vector<Line> lines;
  if (std::filesystem::exists(path)) {
    TRY(const std::string text, pki::ReadPublicFile(path));
    TRY(lines, ReadLines(text));
  }
  const std::int64_t oldest = ToUnixMillis(clock.Now() - kKeep);
  std::string kept;
  std::set<std::string> seen;
  for (Line& line : lines) {
    if (line.time_ms < oldest) continue;
    kept += fmt::format("{} {}\n", line.time_ms, line.key);
    seen.insert(std::move(line.key));
  }
  TRY_VOID(pki::ReplacePublicFile(path, kept));
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor < 0) return Unavailable(path + ": can't be opened for writing");
  auto store = std::unique_ptr<ReplayStore>(new ReplayStore(descriptor));
  store->seen_ = std::move(seen);
  return store;
}

ReplayStore::~ReplayStore() { ::close(descriptor_); }

Result<void> ReplayStore::Accept(std::string_view sender, std::string_view id, Timestamp time) {
  std::string key = KeyOf(sender, id);
  std::lock_guard lock(mutex_);
  if (seen_.contains(key)) return AlreadyExists("the message was carried out before");
  const std::string line = fmt::format("{} {}\n", ToUnixMillis(time), key);
  const auto written = ::write(descriptor_, line.data(), line.size());
  if (written != static_cast<ssize_t>(line.size()) || ::fdatasync(descriptor_) != 0) {
    return Unavailable("exchange.seen can't be written");
  }
  seen_.insert(std::move(key));
  return {};
}

}  // namespace salus::api
