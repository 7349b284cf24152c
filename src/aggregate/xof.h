// Xof is the extendable-output function of Prio3: from a seed, a tag and a binder to bytes or
// random field elements.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "aggregate/public_fact.h"
#include "aggregate/vdaf_instance.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/turboshake128.h"

namespace salus::aggregate {

// Xof is XofTurboShake128.
//
// Source: VDAF draft-20 section 6.2.1; draft-08 section 6.2.1.
// Shape:  draft-20: seeds of 32 bytes, le16(tag length), tag, u8(seed length), seed, binder;
//         draft-08: seeds of 16 bytes, u8(tag length), tag, seed, binder.
class Xof {
 public:
  Xof(VdafProfile profile, ByteSpan seed, ByteSpan tag);

  // Update adds to the binder, before the first output.
  void Update(ByteSpan binder) { sponge_.Absorb(binder); }
  void Next(MutableByteSpan out) { sponge_.Squeeze(out); }

  // NextVec skips what is not below the modulus: which, tells nothing of what is kept. That is one
  // number of 2^32 at most, so that a block is first taken as if all of it were.
  template <class F>
  void NextVec(std::span<F> out) {
    std::array<std::uint8_t, 8 * crypto::TurboShake128::kBlockSize> block;
    static_assert(sizeof(block) % F::kEncodedBytes == 0);
    std::size_t done = 0;
    while (done < out.size()) {
      const std::size_t count = std::min(out.size() - done, block.size() / F::kEncodedBytes);
      Next(MutableByteSpan(block).first(count * F::kEncodedBytes));
      bool all_below = true;
      for (std::size_t i = 0; i < count; ++i) {
        all_below &= F::Decode(&block[i * F::kEncodedBytes], out[done + i]);
      }
      if (PublicFact(all_below)) {
        done += count;
        continue;
      }
      for (std::size_t i = 0; i < count; ++i) {
        if (F::Decode(&block[i * F::kEncodedBytes], out[done])) ++done;
      }
    }
    WipeMemory(block.data(), std::min(block.size(), out.size() * F::kEncodedBytes));
  }

 private:
  crypto::TurboShake128 sponge_;
};

}  // namespace salus::aggregate
