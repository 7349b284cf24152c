#include "apps/salus/kept_receipt.h"

#include "codec/base64.h"
#include "codec/json.h"
#include "tlog/note.h"

namespace salus::cli {

namespace {

template <typename D>
Result<D> DigestAt(const codec::JsonObject& object, std::string_view name) {
  TRY(const std::string_view text, codec::StringAt(object, name));
  TRY(const Bytes bytes, codec::Base64UrlDecode(text));
  return D::FromBytes(bytes);
}

Result<std::uint64_t> NumberAt(const codec::JsonObject& object, std::string_view name) {
  TRY(const std::int64_t value, codec::IntAt(object, name));
  if (value < 0) return InvalidArgument(std::string(name) + ": must not be negative");
  return static_cast<std::uint64_t>(value);
}

Result<KeptReceipt::Event> ParseEvent(const codec::Json& value) {
  TRY(const codec::JsonObject* object, codec::AsObject(value, "event"));
  KeptReceipt::Event event;
  TRY(event.id, codec::StringAt(*object, "id"));
  TRY(event.index.value, NumberAt(*object, "index"));
  TRY(event.leaf, DigestAt<merkle::LeafHash>(*object, "leaf"));
  TRY(event.tag, DigestAt<audit::SubjectTag>(*object, "tag"));
  TRY(event.patient, codec::StringAt(*object, "patient"));
  TRY(event.system, codec::StringAt(*object, "system"));
  return event;
}

}  // namespace

std::string KeptReceipt::ToLine() const {
  codec::JsonArray beside;
  for (const merkle::NodeHash& hash : receipt.beside) {
    beside.emplace_back(codec::Base64UrlEncode(hash.span()));
  }
  codec::JsonArray list;
  for (const Event& event : events) {
    list.push_back(codec::JsonObject{{"id", event.id},
                                     {"index", event.index.value},
                                     {"leaf", codec::Base64UrlEncode(event.leaf.span())},
                                     {"tag", codec::Base64UrlEncode(event.tag.span())},
                                     {"patient", event.patient},
                                     {"system", event.system}});
  }
  return codec::WriteJson(codec::JsonObject{{"source", source},
                                            {"note", receipt.note},
                                            {"first", receipt.first},
                                            {"own", receipt.own},
                                            {"beside", std::move(beside)},
                                            {"events", std::move(list)}}) +
         "\n";
}

Result<KeptReceipt> KeptReceipt::Parse(std::string_view line) {
  TRY(const codec::Json value, codec::ParseJson(line));
  TRY(const codec::JsonObject* object, codec::AsObject(value, "receipt"));
  KeptReceipt kept;
  TRY(kept.source, codec::StringAt(*object, "source"));
  TRY(kept.receipt.note, codec::StringAt(*object, "note"));
  TRY(kept.receipt.first, NumberAt(*object, "first"));
  TRY(kept.receipt.own, NumberAt(*object, "own"));
  TRY(const codec::JsonArray* beside, codec::ArrayAt(*object, "beside"));
  for (const codec::Json& item : *beside) {
    if (!item.is_string()) return InvalidArgument("beside: must hold texts");
    const auto& text = item.get_string();
    TRY(const Bytes bytes, codec::Base64UrlDecode(std::string_view(text.data(), text.size())));
    TRY(const merkle::NodeHash hash, merkle::NodeHash::FromBytes(bytes));
    kept.receipt.beside.push_back(hash);
  }
  TRY(const codec::JsonArray* events, codec::ArrayAt(*object, "events"));
  for (std::size_t i = 0; i < events->size(); ++i) {
    Result<Event> event = ParseEvent((*events)[i]);
    if (!event) return codec::Within("events", i, std::move(event.error()));
    kept.events.push_back(*std::move(event));
  }
  return kept;
}

Result<audit::ReceiptBody> KeptReceipt::Verify(const std::string& origin,
                                               const std::string& receipt_vkey) const {
  TRY(const tlog::VerifierKey key, tlog::VerifierKey::Parse(receipt_vkey));
  Result<tlog::Note> note = tlog::Note::Parse(receipt.note);
  if (!note) return VerificationFailed("the receipt is no signed note");
  TRY_VOID(note->Verify({&key, 1}));
  TRY(audit::ReceiptBody body, audit::ReceiptBody::Parse(note->text()));
  if (body.origin != origin) return VerificationFailed("the receipt is another log's");
  std::vector<merkle::LeafHash> own;
  for (const Event& event : events) {
    own.push_back(audit::HashReceiptLeaf({source, event.id, event.index, event.leaf, event.tag}));
  }
  TRY(const merkle::RootHash root, audit::RootFromReceipt(receipt, own, body.leaves));
  if (root != body.root) {
    return VerificationFailed(
        "the receipt was signed over other events than the ones kept with it");
  }
  return body;
}

}  // namespace salus::cli
