#include "pki/certification_request.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>

#include "crypto/sha256.h"
#include "pki/extensions.h"
#include "pki/openssl_handles.h"
#include "pki/pem.h"

namespace salus::pki {
namespace {

constexpr std::string_view kLabel = "CERTIFICATE REQUEST";

Result<AlternativeNames> NamesOf(const RequestSubject& subject) {
  AlternativeNames names;
  if (subject.identity.has_value()) {
    TRY(std::string uri, subject.identity->ToUri());
    names.uris.push_back(std::move(uri));
  }
  for (const std::string& dns : subject.dns_names) {
    TRY_VOID(ValidateDnsName(dns));
    names.dns.push_back(dns);
  }
  for (const std::string& ip : subject.ip_names) {
    TRY(Bytes bytes, ParseIpName(ip));
    names.ips.push_back(std::move(bytes));
  }
  return names;
}

Result<std::string> CommonNameOf(const X509_NAME* name) {
  int at = X509_NAME_get_index_by_NID(const_cast<X509_NAME*>(name), NID_commonName, -1);
  if (at < 0) return std::string();
  unsigned char* raw = nullptr;
  int size = ASN1_STRING_to_UTF8(
      &raw, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(const_cast<X509_NAME*>(name), at)));
  std::unique_ptr<unsigned char, decltype([](unsigned char* p) { OPENSSL_free(p); })> owned(raw);
  if (size < 0) {
    ERR_clear_error();
    return InvalidArgument("certification request: the common name is malformed");
  }
  std::string text(reinterpret_cast<const char*>(raw), static_cast<std::size_t>(size));
  TRY_VOID(MakeCommonName(text));  // the same limits as for a name that we write
  return text;
}

Result<RequestSubject> ReadSubject(X509_REQ* request) {
  RequestSubject out;
  TRY(out.name, CommonNameOf(X509_REQ_get_subject_name(request)));
  TRY(AlternativeNames names, ReadAlternativeNames(request));
  if (names.uris.size() > 1) {
    return InvalidArgument("certification request: names more than one URI");
  }
  if (!names.uris.empty()) {
    TRY(Identity identity, Identity::Parse(names.uris.front()));
    out.identity = std::move(identity);
  }
  for (std::string& dns : names.dns) {
    TRY_VOID(ValidateDnsName(dns));
    out.dns_names.push_back(std::move(dns));
  }
  for (const Bytes& ip : names.ips) out.ip_names.push_back(FormatIpName(ip));
  return out;
}

// What the encryption key signs: it goes with this signing key and no other, so that a proof seen
// in somebody's request is of no use in another one.
Bytes ProvenPair(ByteSpan signing_key_info, const crypto::P256PublicKey& encryption_key) {
  Bytes message = ToBytes(AsBytes("salus/encryption-key"));
  Append(message, signing_key_info);
  Append(message, crypto::EncodePublicKeyDer(encryption_key));
  return message;
}

}  // namespace

Result<CertificationRequest> CertificationRequest::Create(
    const RequestSubject& subject, const crypto::PrivateKey& signing_key,
    const crypto::P256PrivateKey* encryption_key) {
  TRY(AlternativeNames names, NamesOf(subject));
  TRY(NameHandle name, MakeCommonName(subject.name));
  TRY(KeyHandle key, ToOpenSslKey(signing_key));
  ExtensionList extensions;
  if (!names.empty()) TRY_VOID(extensions.AddAlternativeNames(names, subject.name.empty()));
  if (encryption_key != nullptr) {
    const Bytes signing_info = crypto::EncodePublicKeyDer(crypto::PublicKeyOf(signing_key));
    TRY_VOID(extensions.AddEncryptionKey(encryption_key->public_key()));
    TRY_VOID(extensions.AddEncryptionKeyProof(
        encryption_key->SignDer(ProvenPair(signing_info, encryption_key->public_key()))));
  }

  RequestHandle request(X509_REQ_new());
  if (!request || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      X509_REQ_set_subject_name(request.get(), name.get()) != 1 ||
      X509_REQ_set_pubkey(request.get(), key.get()) != 1) {
    ERR_clear_error();
    return Internal("OpenSSL could not build a certification request");
  }
  TRY_VOID(extensions.AttachTo(request.get()));
  TRY_VOID(Sign(request.get(), key.get()));
  return FromDer(DerOf(request.get()));
}

Result<CertificationRequest> CertificationRequest::FromDer(ByteSpan der) {
  if (der.size() > kMaxCertificateBytes) {
    return InvalidArgument("certification request: larger than 64 KiB");
  }
  TRY(RequestHandle request, ParseX509Request(der));
  CertificationRequest out;
  out.der_ = ToBytes(der);
  out.subject_public_key_info_ = SubjectPublicKeyInfoOf(request.get());
  // Before the signature: a huge RSA key would make checking it slow.
  auto accepted = crypto::DecodePublicKeyDer(out.subject_public_key_info_);
  if (!accepted.has_value()) {
    return InvalidArgument(
        "certification request: the key must be P-256, Ed25519 or RSA of at least 2048 bits");
  }
  TRY(out.subject_, ReadSubject(request.get()));
  TRY(std::optional<Bytes> info, ReadEncryptionKeyInfo(request.get()));
  if (info.has_value()) {
    auto decoded = crypto::DecodePublicKeyDer(*info);
    auto* p256 = decoded.has_value() ? std::get_if<crypto::P256PublicKey>(&*decoded) : nullptr;
    if (p256 == nullptr) {
      return InvalidArgument("certification request: the encryption key is not a P-256 key");
    }
    if (Equal(*info, out.subject_public_key_info_)) {
      return InvalidArgument("certification request: one key for signing and encryption; make two");
    }
    out.encryption_key_ = *p256;
  }
  TRY(const std::optional<Bytes> proof, ReadEncryptionKeyProof(request.get()));
  if (proof && !out.encryption_key_) {
    return InvalidArgument("certification request: proves an encryption key that it does not name");
  }
  // Last, so that what is malformed is named, and a fuzzer gets to it without a valid signature.
  TRY_VOID(CheckSignatureAlgorithm(request.get()));
  TRY(KeyHandle key, ToOpenSslPublicKey(out.subject_public_key_info_));
  if (X509_REQ_verify(request.get(), key.get()) != 1) {
    ERR_clear_error();
    return VerificationFailed("certification request: its signature does not verify");
  }
  if (proof) {
    const Bytes pair = ProvenPair(out.subject_public_key_info_, *out.encryption_key_);
    if (!out.encryption_key_->VerifyDer(pair, *proof)) {
      return VerificationFailed(
          "certification request: its proof of the encryption key does not verify");
    }
    out.proves_encryption_key_ = true;
  }
  return out;
}

Result<CertificationRequest> CertificationRequest::FromPem(std::string_view pem) {
  TRY(std::vector<Bytes> blocks, PemDecode(kLabel, pem, 1));
  return FromDer(blocks.front());
}

std::string CertificationRequest::ToPem() const { return PemEncode(kLabel, der_); }

crypto::Hash32 CertificationRequest::fingerprint() const { return crypto::Sha256(ByteSpan(der_)); }

}  // namespace salus::pki
