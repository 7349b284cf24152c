#include "crypto/turboshake128.h"

#include <algorithm>

#include "base/check.h"
#include "base/secret.h"
#include "crypto/turboshake128_engine.h"

namespace salus::crypto {

static_assert(TurboShake128::kBlockSize == kKeccakRate);

TurboShake128::TurboShake128(std::uint8_t domain) : domain_(domain) {
  CHECK(domain >= 0x01 && domain <= 0x7f);
}

TurboShake128::TurboShake128(TurboShake128&& other) noexcept
    : state_(other.state_),
      offset_(other.offset_),
      domain_(other.domain_),
      is_squeezing_(other.is_squeezing_) {
  other.Wipe();
}

TurboShake128& TurboShake128::operator=(TurboShake128&& other) noexcept {
  if (this != &other) {
    state_ = other.state_;
    offset_ = other.offset_;
    domain_ = other.domain_;
    is_squeezing_ = other.is_squeezing_;
    other.Wipe();
  }
  return *this;
}

TurboShake128::~TurboShake128() { WipeMemory(state_.data(), sizeof state_); }

// What is left has to stop a further use: its output would be that of a state of zeros.
void TurboShake128::Wipe() {
  WipeMemory(state_.data(), sizeof state_);
  domain_ = 0;
}

void TurboShake128::Absorb(ByteSpan data) {
  CHECK(!is_squeezing_ && domain_ != 0);
  while (!data.empty()) {
    const std::size_t take = std::min(data.size(), kBlockSize - offset_);
    XorIntoState<1>(state_.data(), offset_, data.first(take));
    offset_ += take;
    data = data.subspan(take);
    if (offset_ < kBlockSize) return;
    KeccakPermute(state_.data());
    offset_ = 0;
  }
}

void TurboShake128::Squeeze(MutableByteSpan out) {
  CHECK(domain_ != 0);
  if (!is_squeezing_) {
    const std::uint8_t last = 0x80;
    XorIntoState<1>(state_.data(), offset_, {&domain_, 1});
    XorIntoState<1>(state_.data(), kBlockSize - 1, {&last, 1});
    is_squeezing_ = true;
    offset_ = kBlockSize;
  }
  while (!out.empty()) {
    if (offset_ == kBlockSize) {
      KeccakPermute(state_.data());
      offset_ = 0;
    }
    const std::size_t take = std::min(out.size(), kBlockSize - offset_);
    CopyFromState<1>(state_.data(), offset_, out.first(take));
    offset_ += take;
    out = out.subspan(take);
  }
}

}  // namespace salus::crypto
