#include "crypto/rsa.h"

#include <openssl/rsa.h>

#include <array>
#include <vector>

#include "base/check.h"
#include "crypto/rsa_internals.h"
#include "crypto/secret_mint.h"

namespace salus::crypto {

namespace {

constexpr int kMinBits = 2048;
constexpr int kMaxBits = 8192;
char kSha256[] = "SHA2-256";
char kSha1[] = "SHA1";

NumberPtr NumberOf(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) {
    ForgetErrors();
    return nullptr;
  }
  return NumberPtr(number);
}

Bytes PublicBytes(EVP_PKEY* key, const char* name) {
  const NumberPtr number = NumberOf(key, name);
  CHECK(number);
  Bytes out(static_cast<std::size_t>(BN_num_bytes(number.get())));
  BN_bn2bin(number.get(), out.data());
  return out;
}

SecretBytes SecretNumber(EVP_PKEY* key, const char* name) {
  const NumberPtr number = NumberOf(key, name);
  CHECK(number);
  SecretBytes out(static_cast<std::size_t>(BN_num_bytes(number.get())));
  BN_bn2bin(number.get(), out.mutable_view(CryptoSecrets::Token()).data());
  return out;
}

Result<void> CheckPublicNumbers(const BIGNUM* n, const BIGNUM* e) {
  const int bits = BN_num_bits(n);
  if (bits < kMinBits || bits > kMaxBits || !BN_is_odd(n)) {
    return InvalidArgument("an RSA modulus has 2048 to 8192 bits and is odd");
  }
  const std::uint64_t exponent = BN_get_word(e);  // all ones when longer than a word
  if (exponent < 65537 || exponent > std::uint64_t{1} << 32 || !BN_is_odd(e)) {
    return InvalidArgument("an RSA public exponent is odd, 65537 to 2^32");
  }
  return {};
}

// The exponent of the prime's half of a CRT decryption: d modulo (prime - 1).
Result<SecretBytes> ExponentOf(ByteSpan d, ByteSpan prime) {
  const NumberPtr power(BN_secure_new());
  const NumberPtr order(BN_secure_new());
  const NumberPtr rest(BN_secure_new());
  const NumberContextPtr room(BN_CTX_secure_new());
  CHECK(power && order && rest && room);
  CHECK(BN_bin2bn(d.data(), SizeOf(d), power.get()) != nullptr);
  CHECK(BN_bin2bn(prime.data(), SizeOf(prime), order.get()) != nullptr);
  BN_set_flags(power.get(), BN_FLG_CONSTTIME);
  if (BN_is_zero(order.get()) || BN_is_one(order.get())) {
    return InvalidArgument("an RSA prime that is none");
  }
  CHECK(BN_sub_word(order.get(), 1) == 1);
  CHECK(BN_mod(rest.get(), power.get(), order.get(), room.get()) == 1);
  SecretBytes out(static_cast<std::size_t>(BN_num_bytes(rest.get())));
  BN_bn2bin(rest.get(), out.mutable_view(CryptoSecrets::Token()).data());
  return out;
}

// Components collects numbers and makes a key of them.
class Components {
 public:
  void Add(const char* name, ByteSpan value) {
    NumberPtr number(BN_secure_new());
    CHECK(number && BN_bin2bn(value.data(), SizeOf(value), number.get()) != nullptr);
    CHECK(OSSL_PARAM_BLD_push_BN(builder_.get(), name, number.get()) == 1);
    kept_.push_back(std::move(number));
  }
  KeyPtr Make(int selection) {
    const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder_.get()));
    const KeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
    CHECK(params && context && EVP_PKEY_fromdata_init(context.get()) == 1);
    EVP_PKEY* key = nullptr;
    if (EVP_PKEY_fromdata(context.get(), &key, selection, params.get()) != 1) ForgetErrors();
    return KeyPtr(key);
  }

 private:
  ParamBuilderPtr builder_{OSSL_PARAM_BLD_new()};
  std::vector<NumberPtr> kept_;
};

OSSL_PARAM Text(const char* name, const char* value) {
  return OSSL_PARAM_construct_utf8_string(name, const_cast<char*>(value), 0);  // NOLINT
}

enum class Scheme { kPss, kPkcs1 };

std::array<OSSL_PARAM, 4> SignatureParams(Scheme scheme) {
  if (scheme == Scheme::kPkcs1) {
    return {Text(OSSL_SIGNATURE_PARAM_PAD_MODE, "pkcs1"), OSSL_PARAM_construct_end(),
            OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end()};
  }
  return {Text(OSSL_SIGNATURE_PARAM_PAD_MODE, "pss"),
          Text(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, kSha256),
          Text(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, "32"), OSSL_PARAM_construct_end()};
}

