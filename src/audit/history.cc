#include "audit/history.h"

#include <algorithm>

#include "codec/cbor.h"

namespace salus::audit {

namespace {

using codec::CborReader;
using codec::CborType;
using codec::CborWriter;
using merkle::NodeHash;

constexpr std::uint64_t kVersion = 2;

Error BadAnswer() { return VerificationFailed("the answer is not a history of this format"); }

void WriteHashes(CborWriter& writer, std::span<const NodeHash> hashes) {
  Bytes bytes;
  bytes.reserve(hashes.size() * NodeHash::kSize);
  for (const NodeHash& hash : hashes) Append(bytes, hash.span());
  writer.ByteString(bytes);
}

Result<std::vector<NodeHash>> ReadHashes(CborReader& reader) {
  TRY(const ByteSpan bytes, reader.ByteString());
  if (bytes.size() % NodeHash::kSize != 0) return BadAnswer();
  std::vector<NodeHash> hashes(bytes.size() / NodeHash::kSize);
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    TRY(hashes[i], NodeHash::FromBytes(bytes.subspan(i * NodeHash::kSize, NodeHash::kSize)));
  }
  return hashes;
}

Result<merkle::InclusionProof> ReadPath(CborReader& reader) {
  TRY(std::vector<NodeHash> hashes, ReadHashes(reader));
  return merkle::InclusionProof::FromHashes(std::move(hashes));
}

Result<merkle::ConsistencyProof> ReadConsistency(CborReader& reader) {
  TRY(std::vector<NodeHash> hashes, ReadHashes(reader));
  return merkle::ConsistencyProof::FromHashes(std::move(hashes));
}

void WriteCheckpoint(CborWriter& writer, const ProvenCheckpoint& checkpoint) {
  writer.Array(3);
  writer.Text(checkpoint.note);
  writer.ByteString(checkpoint.map_entry);
  WriteHashes(writer, checkpoint.map_inclusion.hashes());
}

Result<ProvenCheckpoint> ReadCheckpoint(CborReader& reader) {
  ProvenCheckpoint checkpoint;
  TRY_VOID(reader.ArrayOf(3));
  TRY(const std::string_view note, reader.Text());
  checkpoint.note = note;
  TRY(const ByteSpan entry, reader.ByteString());
  checkpoint.map_entry = ToBytes(entry);
  TRY(checkpoint.map_inclusion, ReadPath(reader));
  return checkpoint;
}

void WriteBracket(CborWriter& writer, const std::optional<HistoryAnswer::Bracket>& bracket) {
  if (!bracket) return writer.Null();
  writer.Array(2);
  WriteCheckpoint(writer, bracket->checkpoint);
  WriteHashes(writer, bracket->to_newest.hashes());
}

Result<std::optional<HistoryAnswer::Bracket>> ReadBracket(CborReader& reader) {
  TRY(const CborType type, reader.PeekType());
  if (type == CborType::kNull) {
    TRY_VOID(reader.Null());
    return std::optional<HistoryAnswer::Bracket>();
  }
  HistoryAnswer::Bracket bracket;
  TRY_VOID(reader.ArrayOf(2));
  TRY(bracket.checkpoint, ReadCheckpoint(reader));
  TRY(bracket.to_newest, ReadConsistency(reader));
  return std::optional(std::move(bracket));
}

void WriteChain(CborWriter& writer, std::span<const ChainItem> chain) {
  // Indexes as differences: they rise, so that most take one or two bytes.
  writer.Array(chain.size());
  std::uint64_t previous = 0;
  Bytes leaves;
  leaves.reserve(chain.size() * merkle::LeafHash::kSize);
  for (const ChainItem& item : chain) {
    writer.Uint(item.index.value - previous);
    previous = item.index.value;
    Append(leaves, item.leaf_hash.span());
  }
  writer.ByteString(leaves);
}

Result<std::vector<ChainItem>> ReadChain(CborReader& reader) {
  TRY(const std::size_t count, reader.Array());
  std::vector<ChainItem> chain(count);
  std::uint64_t previous = 0;
  for (std::size_t i = 0; i < count; ++i) {
    TRY(const std::uint64_t difference, reader.Uint());
    if (difference > merkle::kMaxTreeSize.value) return BadAnswer();
    previous += difference;
    if (previous > merkle::kMaxTreeSize.value) return BadAnswer();
    chain[i].index = merkle::LeafIndex{previous};
  }
  TRY(const ByteSpan leaves, reader.ByteString());
  if (leaves.size() != count * merkle::LeafHash::kSize) return BadAnswer();
  for (std::size_t i = 0; i < count; ++i) {
    TRY(chain[i].leaf_hash, merkle::LeafHash::FromBytes(leaves.subspan(i * 32, 32)));
  }
  return chain;
}

void WriteShown(CborWriter& writer, std::span<const ShownEntry> shown) {
  writer.Array(shown.size());
  for (const ShownEntry& entry : shown) {
    writer.Array(2);
    writer.Uint(entry.index.value);
    writer.ByteString(entry.entry);
  }
}

Result<std::vector<ShownEntry>> ReadShown(CborReader& reader) {
  TRY(const std::size_t count, reader.Array());
  std::vector<ShownEntry> shown(count);
  for (ShownEntry& entry : shown) {
    TRY_VOID(reader.ArrayOf(2));
    TRY(entry.index.value, reader.Uint());
    TRY(const ByteSpan bytes, reader.ByteString());
    entry.entry = ToBytes(bytes);
  }
  return shown;
}

void WriteInclusion(CborWriter& writer, std::span<const ShownProof> inclusion) {
  writer.Array(inclusion.size());
  for (const ShownProof& proof : inclusion) {
    writer.Array(2);
    writer.Uint(proof.count);
    WriteHashes(writer, proof.proof.hashes());
  }
}

Result<std::vector<ShownProof>> ReadInclusion(CborReader& reader) {
  TRY(const std::size_t count, reader.Array());
  std::vector<ShownProof> inclusion(count);
  for (ShownProof& proof : inclusion) {
    TRY_VOID(reader.ArrayOf(2));
    TRY(proof.count, reader.Uint());
    TRY(std::vector<NodeHash> hashes, ReadHashes(reader));
    proof.proof = merkle::MultiProof(std::move(hashes));
  }
  return inclusion;
}

void WriteQuery(CborWriter& writer, const HistoryAnswer& answer) {
  writer.Array(6);
  writer.Uint(answer.query_index.value);
  writer.ByteString(answer.query_leaf.span());
  writer.Text(answer.query_receipt.note);
  writer.Uint(answer.query_receipt.first);
  writer.Uint(answer.query_receipt.own);
  WriteHashes(writer, answer.query_receipt.beside);
}

Result<void> ReadQuery(CborReader& reader, HistoryAnswer& answer) {
  TRY_VOID(reader.ArrayOf(6));
  TRY(answer.query_index.value, reader.Uint());
  TRY(const ByteSpan leaf, reader.ByteString());
  TRY(answer.query_leaf, merkle::LeafHash::FromBytes(leaf));
  TRY(const std::string_view note, reader.Text());
  answer.query_receipt.note = note;
  TRY(answer.query_receipt.first, reader.Uint());
  TRY(answer.query_receipt.own, reader.Uint());
  TRY(answer.query_receipt.beside, ReadHashes(reader));
  return {};
}

void WriteNext(CborWriter& writer, const std::optional<NextPage>& next) {
  if (!next) return writer.Null();
  writer.Array(2);
  writer.Uint(next->position);
  writer.Text(next->token);
}

Result<std::optional<NextPage>> ReadNext(CborReader& reader) {
  TRY(const CborType type, reader.PeekType());
  if (type == CborType::kNull) {
    TRY_VOID(reader.Null());
    return std::optional<NextPage>();
  }
  TRY_VOID(reader.ArrayOf(2));
  NextPage next;
  TRY(next.position, reader.Uint());
  TRY(const std::string_view token, reader.Text());
  next.token = token;
  return std::optional(std::move(next));
}

Result<HistoryAnswer> ReadAnswer(ByteSpan bytes) {
  HistoryAnswer answer;
  CborReader reader(bytes);
  TRY_VOID(reader.ArrayOf(14));
  TRY(const std::uint64_t version, reader.Uint());
  if (version != kVersion) return BadAnswer();
  TRY(answer.newest, ReadCheckpoint(reader));
  TRY(answer.from_known, ReadConsistency(reader));
  TRY(const ByteSpan tag_proof, reader.ByteString());
  TRY(answer.tag_proof, crypto::VrfProof::FromBytes(tag_proof));
  TRY(const ByteSpan map_proof, reader.ByteString());
  Result<merkle::MapProof> proof = merkle::MapProof::Decode(map_proof);
  if (!proof) return proof.error();
  answer.map_proof = std::move(*proof);
  TRY(const CborType value, reader.PeekType());
  if (value == CborType::kNull) {
    TRY_VOID(reader.Null());
  } else {
    TRY_VOID(reader.ArrayOf(2));
    answer.map_value.emplace();
    TRY(answer.map_value->count, reader.Uint());
    TRY(const ByteSpan head, reader.ByteString());
    TRY(answer.map_value->head, merkle::ChainHead::FromBytes(head));
  }
  TRY(answer.after, reader.Uint());
  TRY_VOID(reader.ArrayOf(2));
  TRY(answer.chain, ReadChain(reader));
  TRY(answer.before, ReadBracket(reader));
  TRY(answer.behind, ReadBracket(reader));
  TRY(answer.shown, ReadShown(reader));
  TRY(answer.inclusion, ReadInclusion(reader));
  TRY_VOID(ReadQuery(reader, answer));
  TRY(answer.next, ReadNext(reader));
  TRY_VOID(reader.Finish());
  return answer;
}

Result<HistoryPage> ReadPage(ByteSpan bytes) {
  HistoryPage page;
  CborReader reader(bytes);
  TRY_VOID(reader.ArrayOf(7));
  TRY(const std::uint64_t version, reader.Uint());
  if (version != kVersion) return BadAnswer();
  TRY(page.size.value, reader.Uint());
  TRY(page.position, reader.Uint());
  TRY_VOID(reader.ArrayOf(2));
  TRY(page.chain, ReadChain(reader));
  TRY(page.shown, ReadShown(reader));
  TRY(std::vector<NodeHash> hashes, ReadHashes(reader));
  page.inclusion = merkle::MultiProof(std::move(hashes));
  TRY(page.next, ReadNext(reader));
  TRY_VOID(reader.Finish());
  return page;
}

}  // namespace

