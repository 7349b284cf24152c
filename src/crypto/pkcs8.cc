#include "crypto/pkcs8.h"

#include <openssl/asn1t.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "base/check.h"
#include "crypto/ecdsa.h"
#include "crypto/openssl_handles.h"
#include "crypto/private_pem.h"
#include "crypto/rsa_internals.h"
#include "crypto/secret_mint.h"

namespace salus::crypto {

namespace {

using PrivateInfoPtr = CHandle<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>;
using SealedInfoPtr = CHandle<X509_SIG, X509_SIG_free>;
using AlgorithmPtr = CHandle<X509_ALGOR, X509_ALGOR_free>;
using Pbes2Ptr = CHandle<PBE2PARAM, PBE2PARAM_free>;
using Pbkdf2Ptr = CHandle<PBKDF2PARAM, PBKDF2PARAM_free>;
using ScryptPtr = CHandle<SCRYPT_PARAMS, SCRYPT_PARAMS_free>;

constexpr std::size_t kMaxFileSize = 32 * 1024;
// The DER SubjectPublicKeyInfo of an uncompressed P-256 point, up to the point (RFC 5480).
constexpr std::array<std::uint8_t, 26> kP256Head = {
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
constexpr std::size_t kP256PointBytes = 65;
constexpr std::uint64_t kScryptN = 1 << 14;
constexpr std::uint64_t kMaxScryptWork = 1 << 22;  // N * r * p
constexpr std::uint64_t kMaxIterations = 10'000'000;

template <typename T>
SecretBytes ToDer(const T* object, int (*write)(const T*, unsigned char**)) {
  const int size = write(object, nullptr);
  CHECK(size > 0);
  SecretBytes out(static_cast<std::size_t>(size));
  unsigned char* cursor = out.mutable_view(CryptoSecrets::Token()).data();
  CHECK(write(object, &cursor) == size);
  return out;
}

KeyPtr PkeyOf(const PrivateKey& key) {
  const auto token = CryptoSecrets::Token();
  if (const auto* p256 = std::get_if<P256PrivateKey>(&key)) {
    const SecretArray<32> scalar = p256->scalar();
    return NewEcdsaKey("P-256", p256->public_key().sec1(), scalar.view(token));
  }
  if (const auto* ed25519 = std::get_if<Ed25519PrivateKey>(&key)) {
    const SecretArray<32> seed = ed25519->seed();
    return KeyPtr(
        EVP_PKEY_new_raw_private_key_ex(nullptr, "ED25519", nullptr, seed.view(token).data(), 32));
  }
  EVP_PKEY* const rsa = RsaInternals::Pkey(std::get<RsaPrivateKey>(key));
  CHECK(EVP_PKEY_up_ref(rsa) == 1);
  return KeyPtr(rsa);
}

KeyPtr PkeyOf(const PublicKey& key) {
  if (const auto* p256 = std::get_if<P256PublicKey>(&key)) {
    return NewEcdsaKey("P-256", p256->sec1(), {});
  }
  if (const auto* ed25519 = std::get_if<Ed25519PublicKey>(&key)) {
    return KeyPtr(
        EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, ed25519->bytes().data(), 32));
  }
  EVP_PKEY* const rsa = RsaInternals::Pkey(std::get<RsaPublicKey>(key));
  CHECK(EVP_PKEY_up_ref(rsa) == 1);
  return KeyPtr(rsa);
}

PrivateInfoPtr InfoOf(const PrivateKey& key) {
  const KeyPtr pkey = PkeyOf(key);
  CHECK(pkey);
  PrivateInfoPtr info(EVP_PKEY2PKCS8(pkey.get()));
  CHECK(info);
  return info;
}

// The number has at most 32 bytes on every key that names the curve.
bool Number32(EVP_PKEY* key, const char* name, MutableByteSpan out) {
  BIGNUM* raw = nullptr;
  const bool ok = EVP_PKEY_get_bn_param(key, name, &raw) == 1;
  const NumberPtr number(raw);
  return ok && BN_bn2binpad(number.get(), out.data(), 32) == 32;
}

bool IsNamedP256(EVP_PKEY* key) {
  char group[32] = {};
  std::size_t size = 0;
  int is_explicit = 0;
  return EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                        &size) == 1 &&
         std::strcmp(group, SN_X9_62_prime256v1) == 0 &&
         EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                                &is_explicit) == 1 &&
         is_explicit == 0;
}

