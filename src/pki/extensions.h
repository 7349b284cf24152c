// The certificate extensions that Salus writes and reads, built as structures: OpenSSL's textual
// configuration syntax would let a name smuggle in further names.
//
// Source: RFC 5280 section 4.2; docs/formats/identity.md.
// Shape:  DER, one extension of each kind; names are printable ASCII.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/p256.h"
#include "crypto/sha256.h"
#include "pki/openssl_handles.h"
#include "pki/path.h"

struct stack_st_X509_EXTENSION;

namespace salus::pki {

// AlternativeNames is a subjectAltName; names of other kinds are dropped when reading.
struct AlternativeNames {
  std::vector<std::string> uris;
  std::vector<std::string> dns;
  std::vector<Bytes> ips;

  bool empty() const { return uris.empty() && dns.empty() && ips.empty(); }
};

// Errors: InvalidArgument unless name is lower-case letters, digits and hyphens in dot-separated
// labels (RFC 1123), without wildcards.
Result<void> ValidateDnsName(std::string_view name);
// ParseIpName and FormatIpName convert between text and 4 or 16 bytes.
Result<Bytes> ParseIpName(std::string_view text);
std::string FormatIpName(ByteSpan bytes);

// KeyUsage: an issuing authority also signs what is neither certificate nor list, OCSP responses.
enum class KeyUsage { kDigitalSignature, kRootAuthority, kIssuingAuthority };

// ExtensionList collects extensions for one certificate or request.
class ExtensionList {
 public:
  ExtensionList();
  ~ExtensionList();

  Result<void> AddAlternativeNames(const AlternativeNames& names, bool is_critical);
  Result<void> AddLeafConstraints();
  Result<void> AddAuthorityConstraints(std::optional<int> path_length);
  Result<void> AddKeyUsage(KeyUsage usage);
  Result<void> AddExtendedKeyUsage(Purpose purpose);
  // The identifier is the first 20 bytes of SHA-256 over the key's bits (RFC 7093 section 2).
  Result<void> AddSubjectKeyId(const x509_st* certificate);
  Result<void> AddAuthorityKeyId(const x509_st* issuer);
  Result<void> AddPermittedDnsNames(const std::vector<std::string>& names);
  Result<void> AddRevocationListUrls(const std::vector<std::string>& urls);
  Result<void> AddOcspUrls(const std::vector<std::string>& urls);
  // AddAcmeIdentifier is RFC 8737 section 3: the digest of a challenge's key authorization.
  Result<void> AddAcmeIdentifier(const crypto::Hash32& digest);
  Result<void> AddEncryptionKey(const crypto::P256PublicKey& key);
  Result<void> AddEncryptionKeyProof(ByteSpan signature);

  Result<void> AttachTo(x509_st* certificate) const;
  Result<void> AttachTo(X509_req_st* request) const;

 private:
  Result<void> Add(int nid, void* value, bool is_critical);
  // AddOther adds an extension that OpenSSL has no structure for.
  Result<void> AddOther(const char* oid, ByteSpan bytes, bool is_critical);

  stack_st_X509_EXTENSION* list_;
};

// ReadAlternativeNames and ReadEncryptionKeyInfo read a certificate's or a request's.
//
// Errors: InvalidArgument when an extension is malformed or there twice, or a name holds a control
// character or is not ASCII.
Result<AlternativeNames> ReadAlternativeNames(const x509_st* certificate);
Result<AlternativeNames> ReadAlternativeNames(X509_req_st* request);
Result<std::optional<Bytes>> ReadEncryptionKeyInfo(const x509_st* certificate);
Result<std::optional<Bytes>> ReadEncryptionKeyInfo(X509_req_st* request);
// ReadEncryptionKeyProof reads a request's. Errors: as ReadEncryptionKeyInfo.
Result<std::optional<Bytes>> ReadEncryptionKeyProof(X509_req_st* request);

}  // namespace salus::pki