Bytes Sign(EVP_PKEY* key, Scheme scheme, ByteSpan message) {
  const DigestContextPtr context(EVP_MD_CTX_new());
  const auto params = SignatureParams(scheme);
  CHECK(context && EVP_DigestSignInit_ex(context.get(), nullptr, kSha256, nullptr, nullptr, key,
                                         params.data()) == 1);
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key));
  Bytes out(size);
  CHECK(EVP_DigestSign(context.get(), out.data(), &size, message.data(), message.size()) == 1);
  CHECK(size == out.size());
  return out;
}

Result<void> Verify(EVP_PKEY* key, Scheme scheme, ByteSpan message, ByteSpan signature) {
  const DigestContextPtr context(EVP_MD_CTX_new());
  const auto params = SignatureParams(scheme);
  CHECK(context && EVP_DigestVerifyInit_ex(context.get(), nullptr, kSha256, nullptr, nullptr, key,
                                           params.data()) == 1);
  if (EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                       message.size()) != 1) {
    ForgetErrors();
    return VerificationFailed("RSA signature does not verify");
  }
  return {};
}

// The digest comes ready, so that the padding must be told its name. Both calls take copies of the
// parameters.
std::array<OSSL_PARAM, 5> PssDigestParams() {
  const auto pss = SignatureParams(Scheme::kPss);
  return {Text(OSSL_SIGNATURE_PARAM_DIGEST, kSha256), pss[0], pss[1], pss[2], pss[3]};
}

Bytes SignDigest(EVP_PKEY* key, const Hash32& digest) {
  const KeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  CHECK(context && EVP_PKEY_sign_init_ex(context.get(), PssDigestParams().data()) == 1);
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key));
  Bytes out(size);
  CHECK(EVP_PKEY_sign(context.get(), out.data(), &size, digest.data(), digest.size()) == 1);
  CHECK(size == out.size());
  return out;
}

Result<void> VerifyDigest(EVP_PKEY* key, const Hash32& digest, ByteSpan signature) {
  const KeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  CHECK(context && EVP_PKEY_verify_init_ex(context.get(), PssDigestParams().data()) == 1);
  if (EVP_PKEY_verify(context.get(), signature.data(), signature.size(), digest.data(),
                      digest.size()) != 1) {
    ForgetErrors();
    return VerificationFailed("RSA signature does not verify");
  }
  return {};
}

KeyContextPtr OaepContext(EVP_PKEY* key, RsaOaepHash hash, ByteSpan label, bool encrypt) {
  KeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  CHECK(context);
  char* const digest = hash == RsaOaepHash::kSha256 ? kSha256 : kSha1;
  Bytes label_copy = ToBytes(label);
  const OSSL_PARAM label_param =
      label.empty() ? OSSL_PARAM_construct_end()
                    : OSSL_PARAM_construct_octet_string(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL,
                                                        label_copy.data(), label_copy.size());
  const OSSL_PARAM params[] = {Text(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, "oaep"),
                               Text(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, digest),
                               Text(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, digest), label_param,
                               OSSL_PARAM_construct_end()};
  CHECK((encrypt ? EVP_PKEY_encrypt_init_ex(context.get(), params)
                 : EVP_PKEY_decrypt_init_ex(context.get(), params)) == 1);
  return context;
}

}  // namespace

struct RsaPublicKey::State {
  KeyPtr key;
};

Result<RsaPublicKey> RsaInternals::PublicFrom(KeyPtr key) {
  if (!key || EVP_PKEY_is_a(key.get(), "RSA") != 1) return InvalidArgument("not an RSA key");
  const NumberPtr n = NumberOf(key.get(), OSSL_PKEY_PARAM_RSA_N);
  const NumberPtr e = NumberOf(key.get(), OSSL_PKEY_PARAM_RSA_E);
  if (!n || !e) return InvalidArgument("not an RSA key");
  TRY_VOID(CheckPublicNumbers(n.get(), e.get()));
  return RsaPublicKey(std::make_shared<RsaPublicKey::State>(RsaPublicKey::State{std::move(key)}));
}

