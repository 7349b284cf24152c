// Prio3Layout tells how long everything is that one Prio3 reads and writes; internal to the module.
#pragma once

#include <cstddef>
#include <cstdint>

#include "aggregate/prio3.h"

namespace salus::aggregate {

// Prio3Layout is computed once per instance.
//
// Source: VDAF draft-20 section 7.2.7. In draft-08 a seed has 16 bytes, and a helper gets two: one
//         for the measurement and one for the proofs.
// Shape:  a leader's share is the elements, then its blind; a helper's its seeds, then its blind.
//         There are blinds only with joint randomness.
struct Prio3Layout {
  std::uint8_t shares = 0;
  std::size_t element_bytes = 0;
  std::size_t measurement_length = 0;  // elements
  std::size_t share_length = 0;        // the measurement and all proofs
  std::size_t verifiers_length = 0;
  std::size_t output_length = 0;
  bool has_joint_rand = false;
  bool is_draft_08 = false;

  std::size_t seed_bytes() const { return is_draft_08 ? 16 : 32; }
  std::size_t blind_bytes() const { return has_joint_rand ? seed_bytes() : 0; }
  std::size_t proof_seed_offset() const { return is_draft_08 ? seed_bytes() : 0; }
  std::size_t helper_share_bytes() const {
    return proof_seed_offset() + seed_bytes() + blind_bytes();
  }
  std::size_t randomness_bytes() const {
    return helper_share_bytes() * (shares - 1u) + blind_bytes() + seed_bytes();
  }
  std::size_t input_share_bytes(std::uint8_t aggregator) const {
    return aggregator == 0 ? element_bytes * share_length + blind_bytes() : helper_share_bytes();
  }
  std::size_t verifier_share_bytes() const {
    return element_bytes * verifiers_length + blind_bytes();
  }
  std::size_t output_bytes() const { return element_bytes * output_length; }

  Result<void> CheckReport(const SecretBytes& verify_key, std::uint8_t aggregator,
                           const ReportShare& report) const;
  // CheckCount is for what all aggregators hand in.
  Result<void> CheckCount(const char* what, std::size_t count) const;
};

// CheckSize is an InvalidArgument that names both sizes.
Result<void> CheckSize(const char* what, std::size_t size_bytes, std::size_t wanted_bytes);

}  // namespace salus::aggregate
