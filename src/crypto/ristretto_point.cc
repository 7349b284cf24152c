#include "crypto/ristretto_point.h"

#include <algorithm>

#include "base/endian.h"

namespace salus::crypto {

namespace {

using Element = std::array<std::uint64_t, 5>;
using Wide = unsigned __int128;

constexpr int kLimbBits = 51;
constexpr std::uint64_t kMask = (std::uint64_t{1} << kLimbBits) - 1;
constexpr Element kZero = {0, 0, 0, 0, 0};
constexpr Element kOne = {1, 0, 0, 0, 0};
// Four times the modulus, so that a difference of what multiplications give stays positive.
constexpr Element kFourP = {4 * (kMask - 18), 4 * kMask, 4 * kMask, 4 * kMask, 4 * kMask};

// Constants of RFC 9496 section 4.1.
constexpr Element kD = {0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb,
                        0x52036cee2b6ff};
constexpr Element kTwiceD = {0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052, 0x6738cc7407977,
                             0x2406d9dc56dff};
constexpr Element kSqrtM1 = {0x61b274a0ea0b0, 0x0d5a5fc8f189d, 0x7ef5e9cbd0c60, 0x78595a6804c9e,
                             0x2b8324804fc1d};
constexpr Element kInvSqrtAMinusD = {0x0fdaa805d40ea, 0x2eb482e57d339, 0x007610274bc58,
                                     0x6510b613dc8ff, 0x786c8905cfaff};

// Limbs of sums and differences stay below 2^54, and products of such fit 128 bits five times.
Element Plus(const Element& a, const Element& b) {
  Element out;
  for (std::size_t i = 0; i < 5; ++i) out[i] = a[i] + b[i];
  return out;
}

Element Subtract(const Element& a, const Element& b) {
  Element out;
  for (std::size_t i = 0; i < 5; ++i) out[i] = a[i] + kFourP[i] - b[i];
  return out;
}

// Carries the limbs over, and what is over 2^255 back in as 19 times itself.
Element Carry(const std::array<Wide, 5>& wide) {
  Element out;
  Wide carry = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    const Wide limb = wide[i] + carry;
    out[i] = static_cast<std::uint64_t>(limb) & kMask;
    carry = limb >> kLimbBits;
  }
  const Wide first = Wide{out[0]} + carry * 19;
  out[0] = static_cast<std::uint64_t>(first) & kMask;
  out[1] += static_cast<std::uint64_t>(first >> kLimbBits);
  return out;
}

Element Multiply(const Element& a, const Element& b) {
  std::array<Wide, 5> wide{};
  const std::uint64_t b1 = 19 * b[1], b2 = 19 * b[2], b3 = 19 * b[3], b4 = 19 * b[4];
  wide[0] =
      Wide{a[0]} * b[0] + Wide{a[1]} * b4 + Wide{a[2]} * b3 + Wide{a[3]} * b2 + Wide{a[4]} * b1;
  wide[1] =
      Wide{a[0]} * b[1] + Wide{a[1]} * b[0] + Wide{a[2]} * b4 + Wide{a[3]} * b3 + Wide{a[4]} * b2;
  wide[2] =
      Wide{a[0]} * b[2] + Wide{a[1]} * b[1] + Wide{a[2]} * b[0] + Wide{a[3]} * b4 + Wide{a[4]} * b3;
  wide[3] = Wide{a[0]} * b[3] + Wide{a[1]} * b[2] + Wide{a[2]} * b[1] + Wide{a[3]} * b[0] +
            Wide{a[4]} * b4;
  wide[4] = Wide{a[0]} * b[4] + Wide{a[1]} * b[3] + Wide{a[2]} * b[2] + Wide{a[3]} * b[1] +
            Wide{a[4]} * b[0];
  return Carry(wide);
}

Element Square(const Element& a) {
  std::array<Wide, 5> wide;
  const std::uint64_t two0 = 2 * a[0], two1 = 2 * a[1], two2 = 2 * a[2];
  const std::uint64_t a3 = 19 * a[3], a4 = 19 * a[4];
  wide[0] = Wide{a[0]} * a[0] + Wide{two1} * a4 + Wide{two2} * a3;
  wide[1] = Wide{two0} * a[1] + Wide{two2} * a4 + Wide{a[3]} * a3;
  wide[2] = Wide{two0} * a[2] + Wide{a[1]} * a[1] + Wide{2 * a[3]} * a4;
  wide[3] = Wide{two0} * a[3] + Wide{two1} * a[2] + Wide{a[4]} * a4;
  wide[4] = Wide{two0} * a[4] + Wide{two1} * a[3] + Wide{a[2]} * a[2];
  return Carry(wide);
}

Element SquareTimes(Element a, int times) {
  for (int i = 0; i < times; ++i) a = Square(a);
  return a;
}

// a^((p - 5) / 8) = a^(2^252 - 3), which square roots are made of.
Element RootPower(const Element& a) {
  const Element two = Square(a);
  const Element nine = Multiply(a, SquareTimes(two, 2));
  const Element eleven = Multiply(two, nine);
  const Element bits5 = Multiply(nine, Square(eleven));  // 2^5 - 1
  const Element bits10 = Multiply(SquareTimes(bits5, 5), bits5);
  const Element bits20 = Multiply(SquareTimes(bits10, 10), bits10);
  const Element bits40 = Multiply(SquareTimes(bits20, 20), bits20);
  const Element bits50 = Multiply(SquareTimes(bits40, 10), bits10);
  const Element bits100 = Multiply(SquareTimes(bits50, 50), bits50);
  const Element bits200 = Multiply(SquareTimes(bits100, 100), bits100);
  const Element bits250 = Multiply(SquareTimes(bits200, 50), bits50);
  return Multiply(SquareTimes(bits250, 2), a);
}

// Load reads little-endian bytes, and passes over the highest bit.
Element Load(ByteSpan bytes) {
  std::array<std::uint64_t, 4> words;
  for (std::size_t i = 0; i < 4; ++i) {
    words[i] = 0;
    for (std::size_t byte = 8; byte-- > 0;) words[i] = words[i] << 8 | bytes[8 * i + byte];
  }
  return {words[0] & kMask, (words[0] >> 51 | words[1] << 13) & kMask,
          (words[1] >> 38 | words[2] << 26) & kMask, (words[2] >> 25 | words[3] << 39) & kMask,
          (words[3] >> 12) & kMask};
}

// Store writes the one number below the modulus.
std::array<std::uint8_t, 32> Store(const Element& a) {
  std::array<Wide, 5> wide;
  std::ranges::copy(a, wide.begin());
  Element limbs = Carry(wide);
  std::ranges::copy(limbs, wide.begin());
  limbs = Carry(wide);
  // Below 2^255 now, or a little above: whether 19 more overflow says if the modulus is still in
  // it.
  std::uint64_t over = (limbs[0] + 19) >> kLimbBits;
  for (std::size_t i = 1; i < 5; ++i) over = (limbs[i] + over) >> kLimbBits;
  limbs[0] += 19 * over;
  for (std::size_t i = 0; i < 4; ++i) {
    limbs[i + 1] += limbs[i] >> kLimbBits;
    limbs[i] &= kMask;
  }
  limbs[4] &= kMask;
  const std::uint64_t words[] = {limbs[0] | limbs[1] << 51, limbs[1] >> 13 | limbs[2] << 38,
                                 limbs[2] >> 26 | limbs[3] << 25, limbs[3] >> 39 | limbs[4] << 12};
  std::array<std::uint8_t, 32> out;
  for (std::size_t i = 0; i < 32; ++i) {
    out[i] = static_cast<std::uint8_t>(words[i / 8] >> (8 * (i % 8)));
  }
  return out;
}

bool IsEqual(const Element& a, const Element& b) { return Store(a) == Store(b); }
bool IsNegative(const Element& a) { return (Store(a)[0] & 1) != 0; }

// Negate gives limbs as small as a product's.
Element Negate(const Element& a) { return Multiply(Subtract(kZero, a), kOne); }
Element Absolute(const Element& a) { return IsNegative(a) ? Negate(a) : a; }

struct Root {
  bool was_square;
  Element value;
};

// SQRT_RATIO_M1 of RFC 9496 section 4.2 with u = 1: the root of 1 / v, or of SQRT_M1 / v.
Root InverseRoot(const Element& v) {
  const Element v3 = Multiply(Square(v), v);
  const Element v7 = Multiply(Square(v3), v);
  Element r = Multiply(v3, RootPower(v7));
  const Element check = Multiply(v, Square(r));
  const Element minus_one = Negate(kOne);
  const Element minus_root = Negate(kSqrtM1);
  const bool is_correct = IsEqual(check, kOne);
  const bool is_flipped = IsEqual(check, minus_one);
  const bool is_flipped_by_root = IsEqual(check, minus_root);
  if (is_flipped || is_flipped_by_root) r = Multiply(r, kSqrtM1);
  return {is_correct || is_flipped, Absolute(r)};
}

}  // namespace

