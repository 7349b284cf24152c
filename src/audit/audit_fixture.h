// AuditFixture is a whole server in memory, with its people and their devices; test code only.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "audit/custody.h"
#include "audit/historian.h"
#include "audit/recorder.h"
#include "audit/signer.h"
#include "audit/verify.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/random.h"
#include "storage/memory_file_system.h"
#include "tlog/log.h"
#include "tlog/signer_key.h"

namespace salus::audit {

// TestSigner holds real keys, in memory.
class TestSigner final : public Signer {
 public:
  explicit TestSigner(const std::string& origin);
  Result<std::string> SignCheckpoint(std::string_view body) const override;
  Result<std::string> SignReceipt(std::string_view body) const override;
  const std::string& checkpoint_vkey() const override { return checkpoint_vkey_; }
  const std::string& receipt_vkey() const override { return receipt_vkey_; }
  crypto::VrfProof ProveSubject(ByteSpan alpha) const override { return vrf.Prove(alpha); }
  crypto::VrfPublicKey vrf_key() const override { return vrf.public_key(); }
  const crypto::HmacSha256Key& index_key() const override { return index_; }

  SystemRandom random;
  tlog::SignerKey log;
  tlog::SignerKey receipt;
  crypto::VrfPrivateKey vrf = crypto::VrfPrivateKey::Generate(random);

 private:
  std::string checkpoint_vkey_;
  std::string receipt_vkey_;
  crypto::HmacSha256Key index_{AsBytes("index key of the tests")};
};

// Person is somebody with an identity and an encryption key of their own.
struct Person {
  Subject subject;
  crypto::P256PrivateKey key = crypto::P256PrivateKey::Generate();
};

// Device is what one person's `salus` remembers, asks and verifies with.
struct Device {
  std::optional<KnownCheckpoint> known;
  KnownChain chain;
};

class AuditFixture {
 public:
  AuditFixture();
  ~AuditFixture();

  static Person MakePatient(std::string_view id, std::string_view system = "");
  static Person MakeAuditor(std::string_view id);

  // The acts of registrar and officer, as node makes them.
  void Register(const Person& patient);  // also the enrolment of one in custody
  void RegisterAuditor(const Person& auditor);
  void SetMandate(const Person& auditor, const std::vector<Subject>& patients,
                  std::optional<Day> until = std::nullopt);

  // Line is an event as a source sends it; more is ",\"member\":..." or empty.
  std::string Line(const Subject& patient, std::string_view event_id, std::string_view more = "");
  // Record sends lines and expects that all of them are logged.
  RecordedBatch Record(const std::string& lines);
  // Events records `count` events of a patient, and returns their ids.
  std::vector<std::string> Events(const Subject& patient, std::size_t count);
  void Checkpoint();

  // Answer asks as that person, then makes a checkpoint and asks again, so that the answer has its
  // own question's entry where the asker is the subject.
  HistoryAnswer Answer(const Person& asker, const HistoryQuestion& question);
  // Reprove proves anew whatever the answer shows, if it can be proven: anybody can do that.
  void Reprove(HistoryAnswer& answer) const;
  HistoryQuestion QuestionOf(const Subject& subject, const Device& device = {}) const;
  VerifyQuestion VerifyAs(const HistoryQuestion& asked, const ReaderKeys& keys,
                          const Device& device = {}) const;
  static ReaderKeys KeysOf(const Person& person);
  // Ask is the whole way: question, answer through its encoding, verification, memory.
  Result<VerifiedHistory> Ask(const Person& person, Device& device,
                              const HistoryQuestion& question);
  // Joined is the auditor's own chain, verified.
  Result<JoinedHistory> Joined(const Person& auditor);

  const std::string origin = "log.example.org/audit";
  FakeClock clock{FromUnixMillis(1'763'596'800'000 + 10 * 3'600'000)};  // 2025-11-20T10:00:00Z
  SystemRandom random;
  TestSigner signer{origin};
  PinnedLog pinned{origin, signer.checkpoint_vkey(), signer.receipt_vkey(), signer.vrf_key(),
                   "quorum none\n"};
  storage::MemoryFileSystem fs;
  std::filesystem::path folder;
  MetricRegistry metrics;
  std::unique_ptr<tlog::Log> log;
  std::unique_ptr<Directory> directory;
  std::unique_ptr<Recorder> recorder;
  std::unique_ptr<Historian> historian;
  std::vector<crypto::P256PrivateKey> custodian_keys;
  SourceRow source;
  std::uint64_t next_event = 1;
};

}  // namespace salus::audit
