#include "seal/x25519_recipient.h"

#include "codec/base64.h"
#include "codec/bech32.h"
#include "seal/file_key_wrap.h"

namespace salus::seal {

namespace {

constexpr char kType[] = "X25519";
constexpr char kInfo[] = "age-encryption.org/v1/X25519";
constexpr char kPrefix[] = "age";

}  // namespace

Result<Stanza> X25519Recipient::Wrap(const FileKey& key, RandomSource& random) const {
  const auto ephemeral = crypto::X25519PrivateKey::Generate(random);
  const Result<SecretArray<32>> shared = ephemeral.Agree(key_);
  if (!shared) return InvalidArgument("the recipient's X25519 key is not a usable one");
  const SecretArray<32> wrap_key = WrapKeyOf(*shared, ephemeral.public_key(), key_, kInfo);
  return Stanza{
      kType, {codec::Base64RawEncode(ephemeral.public_key())}, WrapFileKey(wrap_key, key)};
}

std::string X25519Recipient::Name() const { return codec::Bech32Encode(kPrefix, key_); }

Result<std::optional<FileKey>> X25519Identity::Unwrap(std::span<const Stanza> stanzas) const {
  for (const Stanza& stanza : stanzas) {
    if (stanza.type != kType) continue;
    TRY(const Bytes share, FixedArgument(stanza, 1, 0, 32));
    const std::span<const std::uint8_t, 32> ephemeral(share);
    const Result<SecretArray<32>> shared = key_.Agree(ephemeral);
    if (!shared) return VerificationFailed("an X25519 share in the header has small order");
    TRY(std::optional<FileKey> key,
        UnwrapFileKey(WrapKeyOf(*shared, ephemeral, key_.public_key(), kInfo), stanza.body));
    if (key) return key;
  }
  return std::optional<FileKey>();
}

std::string X25519Identity::Name() const { return X25519Recipient(key_.public_key()).Name(); }

}  // namespace salus::seal
