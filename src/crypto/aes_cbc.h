// AES-CBC decryption, for reading what others wrote; Salus itself writes GCM.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::crypto {

// AesCbcDecrypt removes CBC and the PKCS#7 padding, and returns the length of the plaintext at the
// begin of out. The caller has authenticated the ciphertext before: CBC alone is a padding oracle.
//
// Source: NIST SP 800-38A section 6.2, RFC 5652 section 6.3.
// Shape:  key of 16 or 32 bytes; ciphertext a positive multiple of 16; out of the same size, and
//         may begin where ciphertext begins.
// Errors: VerificationFailed, whatever is wrong; out is wiped.
Result<std::size_t> AesCbcDecrypt(ByteSpan key, std::span<const std::uint8_t, 16> iv,
                                  ByteSpan ciphertext, MutableByteSpan out);

}  // namespace salus::crypto
