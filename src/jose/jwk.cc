#include "jose/jwk.h"

#include <algorithm>

#include "codec/base64.h"
#include "jose/jwk_purpose.h"
#include "jose/key_access.h"
#include "jose/roca.h"

namespace salus::jose {
namespace {

constexpr std::size_t kMaxKeyTextBytes = 16 * 1024;
constexpr std::size_t kMaxSetTextBytes = 512 * 1024;
constexpr std::size_t kMaxSetKeys = 64;
constexpr std::size_t kMinSymmetricBytes = 16;
constexpr std::size_t kMaxIntegerBytes = 8192 / 8;
constexpr std::string_view kSecretMembers[] = {"d", "p", "q", "dp", "dq", "qi", "k"};

Error Malformed(std::string_view member, std::string_view why) {
  return InvalidArgument("JWK member " + std::string(member) + " " + std::string(why));
}

Result<Bytes> PublicAt(const codec::JsonObject& members, std::string_view name) {
  TRY(const std::string_view text, codec::StringAt(members, name));
  auto bytes = codec::Base64UrlDecode(text);
  if (!bytes) return Malformed(name, "is not base64url");
  return bytes;
}

Result<SecretBytes> SecretAt(const codec::JsonObject& members, std::string_view name) {
  TRY(const std::string_view text, codec::StringAt(members, name));
  SecretBytes bytes(text.size() / 4 * 3 + text.size() % 4 * 3 / 4);
  if (!codec::Base64UrlDecodeInto(text, bytes.mutable_view(KeyAccess::Token()))) {
    return Malformed(name, "is not base64url");
  }
  return bytes;
}

Result<SecretArray<32>> Secret32At(const codec::JsonObject& members, std::string_view name) {
  TRY(const SecretBytes bytes, SecretAt(members, name));
  if (bytes.size() != 32) return Malformed(name, "is not 32 bytes");
  return SecretArray<32>(bytes.view(KeyAccess::Token()).first<32>());
}

Result<void> CheckInteger(std::string_view name, ByteSpan big_endian) {
  if (big_endian.empty() || big_endian.size() > kMaxIntegerBytes || big_endian[0] == 0) {
    return Malformed(name, "is not a positive integer without leading zeros");
  }
  return {};
}

Result<Jwk::Material> ReadEc(const codec::JsonObject& members) {
  TRY(const Bytes x, PublicAt(members, "x"));
  TRY(const Bytes y, PublicAt(members, "y"));
  if (x.size() != 32 || y.size() != 32) return Malformed("x or y", "is not 32 bytes");
  auto point = crypto::P256PublicKey::FromCoordinates(x, y);
  if (!point) return Malformed("x and y", "are not a point of the curve");
  if (!members.contains("d")) return Jwk::Material(*point);
  TRY(const SecretArray<32> scalar, Secret32At(members, "d"));
  auto key = crypto::P256PrivateKey::FromScalar(scalar);
  if (!key || !(key->public_key() == *point)) return Malformed("d", "does not belong to x and y");
  return Jwk::Material(*std::move(key));
}

Result<Jwk::Material> ReadOkp(const codec::JsonObject& members, std::string_view curve) {
  TRY(const Bytes x, PublicAt(members, "x"));
  if (x.size() != 32) return Malformed("x", "is not 32 bytes");
  const bool is_private = members.contains("d");
  SecretArray<32> secret;
  if (is_private) {
    TRY(secret, Secret32At(members, "d"));
  }
  if (curve == "X25519") {
    const crypto::X25519PublicKey point = ToArray(ByteSpan(x).first<32>());
    if (!is_private) return Jwk::Material(point);
    auto key = crypto::X25519PrivateKey::FromBytes(secret);
    if (key.public_key() != point) return Malformed("d", "does not belong to x");
    return Jwk::Material(std::move(key));
  }
  auto point = crypto::Ed25519PublicKey::FromBytes(x);
  if (!point) return Malformed("x", "is not a point of the curve");
  if (!is_private) return Jwk::Material(*point);
  auto key = crypto::Ed25519PrivateKey::FromSeed(secret);
  if (!(key.public_key() == *point)) return Malformed("d", "does not belong to x");
  return Jwk::Material(std::move(key));
}

Result<Jwk::Material> ReadRsa(const codec::JsonObject& members) {
  TRY(Bytes n, PublicAt(members, "n"));
  TRY(Bytes e, PublicAt(members, "e"));
  TRY_VOID(CheckInteger("n", n));
  TRY_VOID(CheckInteger("e", e));
  if (HasRocaWeakness(n)) return Malformed("n", "comes from the faulty generator ROCA");
  if (!members.contains("d")) {
    auto key = crypto::RsaPublicKey::FromComponents({std::move(n), std::move(e)});
    if (!key) return Malformed("n or e", "is not of an RSA key of 2048 to 8192 bits");
    return Jwk::Material(*std::move(key));
  }
  if (members.contains("oth")) return Malformed("oth", "makes it a key of more than two primes");
  crypto::RsaPrivateComponents parts;
  parts.n = std::move(n);
  parts.e = std::move(e);
  const std::pair<std::string_view, SecretBytes*> secrets[] = {
      {"d", &parts.d},   {"p", &parts.p},   {"q", &parts.q},
      {"dp", &parts.dp}, {"dq", &parts.dq}, {"qi", &parts.qi}};
  for (const auto& [name, target] : secrets) {
    TRY(*target, SecretAt(members, name));
    TRY_VOID(CheckInteger(name, target->view(KeyAccess::Token())));
  }
  auto key = crypto::RsaPrivateKey::FromComponents(parts);
  if (!key) return Malformed("d", "or another number of the RSA key does not belong to n and e");
  return Jwk::Material(*std::move(key));
}

// KindOf is kty, and crv where there is one. A key of another kind is not known here.
struct Kind {
  std::string_view type;
  std::string_view curve;
  bool known;
};

Result<Kind> KindOf(const codec::JsonObject& members) {
  Kind kind;
  TRY(kind.type, codec::StringAt(members, "kty"));
  if (kind.type == "EC" || kind.type == "OKP") {
    TRY(kind.curve, codec::StringAt(members, "crv"));
  }
  kind.known = kind.type == "RSA" || kind.type == "oct" ||
               (kind.type == "EC" && kind.curve == "P-256") ||
               (kind.type == "OKP" && (kind.curve == "Ed25519" || kind.curve == "X25519"));
  return kind;
}

Result<Jwk::Material> ReadMaterial(const codec::JsonObject& members) {
  TRY(const Kind kind, KindOf(members));
  if (!kind.known) return InvalidArgument("JWK members kty and crv name a key not known here");
  if (kind.type == "EC") return ReadEc(members);
  if (kind.type == "OKP") return ReadOkp(members, kind.curve);
  if (kind.type == "RSA") return ReadRsa(members);
  TRY(SecretBytes key, SecretAt(members, "k"));
  if (key.size() < kMinSymmetricBytes) return Malformed("k", "is shorter than 16 bytes");
  return Jwk::Material(std::move(key));
}

template <typename... Keys>
bool HoldsOneOf(const Jwk::Material& material) {
  return (std::holds_alternative<Keys>(material) || ...);
}

bool Fits(const Jwk::Material& m, SignatureAlgorithm algorithm) {
  switch (algorithm) {
    case SignatureAlgorithm::kEs256:
      return HoldsOneOf<crypto::P256PublicKey, crypto::P256PrivateKey>(m);
    case SignatureAlgorithm::kPs256:
    case SignatureAlgorithm::kRs256:
      return HoldsOneOf<crypto::RsaPublicKey, crypto::RsaPrivateKey>(m);
    case SignatureAlgorithm::kEdDsa:
      return HoldsOneOf<crypto::Ed25519PublicKey, crypto::Ed25519PrivateKey>(m);
    case SignatureAlgorithm::kHs256:
      return HoldsOneOf<SecretBytes>(m);
  }
  return false;
}

bool Fits(const Jwk::Material& m, KeyManagement algorithm) {
  switch (algorithm) {
    case KeyManagement::kEcdhEs:
    case KeyManagement::kEcdhEsA128Kw:
    case KeyManagement::kEcdhEsA256Kw:
      return HoldsOneOf<crypto::P256PublicKey, crypto::P256PrivateKey, crypto::X25519PublicKey,
                        crypto::X25519PrivateKey>(m);
    case KeyManagement::kRsaOaep256:
    case KeyManagement::kRsaOaep:
      return HoldsOneOf<crypto::RsaPublicKey, crypto::RsaPrivateKey>(m);
    case KeyManagement::kA128Kw:
    case KeyManagement::kA256Kw:
    case KeyManagement::kDirect:
      return HoldsOneOf<SecretBytes>(m);
  }
  return false;
}

// PickView makes a view when the material is one of the key types of the view.
template <typename View, typename... Keys>
Result<View> PickView(const Jwk::Material& material) {
  std::optional<View> view;
  const auto take = [&]<typename Key>() {
    if (const auto* key = std::get_if<Key>(&material)) view.emplace(*key);
  };
  (take.template operator()<Keys>(), ...);
  if (!view) return FailedPrecondition("the JWK is of another type, or the wrong half of a key");
  return *view;
}

std::uint8_t WrapOperations(KeyManagement algorithm, bool sender) {
  switch (algorithm) {
    case KeyManagement::kEcdhEs:
    case KeyManagement::kEcdhEsA128Kw:
    case KeyManagement::kEcdhEsA256Kw:
      return kDeriveKey | kDeriveBits;
    case KeyManagement::kDirect:
      return sender ? kEncrypt : kDecrypt;
    default:
      return sender ? kWrapKey | kEncrypt : kUnwrapKey | kDecrypt;
  }
}

}  // namespace

Result<Jwk> Jwk::Parse(std::string_view text) {
  if (text.size() > kMaxKeyTextBytes) return InvalidArgument("a JWK has at most 16 KiB");
  TRY(codec::Json value, codec::ParseJson(text));
  return FromJson(std::move(value));
}

Result<Jwk> Jwk::FromJson(codec::Json value) {
  const codec::WipedMembers wipe(value, kSecretMembers);
  if (!value.is_object()) return InvalidArgument("a JWK is a JSON object");
  const codec::JsonObject& members = value.as_object();
  TRY(Material material, ReadMaterial(members));
  Jwk key(std::move(material));
  TRY_VOID(key.ReadPurpose(members));
  return key;
}

Result<void> Jwk::ReadPurpose(const codec::JsonObject& members) {
  TRY(const auto key_id, codec::OptionalStringAt(members, "kid"));
  if (key_id) key_id_ = std::string(*key_id);
  TRY(const auto use, codec::OptionalStringAt(members, "use"));
  if (use == "sig") {
    use_ = JwkUse::kSignature;
  } else if (use == "enc") {
    use_ = JwkUse::kEncryption;
  } else if (use) {
    return Malformed("use", "is neither sig nor enc");
  }
  TRY(const codec::JsonArray* operations, codec::OptionalArrayAt(members, "key_ops"));
  if (operations != nullptr) {
    operations_ = 0;
    for (const codec::Json& item : *operations) {
      if (!item.is_string()) return Malformed("key_ops", "is not an array of strings");
      for (const KeyOperation& operation : kKeyOperations) {
        if (std::string_view(item.as_string()) != operation.name) continue;
        if ((*operations_ & operation.bit) != 0) return Malformed("key_ops", "repeats a value");
        *operations_ |= operation.bit;
      }
    }
    const std::uint8_t other = use_ == JwkUse::kSignature    ? std::uint8_t(~(kSign | kVerify))
                               : use_ == JwkUse::kEncryption ? std::uint8_t(kSign | kVerify)
                                                             : std::uint8_t(0);
    if ((*operations_ & other) != 0) return Malformed("key_ops", "contradicts use");
  }
  TRY(const auto algorithm, codec::OptionalStringAt(members, "alg"));
  if (!algorithm) return {};
  algorithm_ = std::string(*algorithm);
  if (const auto signature = ParseSignatureAlgorithm(*algorithm)) {
    if (!Fits(material_, *signature) || use_ == JwkUse::kEncryption) {
      return Malformed("alg", "contradicts the key or its use");
    }
  } else if (const auto management = ParseKeyManagement(*algorithm)) {
    if (!Fits(material_, *management) || use_ == JwkUse::kSignature) {
      return Malformed("alg", "contradicts the key or its use");
    }
  }
  return {};
}

bool Jwk::is_private() const {
  return HoldsOneOf<crypto::P256PrivateKey, crypto::Ed25519PrivateKey, crypto::X25519PrivateKey,
                    crypto::RsaPrivateKey>(material_);
}

void Jwk::set_algorithm(SignatureAlgorithm algorithm) { algorithm_ = NameOf(algorithm); }
void Jwk::set_algorithm(KeyManagement algorithm) { algorithm_ = NameOf(algorithm); }

Result<void> Jwk::CheckPurpose(JwkUse use, std::uint8_t operations,
                               std::string_view algorithm) const {
  if (use_ && *use_ != use) return FailedPrecondition("the JWK has another use");
  // WebCrypto writes an empty key_ops on the public half of an ECDH key.
  const bool agreement = (operations & kDeriveKey) != 0 && !is_private();
  if (operations_ && !(agreement && *operations_ == 0) && (*operations_ & operations) == 0) {
    return FailedPrecondition("the JWK's key_ops do not allow it");
  }
  if (algorithm_ && *algorithm_ != algorithm &&
      !(algorithm == NameOf(KeyManagement::kDirect) && ParseContentEncryption(*algorithm_))) {
    return FailedPrecondition("the JWK is meant for another algorithm");
  }
  return {};
}

Result<SigningKeyView> Jwk::ForSigning(SignatureAlgorithm algorithm) const {
  TRY_VOID(CheckPurpose(JwkUse::kSignature, kSign, NameOf(algorithm)));
  if (!Fits(material_, algorithm)) return FailedPrecondition("the JWK is of another type");
  return PickView<SigningKeyView, crypto::P256PrivateKey, crypto::Ed25519PrivateKey,
                  crypto::RsaPrivateKey, SecretBytes>(material_);
}

Result<VerificationKeyView> Jwk::ForVerifying(SignatureAlgorithm algorithm) const {
  TRY_VOID(CheckPurpose(JwkUse::kSignature, kVerify, NameOf(algorithm)));
  if (!Fits(material_, algorithm)) return FailedPrecondition("the JWK is of another type");
  return PickView<VerificationKeyView, crypto::P256PublicKey, crypto::Ed25519PublicKey,
                  crypto::RsaPublicKey, SecretBytes>(material_);
}

Result<EncryptionKeyView> Jwk::ForEncrypting(KeyManagement algorithm) const {
  TRY_VOID(CheckPurpose(JwkUse::kEncryption, WrapOperations(algorithm, true), NameOf(algorithm)));
  if (!Fits(material_, algorithm)) return FailedPrecondition("the JWK is of another type");
  return PickView<EncryptionKeyView, crypto::P256PublicKey, crypto::X25519PublicKey,
                  crypto::RsaPublicKey, SecretBytes>(material_);
}

Result<DecryptionKeyView> Jwk::ForDecrypting(KeyManagement algorithm) const {
  TRY_VOID(CheckPurpose(JwkUse::kEncryption, WrapOperations(algorithm, false), NameOf(algorithm)));
  if (!Fits(material_, algorithm)) return FailedPrecondition("the JWK is of another type");
  return PickView<DecryptionKeyView, crypto::P256PrivateKey, crypto::X25519PrivateKey,
                  crypto::RsaPrivateKey, SecretBytes>(material_);
}

Result<JwkSet> JwkSet::Parse(std::string_view text) {
  if (text.size() > kMaxSetTextBytes) return InvalidArgument("a JWK set has at most 512 KiB");
  TRY(codec::Json value, codec::ParseJson(text));
  return FromJson(std::move(value));
}

Result<JwkSet> JwkSet::FromJson(codec::Json value) {
  if (!value.is_object()) return InvalidArgument("a JWK set is a JSON object");
  codec::Json* keys = value.as_object().if_contains("keys");
  if (keys == nullptr || !keys->is_array() || keys->as_array().empty() ||
      keys->as_array().size() > kMaxSetKeys) {
    return InvalidArgument("a JWK set has an array keys of 1 to 64 keys");
  }
  JwkSet set;
  std::size_t symmetric = 0;
  for (std::size_t i = 0; i < keys->as_array().size(); ++i) {
    codec::Json& item = keys->as_array()[i];
    if (!item.is_object()) return codec::Within("keys", i, InvalidArgument("is not an object"));
    const auto kind = KindOf(item.as_object());
    if (!kind) return codec::Within("keys", i, kind.error());
    if (!kind->known) continue;
    auto key = Jwk::FromJson(std::move(item));
    if (!key) return codec::Within("keys", i, std::move(key).error());
    if (key->is_symmetric()) ++symmetric;
    if (key->key_id() && set.Find(*key->key_id()) != nullptr) {
      return codec::Within("keys", i, InvalidArgument("has a kid that another key has"));
    }
    set.keys_.push_back(*std::move(key));
  }
  if (symmetric != 0 && symmetric != set.keys_.size()) {
    return InvalidArgument("a JWK set mixes symmetric and asymmetric keys");
  }
  return set;
}

const Jwk* JwkSet::Find(std::optional<std::string_view> key_id) const {
  if (!key_id) return keys_.size() == 1 ? keys_.data() : nullptr;
  const auto found = std::find_if(keys_.begin(), keys_.end(),
                                  [&](const Jwk& key) { return key.key_id() == key_id; });
  return found == keys_.end() ? nullptr : &*found;
}

}  // namespace salus::jose
