#include "aggregate/derivation.h"

#include <array>

namespace salus::aggregate {

Xof Derivation::Start(ByteSpan seed, Usage usage, std::initializer_list<ByteSpan> binder) const {
  const auto number = static_cast<std::uint16_t>(usage);
  Bytes tag = {static_cast<std::uint8_t>(profile_),
               0,  // the class of a VDAF
               static_cast<std::uint8_t>(algorithm_ >> 24),
               static_cast<std::uint8_t>(algorithm_ >> 16),
               static_cast<std::uint8_t>(algorithm_ >> 8),
               static_cast<std::uint8_t>(algorithm_),
               static_cast<std::uint8_t>(number >> 8),
               static_cast<std::uint8_t>(number)};
  if (profile_ != VdafProfile::kDraft08) Append(tag, context_);
  Xof xof(profile_, seed, tag);
  for (const ByteSpan part : binder) xof.Update(part);
  return xof;
}

void Derivation::JointRandSeed(ByteSpan parts, MutableByteSpan out) const {
  const std::array<std::uint8_t, 32> zeros{};
  DeriveSeed(ByteSpan(zeros).first(out.size()), Usage::kJointRandSeed, {parts}, out);
}

}  // namespace salus::aggregate
