#include "pki/cms.h"

#include <openssl/cms.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/ess.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include <array>

#include "base/c_handle.h"
#include "base/check.h"
#include "pki/openssl_handles.h"
#include "pki/pem.h"

namespace salus::pki {
namespace {

using CmsHandle = CHandle<CMS_ContentInfo, CMS_ContentInfo_free>;
using DigestHandle = CHandle<EVP_MD_CTX, EVP_MD_CTX_free>;
using AlgorithmHandle = CHandle<X509_ALGOR, X509_ALGOR_free>;
using EssHandle = CHandle<ESS_SIGNING_CERT_V2, ESS_SIGNING_CERT_V2_free>;
struct StackFree {
  void operator()(STACK_OF(X509) * p) const { sk_X509_pop_free(p, X509_free); }
};
using X509Stack = std::unique_ptr<STACK_OF(X509), StackFree>;

Error Failed(const char* what) {
  ERR_clear_error();
  return Internal(std::string("OpenSSL could not ") + what);
}

// The content's digest is known before, so that the attributes are set by hand.
Result<void> AddAttributes(CMS_SignerInfo* signer, const crypto::Hash32& digest, Timestamp time) {
  TRY(const TimeHandle at, MakeTime(time));
  if (CMS_signed_add1_attr_by_NID(signer, NID_pkcs9_signingTime, ASN1_STRING_type(at.get()),
                                  at.get(), -1) != 1 ||
      CMS_signed_add1_attr_by_NID(signer, NID_pkcs9_contentType, V_ASN1_OBJECT,
                                  OBJ_nid2obj(NID_pkcs7_data), -1) != 1 ||
      CMS_signed_add1_attr_by_NID(signer, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING,
                                  digest.data(), static_cast<int>(digest.size())) != 1) {
    return Failed("add the signed attributes");
  }
  return {};
}

// ChooseAlgorithm takes RSA-PSS for RSA keys, and writes the algorithm's identifier, which OpenSSL
// sets itself only where it also hashes the content.
Result<void> ChooseAlgorithm(CMS_SignerInfo* signer, const crypto::PrivateKey& key) {
  EVP_PKEY_CTX* const context = CMS_SignerInfo_get0_pkey_ctx(signer);
  if (std::holds_alternative<crypto::RsaPrivateKey>(key) &&
      (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) <= 0 ||
       EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) <= 0)) {
    return Failed("choose RSA-PSS");
  }
  std::array<std::uint8_t, 128> der;
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, der.data(), der.size()),
      OSSL_PARAM_construct_end()};
  if (EVP_PKEY_CTX_get_params(context, parameters) <= 0) return Failed("name the algorithm");
  const unsigned char* at = der.data();
  const AlgorithmHandle chosen(
      d2i_X509_ALGOR(nullptr, &at, static_cast<long>(parameters[0].return_size)));
  X509_ALGOR* signature = nullptr;
  CMS_SignerInfo_get0_algs(signer, nullptr, nullptr, nullptr, &signature);
  if (!chosen || X509_ALGOR_copy(signature, chosen.get()) != 1) return Failed("name the algorithm");
  return {};
}

Result<void> CheckSigningPair(const crypto::PrivateKey& key, EVP_PKEY* pkey,
                              std::span<const Certificate> chain) {
  if (std::holds_alternative<crypto::Ed25519PrivateKey>(key)) {
    return InvalidArgument(
        "CMS takes P-256 and RSA keys here, not Ed25519: sign with another key, or without --cms");
  }
  if (chain.empty()) {
    return InvalidArgument("CMS names its signer by a certificate: give one with the key");
  }
  TRY(const KeyHandle certified, ToOpenSslPublicKey(chain.front().subject_public_key_info()));
  if (EVP_PKEY_eq(pkey, certified.get()) != 1) {
    ERR_clear_error();
    return InvalidArgument("the first certificate is not the key's");
  }
  return {};
}

Result<Bytes> EncodeCms(const CMS_ContentInfo* cms) {
  const int size = i2d_CMS_ContentInfo(cms, nullptr);
  if (size <= 0) return Failed("encode the signature");
  Bytes out(static_cast<std::size_t>(size));
  unsigned char* at = out.data();
  if (i2d_CMS_ContentInfo(cms, &at) != size) return Failed("encode the signature");
  return out;
}

