// Workload W: access events of exactly 300 bytes as NDJSON, from a seed. The same seed and counts
// give the same bytes on every machine.
//
// Shape: one JSON object a line, "\n" included in the 300 bytes. Patients are drawn by Zipf's law
//        with exponent 1 (patient n is drawn as often as 1/(n+1)), users evenly, ids at random.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"

namespace salus::bench {

class Workload {
 public:
  static constexpr std::size_t kLineBytes = 300;
  static constexpr std::uint32_t kUsers = 500;

  Workload(std::uint64_t seed, std::uint32_t patients);

  // Append adds the next `count` events to out, one line each.
  void Append(std::size_t count, std::string& out);
  // AppendFor adds one event of a patient of the caller's choice.
  void AppendFor(std::uint32_t patient, std::string& out);

  // Skip passes over the next event of Append, and says which patient it is about.
  std::uint32_t Skip();

  static std::string PatientId(std::uint32_t patient);

 private:
  std::uint32_t DrawPatient();
  void AppendEvent(std::uint32_t patient, std::string& out);

  struct Slot {  // of the alias method: keep this patient below the threshold, else take the other
    std::uint32_t threshold;
    std::uint32_t other;
  };
  SeededRandom random_;
  std::vector<Slot> slots_;
  std::uint64_t time_ms_;
};

}  // namespace salus::bench
