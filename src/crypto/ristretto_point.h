// RistrettoPoint is an element of ristretto255, decoded once so that adding many is cheap:
// libsodium decodes both and encodes the sum each time, thirty times the work.
//
// Source:  RFC 9496 sections 4.2 and 4.3; addition RFC 8032 section 5.1.4.
// Shape:   32 bytes encoded, one encoding for each point; 64 with the root that decoding takes.
// Secrets: neither adding nor encoding takes time that depends on a point; decoding does.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/field25519.h"

namespace salus::crypto {

class RistrettoPoint {
 public:
  static constexpr std::size_t kBytes = 32;
  static constexpr std::size_t kRootedBytes = 64;

  // Addend is a point prepared to be added, in the extended coordinates below.
  struct Addend {
    Field25519 y_plus_x = Field25519::One();
    Field25519 y_minus_x = Field25519::One();
    Field25519 twice_z = Field25519::One() + Field25519::One();
    Field25519 twice_d_t;
  };

  // The point that adds nothing.
  RistrettoPoint() = default;
  static RistrettoPoint Generator();

  // Errors: InvalidArgument unless bytes are a point's encoding.
  static Result<RistrettoPoint> Decode(ByteSpan bytes);
  std::array<std::uint8_t, kBytes> Encode() const;

  // DecodeRooted takes an encoding and the inverse square root of section 4.3.1, which is nearly
  // all of the work, and puts the root to the test in place of taking it. As there it is not
  // negative: a point has one rooted encoding too.
  //
  // Errors: InvalidArgument unless the first half is a point's encoding, and the second its root.
  static Result<RistrettoPoint> DecodeRooted(ByteSpan bytes);
  std::array<std::uint8_t, kRootedBytes> EncodeRooted() const;

  void Add(const Addend& other);
  void Add(const RistrettoPoint& other) { Add(other.AsAddend()); }
  Addend AsAddend() const;

  // Section 4.3.3: representations of one point may differ.
  friend bool operator==(const RistrettoPoint& a, const RistrettoPoint& b);

 private:
  struct Ratio;
  // Errors: as Decode.
  static Result<RistrettoPoint> FromRoot(const Ratio& ratio, const Field25519& root);

  // Extended coordinates of the twisted Edwards curve: x = X / Z, y = Y / Z, x y = T / Z.
  Field25519 x_;
  Field25519 y_ = Field25519::One();
  Field25519 z_ = Field25519::One();
  Field25519 t_;
};

}  // namespace salus::crypto
