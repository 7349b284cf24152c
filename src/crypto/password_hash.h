// Argon2id: a passphrase into a key, slow and memory-hard.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::crypto {

// Argon2idCost says how hard guessing is made. The default is RFC 9106's second recommendation
// (64 MiB, 3 passes) with one lane, which is what libsodium computes.
struct Argon2idCost {
  std::uint32_t passes = 3;
  std::uint32_t memory_kib = 64 * 1024;
};

// Argon2id fills out with the key derived from a passphrase.
//
// Source: RFC 9106, version 0x13, one lane.
// Shape:  salt of 16 bytes; out of 16 to 64 bytes; 1 <= passes <= 64; 8 KiB <= memory <= 4 GiB.
// Errors: InvalidArgument outside of that; ResourceExhausted when the memory can't be had.
Result<void> Argon2id(ByteSpan passphrase, std::span<const std::uint8_t, 16> salt,
                      MutableByteSpan out, const Argon2idCost& cost = {});

}  // namespace salus::crypto