Result<RsaPrivateKey> RsaInternals::PrivateFrom(KeyPtr key) {
  if (!key || EVP_PKEY_is_a(key.get(), "RSA") != 1) return InvalidArgument("not an RSA key");
  const NumberPtr n = NumberOf(key.get(), OSSL_PKEY_PARAM_RSA_N);
  const NumberPtr e = NumberOf(key.get(), OSSL_PKEY_PARAM_RSA_E);
  if (!n || !e) return InvalidArgument("not an RSA key");
  TRY_VOID(CheckPublicNumbers(n.get(), e.get()));
  for (const char* const name : {OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1,
                                 OSSL_PKEY_PARAM_RSA_FACTOR2, OSSL_PKEY_PARAM_RSA_EXPONENT1,
                                 OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1}) {
    const NumberPtr number = NumberOf(key.get(), name);
    if (!number || BN_is_zero(number.get())) {
      return InvalidArgument("an RSA private key needs d, p, q, dp, dq and qi");
    }
  }
  if (NumberOf(key.get(), OSSL_PKEY_PARAM_RSA_FACTOR3)) {
    return InvalidArgument("an RSA key of more than two primes");
  }
  const KeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  CHECK(context);
  if (EVP_PKEY_pairwise_check(context.get()) != 1) {
    ForgetErrors();
    return InvalidArgument("the numbers of the RSA key do not belong together");
  }
  return RsaPrivateKey(std::make_shared<RsaPublicKey::State>(RsaPublicKey::State{std::move(key)}));
}

EVP_PKEY* RsaInternals::Pkey(const RsaPublicKey& key) { return key.state_->key.get(); }
EVP_PKEY* RsaInternals::Pkey(const RsaPrivateKey& key) { return key.state_->key.get(); }

Result<RsaPublicKey> RsaPublicKey::FromComponents(const RsaPublicComponents& components) {
  if (components.n.size() > kMaxBits / 8 + 1 || components.e.size() > 8) {
    return InvalidArgument("an RSA number is too long");
  }
  Components numbers;
  numbers.Add(OSSL_PKEY_PARAM_RSA_N, components.n);
  numbers.Add(OSSL_PKEY_PARAM_RSA_E, components.e);
  return RsaInternals::PublicFrom(numbers.Make(EVP_PKEY_PUBLIC_KEY));
}

Result<RsaPublicKey> RsaPublicKey::FromDer(ByteSpan der) {
  const std::uint8_t* cursor = der.data();
  KeyPtr key(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &cursor, SizeOf(der)));
  ForgetErrors();
  if (!key || cursor != der.data() + der.size()) {
    return InvalidArgument("not an RSAPublicKey in DER");
  }
  return RsaInternals::PublicFrom(std::move(key));
}

RsaPublicComponents RsaPublicKey::components() const {
  EVP_PKEY* const key = state_->key.get();
  return {PublicBytes(key, OSSL_PKEY_PARAM_RSA_N), PublicBytes(key, OSSL_PKEY_PARAM_RSA_E)};
}

std::size_t RsaPublicKey::size_bits() const {
  return static_cast<std::size_t>(EVP_PKEY_get_bits(state_->key.get()));
}

Result<void> RsaPublicKey::VerifyPss(ByteSpan message, ByteSpan signature) const {
  return Verify(state_->key.get(), Scheme::kPss, message, signature);
}

Result<void> RsaPublicKey::VerifyPssDigest(const Hash32& digest, ByteSpan signature) const {
  return VerifyDigest(state_->key.get(), digest, signature);
}

Result<void> RsaPublicKey::VerifyPkcs1(ByteSpan message, ByteSpan signature) const {
  return Verify(state_->key.get(), Scheme::kPkcs1, message, signature);
}

Result<Bytes> RsaPublicKey::EncryptOaep(RsaOaepHash hash, ByteSpan plaintext,
                                        ByteSpan label) const {
  const KeyContextPtr context = OaepContext(state_->key.get(), hash, label, true);
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(state_->key.get()));
  Bytes out(size);
  if (EVP_PKEY_encrypt(context.get(), out.data(), &size, plaintext.data(), plaintext.size()) != 1) {
    ForgetErrors();
    return InvalidArgument("the plaintext is too long for this RSA key");
  }
  out.resize(size);
  return out;
}

Result<RsaPrivateKey> RsaPrivateKey::Generate(std::size_t size_bits) {
  if (size_bits != 2048 && size_bits != 3072 && size_bits != 4096) {
    return InvalidArgument("RSA keys are made with 2048, 3072 or 4096 bits");
  }
  KeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", size_bits));
  CHECK(key);
  return RsaPrivateKey(std::make_shared<RsaPublicKey::State>(RsaPublicKey::State{std::move(key)}));
}

