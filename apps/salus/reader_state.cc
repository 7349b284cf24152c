#include "apps/salus/reader_state.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "apps/salus/session.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "crypto/sha256.h"

namespace salus::cli {

namespace {

constexpr std::size_t kMaxStateBytes = 256u << 20;
constexpr std::size_t kShownHash = 16;

std::string StateHome() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && *state != '\0') return state;
  const char* home = std::getenv("HOME");
  return std::string(home == nullptr ? "." : home) + "/.local/state";
}

std::string ShortHash(ByteSpan bytes) {
  return codec::HexEncode(ByteSpan(crypto::Sha256(bytes)).first(kShownHash));
}

Result<void> MakeFolder(const std::string& path) {
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (failed) return Unavailable(path + ": " + failed.message());
  std::filesystem::permissions(path, std::filesystem::perms::owner_all, failed);
  if (failed) return Unavailable(path + ": " + failed.message());
  return {};
}

struct Stored {
  std::string log_vkey;
  audit::KnownCheckpoint checkpoint;
};

Result<Stored> ParseStored(std::string_view text) {
  TRY(const codec::Json json, codec::ParseJson(text));
  TRY(const codec::JsonObject* object, codec::AsObject(json, "checkpoint"));
  Stored stored;
  TRY(stored.log_vkey, codec::StringAt(*object, "log_vkey"));
  TRY(stored.checkpoint.note, codec::StringAt(*object, "note"));
  TRY(const std::int64_t size, codec::IntAt(*object, "size"));
  stored.checkpoint.size.value = static_cast<std::uint64_t>(size);
  TRY(const std::string_view root, codec::StringAt(*object, "root"));
  TRY(const Bytes root_bytes, codec::Base64Decode(root));
  TRY(stored.checkpoint.root, merkle::RootHash::FromBytes(root_bytes));
  TRY(const std::int64_t time_ms, codec::IntAt(*object, "time_ms"));
  stored.checkpoint.time = FromUnixMillis(time_ms);
  TRY(const std::int64_t since_ms, codec::IntAt(*object, "watched_since_ms"));
  stored.checkpoint.watched_since = FromUnixMillis(since_ms);
  return stored;
}

Result<std::optional<Stored>> ReadStored(const std::string& path) {
  const Result<std::string> text = ReadTextFile(path, kMaxStateBytes);
  if (!text) {
    if (text.error().code == ErrorCode::kNotFound) return std::optional<Stored>();
    return text.error();
  }
  Result<Stored> stored = ParseStored(*text);
  if (!stored) return Corruption(path + ": what this device remembered is damaged");
  return std::optional<Stored>(*std::move(stored));
}

}  // namespace

Result<ReaderState> ReaderState::Open(const audit::PinnedLog& log) {
  ReaderState state;
  state.folder_ = StateHome() + "/salus/" + ShortHash(AsBytes(log.origin));
  state.origin_ = log.origin;
  state.log_vkey_ = log.log_vkey;
  TRY(const auto stored, ReadStored(state.folder_ + "/checkpoint"));
  if (!stored) return state;
  if (stored->log_vkey != log.log_vkey) {
    return VerificationFailed(
        "this device has verified a log named " + log.origin +
        " under another key: this one is not it. If you know that the log was made anew, remove " +
        state.folder_);
  }
  state.checkpoint_ = stored->checkpoint;
  return state;
}

std::string ReaderState::ChainPath(const audit::Subject& subject) const {
  return folder_ + "/chains/" + ShortHash(audit::VrfInput(origin_, subject));
}

Result<audit::KnownChain> ReaderState::Chain(const audit::Subject& subject) const {
  const std::string path = ChainPath(subject);
  const Result<std::string> text = ReadTextFile(path, kMaxStateBytes);
  if (!text) {
    if (text.error().code == ErrorCode::kNotFound) return audit::KnownChain();
    return text.error();
  }
  Result<audit::KnownChain> chain = audit::DecodeKnownChain(AsBytes(*text));
  if (!chain) return Corruption(path + ": what this device remembered is damaged");
  return chain;
}

Result<void> ReaderState::Remember(const audit::KnownCheckpoint& checkpoint) {
  TRY_VOID(MakeFolder(folder_));
  const std::string path = folder_ + "/checkpoint";
  TRY(const auto stored, ReadStored(path));
  if (stored && stored->checkpoint.size > checkpoint.size) return {};
  checkpoint_ = checkpoint;
  const codec::JsonObject object{{"log_vkey", log_vkey_},
                                 {"size", checkpoint.size.value},
                                 {"root", codec::Base64Encode(checkpoint.root.span())},
                                 {"time_ms", ToUnixMillis(checkpoint.time)},
                                 {"watched_since_ms", ToUnixMillis(checkpoint.watched_since)},
                                 {"note", checkpoint.note}};
  return WriteTextFile(path, codec::WriteJsonPretty(object));
}

Result<void> ReaderState::RememberChain(const audit::Subject& subject,
                                        const audit::KnownChain& chain) const {
  TRY_VOID(MakeFolder(folder_ + "/chains"));
  return WriteTextFile(ChainPath(subject), AsText(audit::EncodeKnownChain(chain)));
}

}  // namespace salus::cli
