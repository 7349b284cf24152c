#include "crypto/ristretto_point.h"

#include <algorithm>

namespace salus::crypto {

namespace {

// RFC 9496 appendix A.1.
constexpr std::array<std::uint8_t, 32> kGenerator = {
    0xe2, 0xf2, 0xae, 0x0a, 0x6a, 0xbc, 0x4e, 0x71, 0xa8, 0x84, 0xa9, 0x61, 0xc5, 0x00, 0x51, 0x5f,
    0x58, 0xe3, 0x0b, 0x6a, 0xa5, 0x82, 0xdd, 0x8d, 0xb6, 0xa6, 0x59, 0x45, 0xe0, 0x8d, 0x2d, 0x76};

Error NoPoint() { return InvalidArgument("the bytes are no point of ristretto255"); }

// A number that is not negative, in its one form.
Result<Field25519> LoadWhole(ByteSpan bytes) {
  const Field25519 out = Field25519::Load(bytes);
  if (!std::ranges::equal(out.Store(), bytes) || (bytes[0] & 1) != 0) return NoPoint();
  return out;
}

}  // namespace

// Ratio is what decoding makes of s, by the names of RFC 9496 section 4.3.1.
struct RistrettoPoint::Ratio {
  Field25519 s, u1, u2, v;

  explicit Ratio(const Field25519& from) : s(from) {
    const Field25519 ss = s.Square();
    u1 = Field25519::One() - ss;
    u2 = Field25519::One() + ss;
    v = ((kEdwardsD * u1.Square()).Negated() - u2.Square()) * Field25519::One();
  }
  // What the root is the inverse root of.
  Field25519 Squared() const { return v * u2.Square(); }
};

RistrettoPoint RistrettoPoint::Generator() { return *Decode(kGenerator); }

Result<RistrettoPoint> RistrettoPoint::FromRoot(const Ratio& ratio, const Field25519& root) {
  const Field25519 den_x = root * ratio.u2;
  const Field25519 den_y = root * den_x * ratio.v;
  // root^2 * v * u2^2: that there is a square root, and that this is one.
  if (den_y * ratio.u2 != Field25519::One()) return NoPoint();
  RistrettoPoint out;
  out.x_ = ((ratio.s + ratio.s) * den_x).Absolute();
  out.y_ = ratio.u1 * den_y;
  out.t_ = out.x_ * out.y_;
  if (out.t_.IsNegative() || out.y_ == Field25519()) return NoPoint();
  return out;
}

Result<RistrettoPoint> RistrettoPoint::Decode(ByteSpan bytes) {
  if (bytes.size() != kBytes) return NoPoint();
  TRY(const Field25519 s, LoadWhole(bytes));
  const Ratio ratio(s);
  return FromRoot(ratio, InverseRoot::Of(ratio.Squared()).value);
}

Result<RistrettoPoint> RistrettoPoint::DecodeRooted(ByteSpan bytes) {
  if (bytes.size() != kRootedBytes) return NoPoint();
  TRY(const Field25519 s, LoadWhole(bytes.first(kBytes)));
  TRY(const Field25519 root, LoadWhole(bytes.subspan(kBytes)));
  return FromRoot(Ratio(s), root);
}

std::array<std::uint8_t, RistrettoPoint::kBytes> RistrettoPoint::Encode() const {
  const Field25519 u1 = (z_ + y_) * (z_ - y_);
  const Field25519 u2 = x_ * y_;
  const Field25519 inverse_root = InverseRoot::Of(u1 * u2.Square()).value;
  const Field25519 den1 = inverse_root * u1;
  const Field25519 den2 = inverse_root * u2;
  const Field25519 z_inverse = den1 * den2 * t_;
  const Mask is_rotated = (t_ * z_inverse).IsNegative();
  const Field25519 x = Field25519::Select(is_rotated, y_ * kSqrtM1, x_);
  const Field25519 y = Field25519::Select(is_rotated, x_ * kSqrtM1, y_);
  const Field25519 den_inverse = Field25519::Select(is_rotated, den1 * kInvSqrtAMinusD, den2);
  const Field25519 signed_y = Field25519::Select((x * z_inverse).IsNegative(), y.Negated(), y);
  return (den_inverse * (z_ - signed_y)).Absolute().Store();
}

std::array<std::uint8_t, RistrettoPoint::kRootedBytes> RistrettoPoint::EncodeRooted() const {
  std::array<std::uint8_t, kRootedBytes> out;
  const auto bytes = Encode();
  const auto root = InverseRoot::Of(Ratio(Field25519::Load(bytes)).Squared()).value.Store();
  std::ranges::copy(root, std::ranges::copy(bytes, out.begin()).out);
  return out;
}

RistrettoPoint::Addend RistrettoPoint::AsAddend() const {
  return {y_ + x_, y_ - x_, z_ + z_, t_ * kTwiceEdwardsD};
}

void RistrettoPoint::Add(const Addend& other) {
  const Field25519 a = (y_ - x_) * other.y_minus_x;
  const Field25519 b = (y_ + x_) * other.y_plus_x;
  const Field25519 c = t_ * other.twice_d_t;
  const Field25519 d = z_ * other.twice_z;
  const Field25519 e = b - a;
  const Field25519 f = d - c;
  const Field25519 g = d + c;
  const Field25519 h = b + a;
  x_ = e * f;
  y_ = g * h;
  z_ = f * g;
  t_ = e * h;
}

bool operator==(const RistrettoPoint& a, const RistrettoPoint& b) {
  return a.x_ * b.y_ == a.y_ * b.x_ || a.y_ * b.y_ == a.x_ * b.x_;
}

}  // namespace salus::crypto
