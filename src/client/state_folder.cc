#include "client/state_folder.h"

#include <algorithm>

#include "client/json_read.h"
#include "client/kept_receipt.h"
#include "client/private_file.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "crypto/sha256.h"
#include "tlog/checkpoint.h"

namespace salus::client {
namespace {

Result<KeptQuery> ReadQuery(const codec::Json& json) {
  TRY(const codec::JsonObject* object, codec::AsObject(json, "query"));
  KeptQuery query;
  TRY(query.index.value, CountAt(*object, "index"));
  TRY(query.leaf, DigestAt<merkle::LeafHash>(*object, "leaf"));
  TRY(query.receipt, ReceiptFromJson(*object));
  return query;
}

Result<RememberedChain> ReadChain(std::string_view text) {
  TRY(const codec::Json json, codec::ParseJson(text));
  TRY(const codec::JsonObject* object, codec::AsObject(json, "chain"));
  RememberedChain chain;
  TRY(chain.count, CountAt(*object, "count"));
  TRY(chain.head, DigestAt<merkle::ChainHead>(*object, "head"));
  TRY(const codec::JsonArray* queries, codec::ArrayAt(*object, "queries"));
  for (const codec::Json& item : *queries) {
    TRY(KeptQuery query, ReadQuery(item));
    if (!chain.queries.empty() && chain.queries.back().index >= query.index) {
      return InvalidArgument("queries: must rise");
    }
    chain.queries.push_back(std::move(query));
  }
  return chain;
}

std::string WriteChain(const RememberedChain& chain) {
  codec::JsonObject object;
  object["count"] = chain.count;
  object["head"] = codec::Base64UrlEncode(chain.head.span());
  codec::JsonArray queries;
  for (const KeptQuery& query : chain.queries) {
    codec::JsonObject item;
    item["index"] = query.index.value;
    item["leaf"] = codec::Base64UrlEncode(query.leaf.span());
    ReceiptToJson(query.receipt, item);
    queries.push_back(std::move(item));
  }
  object["queries"] = std::move(queries);
  return codec::WriteJson(object) + "\n";
}

// Receipts of both, each entry once.
void MergeQueries(const std::vector<KeptQuery>& known, std::vector<KeptQuery>& queries) {
  queries.insert(queries.end(), known.begin(), known.end());
  std::ranges::stable_sort(queries, {}, &KeptQuery::index);
  const auto extra = std::ranges::unique(queries, {}, &KeptQuery::index);
  queries.erase(extra.begin(), extra.end());
}

Error Broken(const std::filesystem::path& path, std::string_view what) {
  return Corruption(path.string() + ": " + std::string(what) +
                    "; what this device has seen before can't be compared. Restore the file; if it "
                    "is lost, remove it, and a rollback up to now can't be seen by this device");
}

}  // namespace

audit::KnownChain RememberedChain::Known() const {
  audit::KnownChain known;
  known.count = count;
  known.head = head;
  for (const KeptQuery& query : queries) {
    known.query_entries.push_back(query.index);
    known.query_leaves.push_back(query.leaf);
  }
  return known;
}

Result<StateFolder> StateFolder::Open(const std::filesystem::path& root, std::string_view origin) {
  const crypto::Hash32 name = crypto::Sha256(AsBytes(origin));
  const std::filesystem::path path = root / codec::HexEncode(name);
  TRY_VOID(MakePrivateDirectory(path / "chains"));
  return StateFolder(path, std::string(origin));
}

Result<StateFolder> StateFolder::OfUser(std::string_view origin) {
  TRY(const std::filesystem::path home, StateHome());
  return Open(home, origin);
}

std::filesystem::path StateFolder::ChainPath(const audit::SubjectTag& tag) const {
  return path_ / "chains" / (codec::Base64UrlEncode(tag.span()) + ".json");
}

Result<std::optional<audit::KnownCheckpoint>> StateFolder::Checkpoint() const {
  const std::filesystem::path path = path_ / "checkpoint";
  Result<std::string> note = ReadSmallFile(path, tlog::kMaxNoteBytes);
  if (!note.has_value()) {
    if (note.error().code == ErrorCode::kNotFound) {
      return std::optional<audit::KnownCheckpoint>();
    }
    return std::move(note).error();
  }
  const Result<tlog::SignedCheckpoint> parsed = tlog::SignedCheckpoint::Parse(*note);
  if (!parsed) return Broken(path, "is no checkpoint");
  if (parsed->checkpoint.origin != origin_) return Broken(path, "is of another log");
  return std::optional<audit::KnownCheckpoint>(
      {parsed->checkpoint.size, parsed->checkpoint.root, *std::move(note)});
}

Result<Remembered> StateFolder::Remember(const audit::KnownCheckpoint& checkpoint) {
  TRY(const FolderLock lock, FolderLock::Take(path_));
  TRY(const std::optional<audit::KnownCheckpoint> known, Checkpoint());
  if (known && known->size == checkpoint.size && known->root != checkpoint.root) {
    return VerificationFailed(
        "the log has signed two different trees of " + std::to_string(checkpoint.size.value) +
        " entries: it shows different people different logs. Keep both checkpoints (one is " +
        (path_ / "checkpoint").string() + ") and call the data protection officer");
  }
  if (known && known->size > checkpoint.size) return Remembered::kOlder;
  // The same tree with other cosignatures is stored too: they are newer.
  TRY_VOID(ReplaceFile(path_ / "checkpoint", checkpoint.note));
  return Remembered::kStored;
}

Result<RememberedChain> StateFolder::Chain(const audit::SubjectTag& tag) const {
  const std::filesystem::path path = ChainPath(tag);
  Result<std::string> text = ReadSmallFile(path);
  if (!text.has_value()) {
    if (text.error().code == ErrorCode::kNotFound) return RememberedChain{};
    return std::move(text).error();
  }
  Result<RememberedChain> chain = ReadChain(*text);
  if (!chain) return Broken(path, chain.error().message);
  return chain;
}

Result<Remembered> StateFolder::RememberChain(const audit::SubjectTag& tag,
                                              const RememberedChain& chain) {
  TRY(const FolderLock lock, FolderLock::Take(path_));
  TRY(const RememberedChain known, Chain(tag));
  if (known.count == chain.count && known.count > 0 && known.head != chain.head) {
    return VerificationFailed(
        "the log has shown two different histories of " + std::to_string(chain.count) +
        " entries for the same subject; one is remembered in " + ChainPath(tag).string());
  }
  const bool is_older = known.count > chain.count;
  RememberedChain merged = is_older ? known : chain;
  MergeQueries(is_older ? chain.queries : known.queries, merged.queries);
  TRY_VOID(ReplaceFile(ChainPath(tag), WriteChain(merged)));
  return is_older ? Remembered::kOlder : Remembered::kStored;
}

}  // namespace salus::client
