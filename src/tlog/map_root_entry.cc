#include "tlog/map_root_entry.h"

#include <algorithm>
#include <array>

#include "base/endian.h"
#include "codec/cbor.h"
#include "merkle/hash.h"
#include "tlog/entry_kind.h"

namespace salus::tlog {

namespace {

Error NotAMapRoot() {
  return VerificationFailed("the checkpoint's last entry is not a strict map root entry");
}

Result<MapRootEntry> Read(ByteSpan bytes) {
  MapRootEntry entry;
  codec::CborReader reader(bytes);
  TRY_VOID(reader.ArrayOf(2));
  TRY(const std::uint64_t kind, reader.Uint());
  if (kind != static_cast<std::uint64_t>(EntryKind::kMapRoot)) return NotAMapRoot();
  TRY_VOID(reader.ArrayOf(5));
  TRY(entry.size, reader.Uint());
  TRY(const std::uint64_t time_ms, reader.Uint());
  entry.time = FromUnixMillis(static_cast<std::int64_t>(time_ms));
  TRY(const ByteSpan map_root, reader.ByteString());
  TRY(entry.map_root, merkle::MapRoot::FromBytes(map_root));
  TRY(entry.subjects, reader.Uint());
  TRY(const ByteSpan updates, reader.ByteString());
  TRY(entry.updates, merkle::RootHash::FromBytes(updates));
  TRY_VOID(reader.Finish());
  return entry;
}

}  // namespace

Bytes MapRootEntry::Encode() const {
  Bytes out;
  codec::CborWriter writer(out);
  writer.Array(2);
  writer.Uint(static_cast<std::uint64_t>(EntryKind::kMapRoot));
  writer.Array(5);
  writer.Uint(size);
  writer.Uint(static_cast<std::uint64_t>(ToUnixMillis(time)));
  writer.ByteString(map_root.span());
  writer.Uint(subjects);
  writer.ByteString(updates.span());
  return out;
}

Result<MapRootEntry> MapRootEntry::Parse(ByteSpan entry) {
  Result<MapRootEntry> parsed = Read(entry);
  if (!parsed) return NotAMapRoot();
  return parsed;
}

merkle::LeafHash HashUpdate(merkle::LeafIndex index, const merkle::SubjectTag& tag) {
  std::array<std::uint8_t, 40> step;
  StoreBe(step.data(), index.value);
  std::ranges::copy(tag.span(), step.begin() + 8);
  return merkle::HashLeaf(step);
}

}  // namespace salus::tlog
