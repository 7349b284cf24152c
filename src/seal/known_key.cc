#include "seal/known_key.h"

#include <optional>

#include "codec/base64.h"
#include "codec/bech32.h"
#include "crypto/pkcs8.h"
#include "pki/pem.h"
#include "seal/key_lines.h"
#include "seal/recipient_text.h"
#include "seal/ssh_public_key.h"

namespace salus::seal {
namespace {

// SubjectPublicKeyInfo of X25519 (RFC 8410 section 4) before the key's 32 bytes.
constexpr std::uint8_t kX25519Prefix[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                          0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00};

jose::Jwk AsJwk(const crypto::PublicKey& key) {
  return std::visit([](const auto& one) { return jose::Jwk(one); }, key);
}

Result<KnownKey> FromCertificates(std::vector<pki::Certificate> certificates) {
  TRY(const crypto::PublicKey key, certificates.front().public_key());
  return KnownKey{AsJwk(key), std::move(certificates)};
}

Result<KnownKey> FromPem(std::string_view text) {
  const std::string_view label = text.substr(0, text.find('\n'));
  if (label.find("PRIVATE KEY") != std::string_view::npos) {
    return InvalidArgument("is a private key: give the public one");
  }
  if (label.starts_with("-----BEGIN CERTIFICATE-----")) {
    TRY(std::vector<pki::Certificate> chain, pki::Certificate::FromPemBundle(text));
    return FromCertificates(std::move(chain));
  }
  if (label.starts_with("-----BEGIN RSA PUBLIC KEY-----")) {
    TRY(const std::vector<Bytes> blocks, pki::PemDecode("RSA PUBLIC KEY", text, 1));
    TRY(const crypto::RsaPublicKey key, crypto::RsaPublicKey::FromDer(blocks.front()));
    return KnownKey{jose::Jwk(key)};
  }
  TRY(const crypto::PublicKey key, crypto::DecodePublicKeyPem(text));
  return KnownKey{AsJwk(key)};
}

Result<KnownKey> FromJwk(const jose::Jwk& jwk) {
  if (jwk.is_private() || jwk.is_symmetric()) {
    return InvalidArgument("is a private or secret JWK: give the public one");
  }
  TRY(jose::Jwk key, jwk.ToPublic());
  return KnownKey{std::move(key)};
}

Result<KnownKey> FromJson(std::string_view text) {
  TRY(codec::Json value, codec::ParseJson(text));
  if (!value.is_object() || !value.as_object().contains("keys")) {
    TRY(const jose::Jwk jwk, jose::Jwk::FromJson(std::move(value)));
    return FromJwk(jwk);
  }
  TRY(const jose::JwkSet set, jose::JwkSet::FromJson(std::move(value)));
  if (set.keys().size() != 1) return InvalidArgument("holds several keys: give the one");
  return FromJwk(set.keys().front());
}

Result<jose::Jwk> FromLine(std::string_view line) {
  // Names are canonical, and what is not a key, or a secret one, has been refused.
  TRY(const std::unique_ptr<Recipient> recipient, ParseRecipientText(line));
  const std::string name = recipient->Name();
  if (name.starts_with("age1")) {
    TRY(const codec::Bech32Text text, codec::Bech32Decode(name));
    return jose::Jwk(crypto::X25519PublicKey(ToArray(ByteSpan(text.bytes).first<32>())));
  }
  if (name.starts_with("p256:")) {
    TRY(const Bytes point, codec::Base64UrlDecode(std::string_view(name).substr(5)));
    TRY(const crypto::P256PublicKey key, crypto::P256PublicKey::FromSec1(point));
    return jose::Jwk(key);
  }
  TRY(const SshPublicKey key, SshPublicKey::ParseLine(name));
  return std::visit([](const auto& one) { return jose::Jwk(one); }, key.key());
}

Result<KnownKey> FromLines(std::string_view content) {
  std::optional<jose::Jwk> found;
  TRY_VOID(ForEachKeyLine(content, [&](std::string_view line) -> Result<void> {
    if (found) return InvalidArgument("is a second key: give the one");
    TRY(found, FromLine(line));
    return {};
  }));
  if (!found) return InvalidArgument("there is no key in it");
  return KnownKey{*std::move(found)};
}

}  // namespace

Result<KnownKey> ParseKnownKey(std::string_view content) {
  // A DER SEQUENCE with a length of two bytes: no text begins like that.
  if (content.starts_with("\x30\x82")) {
    TRY(pki::Certificate certificate, pki::Certificate::FromDer(AsBytes(content)));
    return FromCertificates({std::move(certificate)});
  }
  const std::string_view text = Trimmed(content);
  if (text.starts_with("-----BEGIN ")) return FromPem(text);
  if (text.starts_with('{')) return FromJson(text);
  return FromLines(content);
}

Result<Bytes> CanonicalKey(const KnownKey& known) {
  const auto encode = [](const auto& key) -> Result<Bytes> {
    using Key = std::decay_t<decltype(key)>;
    if constexpr (std::is_constructible_v<crypto::PublicKey, Key>) {
      return crypto::EncodePublicKeyDer(key);
    } else if constexpr (std::is_same_v<Key, crypto::X25519PublicKey>) {
      Bytes out = ToBytes(kX25519Prefix);
      Append(out, key);
      return out;
    } else {
      return InvalidArgument("is no public key");
    }
  };
  TRY(Bytes out, std::visit(encode, known.key.material()));
  if (known.certificates.empty()) return out;
  TRY(const auto encryption, known.certificates.front().encryption_key());
  if (encryption) Append(out, crypto::EncodePublicKeyDer(*encryption));
  return out;
}

}  // namespace salus::seal
