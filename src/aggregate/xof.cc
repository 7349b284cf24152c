#include "aggregate/xof.h"

#include "base/check.h"

namespace salus::aggregate {

Xof::Xof(VdafProfile profile, ByteSpan seed, ByteSpan tag) : sponge_(1) {
  const bool is_draft_08 = profile == VdafProfile::kDraft08;
  CHECK(seed.size() <= 255 && tag.size() <= (is_draft_08 ? 255u : 65535u));
  const std::array<std::uint8_t, 2> tag_length = {static_cast<std::uint8_t>(tag.size()),
                                                  static_cast<std::uint8_t>(tag.size() >> 8)};
  const std::array<std::uint8_t, 1> seed_length = {static_cast<std::uint8_t>(seed.size())};
  sponge_.Absorb(ByteSpan(tag_length).first(is_draft_08 ? 1 : 2));
  sponge_.Absorb(tag);
  if (!is_draft_08) sponge_.Absorb(seed_length);
  sponge_.Absorb(seed);
}

}  // namespace salus::aggregate
