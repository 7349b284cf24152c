#include "crypto/vrf.h"

#include <sodium.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "base/check.h"
#include "crypto/secret_mint.h"
#include "crypto/sha512.h"
#include "crypto/sodium_start.h"

namespace salus::crypto {

namespace {

// RFC 9381 section 5.5: the suite and the domain separators around each hash.
constexpr std::uint8_t kSuite = 0x03;
constexpr std::uint8_t kEncodeFront = 0x01;
constexpr std::uint8_t kChallengeFront = 0x02;
constexpr std::uint8_t kOutputFront = 0x03;
constexpr std::uint8_t kBack = 0x00;

using Point = std::array<std::uint8_t, 32>;
using Scalar = std::array<std::uint8_t, 32>;

constexpr Point kIdentity = {1};

// L = 2^252 + 27742317777372353535851937790883648493, little-endian.
constexpr Scalar kOrder = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                           0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                           0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
// p = 2^255 - 19.
constexpr Scalar kPrime = {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                           0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                           0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};

// Only for public values: it stops at the first difference.
bool LessThan(const Scalar& a, const Scalar& b) {
  for (std::size_t i = a.size(); i-- > 0;) {
    if (a[i] != b[i]) return a[i] < b[i];
  }
  return false;
}

// crypto_core_ed25519_add does not refuse y >= p, and RFC 8032 section 5.1.3 does.
bool IsCanonical(const Point& point) {
  Point y = point;
  y[31] &= 0x7f;
  return LessThan(y, kPrime);
}

std::optional<Point> Add(const Point& a, const Point& b) {
  Point out;
  if (crypto_core_ed25519_add(out.data(), a.data(), b.data()) != 0) return std::nullopt;
  return out;
}

// TimesEight clears the cofactor with additions. crypto_scalarmult_ed25519_noclamp can't be used:
// it refuses points outside of the prime-order group, which is most of what try-and-increment
// meets. Nothing is returned for bytes that are no point of the curve.
std::optional<Point> TimesEight(const Point& point) {
  if (!IsCanonical(point)) return std::nullopt;
  std::optional<Point> sum = Add(point, point);
  if (sum) sum = Add(*sum, *sum);
  if (sum) sum = Add(*sum, *sum);
  return sum;
}

// libsodium before the fix of CVE-2025-69277 takes a point with a part of order 2 for one of the
// prime-order group. The base point plus (0, -1) is such a point.
bool LibraryRefusesMixedOrder() {
  Point base;
  Scalar one = {1};
  Point order_two = kPrime;
  order_two[0] -= 1;
  if (crypto_scalarmult_ed25519_base_noclamp(base.data(), one.data()) != 0) return false;
  const std::optional<Point> mixed = Add(base, order_two);
  return mixed && crypto_core_ed25519_is_valid_point(mixed->data()) == 0;
}

void Start() {
  StartSodium();
  static const bool safe = [] {
    const bool refuses = LibraryRefusesMixedOrder();
    if (!refuses) {
      std::fputs("libsodium lacks the fix of CVE-2025-69277: install 1.0.18-1+deb12u1 or later\n",
                 stderr);
    }
    return refuses;
  }();
  CHECK(safe);
}

bool InPrimeOrderGroup(const Point& point) {
  return IsCanonical(point) && crypto_core_ed25519_is_valid_point(point.data()) == 1;
}

// RFC 9381 section 5.4.1.1. The number of tries depends on alpha, which is no secret here.
Point EncodeToCurve(const Point& public_key, ByteSpan alpha) {
  const std::uint8_t front[] = {kSuite, kEncodeFront};
  for (unsigned counter = 0; counter < 256; ++counter) {
    const std::uint8_t back[] = {static_cast<std::uint8_t>(counter), kBack};
    const Hash64 hash = Sha512({front, public_key, alpha, back});
    const std::optional<Point> point = TimesEight(ToArray(std::span(hash).first<32>()));
    if (point && *point != kIdentity) return *point;
  }
  CHECK(false);  // 256 misses in a row: probability 2^-256
}

// RFC 9381 section 5.4.3; c is 16 bytes, here widened to a scalar.
Scalar Challenge(const Point& y, const Point& h, const Point& gamma, const Point& u,
                 const Point& v) {
  const std::uint8_t front[] = {kSuite, kChallengeFront};
  const std::uint8_t back[] = {kBack};
  const Hash64 hash = Sha512({front, y, h, gamma, u, v, back});
  Scalar c{};
  std::copy_n(hash.begin(), 16, c.begin());
  return c;
}

std::optional<Point> Multiply(const Scalar& scalar, const Point& point) {
  Point out;
  if (crypto_scalarmult_ed25519_noclamp(out.data(), scalar.data(), point.data()) != 0) {
    return std::nullopt;
  }
  return out;
}

// Difference is s * b - c * p; nothing for the proofs that no prover makes (a zero scalar).
std::optional<Point> Difference(const std::optional<Point>& s_b, const std::optional<Point>& c_p) {
  Point out;
  if (!s_b || !c_p || crypto_core_ed25519_sub(out.data(), s_b->data(), c_p->data()) != 0) {
    return std::nullopt;
  }
  return out;
}

struct DecodedProof {
  Point gamma;
  Scalar c{};
  Scalar s;
};

std::optional<DecodedProof> Decode(const VrfProof& proof) {
  DecodedProof out;
  const std::span bytes(proof.bytes);
  out.gamma = ToArray(bytes.first<32>());
  std::copy_n(bytes.begin() + 32, 16, out.c.begin());
  out.s = ToArray(bytes.last<32>());
  if (!InPrimeOrderGroup(out.gamma) || !LessThan(out.s, kOrder)) return std::nullopt;
  return out;
}

VrfOutput OutputOf(const Point& gamma) {
  const std::optional<Point> cleared = TimesEight(gamma);
  CHECK(cleared);
  const std::uint8_t front[] = {kSuite, kOutputFront};
  const std::uint8_t back[] = {kBack};
  return Sha512({front, *cleared, back});
}

}  // namespace

Result<VrfProof> VrfProof::FromBytes(ByteSpan bytes) {
  if (bytes.size() != 80) return InvalidArgument("a VRF proof has 80 bytes");
  return VrfProof{ToArray(bytes.first<80>())};
}

Result<VrfOutput> ProofToHash(const VrfProof& proof) {
  Start();
  const std::optional<DecodedProof> decoded = Decode(proof);
  if (!decoded) return VerificationFailed("VRF proof does not verify");
  return OutputOf(decoded->gamma);
}

Result<VrfPublicKey> VrfPublicKey::FromBytes(ByteSpan bytes) {
  Start();
  if (bytes.size() != 32 || !InPrimeOrderGroup(ToArray(bytes.first<32>()))) {
    return InvalidArgument("not a VRF public key");
  }
  return VrfPublicKey(ToArray(bytes.first<32>()));
}

Result<VrfOutput> VrfPublicKey::Verify(ByteSpan alpha, const VrfProof& proof) const {
  Start();
  const std::optional<DecodedProof> decoded = Decode(proof);
  if (!decoded) return VerificationFailed("VRF proof does not verify");
  const auto& [gamma, c, s] = *decoded;
  const Point h = EncodeToCurve(bytes_, alpha);
  std::optional<Point> s_b = Point{};
  if (crypto_scalarmult_ed25519_base_noclamp(s_b->data(), s.data()) != 0) s_b.reset();
  const std::optional<Point> u = Difference(s_b, Multiply(c, bytes_));
  const std::optional<Point> v = Difference(Multiply(s, h), Multiply(c, gamma));
  if (!u || !v || Challenge(bytes_, h, gamma, *u, *v) != c) {
    return VerificationFailed("VRF proof does not verify");
  }
  return OutputOf(gamma);
}

VrfPrivateKey VrfPrivateKey::Generate(RandomSource& random) {
  SecretArray<32> seed;
  random.Fill(seed.mutable_view(CryptoSecrets::Token()));
  return FromSeed(seed);
}

VrfPrivateKey VrfPrivateKey::FromSeed(const SecretArray<32>& seed) {
  Start();
  // RFC 8032 section 5.1.5: one half is the scalar, the other the key of the nonces.
  Hash64 hash = Sha512(seed.view(CryptoSecrets::Token()));
  hash[0] &= 248;
  hash[31] = static_cast<std::uint8_t>((hash[31] & 127) | 64);
  VrfPrivateKey key;
  key.seed_ = seed.Clone();
  key.scalar_ = SecretArray<32>(std::span(hash).first<32>());
  key.nonce_key_ = SecretArray<32>(std::span(hash).last<32>());
  WipeMemory(hash.data(), hash.size());
  CHECK(crypto_scalarmult_ed25519_base_noclamp(
            key.public_.data(), key.scalar_.view(CryptoSecrets::Token()).data()) == 0);
  return key;
}

VrfProof VrfPrivateKey::Prove(ByteSpan alpha) const {
  const auto token = CryptoSecrets::Token();
  const std::uint8_t* const x = scalar_.view(token).data();
  const Point h = EncodeToCurve(public_, alpha);
  Point gamma, u, v;
  CHECK(crypto_scalarmult_ed25519_noclamp(gamma.data(), x, h.data()) == 0);

  // RFC 9381 section 5.4.2.2.
  Hash64 nonce_hash = Sha512({nonce_key_.view(token), h});
  SecretArray<32> nonce;
  std::uint8_t* const k = nonce.mutable_view(token).data();
  crypto_core_ed25519_scalar_reduce(k, nonce_hash.data());
  WipeMemory(nonce_hash.data(), nonce_hash.size());
  CHECK(crypto_scalarmult_ed25519_base_noclamp(u.data(), k) == 0);
  CHECK(crypto_scalarmult_ed25519_noclamp(v.data(), k, h.data()) == 0);

  const Scalar c = Challenge(public_, h, gamma, u, v);
  Scalar s;
  SecretArray<32> product;
  crypto_core_ed25519_scalar_mul(product.mutable_view(token).data(), c.data(), x);
  crypto_core_ed25519_scalar_add(s.data(), product.view(token).data(), k);

  VrfProof proof;
  std::copy_n(gamma.begin(), 32, proof.bytes.begin());
  std::copy_n(c.begin(), 16, proof.bytes.begin() + 32);
  std::copy_n(s.begin(), 32, proof.bytes.begin() + 48);
  return proof;
}

}  // namespace salus::crypto
