#include <atomic>
#include <bit>
#include <cstring>

#include "aggregate/field128_ifma.h"
#include "base/check.h"

namespace salus::aggregate {

namespace {

constexpr std::uint64_t kLimbMask = (std::uint64_t{1} << 52) - 1;
constexpr Field128 kScale = Field128::FromUint64(1 << 28);
constexpr Field128 kBase = Field128::FromUint64(kLimbMask + 1);
constexpr Field128 kStored = Field128::FromUint64(std::uint64_t{1} << 32).Power(4).Inverse();

bool Detect() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512ifma");
#else
  return false;
#endif
}

// Before this is initialised it reads false, which is right everywhere.
std::atomic<bool> enabled{IfmaDetected()};

static_assert(sizeof(Field128) == 16 && std::endian::native == std::endian::little);

}  // namespace

bool IfmaDetected() {
  static const bool detected = Detect();
  return detected;
}
bool IfmaEnabled() { return enabled; }
void SetIfmaEnabled(bool wanted) { enabled = wanted && IfmaDetected(); }

Limbs IfmaFactor(const Field128& element) {
  const Field128 scaled = element * kScale;
  std::uint64_t words[2];
  std::memcpy(words, &scaled, sizeof words);
  return {{words[0] & kLimbMask, (words[0] >> 52 | words[1] << 12) & kLimbMask, words[1] >> 40}};
}

std::vector<Limbs> IfmaFactors(std::span<const Field128> elements) {
  std::vector<Limbs> out;
  for (const Field128& element : elements) out.push_back(IfmaFactor(element));
  return out;
}

const std::uint64_t* IfmaWords(std::span<const Field128> elements) {
  return reinterpret_cast<const std::uint64_t*>(elements.data());
}

Field128 FromIfma(const std::uint64_t (&limb)[3]) {
  const Field128 upper = Field128::FromUint64(limb[2]) * kBase + Field128::FromUint64(limb[1]);
  return (upper * kBase + Field128::FromUint64(limb[0])) * kStored;
}

#if !defined(__x86_64__)
void IfmaCosetProducts(const IfmaCosetJob&) { CHECK(false); }
void IfmaAddChunk(const IfmaChunkJob&) { CHECK(false); }
void IfmaReduce(const LimbSums&, LimbLanes&) { CHECK(false); }
#endif

}  // namespace salus::aggregate