Bytes EncodeHistory(const HistoryAnswer& answer) {
  Bytes out;
  CborWriter writer(out);
  writer.Array(14);
  writer.Uint(kVersion);
  WriteCheckpoint(writer, answer.newest);
  WriteHashes(writer, answer.from_known.hashes());
  writer.ByteString(answer.tag_proof.bytes);
  writer.ByteString(answer.map_proof.Encode());
  if (answer.map_value) {
    writer.Array(2);
    writer.Uint(answer.map_value->count);
    writer.ByteString(answer.map_value->head.span());
  } else {
    writer.Null();
  }
  writer.Uint(answer.after);
  writer.Array(2);
  WriteChain(writer, answer.chain);
  WriteBracket(writer, answer.before);
  WriteBracket(writer, answer.behind);
  WriteShown(writer, answer.shown);
  WriteInclusion(writer, answer.inclusion);
  WriteQuery(writer, answer);
  WriteNext(writer, answer.next);
  return out;
}

Result<HistoryAnswer> DecodeHistory(ByteSpan bytes) {
  Result<HistoryAnswer> answer = ReadAnswer(bytes);
  if (!answer) return BadAnswer();
  return answer;
}

Bytes EncodeHistoryPage(const HistoryPage& page) {
  Bytes out;
  CborWriter writer(out);
  writer.Array(7);
  writer.Uint(kVersion);
  writer.Uint(page.size.value);
  writer.Uint(page.position);
  writer.Array(2);
  WriteChain(writer, page.chain);
  WriteShown(writer, page.shown);
  WriteHashes(writer, page.inclusion.hashes());
  WriteNext(writer, page.next);
  return out;
}

Result<HistoryPage> DecodeHistoryPage(ByteSpan bytes) {
  Result<HistoryPage> page = ReadPage(bytes);
  if (!page) return VerificationFailed("a page of the answer is not one of this format");
  return page;
}

}  // namespace salus::audit
