#include "seal/p256_recipient.h"

#include "codec/base64.h"
#include "seal/file_key_wrap.h"

namespace salus::seal {

namespace {

constexpr char kType[] = "salus/p256";
constexpr char kInfo[] = "salus/p256";
constexpr std::size_t kPointBytes = 33;

}  // namespace

Result<Stanza> P256Recipient::Wrap(const FileKey& key, RandomSource&) const {
  const auto ephemeral = crypto::P256PrivateKey::Generate();
  TRY(const SecretArray<32> shared, ephemeral.Ecdh(key_));
  const auto point = ephemeral.public_key().sec1_compressed();
  const SecretArray<32> wrap_key = WrapKeyOf(shared, point, key_.sec1_compressed(), kInfo);
  return Stanza{kType, {codec::Base64RawEncode(point)}, WrapFileKey(wrap_key, key)};
}

std::string P256Recipient::Name() const {
  return "p256:" + codec::Base64UrlEncode(key_.sec1_compressed());
}

Result<std::optional<FileKey>> P256Identity::Unwrap(std::span<const Stanza> stanzas) const {
  for (const Stanza& stanza : stanzas) {
    if (stanza.type != kType) continue;
    TRY(const Bytes point, FixedArgument(stanza, 1, 0, kPointBytes));
    const Result<crypto::P256PublicKey> ephemeral = crypto::P256PublicKey::FromSec1(point);
    if (!ephemeral) return VerificationFailed("a P-256 share in the header is no point");
    TRY(const SecretArray<32> shared, key_.Ecdh(*ephemeral));
    TRY(std::optional<FileKey> key,
        UnwrapFileKey(WrapKeyOf(shared, point, key_.public_key().sec1_compressed(), kInfo),
                      stanza.body));
    if (key) return key;
  }
  return std::optional<FileKey>();
}

std::string P256Identity::Name() const { return P256Recipient(key_.public_key()).Name(); }

}  // namespace salus::seal
