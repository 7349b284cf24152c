#include "aggregate/peer_message.h"

#include <algorithm>

#include "codec/cbor.h"

namespace salus::aggregate {

namespace {

constexpr std::uint8_t kProtected[] = {0xa1, 0x01, 0x26};              // {1: -7}: alg: ES256
constexpr std::size_t kBeforePayload = 1 + 1 + sizeof kProtected + 1;  // of an envelope
constexpr std::size_t kMaxShares = 255;

Bytes EncodePayload(const PeerMessage& message) {
  Bytes out;
  codec::CborWriter writer(out);
  writer.Array(8);
  writer.ByteString(message.session);
  writer.ByteString(message.roster);
  writer.Uint(static_cast<std::uint64_t>(message.step));
  writer.Uint(message.sender);
  if (message.recipient) {
    writer.Uint(*message.recipient);
  } else {
    writer.Null();
  }
  writer.ByteString(message.previous);
  writer.ByteString(message.seen);
  writer.ByteString(message.body);
  return out;
}

// Sig_structure of RFC 9052 section 4.4, without external data: what is before the payload.
Bytes BeforePayload() {
  Bytes out;
  codec::CborWriter writer(out);
  writer.Array(4);
  writer.Text("Signature1");
  writer.ByteString(kProtected);
  writer.ByteString({});
  return out;
}

Bytes EncodeEnvelope(ByteSpan payload, ByteSpan signature) {
  Bytes out;
  codec::CborWriter writer(out);
  writer.Array(4);
  writer.ByteString(kProtected);
  writer.Map(0);
  writer.ByteString(payload);
  writer.ByteString(signature);
  return out;
}

template <std::size_t N>
Result<void> ReadFixed(codec::CborReader& reader, std::array<std::uint8_t, N>& out) {
  TRY(const ByteSpan bytes, reader.ByteString());
  if (bytes.size() != N) {
    return InvalidArgument("peer message: a hash or session id is not of its length");
  }
  std::ranges::copy(bytes, out.begin());
  return {};
}

bool IsStep(std::uint64_t step) {
  return (step >= 1 && step <= static_cast<std::uint64_t>(kLastPeerStep)) ||
         step == static_cast<std::uint64_t>(PeerStep::kAbort);
}

Result<PeerId> ReadParty(codec::CborReader& reader) {
  TRY(const std::uint64_t id, reader.Uint());
  if (id > kPeerHost) return InvalidArgument("peer message: no such party");
  return static_cast<PeerId>(id);
}

Result<PeerMessage> ReadPayload(ByteSpan payload) {
  codec::CborReader reader(payload);
  PeerMessage out;
  TRY_VOID(reader.ArrayOf(8));
  TRY_VOID(ReadFixed(reader, out.session));
  TRY_VOID(ReadFixed(reader, out.roster));
  TRY(const std::uint64_t step, reader.Uint());
  if (!IsStep(step)) return InvalidArgument("peer message: no such step");
  out.step = static_cast<PeerStep>(step);
  TRY(out.sender, ReadParty(reader));
  TRY(const codec::CborType recipient, reader.PeekType());
  if (recipient == codec::CborType::kNull) {
    TRY_VOID(reader.Null());
  } else {
    TRY(out.recipient, ReadParty(reader));
  }
  TRY_VOID(ReadFixed(reader, out.previous));
  TRY_VOID(ReadFixed(reader, out.seen));
  TRY(const ByteSpan body, reader.ByteString());
  out.body = ToBytes(body);
  TRY_VOID(reader.Finish());
  return out;
}

struct Parts {
  ByteSpan payload;
  ByteSpan payload_item;  // with its length before it, as it is signed
  ByteSpan signature;
};

Result<Parts> ReadParts(ByteSpan bytes) {
  codec::CborReader reader(bytes);
  Parts out;
  TRY_VOID(reader.ArrayOf(4));
  TRY(const ByteSpan header, reader.ByteString());
  if (!Equal(header, kProtected)) {
    return InvalidArgument("peer message: the protected header is not alg: ES256");
  }
  TRY_VOID(reader.MapOf(0));
  TRY(out.payload, reader.ByteString());
  const auto end = static_cast<std::size_t>(out.payload.data() + out.payload.size() - bytes.data());
  out.payload_item = bytes.first(end).subspan(kBeforePayload);
  TRY(out.signature, reader.ByteString());
  TRY_VOID(reader.Finish());
  return out;
}

}  // namespace

PeerEnvelope PeerEnvelope::Sign(PeerMessage message, const crypto::P256PrivateKey& key) {
  const Bytes payload = EncodePayload(message);
  Bytes to_be_signed = BeforePayload();
  codec::CborWriter(to_be_signed).ByteString(payload);
  PeerEnvelope out;
  out.message = std::move(message);
  out.bytes = EncodeEnvelope(payload, key.SignP1363(to_be_signed));
  out.hash = crypto::Sha256(payload);
  return out;
}

Result<PeerEnvelope> PeerEnvelope::Parse(ByteSpan bytes) {
  if (bytes.size() > kMaxPeerMessageBytes) return InvalidArgument("peer message: over 64 MiB");
  TRY(const Parts parts, ReadParts(bytes));
  PeerEnvelope out;
  TRY(out.message, ReadPayload(parts.payload));
  out.bytes = ToBytes(bytes);
  out.hash = crypto::Sha256(parts.payload);
  return out;
}

Result<void> PeerEnvelope::Verify(const crypto::P256PublicKey& key) const {
  TRY(const Parts parts, ReadParts(bytes));
  // Boards are megabytes, and are not copied to be hashed.
  return key.VerifyDigest(crypto::Sha256({BeforePayload(), parts.payload_item}), parts.signature);
}

Bytes PeerParcel::Encode() const {
  Bytes out;
  codec::CborWriter writer(out);
  writer.Array(2);
  writer.ByteString(message);
  writer.Array(shares.size());
  for (const Bytes& share : shares) writer.ByteString(share);
  return out;
}

Result<PeerParcel> PeerParcel::Parse(ByteSpan bytes) {
  if (bytes.size() > 2 * kMaxPeerMessageBytes) return InvalidArgument("peer parcel: over 128 MiB");
  codec::CborReader reader(bytes);
  PeerParcel out;
  TRY_VOID(reader.ArrayOf(2));
  TRY(const ByteSpan message, reader.ByteString());
  out.message = ToBytes(message);
  TRY(const std::size_t count, reader.Array());
  if (count > kMaxShares) return InvalidArgument("peer parcel: over 255 shares");
  for (std::size_t i = 0; i < count; ++i) {
    TRY(const ByteSpan share, reader.ByteString());
    out.shares.push_back(ToBytes(share));
  }
  TRY_VOID(reader.Finish());
  return out;
}

}  // namespace salus::aggregate
