// XofLanes is Xof for several reports at once.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "aggregate/vdaf_instance.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/secret.h"
#include "crypto/turboshake128_lanes.h"

namespace salus::aggregate {

// XofLanes runs the same derivation for up to eight reports side by side: one tag, seeds of one
// length, binders of one length, outputs of one length. Lane i gives what Xof gives for seed i.
//
// Source: VDAF draft-20 section 6.2.1; draft-08 section 6.2.1.
// Shape:  as Xof; 1 to 8 lanes, and each list has one item a lane, a CHECK.
class XofLanes {
 public:
  static constexpr std::size_t kMaxLanes = crypto::TurboShake128Lanes::kMaxLanes;

  XofLanes(VdafProfile profile, std::span<const ByteSpan> seeds, ByteSpan tag);

  std::size_t lanes() const { return sponges_.lanes(); }

  // Update adds to the binders, before the first output; UpdateSame the same to all.
  void Update(std::span<const ByteSpan> binders) { sponges_.Absorb(binders); }
  void UpdateSame(ByteSpan binder) { sponges_.AbsorbSame(binder); }
  void Next(std::span<const MutableByteSpan> out) { sponges_.Squeeze(out); }

  // NextVec is the last output: where one lane skips an element, the others have read on.
  template <class F>
  void NextVec(std::span<const std::span<F>> out) &&;

 private:
  static constexpr std::size_t kBlockBytes = 8 * 168;

  crypto::TurboShake128Lanes sponges_;
};

template <class F>
void XofLanes::NextVec(std::span<const std::span<F>> out) && {
  static_assert(kBlockBytes % F::kEncodedBytes == 0);
  CHECK(out.size() == lanes());
  const std::size_t length = out[0].size();
  std::array<std::uint8_t, kBlockBytes> blocks[kMaxLanes];
  std::array<MutableByteSpan, kMaxLanes> bytes;
  std::array<std::size_t, kMaxLanes> done{};
  for (std::size_t least = 0; least < length;) {
    const std::size_t size = std::min((length - least) * F::kEncodedBytes, kBlockBytes);
    for (std::size_t l = 0; l < lanes(); ++l) bytes[l] = MutableByteSpan(blocks[l]).first(size);
    Next(std::span(bytes).first(lanes()));
    least = length;
    for (std::size_t l = 0; l < lanes(); ++l) {
      CHECK(out[l].size() == length);
      std::size_t at = done[l];
      for (std::size_t i = 0; i < size && at < length; i += F::kEncodedBytes) {
        if (F::Decode(&blocks[l][i], out[l][at])) ++at;
      }
      done[l] = at;
      least = std::min(least, at);
    }
  }
  for (std::size_t l = 0; l < lanes(); ++l) {
    WipeMemory(blocks[l].data(), std::min(kBlockBytes, length * F::kEncodedBytes));
  }
}

}  // namespace salus::aggregate
