// What the client reads from files and folders that others can write: what parses is written back
// as the same thing.
#include "base/check.h"
#include "client/exchange.h"
#include "client/kept_receipt.h"
#include "client/pinned_server.h"
#include "client/source_entry.h"
#include "codec/base64.h"
#include "crypto/sha256.h"

namespace salus::client {
namespace {

codec::JsonArray HashesOf(const merkle::InclusionProof& proof) {
  codec::JsonArray hashes;
  for (const merkle::NodeHash& hash : proof.hashes()) {
    hashes.emplace_back(codec::Base64UrlEncode(hash.span()));
  }
  return hashes;
}

// What the server writes for this entry.
codec::JsonObject ToJson(const SourceEntry& entry) {
  codec::JsonObject object;
  object["index"] = entry.index.value;
  object["entry"] = codec::Base64UrlEncode(entry.entry);
  object["inclusion"] = HashesOf(entry.inclusion);
  object["checkpoint"] = entry.checkpoint;
  if (!entry.filing) return object;
  codec::JsonObject filing;
  filing["map_root"] = entry.filing->map_root.value;
  filing["map_entry"] = codec::Base64UrlEncode(entry.filing->map_entry);
  filing["position"] = entry.filing->position;
  filing["steps"] = entry.filing->steps.value;
  filing["path"] = HashesOf(entry.filing->path);
  object["filing"] = std::move(filing);
  return object;
}

void CheckSourceEntry(const codec::JsonObject& object) {
  const auto entry = SourceEntry::FromJson(object);
  if (!entry) return;
  const codec::JsonObject again = ToJson(*entry);
  CHECK(ToJson(SourceEntry::FromJson(again).value()) == again);
  if (!entry->filing) return;
  // What verifies for one step verifies for no other.
  const audit::SubjectTag tag(crypto::Sha256(entry->entry));
  const bool is_filed = entry->filing->Verify(entry->index, tag).has_value();
  CHECK(!is_filed || !entry->filing->Verify(entry->index, audit::SubjectTag()));
}

void CheckOne(std::string_view text) {
  if (const auto receipt = KeptReceipt::Parse(text)) {
    const std::string line = receipt->ToLine();
    CHECK(KeptReceipt::Parse(line).value().ToLine() == line);
  }
  if (const auto json = codec::ParseJson(text); json && json->is_object()) {
    CheckSourceEntry(json->get_object());
  }
  if (const auto call = DecodeCall(text)) {
    const std::string again = EncodeCall(*call);
    CHECK(EncodeCall(DecodeCall(again).value()) == again);
  }
  if (const auto answer = DecodeCallAnswer(text)) {
    const std::string again = EncodeCallAnswer(*answer);
    CHECK(EncodeCallAnswer(DecodeCallAnswer(again).value()) == again);
  }
  if (const auto server = PinnedServer::Parse("x", text)) {
    const std::string again = server->ToJson();
    CHECK(PinnedServer::Parse("x", again).value().ToJson() == again);
  }
}

}  // namespace
}  // namespace salus::client

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::client::CheckOne(salus::AsText({data, size}));
  return 0;
}
