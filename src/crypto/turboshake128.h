// TurboSHAKE128: an extendable-output function on twelve rounds of Keccak.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace salus::crypto {

// TurboShake128 absorbs a message in pieces, then gives as many bytes as are asked for.
//
// Source:    RFC 9861 section 2; our own code, on BMI2 where the CPU has it.
// Shape:     blocks of 168 bytes; the domain byte D is in [0x01, 0x7f], a CHECK.
// Ownership: move-only, wiped when destroyed and when moved from: what it absorbs may be a key.
class TurboShake128 {
 public:
  static constexpr std::size_t kBlockSize = 168;

  explicit TurboShake128(std::uint8_t domain);
  TurboShake128(TurboShake128&& other) noexcept;
  TurboShake128& operator=(TurboShake128&& other) noexcept;
  TurboShake128(const TurboShake128&) = delete;
  TurboShake128& operator=(const TurboShake128&) = delete;
  ~TurboShake128();

  // Absorb takes the next piece of the message. The message ends with the first Squeeze; to absorb
  // after that is a CHECK.
  void Absorb(ByteSpan data);

  // Squeeze writes the next out.size() bytes of the output.
  void Squeeze(MutableByteSpan out);

 private:
  void Wipe();

  std::array<std::uint64_t, 25> state_{};
  std::size_t offset_ = 0;  // in the current block; kBlockSize: the next output needs a permutation
  std::uint8_t domain_;
  bool is_squeezing_ = false;
};

}  // namespace salus::crypto
