#include "api/replay_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

#include "base/log.h"
#include "codec/hex.h"
#include "crypto/sha256.h"
#include "pki/directory_files.h"

namespace salus::api {

namespace {

// A message may be a day old, or 5 minutes ahead (jose::OpenRules); the rest is reserve.
constexpr std::chrono::hours kKeep{26};
constexpr std::string_view kBegun = " begun";

}  // namespace

ReplayStore::Key ReplayStore::KeyOf(std::string_view sender, std::string_view id) {
  std::string text(sender);
  text.push_back('\0');
  text += id;
  const crypto::Hash32 digest = crypto::Sha256(AsBytes(text));
  Key key;
  std::copy_n(digest.begin(), key.size(), key.begin());
  return key;
}

std::string ReplayStore::LineOf(const Key& key, const Seen& seen) {
  return fmt::format("{} {}{}\n", seen.time_ms, codec::HexEncode(key),
                     seen.is_done ? std::string_view() : kBegun);
}

bool ReplayStore::ReadLine(std::string_view line, SeenMap& seen) {
  Seen one;
  one.is_done = !line.ends_with(kBegun);
  if (!one.is_done) line.remove_suffix(kBegun.size());
  const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), one.time_ms);
  line.remove_prefix(static_cast<std::size_t>(stop - line.data()));
  Key key;
  if (error != std::errc() || line.size() != 1 + 2 * key.size() || line.front() != ' ')
    return false;
  const Result<Bytes> bytes = codec::HexDecode(line.substr(1));
  if (!bytes) return false;
  std::copy_n(bytes->begin(), key.size(), key.begin());
  // The outcome follows what was begun.
  Seen& known = seen.try_emplace(key, one).first->second;
  known.is_done = known.is_done || one.is_done;
  return true;
}

Result<ReplayStore::SeenMap> ReplayStore::ReadAll(const std::string& path) {
  SeenMap seen;
  if (!std::filesystem::exists(path)) return seen;
  std::ifstream in(path, std::ios::binary);
  if (!in) return Unavailable(path + ": can't be read");
  std::string line;
  std::size_t number = 0;
  while (std::getline(in, line)) {
    ++number;
    const bool is_whole = !in.eof() && ReadLine(line, seen);
    if (is_whole) continue;
    if (in.eof() || in.peek() == std::ifstream::traits_type::eof()) {
      Log(LogLevel::kWarning, "exchange.seen: the torn last line is dropped");
      return seen;
    }
    return Corruption(fmt::format(
        "{}: line {} is not of this format: restore the file from a copy. Without it, requests "
        "that were sent as files in the last day could be carried out once more",
        path, number));
  }
  if (in.bad()) return Unavailable(path + ": can't be read to its end");
  return seen;
}

Result<std::unique_ptr<ReplayStore>> ReplayStore::Open(const std::string& path,
                                                       const Clock& clock) {
  TRY(SeenMap seen, ReadAll(path));
  std::unique_ptr<ReplayStore> store(new ReplayStore(path, clock, std::move(seen)));
  TRY_VOID(store->Rewrite());
  return store;
}

ReplayStore::~ReplayStore() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> ReplayStore::Accept(std::string_view sender, std::string_view id, Timestamp) {
  std::lock_guard lock(mutex_);
  const auto found = seen_.find(KeyOf(sender, id));
  if (found == seen_.end() || !found->second.is_done) return {};
  return AlreadyExists("the message was carried out before");
}

bool ReplayStore::WasBegun(const jose::SecureMessageHeader& message) {
  std::lock_guard lock(mutex_);
  const auto found = seen_.find(KeyOf(message.sender, message.id));
  return found != seen_.end() && !found->second.is_done;
}

Result<void> ReplayStore::Begin(const jose::SecureMessageHeader& message) {
  return Note(message, false);
}

Result<void> ReplayStore::Finish(const jose::SecureMessageHeader& message) {
  return Note(message, true);
}

Result<void> ReplayStore::Note(const jose::SecureMessageHeader& message, bool is_done) {
  const Key key = KeyOf(message.sender, message.id);
  const Seen seen{ToUnixMillis(message.time), is_done};
  std::lock_guard lock(mutex_);
  if (lines_ >= rewrite_at_) {
    if (const Result<void> rewritten = Rewrite(); !rewritten) {
      Log(LogLevel::kWarning, "exchange.seen could not be written anew: it grows on");
      rewrite_at_ = 2 * lines_;
    }
  }
  const Result<void> written = Append(LineOf(key, seen));
  // What was carried out is known here, whatever the disk says; what was not begun is not.
  if (written || is_done) seen_.insert_or_assign(key, seen);
  return written;
}

Result<void> ReplayStore::Append(const std::string& line) {
  // A part of a line that another would follow on the same line: it goes first.
  if (is_torn_ && ::ftruncate(descriptor_, size_bytes_) != 0) {
    return Unavailable("exchange.seen can't be written");
  }
  is_torn_ = true;
  const auto written = ::write(descriptor_, line.data(), line.size());
  if (written != static_cast<ssize_t>(line.size()) || ::fdatasync(descriptor_) != 0) {
    return Unavailable("exchange.seen can't be written");
  }
  is_torn_ = false;
  size_bytes_ += written;
  ++lines_;
  return {};
}

Result<void> ReplayStore::Rewrite() {
  const std::int64_t oldest = ToUnixMillis(clock_.Now() - kKeep);
  std::erase_if(seen_, [&](const auto& one) { return one.second.time_ms < oldest; });
  std::string text;
  for (const auto& [key, seen] : seen_) text += LineOf(key, seen);
  TRY_VOID(pki::ReplacePublicFile(path_, text));
  // The old descriptor's file has no name any more: nothing may be noted there.
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  size_bytes_ = static_cast<std::int64_t>(text.size());
  is_torn_ = false;
  lines_ = seen_.size();
  rewrite_at_ = std::max(kPruneLines, 2 * lines_);
  if (descriptor_ < 0) return Unavailable(path_ + ": can't be opened for writing");
  return {};
}

}  // namespace salus::api
