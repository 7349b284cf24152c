#include "pki/openssl_handles.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>

#include "base/utf8.h"
#include "pki/key_access.h"

namespace salus::pki {
namespace {

template <auto Decode, auto Encode, typename Handle>
Result<Handle> ParseExactly(ByteSpan der, const char* what) {
  const unsigned char* at = der.data();
  Handle handle(Decode(nullptr, &at, static_cast<long>(der.size())));
  if (!handle || at != der.data() + der.size()) {
    ERR_clear_error();
    return InvalidArgument(std::string(what) + ": not exactly one DER object");
  }
  unsigned char* raw = nullptr;
  int size = Encode(handle.get(), &raw);
  std::unique_ptr<unsigned char, decltype([](unsigned char* p) { OPENSSL_free(p); })> owned(raw);
  if (size < 0 || !Equal(der, {raw, static_cast<std::size_t>(size)})) {
    ERR_clear_error();
    return InvalidArgument(std::string(what) + ": not canonical DER");
  }
  return handle;
}

template <auto Encode, typename Object>
Bytes EncodeDer(Object* object) {
  int size = Encode(object, nullptr);
  if (size <= 0) return {};
  Bytes out(static_cast<std::size_t>(size));
  unsigned char* at = out.data();
  Encode(object, &at);
  return out;
}

const EVP_MD* DigestFor(EVP_PKEY* key) {
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
}

Result<void> SignOutcome(int outcome) {
  if (outcome > 0) return {};
  ERR_clear_error();
  return Internal("signing with OpenSSL failed");
}

bool IsModernDigest(int nid) { return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512; }

Result<void> CheckAlgorithmNid(int signature_nid) {
  int digest = NID_undef;
  int key = NID_undef;
  if (OBJ_find_sigid_algs(signature_nid, &digest, &key) == 1) {
    if (key == NID_ED25519) return {};
    if ((key == NID_rsaEncryption || key == NID_X9_62_id_ecPublicKey) && IsModernDigest(digest)) {
      return {};
    }
  }
  return VerificationFailed(
      "the signature's algorithm is refused: it must be ECDSA or RSA with SHA-256 or better, or "
      "Ed25519");
}

}  // namespace

void HandleFree::operator()(x509_st* p) const { X509_free(p); }
void HandleFree::operator()(X509_req_st* p) const { X509_REQ_free(p); }
void HandleFree::operator()(X509_crl_st* p) const { X509_CRL_free(p); }
void HandleFree::operator()(X509_name_st* p) const { X509_NAME_free(p); }
void HandleFree::operator()(evp_pkey_st* p) const { EVP_PKEY_free(p); }
void HandleFree::operator()(x509_store_st* p) const { X509_STORE_free(p); }
void HandleFree::operator()(asn1_string_st* p) const { ASN1_STRING_free(p); }

Result<X509Handle> ParseX509(ByteSpan der) {
  return ParseExactly<d2i_X509, i2d_X509, X509Handle>(der, "certificate");
}
Result<RequestHandle> ParseX509Request(ByteSpan der) {
  return ParseExactly<d2i_X509_REQ, i2d_X509_REQ, RequestHandle>(der, "certification request");
}
Result<RevocationHandle> ParseX509RevocationList(ByteSpan der) {
  return ParseExactly<d2i_X509_CRL, i2d_X509_CRL, RevocationHandle>(der, "revocation list");
}

Bytes DerOf(const x509_st* object) { return EncodeDer<i2d_X509>(object); }
Bytes DerOf(const X509_req_st* object) { return EncodeDer<i2d_X509_REQ>(object); }
Bytes DerOf(const X509_crl_st* object) { return EncodeDer<i2d_X509_CRL>(object); }

Result<KeyHandle> ToOpenSslKey(const crypto::PrivateKey& key) {
  TRY(SecretBytes der, crypto::EncodePrivateKeyDer(key));
  ByteSpan view = KeyAccess::View(der);
  const unsigned char* at = view.data();
  KeyHandle handle(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(view.size())));
  if (!handle) {
    ERR_clear_error();
    return Internal("OpenSSL does not take the private key");
  }
  return handle;
}