Result<RistrettoPoint> RistrettoPoint::Decode(ByteSpan bytes) {
  const Error bad = InvalidArgument("the bytes are no point of ristretto255");
  if (bytes.size() != kBytes) return bad;
  const Element s = Load(bytes);
  if (!std::ranges::equal(Store(s), bytes) || IsNegative(s)) return bad;
  const Element ss = Square(s);
  const Element u1 = Subtract(kOne, ss);
  const Element u2 = Plus(kOne, ss);
  const Element u2_squared = Square(u2);
  const Element v = Multiply(Subtract(Negate(Multiply(kD, Square(u1))), u2_squared), kOne);
  const Root root = InverseRoot(Multiply(v, u2_squared));
  const Element den_x = Multiply(root.value, u2);
  const Element den_y = Multiply(Multiply(root.value, den_x), v);
  RistrettoPoint out;
  out.x_ = Absolute(Multiply(Plus(s, s), den_x));
  out.y_ = Multiply(u1, den_y);
  out.t_ = Multiply(out.x_, out.y_);
  if (!root.was_square || IsNegative(out.t_) || IsEqual(out.y_, kZero)) return bad;
  return out;
}

std::array<std::uint8_t, RistrettoPoint::kBytes> RistrettoPoint::Encode() const {
  const Element u1 = Multiply(Plus(z_, y_), Subtract(z_, y_));
  const Element u2 = Multiply(x_, y_);
  const Element inverse_root = InverseRoot(Multiply(u1, Square(u2))).value;
  const Element den1 = Multiply(inverse_root, u1);
  const Element den2 = Multiply(inverse_root, u2);
  const Element z_inverse = Multiply(Multiply(den1, den2), t_);
  const bool is_rotated = IsNegative(Multiply(t_, z_inverse));
  const Element x = is_rotated ? Multiply(y_, kSqrtM1) : x_;
  Element y = is_rotated ? Multiply(x_, kSqrtM1) : y_;
  const Element den_inverse = is_rotated ? Multiply(den1, kInvSqrtAMinusD) : den2;
  if (IsNegative(Multiply(x, z_inverse))) y = Negate(y);
  return Store(Absolute(Multiply(den_inverse, Subtract(z_, y))));
}

void RistrettoPoint::Add(const RistrettoPoint& other) {
  const Element a = Multiply(Subtract(y_, x_), Subtract(other.y_, other.x_));
  const Element b = Multiply(Plus(y_, x_), Plus(other.y_, other.x_));
  const Element c = Multiply(Multiply(t_, kTwiceD), other.t_);
  const Element zz = Multiply(z_, other.z_);
  const Element d = Plus(zz, zz);
  const Element e = Subtract(b, a);
  const Element f = Subtract(d, c);
  const Element g = Plus(d, c);
  const Element h = Plus(b, a);
  x_ = Multiply(e, f);
  y_ = Multiply(g, h);
  z_ = Multiply(f, g);
  t_ = Multiply(e, h);
}

}  // namespace salus::crypto
