// Messages of sums between peers, and what is in them: what parses is written back exactly, and a
// message that nobody signed never verifies.
#include "aggregate/peer_message.h"

#include "aggregate/peer_body.h"
#include "aggregate/peer_transcript.h"
#include "base/check.h"

namespace salus::aggregate {
namespace {

template <typename T>
void CheckRoundTrip(ByteSpan bytes) {
  if (const auto parsed = T::Parse(bytes)) CHECK(Equal(parsed->Encode(), bytes));
}

void CheckBodies(ByteSpan bytes) {
  CheckRoundTrip<JoinBody>(bytes);
  CheckRoundTrip<ReportBody>(bytes);
  CheckRoundTrip<ReceiptBody>(bytes);
  CheckRoundTrip<CoinBody>(bytes);
  CheckRoundTrip<VerifyBody>(bytes);
  CheckRoundTrip<VerdictBody>(bytes);
  CheckRoundTrip<AbortBody>(bytes);
  CheckRoundTrip<BoardBody>(bytes);
}

void CheckEnvelope(ByteSpan bytes) {
  static const crypto::P256PrivateKey key = crypto::P256PrivateKey::Generate();
  const auto envelope = PeerEnvelope::Parse(bytes);
  if (!envelope) return;
  CHECK(Equal(envelope->bytes, bytes));
  CHECK(!envelope->Verify(key.public_key()).has_value());
  const PeerEnvelope again = PeerEnvelope::Sign(envelope->message, key);
  CHECK(again.hash == envelope->hash && again.Verify(key.public_key()).has_value());
  CheckBodies(envelope->message.body);
  if (const auto board = BoardBody::Parse(envelope->message.body)) {
    for (const Bytes& message : board->messages) {
      const auto inner = PeerEnvelope::Parse(message);
      if (inner) CheckBodies(inner->message.body);
    }
  }
}

void CheckOne(ByteSpan bytes) {
  CheckEnvelope(bytes);
  CheckBodies(bytes);
  if (const auto parcel = PeerParcel::Parse(bytes)) {
    CHECK(Equal(parcel->Encode(), bytes));
    CheckEnvelope(parcel->message);
  }
  if (const auto items = ReadTranscript(bytes)) {
    Bytes again;
    for (const ByteSpan item : *items) AppendToTranscript(item, again);
    CHECK(Equal(again, bytes));
    for (const ByteSpan item : *items) CheckEnvelope(item);
  }
}

}  // namespace
}  // namespace salus::aggregate

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::aggregate::CheckOne({data, size});
  return 0;
}
