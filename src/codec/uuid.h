#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"

namespace salus::codec {

// Uuid is 16 bytes with the text form that everyone knows.
//
// Source: RFC 9562 section 4. Any version and variant is read: ids come from other systems.
// Shape:  8-4-4-4-12 hexadecimal digits; written in lower case, read in either.
class Uuid {
 public:
  static constexpr std::size_t kSize = 16;
  static constexpr std::size_t kTextSize = 36;

  constexpr Uuid() = default;  // the nil UUID

  // Errors: InvalidArgument unless text is exactly 36 characters in the shape above (no braces, no
  // urn:uuid: in front).
  static Result<Uuid> Parse(std::string_view text);
  static Uuid FromBytes(std::span<const std::uint8_t, kSize> bytes);
  // Random makes a version 4 UUID.
  static Uuid Random(RandomSource& random);
  // FromHash sets version (1 to 15) and the RFC variant in the first 16 bytes of a hash: version 5
  // for SHA-1, 8 for our own.
  static Uuid FromHash(std::span<const std::uint8_t, kSize> hash, int version);

  std::string ToString() const;
  void WriteTo(std::span<char, kTextSize> out) const;
  constexpr const std::array<std::uint8_t, kSize>& bytes() const { return bytes_; }
  int version() const { return bytes_[6] >> 4; }

  friend constexpr bool operator==(const Uuid&, const Uuid&) = default;
  friend constexpr auto operator<=>(const Uuid&, const Uuid&) = default;

 private:
  std::array<std::uint8_t, kSize> bytes_{};
};

}  // namespace salus::codec
