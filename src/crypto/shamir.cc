#include "crypto/shamir.h"

#include "crypto/secret_mint.h"

namespace salus::crypto {

namespace {

// Products in GF(256) without tables or branches, so that time and cache tell nothing.
std::uint8_t Multiply(std::uint8_t a, std::uint8_t b) {
  unsigned product = 0;
  unsigned shifted = a;
  for (int bit = 0; bit < 8; ++bit) {
    product ^= shifted & (0u - ((b >> bit) & 1u));
    shifted = (shifted << 1) ^ (0x11bu & (0u - (shifted >> 7)));
  }
  return static_cast<std::uint8_t>(product);
}

// a^254 is the inverse of a.
std::uint8_t Inverse(std::uint8_t a) {
  std::uint8_t power = a;
  std::uint8_t result = 1;
  for (int bit = 1; bit < 8; ++bit) {
    power = Multiply(power, power);
    result = Multiply(result, power);
  }
  return result;
}

}  // namespace

Result<std::vector<SecretShare>> SplitSecret(const SecretBytes& secret, std::size_t k,
                                             std::size_t n, RandomSource& random) {
  if (k < 2 || k > n || n > 255) return InvalidArgument("shares: 2 <= k <= n <= 255");
  if (secret.empty() || secret.size() > 4096) {
    return InvalidArgument("a secret to share has 1 to 4096 bytes");
  }
  const auto token = CryptoSecrets::Token();
  const std::size_t size = secret.size();
  SecretBytes coefficients((k - 1) * size);  // of x^1 to x^(k-1), a row each
  random.Fill(coefficients.mutable_view(token));
  const ByteSpan rows = coefficients.view(token);
  std::vector<SecretShare> shares(n);
  for (std::size_t i = 0; i < n; ++i) {
    shares[i].x = static_cast<std::uint8_t>(i + 1);
    shares[i].y = SecretBytes(size);
    const MutableByteSpan y = shares[i].y.mutable_view(token);
    for (std::size_t b = 0; b < size; ++b) {
      std::uint8_t value = 0;
      for (std::size_t row = k - 1; row-- > 0;) {
        value = Multiply(static_cast<std::uint8_t>(value ^ rows[row * size + b]), shares[i].x);
      }
      y[b] = static_cast<std::uint8_t>(value ^ secret.view(token)[b]);
    }
  }
  return shares;
}

Result<SecretBytes> JoinSecret(std::span<const SecretShare> shares) {
  if (shares.size() < 2 || shares.size() > 255) {
    return InvalidArgument("joining takes 2 to 255 shares");
  }
  const std::size_t size = shares[0].y.size();
  if (size == 0) return InvalidArgument("a share is empty");
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (shares[i].x == 0) return InvalidArgument("a share has x = 0");
    if (shares[i].y.size() != size) return InvalidArgument("shares differ in length");
    for (std::size_t j = 0; j < i; ++j) {
      if (shares[i].x == shares[j].x) return InvalidArgument("two shares have the same x");
    }
  }
  const auto token = CryptoSecrets::Token();
  SecretBytes secret(size);
  const MutableByteSpan out = secret.mutable_view(token);
  for (const SecretShare& share : shares) {
    // Lagrange's basis polynomial of this share at zero; minus is plus in this field.
    std::uint8_t above = 1;
    std::uint8_t below = 1;
    for (const SecretShare& other : shares) {
      if (other.x == share.x) continue;
      above = Multiply(above, other.x);
      below = Multiply(below, static_cast<std::uint8_t>(other.x ^ share.x));
    }
    const std::uint8_t weight = Multiply(above, Inverse(below));
    const ByteSpan y = share.y.view(token);
    for (std::size_t b = 0; b < size; ++b) {
      out[b] = static_cast<std::uint8_t>(out[b] ^ Multiply(weight, y[b]));
    }
  }
  return secret;
}

}  // namespace salus::crypto
