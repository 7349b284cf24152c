#include "crypto/turboshake128_lanes.h"

#include <algorithm>

#include "base/check.h"
#include "base/secret.h"
#include "crypto/turboshake128_engine.h"

namespace salus::crypto {

struct TurboShake128Lanes::States {
  KeccakLanes keccak{};
  ~States() { WipeMemory(&keccak, sizeof keccak); }
};

TurboShake128Lanes::TurboShake128Lanes(std::size_t lanes, std::uint8_t domain)
    : lanes_(lanes), domain_(domain), states_(std::make_unique<States>()) {
  static_assert(kMaxLanes == kKeccakLanes);
  CHECK(lanes >= 1 && lanes <= kMaxLanes);
  CHECK(domain >= 0x01 && domain <= 0x7f);
}
TurboShake128Lanes::TurboShake128Lanes(TurboShake128Lanes&&) noexcept = default;
TurboShake128Lanes& TurboShake128Lanes::operator=(TurboShake128Lanes&&) noexcept = default;
TurboShake128Lanes::~TurboShake128Lanes() = default;

void TurboShake128Lanes::Absorb(std::span<const ByteSpan> data) {
  CHECK(states_ && !is_squeezing_ && data.size() == lanes_);
  const std::size_t size = data[0].size();
  for (const ByteSpan piece : data) CHECK(piece.size() == size);
  KeccakLanes& keccak = states_->keccak;
  std::size_t at = 0;
  while (at < size) {
    if (offset_ == 0 && size - at >= kKeccakRate) {
      const std::size_t block_count = (size - at) / kKeccakRate;
      const std::uint8_t* in[kMaxLanes];
      for (std::size_t l = 0; l < lanes_; ++l) in[l] = data[l].data() + at;
      KeccakAbsorbLanes(keccak, lanes_, in, block_count);
      at += block_count * kKeccakRate;
      continue;
    }
    const std::size_t take = std::min(size - at, kKeccakRate - offset_);
    for (std::size_t l = 0; l < lanes_; ++l) {
      XorIntoState<kKeccakLanes>(&keccak.words[0][l], offset_, data[l].subspan(at, take));
    }
    at += take;
    offset_ += take;
    if (offset_ == kKeccakRate) {
      KeccakPermuteLanes(keccak, lanes_);
      offset_ = 0;
    }
  }
}

void TurboShake128Lanes::AbsorbSame(ByteSpan data) {
  ByteSpan pieces[kMaxLanes];
  std::fill_n(pieces, lanes_, data);
  Absorb(std::span(pieces, lanes_));
}

void TurboShake128Lanes::Squeeze(std::span<const MutableByteSpan> out) {
  CHECK(states_ && out.size() == lanes_);
  const std::size_t size = out[0].size();
  for (const MutableByteSpan piece : out) CHECK(piece.size() == size);
  KeccakLanes& keccak = states_->keccak;
  if (!is_squeezing_) {
    const std::uint8_t last = 0x80;
    for (std::size_t l = 0; l < lanes_; ++l) {
      XorIntoState<kKeccakLanes>(&keccak.words[0][l], offset_, {&domain_, 1});
      XorIntoState<kKeccakLanes>(&keccak.words[0][l], kKeccakRate - 1, {&last, 1});
    }
    is_squeezing_ = true;
    offset_ = kKeccakRate;
  }
  std::size_t at = 0;
  while (at < size) {
    if (offset_ == kKeccakRate && size - at >= kKeccakRate) {
      const std::size_t block_count = (size - at) / kKeccakRate;
      std::uint8_t* to[kMaxLanes];
      for (std::size_t l = 0; l < lanes_; ++l) to[l] = out[l].data() + at;
      KeccakSqueezeLanes(keccak, lanes_, to, block_count);
      at += block_count * kKeccakRate;
      continue;
    }
    if (offset_ == kKeccakRate) {
      KeccakPermuteLanes(keccak, lanes_);
      offset_ = 0;
    }
    const std::size_t take = std::min(size - at, kKeccakRate - offset_);
    for (std::size_t l = 0; l < lanes_; ++l) {
      CopyFromState<kKeccakLanes>(&keccak.words[0][l], offset_, out[l].subspan(at, take));
    }
    at += take;
    offset_ += take;
  }
}

}  // namespace salus::crypto