// The hashes that are accepted, and what people call them.
const char* HashName(int nid) {
  switch (nid) {
    case NID_sha256:
      return "SHA-256";
    case NID_sha384:
      return "SHA-384";
    case NID_sha512:
      return "SHA-512";
    default:
      return nullptr;
  }
}

int NidOf(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* object = nullptr;
  X509_ALGOR_get0(&object, nullptr, nullptr, algorithm);
  return OBJ_obj2nid(object);
}

// NameAlgorithm says what the signer used, or refuses it.
Result<std::string> NameAlgorithm(int hash, int signature) {
  const char* const name = HashName(hash);
  if (name == nullptr) {
    return VerificationFailed(
        "the signature's hash is refused: it must be SHA-256, SHA-384 or SHA-512 (MD5 and SHA-1 "
        "can be forged)");
  }
  if (signature == NID_rsassaPss) return std::string("RSA-PSS with ") + name;
  if (signature == NID_rsaEncryption) return std::string("RSA with ") + name;
  int inner_hash = NID_undef;
  int key = NID_undef;
  if (OBJ_find_sigid_algs(signature, &inner_hash, &key) == 1 && inner_hash == hash) {
    if (key == NID_X9_62_id_ecPublicKey) return std::string("ECDSA with ") + name;
    if (key == NID_rsaEncryption) return std::string("RSA with ") + name;
  }
  return VerificationFailed(
      "the signature's algorithm is refused: it must be ECDSA or RSA, with the hash of the "
      "content");
}

Result<Bytes> DerOfFile(ByteSpan file) {
  if (file.size() > kMaxCmsBytes) return InvalidArgument("CMS signature: larger than 1 MiB");
  const std::string_view text = AsText(file);
  for (const char* const label : {kCmsPemLabel, "PKCS7"}) {
    if (!text.starts_with(std::string("-----BEGIN ") + label + "-----")) continue;
    TRY(std::vector<Bytes> blocks, PemDecode(label, text, 1));
    return std::move(blocks.front());
  }
  return ToBytes(file);
}

Result<CmsHandle> ParseCms(ByteSpan file) {
  TRY(const Bytes der, DerOfFile(file));
  const unsigned char* at = der.data();
  CmsHandle cms(d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (!cms || at != der.data() + der.size()) {
    return InvalidArgument(
        "CMS signature: not exactly one CMS object in DER or PEM (openssl cms writes these with "
        "-outform DER or PEM)");
  }
  if (OBJ_obj2nid(CMS_get0_type(cms.get())) != NID_pkcs7_signed ||
      OBJ_obj2nid(CMS_get0_eContentType(cms.get())) != NID_pkcs7_data) {
    return InvalidArgument("CMS signature: is not SignedData over plain data");
  }
  if (CMS_is_detached(cms.get()) != 1) {
    return InvalidArgument(
        "CMS signature: holds its content; a signature beside the file is wanted");
  }
  return cms;
}

std::vector<Certificate> CertificatesIn(CMS_ContentInfo* cms) {
  std::vector<Certificate> out;
  const X509Stack all(CMS_get1_certs(cms));
  for (int i = 0; all && i < sk_X509_num(all.get()) && out.size() < kMaxChainLength; ++i) {
    // One that can't be read certifies nobody; if it is the signer's, it will be missed.
    auto one = Certificate::FromDer(DerOf(sk_X509_value(all.get(), i)));
    if (one.has_value()) out.push_back(*std::move(one));
  }
  return out;
}

}  // namespace

Result<Bytes> SignCms(const crypto::Hash32& digest, const crypto::PrivateKey& key,
                      std::span<const Certificate> chain, Timestamp time) {
  TRY(const KeyHandle pkey, ToOpenSslKey(key));
  TRY_VOID(CheckSigningPair(key, pkey.get(), chain));
  const CmsHandle cms(
      CMS_sign(nullptr, nullptr, nullptr, nullptr, CMS_PARTIAL | CMS_DETACHED | CMS_BINARY));
  if (!cms) return Failed("begin a signature");
  TRY(const X509Handle own, ParseX509(chain.front().der()));
  CMS_SignerInfo* const signer =
      CMS_add1_signer(cms.get(), own.get(), pkey.get(), EVP_sha256(),
                      CMS_PARTIAL | CMS_BINARY | CMS_NOSMIMECAP | CMS_CADES | CMS_KEY_PARAM);
  if (signer == nullptr) return Failed("add the signer");
  TRY_VOID(ChooseAlgorithm(signer, key));
  for (const Certificate& more : chain.subspan(1)) {
    TRY(const X509Handle x509, ParseX509(more.der()));
    if (CMS_add1_cert(cms.get(), x509.get()) != 1) return Failed("add a certificate");
  }
  TRY_VOID(AddAttributes(signer, digest, time));
  if (CMS_SignerInfo_sign(signer) != 1) return Failed("sign");
  return EncodeCms(cms.get());
}

