// KnownKey is somebody's public key as others have it, whatever it is for and in whatever form.
//
// Source: docs/formats/seal-keys.md.
// Shape:  certificates (PEM, one DER), a public key (PEM), a JWK or a set with one, or one key on a
//         line (recipient_text.h). Certificates may have expired: who compares keys does not seal.
#pragma once

#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "jose/jwk.h"
#include "pki/certificate.h"

namespace salus::seal {

struct KnownKey {
  jose::Jwk key;                                    // public; with the purpose that a JWK has
  std::vector<pki::Certificate> certificates = {};  // the key's first; empty for a bare key
};

// ParseKnownKey reads what a file holds, or a key that is written on the command line.
//
// Errors: InvalidArgument says why, never what stands there: a private key, several keys, or none.
Result<KnownKey> ParseKnownKey(std::string_view content);

// CanonicalKey is the same bytes for the same key, whatever form it came in: its
// SubjectPublicKeyInfo (RFC 5480, RFC 8017, RFC 8410), and behind it that of the encryption key
// which a Salus certificate holds too.
//
// Errors: InvalidArgument when the certificate's encryption key is malformed.
Result<Bytes> CanonicalKey(const KnownKey& known);

}  // namespace salus::seal
