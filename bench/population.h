// Population makes a data directory for a benchmark: patients with keys, auditors with a mandate
// over all of them, and one source.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/directory.h"
#include "base/clock.h"
#include "bench/figures.h"
#include "crypto/p256.h"
#include "node/node.h"

namespace salus::bench {

inline constexpr std::string_view kSourceId = "ehr-1";

struct PopulationOptions {
  std::string directory;
  std::uint32_t patients = 20'000;
  std::uint32_t auditors = 2;  // with the patient: the recipients of each event
  // The key of the last patient, when somebody wants to read as that one.
  std::optional<crypto::P256PublicKey> last_key = std::nullopt;
};

// Population is an open directory with everybody registered.
struct Population {
  std::unique_ptr<node::Node> node;
  audit::SourceRow source;
  std::string root_fingerprint;
};

// MakePopulation adds what registering took to figures.
Population MakePopulation(const PopulationOptions& options, const Clock& clock,
                          RandomSource& random, const Figures& figures);

audit::Subject PatientSubject(std::uint32_t patient);

// ShiftedClock is the system's clock, some days ahead or behind: a bench meets midnight, and a
// hundred days, without waiting for them.
class ShiftedClock final : public Clock {
 public:
  Timestamp Now() const override;
  std::chrono::steady_clock::time_point Monotonic() const override;
  void Shift(std::chrono::milliseconds by) { shift_ms_ += by.count(); }
  void ToNextDay();

 private:
  SystemClock system_;
  std::atomic<std::int64_t> shift_ms_{0};
};

}  // namespace salus::bench