Result<P256PublicKey> P256PublicFrom(EVP_PKEY* key) {
  std::array<std::uint8_t, 64> point;
  if (!IsNamedP256(key) ||
      !Number32(key, OSSL_PKEY_PARAM_EC_PUB_X, MutableByteSpan(point).first(32)) ||
      !Number32(key, OSSL_PKEY_PARAM_EC_PUB_Y, MutableByteSpan(point).last(32))) {
    ForgetErrors();
    return InvalidArgument("an EC key that is not on P-256 by name");
  }
  return P256PublicKey::FromCoordinates(ByteSpan(point).first(32), ByteSpan(point).last(32));
}

Result<P256PrivateKey> P256PrivateFrom(EVP_PKEY* key) {
  TRY(const P256PublicKey stated, P256PublicFrom(key));
  SecretArray<32> scalar;
  if (!Number32(key, OSSL_PKEY_PARAM_PRIV_KEY, scalar.mutable_view(CryptoSecrets::Token()))) {
    ForgetErrors();
    return InvalidArgument("an EC private key without its number");
  }
  TRY(P256PrivateKey out, P256PrivateKey::FromScalar(scalar));
  if (!(out.public_key() == stated)) {
    return InvalidArgument("the public key in the file is not that of the private key");
  }
  return out;
}

Result<PublicKey> PublicFrom(KeyPtr key) {
  if (EVP_PKEY_is_a(key.get(), "EC")) {
    TRY(P256PublicKey out, P256PublicFrom(key.get()));
    return PublicKey(std::move(out));
  }
  if (EVP_PKEY_is_a(key.get(), "ED25519")) {
    std::array<std::uint8_t, 32> bytes;
    std::size_t size = bytes.size();
    CHECK(EVP_PKEY_get_raw_public_key(key.get(), bytes.data(), &size) == 1);
    TRY(const Ed25519PublicKey out, Ed25519PublicKey::FromBytes(bytes));
    return PublicKey(out);
  }
  if (EVP_PKEY_is_a(key.get(), "RSA")) {
    TRY(RsaPublicKey out, RsaInternals::PublicFrom(std::move(key)));
    return PublicKey(std::move(out));
  }
  return InvalidArgument("a key that is neither P-256, Ed25519 nor RSA");
}

Result<PrivateKey> PrivateFrom(KeyPtr key) {
  if (EVP_PKEY_is_a(key.get(), "EC")) {
    TRY(P256PrivateKey out, P256PrivateFrom(key.get()));
    return PrivateKey(std::move(out));
  }
  if (EVP_PKEY_is_a(key.get(), "ED25519")) {
    SecretArray<32> seed;
    std::size_t size = 32;
    CHECK(EVP_PKEY_get_raw_private_key(key.get(), seed.mutable_view(CryptoSecrets::Token()).data(),
                                       &size) == 1);
    return PrivateKey(Ed25519PrivateKey::FromSeed(seed));
  }
  if (EVP_PKEY_is_a(key.get(), "RSA")) {
    TRY(RsaPrivateKey out, RsaInternals::PrivateFrom(std::move(key)));
    return PrivateKey(std::move(out));
  }
  return InvalidArgument("a key that is neither P-256, Ed25519 nor RSA");
}

Result<PrivateKey> PrivateFromInfo(const PKCS8_PRIV_KEY_INFO* info) {
  KeyPtr key(EVP_PKCS82PKEY(info));
  ForgetErrors();
  if (!key) return InvalidArgument("a PKCS#8 file without a key that we know");
  return PrivateFrom(std::move(key));
}

template <typename T>
T* Unpack(const X509_ALGOR* algorithm, const ASN1_ITEM* item) {
  int type = 0;
  const void* value = nullptr;
  X509_ALGOR_get0(nullptr, &type, &value, algorithm);
  if (type != V_ASN1_SEQUENCE) return nullptr;
  return static_cast<T*>(ASN1_item_unpack(static_cast<const ASN1_STRING*>(value), item));
}

