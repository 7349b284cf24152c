// Shamir's secret sharing over GF(256), byte by byte.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace salus::crypto {

// SecretShare is one point of the polynomials: the values at x.
//
// Shape: x in 1..255; as many bytes as the secret.
struct SecretShare {
  std::uint8_t x = 0;
  SecretBytes y;
};

// SplitSecret makes n shares of which any k join to the secret, while k-1 tell nothing about it.
//
// Source: Shamir, How to Share a Secret (1979); field x^8 + x^4 + x^3 + x + 1 (FIPS 197).
// Shape:  2 <= k <= n <= 255; secret of 1 to 4,096 bytes; shares x = 1..n.
// Errors: InvalidArgument outside of that.
Result<std::vector<SecretShare>> SplitSecret(const SecretBytes& secret, std::size_t k,
                                             std::size_t n, RandomSource& random);

// JoinSecret interpolates at zero. Shares carry no checksum: too few of them, or a forged one, give
// another secret, not an error; the caller checks the result against a public key or hash.
//
// Errors: InvalidArgument for fewer than 2 shares, x = 0, a repeated x, or unequal lengths.
Result<SecretBytes> JoinSecret(std::span<const SecretShare> shares);

}  // namespace salus::crypto
