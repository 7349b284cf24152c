// PinnedP256Key reads the key of a certificate that is believed for its fingerprint, and looks at
// nothing else in it: OpenSSL takes a quarter of a millisecond to read a whole certificate, most of
// it to find a decoder for the key.
//
// Source: RFC 5280 section 4.1, up to subjectPublicKeyInfo.
// Shape:  DER. Whoever calls compares the fingerprint first, and trusts no name or date in it.
// Errors: InvalidArgument where the key can't be found; FailedPrecondition for another kind of key.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/p256.h"

namespace salus::pki {

Result<crypto::P256PublicKey> PinnedP256Key(ByteSpan certificate_der);

}  // namespace salus::pki
