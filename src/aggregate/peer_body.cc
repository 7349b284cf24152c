#include "aggregate/peer_body.h"

#include <algorithm>
#include <utility>

#include "base/id.h"
#include "codec/cbor.h"

namespace salus::aggregate {

namespace {

using codec::CborReader;
using codec::CborType;
using codec::CborWriter;

constexpr std::size_t kMaxReason = 1024;

template <std::size_t N>
Result<void> ReadFixed(CborReader& reader, std::array<std::uint8_t, N>& out) {
  TRY(const ByteSpan bytes, reader.ByteString());
  if (bytes.size() != N) return InvalidArgument("peer message: a value is not of its length");
  std::ranges::copy(bytes, out.begin());
  return {};
}

Result<Bytes> ReadBytes(CborReader& reader) {
  TRY(const ByteSpan bytes, reader.ByteString());
  return ToBytes(bytes);
}

Result<PeerId> ReadParty(CborReader& reader) {
  TRY(const std::uint64_t id, reader.Uint());
  if (id > 254) return InvalidArgument("peer message: no such party");
  return static_cast<PeerId>(id);
}

void WriteParties(CborWriter& writer, const std::vector<PeerId>& parties) {
  writer.Array(parties.size());
  for (const PeerId party : parties) writer.Uint(party);
}

Error OutOfOrder() { return InvalidArgument("peer message: parties are not in ascending order"); }

Result<std::vector<PeerId>> ReadParties(CborReader& reader) {
  TRY(const std::size_t count, reader.Array());
  std::vector<PeerId> out;
  for (std::size_t i = 0; i < count; ++i) {
    TRY(const PeerId party, ReadParty(reader));
    if (!out.empty() && party <= out.back()) return OutOfOrder();
    out.push_back(party);
  }
  return out;
}

Result<std::vector<Bytes>> ReadMany(CborReader& reader) {
  TRY(const std::size_t count, reader.Array());
  if (count > 255) return InvalidArgument("peer message: over 255 items");
  std::vector<Bytes> out;
  for (std::size_t i = 0; i < count; ++i) {
    TRY(Bytes item, ReadBytes(reader));
    out.push_back(std::move(item));
  }
  return out;
}

void WriteMany(CborWriter& writer, const std::vector<Bytes>& items) {
  writer.Array(items.size());
  for (const Bytes& item : items) writer.ByteString(item);
}

void WriteOptional(CborWriter& writer, const std::optional<Bytes>& bytes) {
  if (bytes) {
    writer.ByteString(*bytes);
  } else {
    writer.Null();
  }
}

Result<std::optional<Bytes>> ReadOptional(CborReader& reader) {
  TRY(const CborType type, reader.PeekType());
  if (type == CborType::kNull) {
    TRY_VOID(reader.Null());
    return std::optional<Bytes>();
  }
  TRY(Bytes bytes, ReadBytes(reader));
  return std::optional(std::move(bytes));
}

}  // namespace

Bytes EncodeParties(const std::vector<PeerId>& parties) {
  Bytes out;
  CborWriter writer(out);
  WriteParties(writer, parties);
  return out;
}

Bytes JoinBody::Encode() const {
  Bytes out;
  CborWriter writer(out);
  writer.Array(3);
  writer.ByteString(certificate);
  writer.ByteString(coin_commitment);
  writer.ByteString(share_key);
  return out;
}

Result<JoinBody> JoinBody::Parse(ByteSpan bytes) {
  CborReader reader(bytes);
  JoinBody out;
  TRY_VOID(reader.ArrayOf(3));
  TRY(out.certificate, ReadBytes(reader));
  TRY_VOID(ReadFixed(reader, out.coin_commitment));
  TRY_VOID(ReadFixed(reader, out.share_key));
  TRY_VOID(reader.Finish());
  return out;
}

Bytes ReportBody::Encode() const {
  Bytes out;
  CborWriter writer(out);
  writer.Array(4);
  writer.ByteString(report.nonce);
  writer.ByteString(report.public_share);
  writer.ByteString(report.commitment);
  writer.Array(share_hashes.size());
  for (const crypto::Hash32& hash : share_hashes) writer.ByteString(hash);
  return out;
}

Result<ReportBody> ReportBody::Parse(ByteSpan bytes) {
  CborReader reader(bytes);
  ReportBody out;
  TRY_VOID(reader.ArrayOf(4));
  TRY_VOID(ReadFixed(reader, out.report.nonce));
  TRY(out.report.public_share, ReadBytes(reader));
  TRY(out.report.commitment, ReadBytes(reader));
  TRY(const std::size_t count, reader.Array());
  if (count > 254) return InvalidArgument("peer message: over 254 hashes");
  out.share_hashes.resize(count);
  for (crypto::Hash32& hash : out.share_hashes) TRY_VOID(ReadFixed(reader, hash));
  TRY_VOID(reader.Finish());
  return out;
}

Bytes ReceiptBody::Encode() const {
  Bytes out;
  CborWriter writer(out);
  writer.Array(2);
  WriteParties(writer, accepted);
  writer.Array(refused.size());
  for (const Refusal& refusal : refused) {
    writer.Array(2);
    writer.Uint(refusal.sender);
    WriteOptional(writer, refusal.opened);
  }
  return out;
}

Result<ReceiptBody> ReceiptBody::Parse(ByteSpan bytes) {
  CborReader reader(bytes);
  ReceiptBody out;
  TRY_VOID(reader.ArrayOf(2));
  TRY(out.accepted, ReadParties(reader));
  TRY(const std::size_t count, reader.Array());
  for (std::size_t i = 0; i < count; ++i) {
    Refusal refusal{};
    TRY_VOID(reader.ArrayOf(2));
    TRY(refusal.sender, ReadParty(reader));
    if (i > 0 && refusal.sender <= out.refused.back().sender) return OutOfOrder();
    TRY(refusal.opened, ReadOptional(reader));
    out.refused.push_back(std::move(refusal));
  }
  TRY_VOID(reader.Finish());
  return out;
}

Bytes CoinBody::Encode() const {
  Bytes out;
  CborWriter writer(out);
  writer.Array(3);
  writer.ByteString(coin);
  writer.ByteString(blind);
  WriteParties(writer, senders);
  return out;
}

Result<CoinBody> CoinBody::Parse(ByteSpan bytes) {
  CborReader reader(bytes);
  CoinBody out;
  TRY_VOID(reader.ArrayOf(3));
  TRY_VOID(ReadFixed(reader, out.coin));
  TRY_VOID(ReadFixed(reader, out.blind));
  TRY(out.senders, ReadParties(reader));
  TRY_VOID(reader.Finish());
  return out;
}

Bytes VerifyBody::Encode() const {
  Bytes out;
  CborWriter writer(out);
  WriteMany(writer, verifier_shares);
  return out;
}

Result<VerifyBody> VerifyBody::Parse(ByteSpan bytes) {
  CborReader reader(bytes);
  VerifyBody out;
  TRY(out.verifier_shares, ReadMany(reader));
  TRY_VOID(reader.Finish());
  return out;
}

Bytes VerdictBody::Encode() const {
  Bytes out;
  CborWriter writer(out);
  writer.Array(2);
  WriteParties(writer, accepted);
  writer.Array(evidence.size());
  for (const Opened& opened : evidence) {
    writer.Array(3);
    writer.Uint(opened.sender);
    writer.Uint(opened.judge);
    WriteOptional(writer, opened.share);
  }
  return out;
}

Result<VerdictBody> VerdictBody::Parse(ByteSpan bytes) {
  CborReader reader(bytes);
  VerdictBody out;
  TRY_VOID(reader.ArrayOf(2));
  TRY(out.accepted, ReadParties(reader));
  TRY(const std::size_t count, reader.Array());
  if (count > 512) return InvalidArgument("peer message: over 512 pieces of evidence");
  for (std::size_t i = 0; i < count; ++i) {
    Opened opened{};
    TRY_VOID(reader.ArrayOf(3));
    TRY(opened.sender, ReadParty(reader));
    TRY(opened.judge, ReadParty(reader));
    if (!out.evidence.empty() &&
        std::pair(opened.sender, opened.judge) <=
            std::pair(out.evidence.back().sender, out.evidence.back().judge)) {
      return OutOfOrder();
    }
    TRY(opened.share, ReadOptional(reader));
    out.evidence.push_back(std::move(opened));
  }
  TRY_VOID(reader.Finish());
  return out;
}

AbortBody AbortBody::Of(std::string reason) {
  if (reason.size() > kMaxReason) {
    std::size_t end = kMaxReason;
    while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xc0) == 0x80) --end;
    reason.resize(end);
  }
  return {std::move(reason)};
}

Bytes AbortBody::Encode() const {
  Bytes out;
  CborWriter writer(out);
  writer.Array(1);
  writer.Text(reason);
  return out;
}

Result<AbortBody> AbortBody::Parse(ByteSpan bytes) {
  CborReader reader(bytes);
  AbortBody out;
  TRY_VOID(reader.ArrayOf(1));
  TRY(out.reason, reader.Text());
  if (out.reason.size() > kMaxReason) return InvalidArgument("peer message: reason: too long");
  TRY_VOID(CheckShownText("peer message: reason", out.reason));
  TRY_VOID(reader.Finish());
  return out;
}

Bytes BoardBody::Encode() const {
  Bytes out;
  CborWriter writer(out);
  writer.Array(2);
  WriteMany(writer, messages);
  writer.ByteString(conclusion);
  return out;
}

Result<BoardBody> BoardBody::Parse(ByteSpan bytes) {
  CborReader reader(bytes);
  BoardBody out;
  TRY_VOID(reader.ArrayOf(2));
  TRY(out.messages, ReadMany(reader));
  TRY(out.conclusion, ReadBytes(reader));
  TRY_VOID(reader.Finish());
  return out;
}

}  // namespace salus::aggregate
