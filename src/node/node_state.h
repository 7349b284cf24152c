#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "node/aggregation.h"
#include "node/key_signer.h"
#include "node/node.h"
#include "pki/issuance_log.h"

namespace salus::node {

// LoggedIssuance records each certificate in the log before it is released.
class LoggedIssuance final : public pki::IssuanceLog {
 public:
  explicit LoggedIssuance(audit::Recorder& recorder) : recorder_(recorder) {}
  Result<void> Record(ByteSpan certificate_sha256, const pki::Identity& identity,
                      bool is_person) override;

 private:
  audit::Recorder& recorder_;
};

// Node::State is everything that a node owns, in the order in which it may be destroyed.
struct Node::State {
  State(std::string path, const Clock& c, RandomSource& r)
      : directory_path(std::move(path)), clock(c), random(r) {}

  Result<void> OpenParts(NodeAccess access, const std::string& config_path);
  void RunMidnight(std::stop_token stop);
  // PutSome is PutPatients for so many as one act takes; the caller holds LockActs.
  Result<void> PutSome(std::span<const audit::PatientRow> rows);
  // Act lets one at a time change rows that others look up, with the registration of patients that
  // sources name first.
  struct Act {
    std::unique_lock<std::mutex> one_at_a_time;
    std::unique_lock<std::mutex> registrations;
  };
  // BeginAct finishes first what an act before left undone.
  Result<Act> BeginAct();
  // FinishMandates finishes what a crash or an error broke off: patients that were not told yet are
  // told, and then the mandate is what it was becoming. The caller holds acts_mutex.
  Result<void> FinishMandates();
  Result<void> FinishMandate(const audit::MandateRow& begun);
  Result<void> SetMandate(const audit::AuditorRow& auditor, const audit::MandateRow& target);
  // LogNotice logs a notice and stores where it stands. The caller holds LockActs.
  Result<std::uint64_t> LogNotice(audit::NoticeRow row);
  tlog::CheckpointSigner CheckpointKeys() const;
  std::string PathOf(std::string_view name) const {
    return storage::JoinPath(directory_path, name);
  }

  const std::string directory_path;
  const Clock& clock;
  RandomSource& random;
  Config config;
  MetricRegistry metrics;
  storage::PosixFileSystem fs;
  std::unique_ptr<storage::FileLock> lock;
  std::unique_ptr<KeySigner> signer;
  std::string root_pem;
  std::unique_ptr<tlog::Log> log;
  std::unique_ptr<audit::Directory> directory;
  std::unique_ptr<audit::Recorder> recorder;
  std::unique_ptr<audit::Historian> historian;
  std::unique_ptr<Aggregation> aggregation;  // null: this server has no part in it
  std::mutex acts_mutex;  // before Recorder::LockActs: which a mandate gives back between commits
  std::jthread midnight;
};

// SubjectPolicy is an entry of the subject's chain, sealed to its readers, who may change with it.
audit::NewPolicy SubjectPolicy(audit::EventType type, const audit::Subject& subject, Bytes content);

// CheckRootCertificate says whether this is one certificate, byte for byte, signed by its own key.
// Errors: Corruption.
Result<void> CheckRootCertificate(const std::string& pem);
// ReadText reads a small text file of the data directory.
Result<std::string> ReadText(storage::FileSystem& fs, const std::string& path);
// WriteText makes a new file.
Result<void> WriteText(storage::FileSystem& fs, const std::string& path, std::string_view text);

}  // namespace salus::node
