// Sensitivity is how far one person can move an aggregate, which noise has to cover.
#pragma once

#include "aggregate/rational.h"
#include "aggregate/vdaf_instance.h"
#include "base/result.h"

namespace salus::aggregate {

// NeighbourModel says which two sets of reports shall look alike. Where it is known who is in a
// study, only kReplace hides what a member reported.
enum class NeighbourModel {
  kAddOrRemove,  // one report is there or not
  kReplace,      // one report has another value
};

// Sensitivity is the largest distance between the aggregates of two neighbours.
//
// Source: Dwork, McSherry, Nissim, Smith 2006 (L1, for Laplace noise); Canonne, Kamath, Steinke
//         2020, theorem 4 (L2, for Gaussian noise).
// Shape:  whole numbers below 2^128: aggregates are integers. One person is one report: the study
//         has to see to that.
struct Sensitivity {
  Uint128 l1 = 0;
  Uint128 l2_squared = 0;
};

// SensitivityOf is that of an instance, by its limits alone:
//
//   circuit            l1, add or remove    l1, replace            l2_squared
//   Count              1                    1                      l1
//   Sum                max                  max                    max^2
//   SumVec             length * max         length * max           length * max^2
//   Histogram          1                    2                      l1
//   MultihotCountVec   max_weight           min(2 * that, length)  l1
//   MeanVar            max + max^2          the same               max^2 + max^4
//   LinReg, length d   every sum of a number as max, every sum of a product as max^2, for d + 1
//                      numbers and their (d + 1)(d + 2) / 2 products; both models
//
// In a SumVec one person may fill the whole vector, and the noise grows with it: prefer a histogram
// where that will do.
//
// Errors: InvalidArgument (128 bits do not hold it, or a limit that the circuit needs is 0).
Result<Sensitivity> SensitivityOf(const VdafInstance& instance, NeighbourModel model);

}  // namespace salus::aggregate