Result<RsaPrivateKey> RsaPrivateKey::FromComponents(const RsaPrivateComponents& components) {
  const auto token = CryptoSecrets::Token();
  if (components.n.size() > kMaxBits / 8 + 1 || components.e.size() > 8) {
    return InvalidArgument("an RSA number is too long");
  }
  Components numbers;
  numbers.Add(OSSL_PKEY_PARAM_RSA_N, components.n);
  numbers.Add(OSSL_PKEY_PARAM_RSA_E, components.e);
  const std::pair<const char*, const SecretBytes*> secrets[] = {
      {OSSL_PKEY_PARAM_RSA_D, &components.d},
      {OSSL_PKEY_PARAM_RSA_FACTOR1, &components.p},
      {OSSL_PKEY_PARAM_RSA_FACTOR2, &components.q},
      {OSSL_PKEY_PARAM_RSA_EXPONENT1, &components.dp},
      {OSSL_PKEY_PARAM_RSA_EXPONENT2, &components.dq},
      {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, &components.qi}};
  for (const auto& [name, value] : secrets) {
    if (value->empty() || value->size() > kMaxBits / 8 + 1) {
      return InvalidArgument("an RSA private key needs d, p, q, dp, dq and qi");
    }
    numbers.Add(name, value->view(token));
  }
  return RsaInternals::PrivateFrom(numbers.Make(EVP_PKEY_KEYPAIR));
}

Result<RsaPrivateKey> RsaPrivateKey::FromPrimes(RsaPrivateComponents components) {
  const auto token = CryptoSecrets::Token();
  for (const SecretBytes* const number : {&components.d, &components.p, &components.q}) {
    if (number->empty() || number->size() > kMaxBits / 8 + 1) {
      return InvalidArgument("an RSA private key needs d, p and q");
    }
  }
  TRY(components.dp, ExponentOf(components.d.view(token), components.p.view(token)));
  TRY(components.dq, ExponentOf(components.d.view(token), components.q.view(token)));
  return FromComponents(components);
}

Result<RsaPrivateKey> RsaPrivateKey::FromDer(ByteSpan der) {
  const std::uint8_t* cursor = der.data();
  KeyPtr key(d2i_PrivateKey(EVP_PKEY_RSA, nullptr, &cursor, SizeOf(der)));
  ForgetErrors();
  if (!key || cursor != der.data() + der.size()) {
    return InvalidArgument("not an RSAPrivateKey in DER");
  }
  return RsaInternals::PrivateFrom(std::move(key));
}

RsaPublicKey RsaPrivateKey::public_key() const {
  EVP_PKEY* const key = state_->key.get();
  auto out = RsaPublicKey::FromComponents(
      {PublicBytes(key, OSSL_PKEY_PARAM_RSA_N), PublicBytes(key, OSSL_PKEY_PARAM_RSA_E)});
  CHECK(out.has_value());
  return *std::move(out);
}

RsaPrivateComponents RsaPrivateKey::components() const {
  EVP_PKEY* const key = state_->key.get();
  return {PublicBytes(key, OSSL_PKEY_PARAM_RSA_N),
          PublicBytes(key, OSSL_PKEY_PARAM_RSA_E),
          SecretNumber(key, OSSL_PKEY_PARAM_RSA_D),
          SecretNumber(key, OSSL_PKEY_PARAM_RSA_FACTOR1),
          SecretNumber(key, OSSL_PKEY_PARAM_RSA_FACTOR2),
          SecretNumber(key, OSSL_PKEY_PARAM_RSA_EXPONENT1),
          SecretNumber(key, OSSL_PKEY_PARAM_RSA_EXPONENT2),
          SecretNumber(key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1)};
}

Bytes RsaPrivateKey::SignPss(ByteSpan message) const {
  return Sign(state_->key.get(), Scheme::kPss, message);
}

Bytes RsaPrivateKey::SignPssDigest(const Hash32& digest) const {
  return SignDigest(state_->key.get(), digest);
}

Bytes RsaPrivateKey::SignPkcs1(ByteSpan message) const {
  return Sign(state_->key.get(), Scheme::kPkcs1, message);
}

Result<SecretBytes> RsaPrivateKey::DecryptOaep(RsaOaepHash hash, ByteSpan ciphertext,
                                               ByteSpan label) const {
  const KeyContextPtr context = OaepContext(state_->key.get(), hash, label, false);
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(state_->key.get()));
  SecretBytes room(size);
  const MutableByteSpan raw = room.mutable_view(CryptoSecrets::Token());
  if (EVP_PKEY_decrypt(context.get(), raw.data(), &size, ciphertext.data(), ciphertext.size()) !=
      1) {
    ForgetErrors();
    return VerificationFailed("RSA-OAEP ciphertext does not open");
  }
  return SecretBytes(ByteSpan(raw).first(size));
}

}  // namespace salus::crypto
