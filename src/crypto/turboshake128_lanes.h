// TurboSHAKE128 of up to eight messages of the same length, side by side in one core.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"

namespace salus::crypto {

// TurboShake128Lanes is TurboShake128 over several messages that are absorbed in pieces of equal
// lengths and squeezed in equal lengths: eight states in the registers of AVX-512, four in those of
// AVX2, one after another on other CPUs. Eight lanes cost little more than two states alone.
//
// Source:    RFC 9861 section 2; our own code.
// Shape:     1 to 8 lanes; the domain byte is in [0x01, 0x7f]; a CHECK.
// Ownership: move-only, wiped when destroyed: what it absorbs may be a key.
class TurboShake128Lanes {
 public:
  static constexpr std::size_t kMaxLanes = 8;

  TurboShake128Lanes(std::size_t lanes, std::uint8_t domain);
  TurboShake128Lanes(TurboShake128Lanes&&) noexcept;
  TurboShake128Lanes& operator=(TurboShake128Lanes&&) noexcept;
  ~TurboShake128Lanes();

  std::size_t lanes() const { return lanes_; }

  // Absorb takes the next piece of each message: data.size() == lanes(), pieces of one size, a
  // CHECK. AbsorbSame gives the same piece to every lane.
  void Absorb(std::span<const ByteSpan> data);
  void AbsorbSame(ByteSpan data);

  // Squeeze writes the next bytes of each output: out.size() == lanes(), pieces of one size, a
  // CHECK. The first call ends the messages.
  void Squeeze(std::span<const MutableByteSpan> out);

 private:
  struct States;

  std::size_t lanes_;
  std::uint8_t domain_;
  bool is_squeezing_ = false;
  std::size_t offset_ = 0;  // in the current block; a block's size: output needs a permutation
  std::unique_ptr<States> states_;
};

}  // namespace salus::crypto
