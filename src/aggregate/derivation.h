// Derivation makes the seeds and random elements of one Prio3 instance in one context.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>

#include "aggregate/share_access.h"
#include "aggregate/vdaf_instance.h"
#include "aggregate/xof.h"
#include "base/bytes.h"
#include "base/secret.h"

namespace salus::aggregate {

// Usage says what a derived value is for.
//
// Source: VDAF draft-20 section 7.2, table 11; the same in draft-08.
enum class Usage : std::uint16_t {
  kMeasurementShare = 1,
  kProofShare = 2,
  kJointRandomness = 3,
  kProveRandomness = 4,
  kQueryRandomness = 5,
  kJointRandSeed = 6,
  kJointRandPart = 7,
};

// Derivation binds what it derives to the wire version, the algorithm, the usage and the context.
//
// Source: VDAF draft-20 section 6.2.3; draft-08 section 6.2.3, which has no context.
class Derivation {
 public:
  Derivation(VdafProfile profile, std::uint32_t algorithm, ByteSpan context)
      : profile_(profile), algorithm_(algorithm), context_(context) {}

  Xof Start(ByteSpan seed, Usage usage, std::initializer_list<ByteSpan> binder) const;

  template <class F>
  void Expand(ByteSpan seed, Usage usage, std::initializer_list<ByteSpan> binder,
              std::span<F> out) const {
    Start(seed, usage, binder).NextVec(out);
  }
  void DeriveSeed(ByteSpan seed, Usage usage, std::initializer_list<ByteSpan> binder,
                  MutableByteSpan out) const {
    Start(seed, usage, binder).Next(out);
  }
  // JointRandSeed makes one seed of the parts of all aggregators, in their order.
  void JointRandSeed(ByteSpan parts, MutableByteSpan out) const;

 private:
  VdafProfile profile_;
  std::uint32_t algorithm_;
  ByteSpan context_;
};

}  // namespace salus::aggregate
