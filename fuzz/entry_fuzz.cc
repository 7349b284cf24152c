// Entries of the log: what parses is exactly what would be written, byte for byte.
#include "audit/entry.h"
#include "base/check.h"
#include "codec/cbor.h"
#include "tlog/map_root_entry.h"

namespace salus::audit {
namespace {

Bytes Rewrite(ByteSpan entry, const EntryView& view) {
  if (view.grant) return EncodeGrant(*view.grant);
  if (view.other) return EncodeOther(view.kind, *view.other);
  Bytes out;
  codec::CborWriter writer(out);
  writer.Array(2);
  writer.Uint(static_cast<std::uint64_t>(view.kind));
  Bytes body = ToBytes(view.body);
  if (view.sealed) {
    body.clear();
    AppendCose(*view.sealed, body);
    CHECK(SealedEntrySize(view.sealed->ciphertext.size() - 16) == entry.size());
  }
  writer.Encoded(body);
  return out;
}

void CheckOne(ByteSpan entry) {
  const Result<EntryView> view = ParseEntry(entry);
  if (view) {
    CHECK(Equal(Rewrite(entry, *view), entry));
  } else {
    CHECK(view.error().code == ErrorCode::kVerificationFailed);
  }
  if (const auto genesis = ParseGenesis(entry)) {
    CHECK(Equal(EncodeGenesis(*genesis), entry));
    CHECK(view.has_value() && view->kind == EntryKind::kGenesis);
  }
  if (const auto map = tlog::MapRootEntry::Parse(entry)) {
    CHECK(Equal(map->Encode(), entry));
    CHECK(view.has_value() && view->kind == EntryKind::kMapRoot);
  }
}

}  // namespace
}  // namespace salus::audit

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::audit::CheckOne({data, size});
  return 0;
}