struct CmsVerifier::State {
  CmsHandle cms;
  CMS_SignerInfo* signer = nullptr;  // inside cms
  DigestHandle digest;
  std::string algorithm;

  Result<void> Begin();
  Result<void> CheckContent();
  Result<Certificate> FindSigner(std::span<const Certificate> candidates) const;
  Result<void> CheckSignature(const Certificate& certificate);
  // A certificate that was put in place of the one that the signer named is refused.
  Result<void> CheckNamedCertificate(const Certificate& certificate,
                                     std::span<const Certificate> all) const;
  Result<std::optional<Timestamp>> ClaimedTime() const;
  // Attribute is the one value of a signed attribute, or null: the rest is malformed.
  const void* Attribute(int nid, int type) const {
    return CMS_signed_get0_data_by_OBJ(signer, OBJ_nid2obj(nid), -3, type);
  }
};

Result<void> CmsVerifier::State::Begin() {
  STACK_OF(CMS_SignerInfo)* const signers = CMS_get0_SignerInfos(cms.get());
  if (sk_CMS_SignerInfo_num(signers) != 1) {
    return InvalidArgument("CMS signature: there must be exactly one signer");
  }
  signer = sk_CMS_SignerInfo_value(signers, 0);
  X509_ALGOR* hash = nullptr;
  X509_ALGOR* signature = nullptr;
  CMS_SignerInfo_get0_algs(signer, nullptr, nullptr, &hash, &signature);
  TRY(algorithm, NameAlgorithm(NidOf(hash), NidOf(signature)));
  if (CMS_signed_get_attr_count(signer) <= 0) {
    return InvalidArgument(
        "CMS signature: has no signed attributes; make it with them (openssl cms -sign without "
        "-noattr)");
  }
  digest.reset(EVP_MD_CTX_new());
  if (!digest || EVP_DigestInit_ex2(digest.get(), EVP_get_digestbynid(NidOf(hash)), nullptr) != 1) {
    return Failed("begin a hash");
  }
  return {};
}

Result<void> CmsVerifier::State::CheckContent() {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> computed;
  unsigned size = 0;
  CHECK(EVP_DigestFinal_ex(digest.get(), computed.data(), &size) == 1);
  const auto* const stated = static_cast<const ASN1_OCTET_STRING*>(
      Attribute(NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING));
  const auto* const type =
      static_cast<const ASN1_OBJECT*>(Attribute(NID_pkcs9_contentType, V_ASN1_OBJECT));
  ERR_clear_error();
  if (stated == nullptr || type == nullptr || OBJ_obj2nid(type) != NID_pkcs7_data) {
    return VerificationFailed("the CMS signature's signed attributes are malformed");
  }
  const ByteSpan wanted{ASN1_STRING_get0_data(stated),
                        static_cast<std::size_t>(ASN1_STRING_length(stated))};
  if (!Equal(wanted, ByteSpan(computed).first(size))) {
    return VerificationFailed(
        "the content is not what was signed: its hash differs (openssl cms signs it with other "
        "line ends unless told -binary)");
  }
  return {};
}

Result<Certificate> CmsVerifier::State::FindSigner(std::span<const Certificate> candidates) const {
  for (const Certificate& certificate : candidates) {
    TRY(const X509Handle x509, ParseX509(certificate.der()));
    if (CMS_SignerInfo_cert_cmp(signer, x509.get()) == 0) return certificate;
  }
  return FailedPrecondition(
      "the CMS signature carries no certificate of its signer: give it, or have it signed anew "
      "with "
      "the certificate inside");
}