int AlgorithmId(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* name = nullptr;
  X509_ALGOR_get0(&name, nullptr, nullptr, algorithm);
  return OBJ_obj2nid(name);
}

// A file may name a cost that would keep us busy for days.
bool CostIsBounded(const X509_ALGOR* kdf) {
  if (AlgorithmId(kdf) == NID_id_pbkdf2) {
    const Pbkdf2Ptr params(Unpack<PBKDF2PARAM>(kdf, ASN1_ITEM_rptr(PBKDF2PARAM)));
    std::uint64_t iterations = 0;
    return params && ASN1_INTEGER_get_uint64(&iterations, params->iter) == 1 &&
           iterations <= kMaxIterations;
  }
  if (AlgorithmId(kdf) == NID_id_scrypt) {
    const ScryptPtr params(Unpack<SCRYPT_PARAMS>(kdf, ASN1_ITEM_rptr(SCRYPT_PARAMS)));
    std::uint64_t n = 0, r = 0, p = 0;
    return params && ASN1_INTEGER_get_uint64(&n, params->costParameter) == 1 &&
           ASN1_INTEGER_get_uint64(&r, params->blockSize) == 1 &&
           ASN1_INTEGER_get_uint64(&p, params->parallelizationParameter) == 1 &&
           n <= kMaxScryptWork && r <= 64 && p <= 64 && n * r * p <= kMaxScryptWork;
  }
  return false;
}

Result<void> CheckPbes2(const X509_SIG* sealed) {
  const X509_ALGOR* algorithm = nullptr;
  const ASN1_OCTET_STRING* unused = nullptr;
  X509_SIG_get0(sealed, &algorithm, &unused);
  if (AlgorithmId(algorithm) != NID_pbes2) {
    return InvalidArgument("an encrypted key that is not PBES2: convert it with openssl pkcs8");
  }
  const Pbes2Ptr params(Unpack<PBE2PARAM>(algorithm, ASN1_ITEM_rptr(PBE2PARAM)));
  ForgetErrors();
  if (!params) return InvalidArgument("an encrypted key with malformed PBES2 parameters");
  const int cipher = AlgorithmId(params->encryption);
  if (cipher != NID_aes_128_cbc && cipher != NID_aes_192_cbc && cipher != NID_aes_256_cbc) {
    return InvalidArgument("an encrypted key that is not AES-CBC: convert it with openssl pkcs8");
  }
  const bool bounded = CostIsBounded(params->keyfunc);
  ForgetErrors();
  if (!bounded) return InvalidArgument("an encrypted key with an unknown KDF or too high a cost");
  return {};
}

Result<PrivateKey> DecryptPrivateKey(ByteSpan der, const SecretBytes* passphrase) {
  const std::uint8_t* cursor = der.data();
  const SealedInfoPtr sealed(d2i_X509_SIG(nullptr, &cursor, SizeOf(der)));
  ForgetErrors();
  if (!sealed || cursor != der.data() + der.size()) {
    return InvalidArgument("not an encrypted PKCS#8 key");
  }
  TRY_VOID(CheckPbes2(sealed.get()));
  if (passphrase == nullptr) return FailedPrecondition("the key is encrypted: give its passphrase");
  const ByteSpan phrase = passphrase->view(CryptoSecrets::Token());
  const PrivateInfoPtr info(
      PKCS8_decrypt(sealed.get(), reinterpret_cast<const char*>(phrase.data()), SizeOf(phrase)));
  ForgetErrors();
  if (!info) return VerificationFailed("the passphrase does not open the key");
  return PrivateFromInfo(info.get());
}

}  // namespace

Result<SecretBytes> EncodePrivateKeyDer(const PrivateKey& key) {
  return ToDer<PKCS8_PRIV_KEY_INFO>(InfoOf(key).get(), i2d_PKCS8_PRIV_KEY_INFO);
}

Result<PrivateKey> DecodePrivateKeyDer(ByteSpan der) {
  if (der.size() > kMaxFileSize) return InvalidArgument("a key of more than 32 KiB");
  const std::uint8_t* cursor = der.data();
  const PrivateInfoPtr info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &cursor, SizeOf(der)));
  ForgetErrors();
  if (!info || cursor != der.data() + der.size()) return InvalidArgument("not a PKCS#8 key");
  return PrivateFromInfo(info.get());
}