Result<KeyHandle> ToOpenSslPublicKey(ByteSpan subject_public_key_info) {
  const unsigned char* at = subject_public_key_info.data();
  KeyHandle handle(d2i_PUBKEY(nullptr, &at, static_cast<long>(subject_public_key_info.size())));
  if (!handle) {
    ERR_clear_error();
    return InvalidArgument("the public key can't be read");
  }
  return handle;
}

Bytes SubjectPublicKeyInfoOf(const x509_st* object) {
  return EncodeDer<i2d_X509_PUBKEY>(X509_get_X509_PUBKEY(object));
}
Bytes SubjectPublicKeyInfoOf(X509_req_st* object) {
  return EncodeDer<i2d_X509_PUBKEY>(X509_REQ_get_X509_PUBKEY(object));
}

Result<void> Sign(x509_st* object, evp_pkey_st* key) {
  return SignOutcome(X509_sign(object, key, DigestFor(key)));
}
Result<void> Sign(X509_req_st* object, evp_pkey_st* key) {
  return SignOutcome(X509_REQ_sign(object, key, DigestFor(key)));
}
Result<void> Sign(X509_crl_st* object, evp_pkey_st* key) {
  return SignOutcome(X509_CRL_sign(object, key, DigestFor(key)));
}

Result<void> CheckSignatureAlgorithm(const x509_st* certificate) {
  int nid = X509_get_signature_nid(certificate);
  if (nid == NID_rsassaPss) {
    int digest = NID_undef;
    if (X509_get_signature_info(const_cast<X509*>(certificate), &digest, nullptr, nullptr,
                                nullptr) == 1 &&
        IsModernDigest(digest)) {
      return {};
    }
  }
  return CheckAlgorithmNid(nid);
}
Result<void> CheckSignatureAlgorithm(const X509_req_st* request) {
  return CheckAlgorithmNid(X509_REQ_get_signature_nid(request));
}

Result<TimeHandle> MakeTime(Timestamp time) {
  using namespace std::chrono;
  constexpr Timestamp kFirst = sys_days(year(1950) / 1 / 1);
  constexpr Timestamp kEnd = sys_days(year(10000) / 1 / 1);
  if (time < kFirst || time >= kEnd) {
    return InvalidArgument("a certificate's times are in the years 1950 to 9999");
  }
  TimeHandle handle(ASN1_TIME_set(nullptr, floor<seconds>(time).time_since_epoch().count()));
  if (!handle) return Internal("OpenSSL could not encode a time");
  return handle;
}

Result<Timestamp> ReadTime(const asn1_string_st* time) {
  using namespace std::chrono;
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) {
    ERR_clear_error();
    return InvalidArgument("a time is malformed");
  }
  auto day = year(parts.tm_year + 1900) / (parts.tm_mon + 1) / parts.tm_mday;
  if (!day.ok()) return InvalidArgument("a time is malformed");
  return Timestamp(sys_days(day) + hours(parts.tm_hour) + minutes(parts.tm_min) +
                   seconds(parts.tm_sec));
}

Result<NameHandle> MakeCommonName(std::string_view text) {
  constexpr std::ptrdiff_t kMaxCharacters = 64;  // ub-common-name, RFC 5280 appendix A
  if (!IsValidUtf8(text) || std::ranges::any_of(text, [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
      })) {
    return InvalidArgument("name: not valid UTF-8 without control characters");
  }
  auto is_start = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
  if (std::ranges::count_if(text, is_start) > kMaxCharacters) {
    return InvalidArgument("name: longer than 64 characters");
  }
  NameHandle name(X509_NAME_new());
  if (!name) return Internal("out of memory");
  if (!text.empty() &&
      X509_NAME_add_entry_by_NID(name.get(), NID_commonName, MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(text.data()),
                                 static_cast<int>(text.size()), -1, 0) != 1) {
    ERR_clear_error();
    return InvalidArgument("name: OpenSSL does not take it");
  }
  return name;
}

std::string ReadName(const X509_name_st* name) {
  std::unique_ptr<BIO, decltype([](BIO* p) { BIO_free(p); })> bio(BIO_new(BIO_s_mem()));
  if (!bio || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) {
    ERR_clear_error();
    return {};
  }
  char* data = nullptr;
  long size = BIO_get_mem_data(bio.get(), &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

}  // namespace salus::pki
