// The module's own view of OpenSSL's X.509 objects: owning handles and the few conversions that all
// its sources need. Forward declarations only, so that no OpenSSL macro reaches another file.
//
// Source: RFC 5280 (certificates, lists), RFC 2986 (requests), X.690 (DER).
// Shape:  one DER object, nothing behind it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/pkcs8.h"

struct x509_st;
struct X509_req_st;
struct X509_crl_st;
struct X509_name_st;
struct evp_pkey_st;
struct x509_store_st;
struct asn1_string_st;

namespace salus::pki {

struct HandleFree {
  void operator()(x509_st* p) const;
  void operator()(X509_req_st* p) const;
  void operator()(X509_crl_st* p) const;
  void operator()(X509_name_st* p) const;
  void operator()(evp_pkey_st* p) const;
  void operator()(x509_store_st* p) const;
  void operator()(asn1_string_st* p) const;
};
using X509Handle = std::unique_ptr<x509_st, HandleFree>;
using RequestHandle = std::unique_ptr<X509_req_st, HandleFree>;
using RevocationHandle = std::unique_ptr<X509_crl_st, HandleFree>;
using NameHandle = std::unique_ptr<X509_name_st, HandleFree>;
using KeyHandle = std::unique_ptr<evp_pkey_st, HandleFree>;
using StoreHandle = std::unique_ptr<x509_store_st, HandleFree>;
using TimeHandle = std::unique_ptr<asn1_string_st, HandleFree>;

// ParseX509 and its kin read one DER object whose re-encoding gives the same bytes.
//
// Errors: InvalidArgument.
Result<X509Handle> ParseX509(ByteSpan der);
Result<RequestHandle> ParseX509Request(ByteSpan der);
Result<RevocationHandle> ParseX509RevocationList(ByteSpan der);

Bytes DerOf(const x509_st* object);
Bytes DerOf(const X509_req_st* object);
Bytes DerOf(const X509_crl_st* object);

// ToOpenSslKey hands a private key to OpenSSL, which wipes it when the handle goes.
Result<KeyHandle> ToOpenSslKey(const crypto::PrivateKey& key);
// Errors: InvalidArgument when info is no public key that OpenSSL knows.
Result<KeyHandle> ToOpenSslPublicKey(ByteSpan subject_public_key_info);
Bytes SubjectPublicKeyInfoOf(const x509_st* object);
Bytes SubjectPublicKeyInfoOf(X509_req_st* object);

// Sign uses SHA-256, or the key's own scheme for Ed25519.
Result<void> Sign(x509_st* object, evp_pkey_st* key);
Result<void> Sign(X509_req_st* object, evp_pkey_st* key);
Result<void> Sign(X509_crl_st* object, evp_pkey_st* key);

// CheckSignatureAlgorithm accepts ECDSA and RSA PKCS#1 v1.5 with SHA-256, -384 or -512, and
// Ed25519; for certificates also RSA-PSS with those.
//
// Errors: VerificationFailed.
Result<void> CheckSignatureAlgorithm(const x509_st* certificate);
Result<void> CheckSignatureAlgorithm(const X509_req_st* request);

// MakeTime cuts to whole seconds and picks UTCTime until 2049, GeneralizedTime from then on.
//
// Errors: InvalidArgument outside of the years 1950 to 9999.
Result<TimeHandle> MakeTime(Timestamp time);
Result<Timestamp> ReadTime(const asn1_string_st* time);

// MakeCommonName is a name of one UTF-8 common name; an empty text gives the empty name.
//
// Errors: InvalidArgument when text is over 64 characters, not UTF-8, or has control characters.
Result<NameHandle> MakeCommonName(std::string_view text);

// ReadName is the name as one line for people, RFC 2253, with what is not printable ASCII escaped.
std::string ReadName(const X509_name_st* name);

}  // namespace salus::pki
