// NodeFixture is a data directory of its own with registered people and an open Node; test code
// only.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "audit/recorder.h"
#include "base/clock.h"
#include "base/random.h"
#include "crypto/p256.h"
#include "node/node.h"

namespace salus::integration {

// ScratchFolder is a new empty folder that is removed with its owner.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Rounds is how often a test repeats its random act: few by default, many with SALUS_NIGHTLY=1.
int Rounds(int usual, int nightly);

// RandomSeed is SALUS_SEED, or a fixed one: a failure says which.
std::uint64_t RandomSeed();

// MakeDirectory makes a data directory in which checkpoints come only when they are asked for.
void MakeDataDirectory(const std::string& path, const Clock& clock, RandomSource& random);

// RecordAndWait records NDJSON lines and waits for the answer.
Result<audit::RecordedBatch> RecordAndWait(node::Node& node, const audit::SourceRow& source,
                                           std::string_view lines);

class NodeFixture {
 public:
  static constexpr const char* kOrigin = "hospital.example.org/audit";
  static constexpr const char* kSource = "ward-system";

  // Makes the directory with `patients` patients ("patient-0" on) and two auditors: "auditor-a"
  // may read the first half of them, "auditor-b" all.
  explicit NodeFixture(int patients);

  void Open(node::NodeAccess access = node::NodeAccess::kReadWrite);
  void Close() { node.reset(); }

  static std::string PatientId(int i) { return "patient-" + std::to_string(i); }
  static audit::Subject Patient(int i);
  static audit::Subject Auditor(std::string_view id);
  // Line is an event as a source sends it.
  std::string Line(int patient, std::uint64_t event, std::string_view more = "") const;
  // Record logs events of the patients in turn, and expects that all of them are logged.
  audit::RecordedBatch Record(std::uint64_t first_event, std::uint64_t count);
  Result<audit::RecordedBatch> Send(std::string_view lines);

  const int patient_count;
  ScratchFolder scratch;
  const std::string directory = (scratch.path() / "data").string();
  FakeClock clock{FromUnixMillis(1'763'632'800'000)};  // 2025-11-20T10:00:00Z
  SystemRandom random;
  std::vector<crypto::P256PrivateKey> patient_keys;
  std::vector<crypto::P256PrivateKey> auditor_keys;  // a, b
  std::unique_ptr<node::Node> node;
};

}  // namespace salus::integration
