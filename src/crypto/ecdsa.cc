#include "crypto/ecdsa.h"

#include "base/check.h"

namespace salus::crypto {

namespace {

using SignaturePtr = CHandle<ECDSA_SIG, ECDSA_SIG_free>;

}  // namespace

KeyPtr NewEcdsaKey(const char* curve, ByteSpan sec1, ByteSpan scalar) {
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  CHECK(builder);
  CHECK(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) == 1);
  CHECK(OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, sec1.data(),
                                         sec1.size()) == 1);
  NumberPtr number;
  int selection = EVP_PKEY_PUBLIC_KEY;
  if (!scalar.empty()) {
    number.reset(BN_secure_new());
    CHECK(number && BN_bin2bn(scalar.data(), SizeOf(scalar), number.get()) != nullptr);
    CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, number.get()) == 1);
    selection = EVP_PKEY_KEYPAIR;
  }
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  CHECK(params && context && EVP_PKEY_fromdata_init(context.get()) == 1);
  EVP_PKEY* key = nullptr;
  CHECK(EVP_PKEY_fromdata(context.get(), &key, selection, params.get()) == 1);
  return KeyPtr(key);
}

Bytes EcdsaSignDer(EVP_PKEY* key, const char* digest, ByteSpan message) {
  const DigestContextPtr context(EVP_MD_CTX_new());
  CHECK(context);
  CHECK(EVP_DigestSignInit_ex(context.get(), nullptr, digest, nullptr, nullptr, key, nullptr) == 1);
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key));
  Bytes out(size);
  CHECK(EVP_DigestSign(context.get(), out.data(), &size, message.data(), message.size()) == 1);
  out.resize(size);
  return out;
}

Result<void> EcdsaVerifyDer(EVP_PKEY* key, const char* digest, ByteSpan message,
                            ByteSpan signature) {
  const DigestContextPtr context(EVP_MD_CTX_new());
  CHECK(context);
  CHECK(EVP_DigestVerifyInit_ex(context.get(), nullptr, digest, nullptr, nullptr, key, nullptr) ==
        1);
  if (EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                       message.size()) != 1) {
    ForgetErrors();
    return VerificationFailed("ECDSA signature does not verify");
  }
  return {};
}

Bytes EcdsaSignDigestDer(EVP_PKEY* key, ByteSpan digest) {
  const KeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  CHECK(context && EVP_PKEY_sign_init(context.get()) == 1);
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key));
  Bytes out(size);
  CHECK(EVP_PKEY_sign(context.get(), out.data(), &size, digest.data(), digest.size()) == 1);
  out.resize(size);
  return out;
}

KeyContextPtr NewEcdsaVerifier(EVP_PKEY* key) {
  KeyContextPtr out(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  CHECK(out && EVP_PKEY_verify_init(out.get()) == 1);
  return out;
}

Result<void> EcdsaVerifyDigestDer(const EVP_PKEY_CTX* verifier, ByteSpan digest,
                                  ByteSpan signature) {
  const KeyContextPtr context(EVP_PKEY_CTX_dup(verifier));
  CHECK(context);
  if (EVP_PKEY_verify(context.get(), signature.data(), signature.size(), digest.data(),
                      digest.size()) != 1) {
    ForgetErrors();
    return VerificationFailed("ECDSA signature does not verify");
  }
  return {};
}

Bytes EcdsaDerFromP1363(ByteSpan signature) {
  const std::size_t half = signature.size() / 2;
  const SignaturePtr pair(ECDSA_SIG_new());
  NumberPtr r(BN_bin2bn(signature.data(), static_cast<int>(half), nullptr));
  NumberPtr s(BN_bin2bn(signature.data() + half, static_cast<int>(half), nullptr));
  CHECK(pair && r && s && ECDSA_SIG_set0(pair.get(), r.release(), s.release()) == 1);
  const int size = i2d_ECDSA_SIG(pair.get(), nullptr);
  CHECK(size > 0);
  Bytes out(static_cast<std::size_t>(size));
  std::uint8_t* cursor = out.data();
  CHECK(i2d_ECDSA_SIG(pair.get(), &cursor) == size);
  return out;
}

void EcdsaP1363FromDer(ByteSpan der, MutableByteSpan out) {
  const std::uint8_t* cursor = der.data();
  const SignaturePtr pair(d2i_ECDSA_SIG(nullptr, &cursor, static_cast<long>(der.size())));
  CHECK(pair);
  const int half = static_cast<int>(out.size() / 2);
  CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), out.data(), half) == half);
  CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), out.data() + half, half) == half);
}

}  // namespace salus::crypto
