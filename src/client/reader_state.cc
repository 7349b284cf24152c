#include "client/reader_state.h"

#include <algorithm>

#include "audit/subject.h"
#include "client/json_read.h"
#include "client/private_file.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "crypto/sha256.h"

namespace salus::client {
namespace {

constexpr std::size_t kMaxStateBytes = 256u << 20;
constexpr std::size_t kShownHash = 16;

std::string ShortHash(ByteSpan bytes) {
  return codec::HexEncode(ByteSpan(crypto::Sha256(bytes)).first(kShownHash));
}

struct Stored {
  std::string log_vkey;
  audit::KnownCheckpoint checkpoint;
};

Result<Stored> ParseStored(std::string_view text) {
  TRY(const codec::Json json, codec::ParseJson(text));
  TRY(const codec::JsonObject* object, codec::AsObject(json, "checkpoint"));
  Stored stored;
  TRY(stored.log_vkey, TextAt(*object, "log_vkey"));
  TRY(stored.checkpoint.note, TextAt(*object, "note"));
  TRY(stored.checkpoint.size.value, CountAt(*object, "size"));
  TRY(const std::string_view root, codec::StringAt(*object, "root"));
  TRY(const Bytes root_bytes, codec::Base64Decode(root));
  TRY(stored.checkpoint.root, merkle::RootHash::FromBytes(root_bytes));
  TRY(const std::int64_t time_ms, codec::IntAt(*object, "time_ms"));
  stored.checkpoint.time = FromUnixMillis(time_ms);
  TRY(const std::int64_t since_ms, codec::IntAt(*object, "watched_since_ms"));
  stored.checkpoint.watched_since = FromUnixMillis(since_ms);
  return stored;
}

std::string WriteStored(const std::string& log_vkey, const audit::KnownCheckpoint& checkpoint) {
  const codec::JsonObject object{{"log_vkey", log_vkey},
                                 {"size", checkpoint.size.value},
                                 {"root", codec::Base64Encode(checkpoint.root.span())},
                                 {"time_ms", ToUnixMillis(checkpoint.time)},
                                 {"watched_since_ms", ToUnixMillis(checkpoint.watched_since)},
                                 {"note", checkpoint.note}};
  return codec::WriteJsonPretty(object);
}

// Own questions of both, each entry once.
void MergeQueries(const audit::KnownChain& from, audit::KnownChain& into) {
  for (std::size_t i = 0; i < from.query_entries.size(); ++i) {
    const bool is_there = std::ranges::count(into.query_entries, from.query_entries[i]) > 0;
    if (is_there) continue;
    into.query_entries.push_back(from.query_entries[i]);
    into.query_leaves.push_back(from.query_leaves[i]);
  }
}

Error Broken(const std::filesystem::path& path) {
  return Corruption(path.string() +
                    ": what this device remembered is damaged. Restore the file; if it is lost, "
                    "remove it, and a rollback up to now can't be seen by this device");
}

}  // namespace

Result<ReaderState> ReaderState::Open(const std::filesystem::path& root,
                                      const audit::PinnedLog& log) {
  ReaderState state(root / ShortHash(AsBytes(log.origin)), log);
  TRY(state.checkpoint_, state.ReadCheckpoint());
  return state;
}

Result<ReaderState> ReaderState::OfUser(const audit::PinnedLog& log) {
  TRY(const std::filesystem::path home, StateHome());
  return Open(home, log);
}

Result<std::optional<audit::KnownCheckpoint>> ReaderState::ReadCheckpoint() const {
  const std::filesystem::path path = folder_ / "checkpoint";
  const Result<std::string> text = ReadSmallFile(path, kMaxStateBytes);
  if (!text) {
    if (text.error().code == ErrorCode::kNotFound) return std::optional<audit::KnownCheckpoint>();
    return text.error();
  }
  Result<Stored> stored = ParseStored(*text);
  if (!stored) return Broken(path);
  if (stored->log_vkey != log_vkey_) {
    return VerificationFailed(
        "this device has verified a log named " + origin_ +
        " under another key: this one is not it. If you know that the log was made anew, remove " +
        folder_.string());
  }
  return std::optional<audit::KnownCheckpoint>(std::move(stored->checkpoint));
}

std::filesystem::path ReaderState::ChainPath(const audit::Subject& subject) const {
  return folder_ / "chains" / ShortHash(audit::VrfInput(origin_, subject));
}

Result<audit::KnownChain> ReaderState::Chain(const audit::Subject& subject) const {
  const std::filesystem::path path = ChainPath(subject);
  const Result<std::string> text = ReadSmallFile(path, kMaxStateBytes);
  if (!text) {
    if (text.error().code == ErrorCode::kNotFound) return audit::KnownChain();
    return text.error();
  }
  Result<audit::KnownChain> chain = audit::DecodeKnownChain(AsBytes(*text));
  if (!chain) return Broken(path);
  return chain;
}

Result<void> ReaderState::Remember(const audit::KnownCheckpoint& checkpoint) {
  TRY_VOID(MakePrivateDirectory(folder_));
  TRY(const FolderLock lock, FolderLock::Take(folder_));
  // Another process may have seen more meanwhile.
  TRY(checkpoint_, ReadCheckpoint());
  if (checkpoint_ && checkpoint_->size == checkpoint.size && checkpoint_->root != checkpoint.root) {
    return VerificationFailed(
        "the log has signed two different trees of " + std::to_string(checkpoint.size.value) +
        " entries: it shows different people different logs. Keep both checkpoints (one is " +
        (folder_ / "checkpoint").string() + ") and call the data protection officer");
  }
  if (checkpoint_ && checkpoint_->size > checkpoint.size) return {};
  // The same tree with other cosignatures is stored too: they are newer.
  TRY_VOID(ReplaceFile(folder_ / "checkpoint", WriteStored(log_vkey_, checkpoint)));
  checkpoint_ = checkpoint;
  return {};
}

Result<void> ReaderState::RememberChain(const audit::Subject& subject,
                                        const audit::KnownChain& chain) const {
  TRY_VOID(MakePrivateDirectory(folder_ / "chains"));
  TRY(const FolderLock lock, FolderLock::Take(folder_));
  TRY(const audit::KnownChain known, Chain(subject));
  if (known.count == chain.count && known.count > 0 && known.head != chain.head) {
    return VerificationFailed(
        "the log has shown two different histories of " + std::to_string(chain.count) +
        " entries for the same subject; one is remembered in " + ChainPath(subject).string());
  }
  const bool is_older = known.count > chain.count;
  audit::KnownChain merged = is_older ? known : chain;
  MergeQueries(is_older ? chain : known, merged);
  return ReplaceFile(ChainPath(subject), AsText(audit::EncodeKnownChain(merged)));
}

}  // namespace salus::client
