#include "aggregate/coset_products.h"

#include <vector>

#include "aggregate/element_vector.h"
#include "aggregate/field128_ifma.h"

namespace salus::aggregate {

namespace {

constexpr int kMaxLog2Points = 12;  // so that the lanes' numbers stay below 2^148
constexpr std::size_t kMinPairs = 6;

// A product of two elements as stored has a factor of 2^28 too little.
constexpr Field128 kScale = Field128::FromUint64(1 << 28);

}  // namespace

bool CosetProducts(const Ntt<Field128>& ntt, std::span<const Field128> wires, std::size_t arity,
                   std::span<const Field128> twists, std::span<Field128> out) {
  const int log2_points = Log2Ceiling(ntt.size());
  if (!IfmaEnabled() || log2_points > kMaxLog2Points || arity / 2 < kMinPairs) return false;
  std::vector<Limbs> powers, inverse_powers;
  for (std::size_t i = 0; i < ntt.size() / 2; ++i) {
    powers.push_back(IfmaFactor(ntt.power(i)));
    inverse_powers.push_back(IfmaFactor(ntt.inverse_power(i)));
  }
  const std::vector<Limbs> twist_limbs = IfmaFactors(twists);
  ElementVector<LimbLanes> rows(2 * ntt.size()), sums(ntt.size());
  IfmaCosetProducts({.log2_points = log2_points,
                     .pairs = arity / 2,
                     .wires = IfmaWords(wires),
                     .inverse_powers = inverse_powers.data(),
                     .powers = powers.data(),
                     .twists = twist_limbs.data(),
                     .rows = rows.all().data(),
                     .sums = sums.all().data()});

  for (std::size_t k = 0; k < ntt.size(); ++k) {
    std::uint64_t sum[3] = {};
    for (int l = 0; l < 3; ++l) {
      for (const std::uint64_t lane : sums.all()[k].limb[l]) sum[l] += lane;
    }
    out[k] = FromIfma(sum) * kScale;
    WipeMemory(sum, sizeof sum);
  }
  return true;
}

}  // namespace salus::aggregate
