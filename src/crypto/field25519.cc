#include "crypto/field25519.h"

namespace salus::crypto {

namespace {

Field25519 SquareTimes(Field25519 a, int times) {
  for (int i = 0; i < times; ++i) a = a.Square();
  return a;
}

// a^((p - 5) / 8) = a^(2^252 - 3), which square roots are made of.
Field25519 RootPower(const Field25519& a) {
  const Field25519 two = a.Square();
  const Field25519 nine = a * SquareTimes(two, 2);
  const Field25519 eleven = two * nine;
  const Field25519 bits5 = nine * eleven.Square();  // 2^5 - 1
  const Field25519 bits10 = SquareTimes(bits5, 5) * bits5;
  const Field25519 bits20 = SquareTimes(bits10, 10) * bits10;
  const Field25519 bits40 = SquareTimes(bits20, 20) * bits20;
  const Field25519 bits50 = SquareTimes(bits40, 10) * bits10;
  const Field25519 bits100 = SquareTimes(bits50, 50) * bits50;
  const Field25519 bits200 = SquareTimes(bits100, 100) * bits100;
  const Field25519 bits250 = SquareTimes(bits200, 50) * bits50;
  return SquareTimes(bits250, 2) * a;
}

}  // namespace

Field25519 Field25519::Load(ByteSpan bytes) {
  Words words;
  for (std::size_t i = 0; i < 4; ++i) {
    words[i] = 0;
    for (std::size_t byte = 8; byte-- > 0;) words[i] = words[i] << 8 | bytes[8 * i + byte];
  }
  return Field25519({words[0] & kLimbMask, (words[0] >> 51 | words[1] << 13) & kLimbMask,
                     (words[1] >> 38 | words[2] << 26) & kLimbMask,
                     (words[2] >> 25 | words[3] << 39) & kLimbMask, (words[3] >> 12) & kLimbMask});
}

Field25519::Words Field25519::Canonical() const {
  const auto [a0, a1, a2, a3, a4] = limbs_;
  Limbs limbs = Carry(a0, a1, a2, a3, a4).limbs_;
  // Below 2^255 now, or a little above: whether 19 more overflow says if the modulus is still in
  // it.
  std::uint64_t over = (limbs[0] + 19) >> kLimbBits;
  for (std::size_t i = 1; i < 5; ++i) over = (limbs[i] + over) >> kLimbBits;
  limbs[0] += 19 * over;
  for (std::size_t i = 0; i < 4; ++i) {
    limbs[i + 1] += limbs[i] >> kLimbBits;
    limbs[i] &= kLimbMask;
  }
  limbs[4] &= kLimbMask;
  return {limbs[0] | limbs[1] << 51, limbs[1] >> 13 | limbs[2] << 38,
          limbs[2] >> 26 | limbs[3] << 25, limbs[3] >> 39 | limbs[4] << 12};
}

std::array<std::uint8_t, 32> Field25519::Store() const {
  const Words words = Canonical();
  std::array<std::uint8_t, 32> out;
  for (std::size_t i = 0; i < 32; ++i) {
    out[i] = static_cast<std::uint8_t>(words[i / 8] >> (8 * (i % 8)));
  }
  return out;
}

Mask Field25519::IsEqual(const Field25519& other) const {
  const Words a = Canonical(), b = other.Canonical();
  return IsZeroWord((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]));
}

InverseRoot InverseRoot::Of(const Field25519& v) {
  const Field25519 v3 = v.Square() * v;
  const Field25519 v7 = v3.Square() * v;
  const Field25519 root = v3 * RootPower(v7);
  const Field25519 check = v * root.Square();
  const Mask is_correct = check.IsEqual(Field25519::One());
  const Mask is_flipped = check.IsEqual(Field25519::One().Negated());
  const Mask is_flipped_by_root = check.IsEqual(kSqrtM1.Negated());
  const Field25519 turned =
      Field25519::Select(is_flipped | is_flipped_by_root, root * kSqrtM1, root);
  return {is_correct | is_flipped, turned.Absolute()};
}

}  // namespace salus::crypto
