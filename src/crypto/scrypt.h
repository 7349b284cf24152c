// scrypt: a passphrase into a key, for formats that name it; what is ours to choose is Argon2id
// (password_hash.h).
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace salus::crypto {

// ScryptCost says how hard guessing is made: N = 2^log_n, and the memory is N * r * 128 bytes.
struct ScryptCost {
  unsigned log_n = 18;
  std::uint32_t r = 8;
  std::uint32_t p = 1;
};

// Scrypt derives a key of 32 bytes from a passphrase.
//
// Source: RFC 7914 section 6.
// Shape:  1 <= log_n <= 30; at most 4 GiB of memory.
// Errors: InvalidArgument outside of that; ResourceExhausted when the memory can't be had.
Result<SecretArray<32>> Scrypt(const SecretBytes& passphrase, ByteSpan salt,
                               const ScryptCost& cost);

}  // namespace salus::crypto