Result<void> CmsVerifier::State::CheckSignature(const Certificate& certificate) {
  TRY(const X509Handle x509, ParseX509(certificate.der()));
  CMS_SignerInfo_set1_signer_cert(signer, x509.get());
  const int outcome = CMS_SignerInfo_verify(signer);
  ERR_clear_error();
  if (outcome != 1) {
    return VerificationFailed("the signature does not verify with its signer's certificate");
  }
  return {};
}

Result<void> CmsVerifier::State::CheckNamedCertificate(const Certificate& certificate,
                                                       std::span<const Certificate> all) const {
  const ASN1_OBJECT* const kind = OBJ_nid2obj(NID_id_smime_aa_signingCertificateV2);
  if (CMS_signed_get_attr_by_OBJ(signer, kind, -1) < 0) return {};
  const auto* const value = static_cast<const ASN1_STRING*>(
      Attribute(NID_id_smime_aa_signingCertificateV2, V_ASN1_SEQUENCE));
  const auto refused = [] {
    ERR_clear_error();
    return VerificationFailed("the certificate is not the one that the signer named");
  };
  if (value == nullptr) return refused();
  const unsigned char* at = ASN1_STRING_get0_data(value);
  const EssHandle named(d2i_ESS_SIGNING_CERT_V2(nullptr, &at, ASN1_STRING_length(value)));
  const X509Stack stack(sk_X509_new_null());
  if (!named || !stack) return refused();
  const auto push = [&stack](const Certificate& one) -> Result<void> {
    TRY(X509Handle x509, ParseX509(one.der()));
    if (sk_X509_push(stack.get(), x509.get()) <= 0) return Failed("keep a certificate");
    (void)x509.release();  // the stack owns it
    return {};
  };
  TRY_VOID(push(certificate));
  for (const Certificate& one : all) TRY_VOID(push(one));
  if (OSSL_ESS_check_signing_certs(nullptr, named.get(), stack.get(), 0) != 1) return refused();
  return {};
}

Result<std::optional<Timestamp>> CmsVerifier::State::ClaimedTime() const {
  const int at = CMS_signed_get_attr_by_NID(signer, NID_pkcs9_signingTime, -1);
  if (at < 0) return std::optional<Timestamp>();
  X509_ATTRIBUTE* const attribute = CMS_signed_get_attr(signer, at);
  const ASN1_TYPE* const value = X509_ATTRIBUTE_get0_type(attribute, 0);
  if (X509_ATTRIBUTE_count(attribute) == 1 && value != nullptr &&
      (value->type == V_ASN1_UTCTIME || value->type == V_ASN1_GENERALIZEDTIME)) {
    auto time = ReadTime(value->value.asn1_string);
    if (time.has_value()) return std::optional<Timestamp>(*time);
  }
  return VerificationFailed("the CMS signature's signing time is malformed");
}

CmsVerifier::CmsVerifier(std::unique_ptr<State> state) : state_(std::move(state)) {}
CmsVerifier::CmsVerifier(CmsVerifier&&) noexcept = default;
CmsVerifier::~CmsVerifier() = default;

Result<CmsVerifier> CmsVerifier::Parse(ByteSpan file) {
  auto state = std::make_unique<State>();
  TRY(state->cms, ParseCms(file));
  TRY_VOID(state->Begin());
  return CmsVerifier(std::move(state));
}

void CmsVerifier::Update(ByteSpan content) {
  CHECK(EVP_DigestUpdate(state_->digest.get(), content.data(), content.size()) == 1);
}

Result<CmsSignature> CmsVerifier::Finish(std::span<const Certificate> more) {
  TRY_VOID(state_->CheckContent());
  std::vector<Certificate> all = CertificatesIn(state_->cms.get());
  all.insert(all.end(), more.begin(), more.end());
  TRY(const Certificate signer, state_->FindSigner(all));
  if (!signer.public_key().has_value()) {
    return VerificationFailed(
        "the signer's key is refused: it must be P-256, Ed25519 or RSA of at least 2048 bits");
  }
  TRY_VOID(state_->CheckSignature(signer));
  TRY_VOID(state_->CheckNamedCertificate(signer, all));
  CmsSignature out;
  out.certificates.push_back(signer);
  for (const Certificate& one : all) {
    if (!(one == signer)) out.certificates.push_back(one);
  }
  TRY(out.claimed_time, state_->ClaimedTime());
  out.algorithm = state_->algorithm;
  return out;
}

}  // namespace salus::pki
