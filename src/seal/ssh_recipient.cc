#include "seal/ssh_recipient.h"

#include "base/check.h"
#include "codec/base64.h"
#include "crypto/hkdf.h"
#include "crypto/sha256.h"
#include "crypto/x25519.h"
#include "seal/file_key_wrap.h"
#include "seal/key_access.h"

namespace salus::seal {

namespace {

constexpr std::string_view kEd25519Label = "age-encryption.org/v1/ssh-ed25519";
constexpr std::string_view kRsaLabel = "age-encryption.org/v1/ssh-rsa";
constexpr std::size_t kTagBytes = 4;

// A tag of 4 bytes is an honest other's once in 2^32. Each costs a private operation, 20,000 of RSA
// half a minute.
constexpr std::size_t kMaxTried = 8;

Bytes TagOf(const SshPublicKey& key) {
  const crypto::Hash32 hash = crypto::Sha256(key.wire());
  return ToBytes(ByteSpan(hash).first(kTagBytes));
}

// The tweak is no secret; the type is that of what it multiplies.
crypto::X25519PrivateKey TweakOf(const SshPublicKey& key) {
  SecretArray<32> tweak;
  CHECK(crypto::HkdfSha256({}, key.wire(), AsBytes(kEd25519Label),
                           tweak.mutable_view(KeyAccess::Token()))
            .has_value());
  return crypto::X25519PrivateKey::FromBytes(tweak);
}

// What both sides make of the X25519 secret that they share.
Result<SecretArray<32>> Ed25519WrapKey(const SecretArray<32>& shared, ByteSpan share,
                                       ByteSpan recipient, const SshPublicKey& key) {
  TRY(const SecretArray<32> tweaked, TweakOf(key).Agree(shared.view(KeyAccess::Token())));
  return WrapKeyOf(tweaked, share, recipient, kEd25519Label);
}

SshPublicKey PublicOf(const SshIdentity::Key& key) {
  return SshPublicKey(
      std::visit([](const auto& one) { return SshPublicKey::Key(one.public_key()); }, key));
}

Result<Stanza> WrapEd25519(const SshPublicKey& recipient, const crypto::Ed25519PublicKey& point,
                           const FileKey& key, RandomSource& random) {
  const crypto::X25519PublicKey theirs = point.ToX25519();
  const auto ephemeral = crypto::X25519PrivateKey::Generate(random);
  const crypto::X25519PublicKey share = ephemeral.public_key();
  const Result<SecretArray<32>> shared = ephemeral.Agree(theirs);
  if (!shared) return InvalidArgument("the recipient's SSH key is not a usable one");
  TRY(const SecretArray<32> wrap_key, Ed25519WrapKey(*shared, share, theirs, recipient));
  return Stanza{std::string(recipient.type()),
                {codec::Base64RawEncode(TagOf(recipient)), codec::Base64RawEncode(share)},
                WrapFileKey(wrap_key, key)};
}

Result<std::optional<FileKey>> UnwrapEd25519(const Stanza& stanza, const SshPublicKey& own,
                                             const crypto::Ed25519PrivateKey& key) {
  TRY(const Bytes share, FixedArgument(stanza, 2, 1, 32));
  const crypto::X25519PrivateKey scalar = key.ToX25519();
  const Result<SecretArray<32>> shared =
      scalar.Agree(std::span<const std::uint8_t, 32>(share.data(), 32));
  if (!shared) return VerificationFailed("an ssh-ed25519 share in the header has small order");
  TRY(const SecretArray<32> wrap_key, Ed25519WrapKey(*shared, share, scalar.public_key(), own));
  return UnwrapFileKey(wrap_key, stanza.body);
}

std::optional<FileKey> UnwrapRsa(const Stanza& stanza, const crypto::RsaPrivateKey& key) {
  const Result<SecretBytes> opened =
      key.DecryptOaep(crypto::RsaOaepHash::kSha256, stanza.body, AsBytes(kRsaLabel));
  if (!opened || opened->size() != FileKey::kSize) return std::nullopt;
  return FileKey(opened->view(KeyAccess::Token()).first<FileKey::kSize>());
}

}  // namespace

Result<Stanza> SshRecipient::Wrap(const FileKey& key, RandomSource& random) const {
  if (const auto* point = std::get_if<crypto::Ed25519PublicKey>(&key_.key())) {
    return WrapEd25519(key_, *point, key, random);
  }
  TRY(Bytes body, std::get<crypto::RsaPublicKey>(key_.key())
                      .EncryptOaep(crypto::RsaOaepHash::kSha256, key.view(KeyAccess::Token()),
                                   AsBytes(kRsaLabel)));
  return Stanza{std::string(key_.type()), {codec::Base64RawEncode(TagOf(key_))}, std::move(body)};
}

SshIdentity::SshIdentity(Key key) : key_(std::move(key)), public_(PublicOf(key_)) {}

Result<std::optional<FileKey>> SshIdentity::UnwrapOne(const Stanza& stanza) const {
  if (const auto* ed25519 = std::get_if<crypto::Ed25519PrivateKey>(&key_)) {
    return UnwrapEd25519(stanza, public_, *ed25519);
  }
  return UnwrapRsa(stanza, std::get<crypto::RsaPrivateKey>(key_));
}

Result<std::optional<FileKey>> SshIdentity::Unwrap(std::span<const Stanza> stanzas) const {
  const std::size_t arguments =
      std::holds_alternative<crypto::RsaPrivateKey>(key_) ? std::size_t{1} : std::size_t{2};
  const Bytes own_tag = TagOf(public_);
  std::size_t tried = 0;
  for (const Stanza& stanza : stanzas) {
    if (stanza.type != public_.type()) continue;
    TRY(const Bytes tag, FixedArgument(stanza, arguments, 0, kTagBytes));
    if (tag != own_tag) continue;
    if (++tried > kMaxTried) {
      return VerificationFailed("the header names the key " + std::string(public_.type()) +
                                " that was given more than 8 times, to make work of it");
    }
    TRY(std::optional<FileKey> key, UnwrapOne(stanza));
    if (key) return key;
  }
  if (tried > 0) {
    // Two keys share a tag once in 2^32; a changed file is likelier.
    return VerificationFailed("the header names the key " + std::string(public_.type()) +
                              " that was given, but what it holds for it does not open");
  }
  return std::optional<FileKey>();
}

}  // namespace salus::seal
