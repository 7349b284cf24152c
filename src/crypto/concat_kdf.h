// The Concat KDF of ECDH-ES in JOSE.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/secret.h"

namespace salus::crypto {

// ConcatKdfSha256 derives out from a shared secret: SHA-256(counter || z || other_info) for each
// block.
//
// Source: NIST SP 800-56A section 5.8.1, single step; other_info as RFC 7518 section 4.6.2.
// Shape:  out of 1 to 255 times 32 bytes, a CHECK.
void ConcatKdfSha256(ByteSpan z, ByteSpan other_info, MutableByteSpan out);

// ConcatKdfEcdhEs is the 256-bit key of ECDH-ES: other_info is built from the algorithm name and
// the apu and apv fields (raw bytes, not base64url).
//
// Source: RFC 7518 section 4.6.2; algorithm is "enc" for direct agreement, "alg" with key wrap.
SecretArray<32> ConcatKdfEcdhEs(const SecretArray<32>& shared, std::string_view algorithm,
                                ByteSpan apu = {}, ByteSpan apv = {});

}  // namespace salus::crypto
