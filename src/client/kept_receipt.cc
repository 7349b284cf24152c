#include "client/kept_receipt.h"

#include <array>
#include <fstream>

#include "client/json_read.h"
#include "codec/base64.h"
#include "tlog/note.h"
#include "tlog/verifier_key.h"

namespace salus::client {
namespace {

constexpr std::size_t kMaxBeside = 2 * 63;
constexpr std::string_view kLineBegin = "{\"source\":\"";  // of ToLine

Result<KeptReceipt::Event> ReadEvent(const codec::Json& json) {
  TRY(const codec::JsonObject* object, codec::AsObject(json, "event"));
  KeptReceipt::Event event;
  TRY(event.id, codec::StringAt(*object, "id"));
  TRY(event.index.value, CountAt(*object, "index"));
  TRY(event.leaf, DigestAt<merkle::LeafHash>(*object, "leaf"));
  TRY(event.tag, DigestAt<audit::SubjectTag>(*object, "tag"));
  TRY(event.patient, codec::StringAt(*object, "patient"));
  TRY(const auto system, codec::OptionalStringAt(*object, "system"));
  event.system = system.value_or("");
  return event;
}

}  // namespace

void ReceiptToJson(const audit::Receipt& receipt, codec::JsonObject& out) {
  out["note"] = receipt.note;
  out["first"] = receipt.first;
  out["own"] = receipt.own;
  codec::JsonArray beside;
  for (const merkle::NodeHash& hash : receipt.beside) {
    beside.emplace_back(codec::Base64UrlEncode(hash.span()));
  }
  out["beside"] = std::move(beside);
}

Result<audit::Receipt> ReceiptFromJson(const codec::JsonObject& object) {
  audit::Receipt receipt;
  TRY(receipt.note, codec::StringAt(object, "note"));
  TRY(receipt.first, CountAt(object, "first"));
  TRY(receipt.own, CountAt(object, "own"));
  TRY(receipt.beside, HashesAt(object, "beside"));
  if (receipt.beside.size() > kMaxBeside) {
    return InvalidArgument("beside: has more than 126 hashes");
  }
  return receipt;
}

std::string KeptReceipt::ToLine() const {
  codec::JsonObject object;
  object["source"] = source;
  ReceiptToJson(receipt, object);
  codec::JsonArray list;
  for (const Event& event : events) {
    codec::JsonObject item;
    item["id"] = event.id;
    item["index"] = event.index.value;
    item["leaf"] = codec::Base64UrlEncode(event.leaf.span());
    item["tag"] = codec::Base64UrlEncode(event.tag.span());
    item["patient"] = event.patient;
    item["system"] = event.system;
    list.push_back(std::move(item));
  }
  object["events"] = std::move(list);
  return codec::WriteJson(object) + "\n";
}

Result<KeptReceipt> KeptReceipt::Parse(std::string_view line) {
  TRY(const codec::Json json, codec::ParseJson(line));
  TRY(const codec::JsonObject* object, codec::AsObject(json, "receipt"));
  KeptReceipt kept;
  TRY(kept.source, codec::StringAt(*object, "source"));
  TRY(kept.receipt, ReceiptFromJson(*object));
  TRY(const codec::JsonArray* events, codec::ArrayAt(*object, "events"));
  for (std::size_t i = 0; i < events->size(); ++i) {
    Result<Event> event = ReadEvent((*events)[i]);
    if (!event) return codec::Within("events", i, std::move(event).error());
    kept.events.push_back(*std::move(event));
  }
  return kept;
}

Result<LineFile> OpenReceiptFile(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(path, ignored)) {
    std::ifstream in(path, std::ios::binary);
    std::string begin(kLineBegin.size(), '\0');
    in.read(begin.data(), static_cast<std::streamsize>(begin.size()));
    begin.resize(static_cast<std::size_t>(in.gcount()));
    // What a crash has torn off may be all but the first bytes.
    if (!kLineBegin.starts_with(begin)) {
      return InvalidArgument(path.filename().string() +
                             ": does not begin with a receipt, and nothing is appended to it: name "
                             "another file for --receipts");
    }
  }
  return LineFile::Open(path);
}

Result<audit::ReceiptBody> KeptReceipt::Verify(const std::string& origin,
                                               const std::string& receipt_vkey) const {
  const Result<tlog::VerifierKey> key = tlog::VerifierKey::Parse(receipt_vkey);
  if (!key) return InvalidArgument("the pinned receipt key is malformed: connect again");
  const Result<tlog::Note> note = tlog::Note::Parse(receipt.note);
  if (!note) return VerificationFailed("the receipt is no signed note");
  const std::array<tlog::VerifierKey, 1> keys = {*key};
  if (!note->Verify(keys)) return VerificationFailed("the receipt is not signed by this log");
  TRY(const audit::ReceiptBody body, audit::ReceiptBody::Parse(note->text()));
  if (body.origin != origin) return VerificationFailed("the receipt is of another log");
  std::vector<merkle::LeafHash> leaves;
  leaves.reserve(events.size());
  for (const Event& event : events) {
    leaves.push_back(
        audit::HashReceiptLeaf({source, event.id, event.index, event.leaf, event.tag}));
  }
  TRY(const merkle::RootHash root, audit::RootFromReceipt(receipt, leaves, body.leaves));
  if (root != body.root) {
    return VerificationFailed("the receipt was signed over something else than these events");
  }
  return body;
}

}  // namespace salus::client
