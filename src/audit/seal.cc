#include "audit/seal.h"

#include <algorithm>

#include "audit/secret_access.h"
#include "base/check.h"
#include "codec/cbor.h"
#include "crypto/sha256.h"

namespace salus::audit {

namespace {

constexpr std::string_view kEntryLabel = "salus/entry";
constexpr std::string_view kKidLabel = "salus/kid";
constexpr std::array<std::uint8_t, 3> kProtected = {0xa1, 0x01, 0x03};
constexpr std::size_t kLanes = 48;  // keys that are derived together

EntryKeyId FirstBytes(const crypto::Hash32& hash) {
  EntryKeyId id;
  std::copy_n(hash.begin(), id.size(), id.begin());
  return id;
}

// As EpochKey::KeyOf and KeyIdOf, for all of them side by side.
void DeriveKeys(std::span<const Sealer::ToSeal> events, std::span<const EntryIv> ivs,
                std::span<EntryKey> keys, std::span<EntryKeyId> ids) {
  std::array<std::array<std::uint8_t, kEntryLabel.size() + kIvSize>, kLanes> entry_messages;
  std::array<std::array<std::uint8_t, kKidLabel.size() + EntryKey::kSize>, kLanes> kid_messages;
  std::array<const crypto::HmacSha256Key*, kLanes> macs;
  std::array<ByteSpan, kLanes> messages;
  std::array<crypto::Hash32, kLanes> hashes;
  const std::size_t n = events.size();
  for (std::size_t i = 0; i < n; ++i) {
    const auto iv_at = std::ranges::copy(kEntryLabel, entry_messages[i].begin()).out;
    std::ranges::copy(ivs[i], iv_at);
    macs[i] = &events[i].epoch->mac();
    messages[i] = entry_messages[i];
  }
  crypto::HmacSha256Many(std::span(macs).first(n), std::span(messages).first(n), keys);
  for (std::size_t i = 0; i < n; ++i) {
    const auto key_at = std::ranges::copy(kKidLabel, kid_messages[i].begin()).out;
    std::ranges::copy(keys[i].view(AuditSecrets::Token()), key_at);
    messages[i] = kid_messages[i];
  }
  crypto::Sha256Many(std::span(messages).first(n), std::span(hashes).first(n));
  for (std::size_t i = 0; i < n; ++i) ids[i] = FirstBytes(hashes[i]);
  WipeMemory(kid_messages.data(), sizeof kid_messages);
}

}  // namespace

EpochKey EpochKey::Generate(RandomSource& random) {
  SecretArray<32> key;
  random.Fill(key.mutable_view(AuditSecrets::Token()));
  return EpochKey(std::move(key));
}

EpochKey::EpochKey(SecretArray<32> key) : key_(std::move(key)), mac_(key_) {}

EntryKey EpochKey::KeyOf(const EntryIv& iv) const {
  return mac_.MacSecret({AsBytes(kEntryLabel), iv});
}

EntryKeyId KeyIdOf(const EntryKey& key) {
  return FirstBytes(crypto::Sha256({AsBytes(kKidLabel), key.view(AuditSecrets::Token())}));
}

Bytes SealingAad(std::string_view origin, const SubjectTag& tag) {
  Bytes external;
  codec::CborWriter external_writer(external);
  external_writer.Array(2);
  external_writer.Text(origin);
  external_writer.ByteString(tag.span());
  Bytes aad;
  codec::CborWriter writer(aad);
  writer.Array(3);
  writer.Text("Encrypt0");
  writer.ByteString(kProtected);
  writer.ByteString(external);
  return aad;
}

EntryKey Sealer::SealEvent(const EpochKey& epoch, ByteSpan aad, ByteSpan plaintext, Bytes& out) {
  std::vector<EntryKey> keys;
  const ToSeal event{&epoch, aad, plaintext};
  SealEvents({&event, 1}, out, keys);
  return std::move(keys[0]);
}

void Sealer::SealEvents(std::span<const ToSeal> events, Bytes& out, std::vector<EntryKey>& keys) {
  std::array<EntryIv, kLanes> ivs;
  std::array<EntryKeyId, kLanes> ids;
  for (; !events.empty(); events = events.subspan(std::min(kLanes, events.size()))) {
    const std::size_t n = std::min(kLanes, events.size());
    random_->Fill({ivs[0].data(), n * kIvSize});
    keys.resize(keys.size() + n);
    const std::span<EntryKey> made = std::span(keys).last(n);
    DeriveKeys(events.first(n), ivs, made, ids);
    for (std::size_t i = 0; i < n; ++i) {
      const ToSeal& event = events[i];
      const std::size_t ciphertext_size = event.plaintext.size() + crypto::kGcmTagSize;
      AppendSealedHead(ids[i], ivs[i], ciphertext_size, out);
      const std::size_t at = out.size();
      out.resize(at + ciphertext_size);
      cipher_.Seal(made[i], ivs[i], event.aad, event.plaintext, MutableByteSpan(out).subspan(at));
    }
  }
}

SealedBody Sealer::SealBody(const EpochKey& epoch, ByteSpan aad, ByteSpan plaintext,
                            Bytes& storage) {
  SealedBody body;
  random_->Fill(body.iv);
  const EntryKey key = epoch.KeyOf(body.iv);
  body.key_id = KeyIdOf(key);
  storage.resize(plaintext.size() + crypto::kGcmTagSize);
  cipher_.Seal(key, body.iv, aad, plaintext, storage);
  body.ciphertext = storage;
  return body;
}

Result<Bytes> Sealer::Open(const EntryKey& key, ByteSpan aad, const SealedBody& body) {
  Bytes plaintext(body.ciphertext.size() - crypto::kGcmTagSize);
  TRY_VOID(OpenInto(key, aad, body, plaintext));
  return plaintext;
}

Result<void> Sealer::OpenInto(const EntryKey& key, ByteSpan aad, const SealedBody& body,
                              MutableByteSpan out) {
  return cipher_.Open(key, body.iv, aad, body.ciphertext, out);
}

}  // namespace salus::audit
