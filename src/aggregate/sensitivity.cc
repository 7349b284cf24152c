#include "aggregate/sensitivity.h"

#include <algorithm>

namespace salus::aggregate {

namespace {

// Adds `times` elements that hold values from 0 to max. False when 128 bits are not enough.
bool AddElements(Sensitivity& sum, Uint128 times, Uint128 max) {
  Uint128 more_l1;
  Uint128 more_l2;
  return !__builtin_mul_overflow(times, max, &more_l1) &&
         !__builtin_mul_overflow(more_l1, max, &more_l2) &&
         !__builtin_add_overflow(sum.l1, more_l1, &sum.l1) &&
         !__builtin_add_overflow(sum.l2_squared, more_l2, &sum.l2_squared);
}

Result<Sensitivity> OfElements(Uint128 numbers, Uint128 products, Uint128 max) {
  Sensitivity sum;
  if (!AddElements(sum, numbers, max) ||
      (products > 0 && !AddElements(sum, products, max * max))) {  // max is below 2^64
    return InvalidArgument("the sensitivity of this aggregate needs more than 128 bits");
  }
  if (sum.l1 == 0) return InvalidArgument("the aggregate has no elements, or can hold only 0");
  return sum;
}

// So many counts of 0 or 1 can differ by one.
Result<Sensitivity> OfCounts(Uint128 counts) { return OfElements(counts, 0, 1); }

}  // namespace

Result<Sensitivity> SensitivityOf(const VdafInstance& instance, NeighbourModel model) {
  const bool is_replaced = model == NeighbourModel::kReplace;
  const Uint128 max = instance.max_measurement;
  const Uint128 numbers = Uint128{instance.length} + 1;
  switch (instance.circuit) {
    case Circuit::kCount:
      return OfCounts(1);
    case Circuit::kSum:
      return OfElements(1, 0, max);
    case Circuit::kSumVec:
      return OfElements(instance.length, 0, max);
    case Circuit::kHistogram:
      return OfCounts(is_replaced ? 2 : 1);
    case Circuit::kMultihotCountVec: {
      const Uint128 weight = instance.max_weight;
      // Two reports differ in buckets that only one of them has, and there are length in all.
      return OfCounts(std::min<Uint128>(is_replaced ? 2 * weight : weight, instance.length));
    }
    case Circuit::kMeanVar:
      return OfElements(1, 1, max);
    case Circuit::kLinReg:
      return OfElements(numbers, numbers * (numbers + 1) / 2, max);
  }
  return InvalidArgument("the circuit is none that a sensitivity is known of");
}

}  // namespace salus::aggregate
