#include "aggregate/range_sums.h"

namespace salus::aggregate {

namespace {

constexpr std::size_t kMinPairs = 16;
constexpr std::size_t kMaxCalls = 511;  // so that no sum of limbs overflows

Field128 Lane(const LimbLanes& lanes, std::size_t l) {
  return FromIfma({lanes.limb[0][l], lanes.limb[1][l], lanes.limb[2][l]});
}

}  // namespace

bool RangeSums::IsWorthIt(std::size_t pairs, std::size_t calls) {
  return IfmaEnabled() && pairs >= kMinPairs && calls <= kMaxCalls;
}

RangeSums::RangeSums(std::size_t pairs)
    : pairs_(pairs), even_((pairs + 7) / 8), odd_((pairs + 7) / 8) {}

void RangeSums::AddChunk(std::span<const Field128> elements, const Field128& r,
                         const Field128& weight) {
  weights_ += weight;
  IfmaAddChunk({.count = elements.size(),
                .elements = IfmaWords(elements),
                .r = IfmaFactor(r),
                .weight = IfmaFactor(weight),
                .even = even_.all().data(),
                .odd = odd_.all().data()});
}

void RangeSums::AddTo(const Field128& shares_inverse, std::span<Field128> out) const {
  const Field128 constant = weights_ * shares_inverse;
  ElementVector<LimbLanes> lanes(2);
  for (std::size_t i = 0; i < pairs_; ++i) {
    if (i % 8 == 0) {
      IfmaReduce(even_.all()[i / 8], lanes.all()[0]);
      IfmaReduce(odd_.all()[i / 8], lanes.all()[1]);
    }
    out[2 * i] += Lane(lanes.all()[0], i % 8);
    out[2 * i + 1] += Lane(lanes.all()[1], i % 8) - constant;
  }
}

}  // namespace salus::aggregate
