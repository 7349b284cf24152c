#include "aggregate/peer_share_box.h"

#include "aggregate/share_access.h"
#include "base/endian.h"
#include "codec/cbor.h"
#include "crypto/hpke.h"

namespace salus::aggregate {

namespace {

constexpr crypto::HpkeKem kKem = crypto::HpkeKem::kX25519HkdfSha256;
constexpr crypto::HpkeAead kAead = crypto::HpkeAead::kAes128Gcm;

Bytes InfoOf(const ShareRoute& route) {
  Bytes out = ToBytes("salus peer share 1");
  Append(out, route.session);
  std::array<std::uint8_t, 4> ids;
  StoreBe(ids.data(), route.sender);
  StoreBe(ids.data() + 2, route.recipient);
  Append(out, ids);
  return out;
}

Bytes AadOf(const ShareRoute& route) {
  Bytes out = ToBytes(route.roster);
  Append(out, route.board);
  return out;
}

}  // namespace

// A key of small order agrees with no private key at all, so one that everybody knows will do.
Result<void> CheckShareKey(ByteSpan public_key) {
  const Error bad = VerificationFailed("a party's share key is none");
  const auto key = crypto::HpkePublicKey::Parse(kKem, public_key);
  if (!key) return bad;
  SecretArray<32> known;
  known.mutable_view(ShareAccess::Token())[0] = 1;
  TRY(const auto any, crypto::HpkePrivateKey::FromBytes(kKem, known));
  if (!any.Agree(*key)) return bad;
  return {};
}

Result<Bytes> SealPeerShare(const SecretBytes& share, ByteSpan public_key, const ShareRoute& route,
                            RandomSource& random) {
  const auto key = crypto::HpkePublicKey::Parse(kKem, public_key);
  if (!key) return VerificationFailed("a party's share key is none");
  TRY(const crypto::HpkeSealed sealed,
      crypto::HpkeSeal(*key, kAead, InfoOf(route), AadOf(route), share, random));
  Bytes out;
  codec::CborWriter writer(out);
  writer.Array(2);
  writer.ByteString(sealed.encapsulated_key);
  writer.ByteString(sealed.ciphertext);
  return out;
}

Result<SecretBytes> OpenPeerShare(ByteSpan sealed, const crypto::HpkePrivateKey& key,
                                  const ShareRoute& route) {
  const auto open = [&]() -> Result<SecretBytes> {
    codec::CborReader reader(sealed);
    TRY_VOID(reader.ArrayOf(2));
    TRY(const ByteSpan encapsulated_key, reader.ByteString());
    TRY(const ByteSpan ciphertext, reader.ByteString());
    TRY_VOID(reader.Finish());
    return crypto::HpkeOpen(key, encapsulated_key, kAead, InfoOf(route), AadOf(route), ciphertext);
  };
  auto out = open();
  if (!out) return VerificationFailed("a share does not open");
  return out;
}

}  // namespace salus::aggregate
