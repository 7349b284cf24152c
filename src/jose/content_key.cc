#include "jose/content_key.h"

#include "base/endian.h"
#include "codec/base64.h"
#include "crypto/aes_kw.h"
#include "crypto/concat_kdf.h"
#include "jose/jwk.h"
#include "jose/key_access.h"

namespace salus::jose {
namespace {

constexpr std::size_t kMaxPartyBytes = 1024;

Error WrongKey() { return InvalidArgument("the key does not belong to the algorithm"); }

// WrapKeySizeOf is the size of the AES key that wraps, or 0 where none does.
std::size_t WrapKeySizeOf(KeyManagement algorithm) {
  switch (algorithm) {
    case KeyManagement::kA128Kw:
    case KeyManagement::kEcdhEsA128Kw:
      return 16;
    case KeyManagement::kA256Kw:
    case KeyManagement::kEcdhEsA256Kw:
      return 32;
    default:
      return 0;
  }
}

bool IsEcdh(KeyManagement algorithm) {
  return algorithm == KeyManagement::kEcdhEs || algorithm == KeyManagement::kEcdhEsA128Kw ||
         algorithm == KeyManagement::kEcdhEsA256Kw;
}

void AppendSized(Bytes& out, ByteSpan part) {
  AppendBe<std::uint32_t>(out, static_cast<std::uint32_t>(part.size()));
  Append(out, part);
}

// AgreedKey is the Concat KDF of RFC 7518 section 4.6.2 for a key of any size we need.
SecretBytes AgreedKey(const SecretArray<32>& shared, KeyManagement algorithm,
                      ContentEncryption encryption, ByteSpan apu, ByteSpan apv) {
  const bool direct = algorithm == KeyManagement::kEcdhEs;
  const std::size_t size = direct ? KeySizeOf(encryption) : WrapKeySizeOf(algorithm);
  Bytes other_info;
  AppendSized(other_info, AsBytes(direct ? NameOf(encryption) : NameOf(algorithm)));
  AppendSized(other_info, apu);
  AppendSized(other_info, apv);
  AppendBe<std::uint32_t>(other_info, static_cast<std::uint32_t>(size * 8));
  SecretBytes key(size);
  crypto::ConcatKdfSha256(shared.view(KeyAccess::Token()), other_info,
                          key.mutable_view(KeyAccess::Token()));
  return key;
}

// AgreeAsSender makes an ephemeral key of the recipient's curve; its public half becomes `epk`.
Result<SecretBytes> AgreeAsSender(EncryptionKeyView key, KeyManagement algorithm,
                                  ContentEncryption encryption, RandomSource& random,
                                  codec::JsonObject& header) {
  if (const auto* p256 = key.As<crypto::P256PublicKey>()) {
    const auto ephemeral = crypto::P256PrivateKey::Generate();
    TRY(const SecretArray<32> shared, ephemeral.Ecdh(*p256));
    TRY(header["epk"], Jwk(ephemeral.public_key()).PublicJson());
    return AgreedKey(shared, algorithm, encryption, {}, {});
  }
  if (const auto* x25519 = key.As<crypto::X25519PublicKey>()) {
    const auto ephemeral = crypto::X25519PrivateKey::Generate(random);
    TRY(const SecretArray<32> shared, ephemeral.Agree(*x25519));
    TRY(header["epk"], Jwk(ephemeral.public_key()).PublicJson());
    return AgreedKey(shared, algorithm, encryption, {}, {});
  }
  return WrongKey();
}

Result<Bytes> PartyAt(const codec::JsonObject& header, std::string_view name) {
  TRY(const auto text, codec::OptionalStringAt(header, name));
  if (!text) return Bytes();
  if (text->size() > kMaxPartyBytes) return InvalidArgument("a party's name is too long");
  return codec::Base64UrlDecode(*text);
}

Result<SecretBytes> AgreeAsRecipient(DecryptionKeyView key, KeyManagement algorithm,
                                     ContentEncryption encryption,
                                     const codec::JsonObject& header) {
  TRY(const codec::JsonObject* epk_members, codec::ObjectAt(header, "epk"));
  // Checked before parsing: an RSA key here would cost us its validation, at a stranger's will.
  TRY(const std::string_view type, codec::StringAt(*epk_members, "kty"));
  const bool is_p256 = key.As<crypto::P256PrivateKey>() != nullptr;
  if (type != (is_p256 ? "EC" : "OKP") || epk_members->contains("d")) return WrongKey();
  TRY(const Jwk epk, Jwk::FromJson(codec::Json(*epk_members)));
  TRY(const Bytes apu, PartyAt(header, "apu"));
  TRY(const Bytes apv, PartyAt(header, "apv"));
  if (const auto* p256 = key.As<crypto::P256PrivateKey>()) {
    const auto* peer = std::get_if<crypto::P256PublicKey>(&epk.material());
    if (peer == nullptr) return WrongKey();
    TRY(const SecretArray<32> shared, p256->Ecdh(*peer));
    return AgreedKey(shared, algorithm, encryption, apu, apv);
  }
  if (const auto* x25519 = key.As<crypto::X25519PrivateKey>()) {
    const auto* peer = std::get_if<crypto::X25519PublicKey>(&epk.material());
    if (peer == nullptr) return WrongKey();
    TRY(const SecretArray<32> shared, x25519->Agree(*peer));
    return AgreedKey(shared, algorithm, encryption, apu, apv);
  }
  return WrongKey();
}

}  // namespace

Result<SecretBytes> AgreedContentKey(EncryptionKeyView key, KeyManagement algorithm,
                                     ContentEncryption encryption, RandomSource& random,
                                     codec::JsonObject& header) {
  if (algorithm == KeyManagement::kEcdhEs) {
    return AgreeAsSender(key, algorithm, encryption, random, header);
  }
  const auto* secret = key.As<SecretBytes>();
  if (secret == nullptr || secret->size() != KeySizeOf(encryption)) return WrongKey();
  return secret->Clone();
}

Result<Bytes> WrapContentKey(EncryptionKeyView key, KeyManagement algorithm,
                             const SecretBytes& content_key, RandomSource& random,
                             codec::JsonObject& header) {
  const ByteSpan raw = content_key.view(KeyAccess::Token());
  if (IsEcdh(algorithm)) {
    TRY(const SecretBytes kek,
        AgreeAsSender(key, algorithm, ContentEncryption::kA256Gcm, random, header));
    return crypto::AesKeyWrap(kek.view(KeyAccess::Token()), raw);
  }
  if (const std::size_t size = WrapKeySizeOf(algorithm); size != 0) {
    const auto* kek = key.As<SecretBytes>();
    if (kek == nullptr || kek->size() != size) return WrongKey();
    return crypto::AesKeyWrap(kek->view(KeyAccess::Token()), raw);
  }
  const auto* rsa = key.As<crypto::RsaPublicKey>();
  if (rsa == nullptr) return WrongKey();
  if (algorithm != KeyManagement::kRsaOaep256) {
    return InvalidArgument("RSA-OAEP is only decrypted; encrypt with RSA-OAEP-256");
  }
  return rsa->EncryptOaep(crypto::RsaOaepHash::kSha256, raw);
}

Result<SecretBytes> OpenContentKey(DecryptionKeyView key, KeyManagement algorithm,
                                   ContentEncryption encryption, const codec::JsonObject& header,
                                   ByteSpan encrypted_key) {
  if (GivesContentKey(algorithm) && !encrypted_key.empty()) {
    return InvalidArgument("there is an encrypted key where none belongs");
  }
  if (algorithm == KeyManagement::kDirect) {
    const auto* secret = key.As<SecretBytes>();
    if (secret == nullptr) return WrongKey();
    return secret->Clone();
  }
  if (IsEcdh(algorithm)) {
    TRY(SecretBytes agreed, AgreeAsRecipient(key, algorithm, encryption, header));
    if (algorithm == KeyManagement::kEcdhEs) return agreed;
    return crypto::AesKeyUnwrap(agreed.view(KeyAccess::Token()), encrypted_key);
  }
  if (const std::size_t size = WrapKeySizeOf(algorithm); size != 0) {
    const auto* kek = key.As<SecretBytes>();
    if (kek == nullptr || kek->size() != size) return WrongKey();
    return crypto::AesKeyUnwrap(kek->view(KeyAccess::Token()), encrypted_key);
  }
  const auto* rsa = key.As<crypto::RsaPrivateKey>();
  if (rsa == nullptr) return WrongKey();
  return rsa->DecryptOaep(algorithm == KeyManagement::kRsaOaep ? crypto::RsaOaepHash::kSha1
                                                               : crypto::RsaOaepHash::kSha256,
                          encrypted_key);
}

}  // namespace salus::jose
