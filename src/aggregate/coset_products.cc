#include "aggregate/coset_products.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <vector>

#include "aggregate/element_vector.h"

namespace salus::aggregate {

namespace {

constexpr int kMaxLog2Points = 12;  // so that the lanes' numbers stay below 2^148
constexpr std::size_t kMinPairs = 6;
constexpr std::uint64_t kLimbMask = (std::uint64_t{1} << 52) - 1;

bool Detect() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512ifma");
#else
  return false;
#endif
}

// Before this is initialised it reads false, which is right everywhere.
std::atomic<bool> enabled{CosetProductsDetected()};

// Words are an element as it is stored.
static_assert(sizeof(Field128) == 16 && std::endian::native == std::endian::little);

// A product of lanes is divided by 2^156, that of elements by 2^128: a factor of 2^28 makes up for
// it. A sum of lanes is a number as an element is stored, which is the element times 2^128.
constexpr Field128 kScale = Field128::FromUint64(1 << 28);
constexpr Field128 kBase = Field128::FromUint64(kLimbMask + 1);
constexpr Field128 kFactor =
    kScale * Field128::FromUint64(std::uint64_t{1} << 32).Power(4).Inverse();

Limbs ToLimbs(const Field128& element) {
  const Field128 scaled = element * kScale;
  std::uint64_t words[2];
  std::memcpy(words, &scaled, sizeof words);
  return {{words[0] & kLimbMask, (words[0] >> 52 | words[1] << 12) & kLimbMask, words[1] >> 40}};
}

std::vector<Limbs> ToLimbs(std::span<const Field128> elements) {
  std::vector<Limbs> out;
  for (const Field128& element : elements) out.push_back(ToLimbs(element));
  return out;
}

}  // namespace

bool CosetProductsDetected() {
  static const bool detected = Detect();
  return detected;
}
bool CosetProductsEnabled() { return enabled; }
void SetCosetProductsEnabled(bool wanted) { enabled = wanted && CosetProductsDetected(); }

bool CosetProducts(const Ntt<Field128>& ntt, std::span<const Field128> wires, std::size_t arity,
                   std::span<const Field128> twists, std::span<Field128> out) {
  const int log2_points = Log2Ceiling(ntt.size());
  if (!enabled || log2_points > kMaxLog2Points || arity / 2 < kMinPairs) return false;
  std::vector<Limbs> powers, inverse_powers;
  for (std::size_t i = 0; i < ntt.size() / 2; ++i) {
    powers.push_back(ToLimbs(ntt.power(i)));
    inverse_powers.push_back(ToLimbs(ntt.inverse_power(i)));
  }
  const std::vector<Limbs> twist_limbs = ToLimbs(twists);
  ElementVector<LimbLanes> rows(2 * ntt.size()), sums(ntt.size());
  IfmaCosetProducts({.log2_points = log2_points,
                     .pairs = arity / 2,
                     .wires = reinterpret_cast<const std::uint64_t*>(wires.data()),
                     .inverse_powers = inverse_powers.data(),
                     .powers = powers.data(),
                     .twists = twist_limbs.data(),
                     .rows = rows.all().data(),
                     .sums = sums.all().data()});

  for (std::size_t k = 0; k < ntt.size(); ++k) {
    Field128 sum = Field128::Zero();
    for (int l = 2; l >= 0; --l) {
      std::uint64_t limb = 0;
      for (const std::uint64_t lane : sums.all()[k].limb[l]) limb += lane;
      sum = sum * kBase + Field128::FromUint64(limb);
    }
    out[k] = sum * kFactor;
  }
  return true;
}

#if !defined(__x86_64__)
void IfmaCosetProducts(const IfmaJob&) { CHECK(false); }
#endif

}  // namespace salus::aggregate