Result<SecretBytes> EncodePrivateKeyPem(const PrivateKey& key, const SecretBytes* passphrase) {
  const auto token = CryptoSecrets::Token();
  if (passphrase == nullptr) {
    TRY(const SecretBytes der, EncodePrivateKeyDer(key));
    return EncodePrivatePem(PEM_STRING_PKCS8INF, der.view(token));
  }
  if (passphrase->empty()) return InvalidArgument("an empty passphrase protects nothing");
  const PrivateInfoPtr info = InfoOf(key);
  // OpenSSL draws salt and IV itself.
  AlgorithmPtr algorithm(
      PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), nullptr, 16, nullptr, kScryptN, 8, 1));
  CHECK(algorithm);
  const ByteSpan phrase = passphrase->view(token);
  const SealedInfoPtr sealed(PKCS8_set0_pbe(reinterpret_cast<const char*>(phrase.data()),
                                            SizeOf(phrase), info.get(), algorithm.get()));
  CHECK(sealed);
  (void)algorithm.release();  // now part of sealed
  const SecretBytes der = ToDer<X509_SIG>(sealed.get(), i2d_X509_SIG);
  return EncodePrivatePem(PEM_STRING_PKCS8, der.view(token));
}

Result<PrivateKey> DecodePrivateKeyPem(ByteSpan pem, const SecretBytes* passphrase) {
  TRY(const PrivatePem text, DecodePrivatePem(pem));
  const ByteSpan der = text.der.view(CryptoSecrets::Token());
  if (text.label == PEM_STRING_PKCS8INF) return DecodePrivateKeyDer(der);
  if (text.label == PEM_STRING_PKCS8) return DecryptPrivateKey(der, passphrase);
  return InvalidArgument("a PEM file that is not a PKCS#8 private key");
}

Bytes EncodePublicKeyDer(const PublicKey& key) {
  const KeyPtr pkey = PkeyOf(key);
  CHECK(pkey);
  const SecretBytes der = ToDer<EVP_PKEY>(pkey.get(), i2d_PUBKEY);
  return ToBytes(der.view(CryptoSecrets::Token()));
}

Result<PublicKey> DecodePublicKeyDer(ByteSpan der) {
  if (der.size() > kMaxFileSize) return InvalidArgument("a key of more than 32 KiB");
  // OpenSSL's general decoder takes ten times as long for the key that nearly everybody has.
  if (der.size() == kP256Head.size() + kP256PointBytes &&
      std::equal(kP256Head.begin(), kP256Head.end(), der.begin())) {
    auto point = P256PublicKey::FromSec1(der.subspan(kP256Head.size()));
    if (!point) return InvalidArgument("not a SubjectPublicKeyInfo");
    return PublicKey(*std::move(point));
  }
  const std::uint8_t* cursor = der.data();
  KeyPtr key(d2i_PUBKEY(nullptr, &cursor, SizeOf(der)));
  ForgetErrors();
  if (!key) return InvalidArgument("not a SubjectPublicKeyInfo");
  TRY(PublicKey out, PublicFrom(std::move(key)));
  // OpenSSL reads BER and more; one key has one encoding here, so that a pinned key is its bytes.
  if (!Equal(EncodePublicKeyDer(out), der)) {
    return InvalidArgument("a SubjectPublicKeyInfo that is not in its one DER form");
  }
  return out;
}

std::string EncodePublicKeyPem(const PublicKey& key) {
  const SecretBytes pem = EncodePrivatePem(PEM_STRING_PUBLIC, EncodePublicKeyDer(key));
  return std::string(AsText(pem.view(CryptoSecrets::Token())));
}

Result<PublicKey> DecodePublicKeyPem(std::string_view pem) {
  TRY(const PrivatePem text, DecodePrivatePem(AsBytes(pem)));
  if (text.label != PEM_STRING_PUBLIC) return InvalidArgument("a PEM file that is no public key");
  return DecodePublicKeyDer(text.der.view(CryptoSecrets::Token()));
}

PublicKey PublicKeyOf(const PrivateKey& key) {
  return std::visit([](const auto& one) { return PublicKey(one.public_key()); }, key);
}

}  // namespace salus::crypto
