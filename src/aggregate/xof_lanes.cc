#include "aggregate/xof_lanes.h"

namespace salus::aggregate {

XofLanes::XofLanes(VdafProfile profile, std::span<const ByteSpan> seeds, ByteSpan tag)
    : sponges_(seeds.size(), 1) {
  const bool is_draft_08 = profile == VdafProfile::kDraft08;
  CHECK(seeds[0].size() <= 255 && tag.size() <= (is_draft_08 ? 255u : 65535u));
  const std::array<std::uint8_t, 2> tag_length = {static_cast<std::uint8_t>(tag.size()),
                                                  static_cast<std::uint8_t>(tag.size() >> 8)};
  const std::array<std::uint8_t, 1> seed_length = {static_cast<std::uint8_t>(seeds[0].size())};
  sponges_.AbsorbSame(ByteSpan(tag_length).first(is_draft_08 ? 1 : 2));
  sponges_.AbsorbSame(tag);
  if (!is_draft_08) sponges_.AbsorbSame(seed_length);
  sponges_.Absorb(seeds);
}

}  // namespace salus::aggregate
