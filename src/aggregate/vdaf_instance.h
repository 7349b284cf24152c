// VdafInstance names one Prio3: what is measured, within which limits, by how many aggregators.
#pragma once

#include <cstdint>

namespace salus::aggregate {

// VdafProfile is a wire version: draft-20 is what we speak, draft-08 what deployed clients speak.
enum class VdafProfile : std::uint8_t { kDraft20 = 18, kDraft08 = 8 };  // the value is VERSION

// Circuit is the kind of statistic; the value is the algorithm id of draft-20.
//
// Source: VDAF draft-20 section 10 (IANA), 0xFFFF0000 and up for private use.
enum class Circuit : std::uint32_t {
  kCount = 1,
  kSum = 2,
  kSumVec = 3,
  kHistogram = 4,
  kMultihotCountVec = 5,
  kMeanVar = 0xFFFF1001,  // ours: sum of x and of x squared
  kLinReg = 0xFFFF1002,   // ours: all sums that a linear regression needs
};

// VdafInstance is a circuit with its limits. Fields that a circuit does not use are 0.
//
// Source: VDAF draft-20 section 7.4; draft-08 section 7.4.
// Shape:  a measurement is a list of numbers: Count one of 0 or 1; Sum and MeanVar one number;
//         Histogram one bucket index; SumVec and MultihotCountVec `length` numbers; LinReg the
//         `length` inputs and then the output. An aggregate result is one number for Count and Sum,
//         `length` numbers for the vectors, and for MeanVar and LinReg the sums of the numbers of a
//         measurement z[0], z[1], ... (LinReg: the inputs, then the output), then the sums of the
//         products z[i] * z[j] in the order (0,0), (0,1), ... (0,n-1), (1,1), ... (n-1,n-1).
//         MeanVar and LinReg take a max_measurement below 2^48 and 1 to 64 inputs; a measurement of
//         the vectors is at most 2^20 elements: length * the bits of max_measurement.
struct VdafInstance {
  VdafProfile profile = VdafProfile::kDraft20;
  Circuit circuit = Circuit::kCount;
  std::uint64_t max_measurement = 0;  // Sum, SumVec, MeanVar, LinReg (each number); 08: 2^bits - 1
  std::uint32_t length = 0;           // SumVec, Histogram, MultihotCountVec, LinReg (inputs)
  std::uint32_t max_weight = 0;       // MultihotCountVec
  std::uint32_t chunk_length = 0;     // SumVec, Histogram, MultihotCountVec
  std::uint8_t shares = 2;            // aggregators, 2 to 255

  bool operator==(const VdafInstance&) const = default;
};

}  // namespace salus::aggregate
