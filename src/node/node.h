// Node opens a data directory and wires everything in it together. salusd serves one; `salus
// --data` uses one directly.
//
// Source: design.md sections 3 and 9; docs/formats/data-directory.md.
// Shape:  DIR/salus.toml, DIR/log/ (tlog), DIR/control.db (directory), DIR/keys/*.key (0600),
//         DIR/ca/ (issuing authority), DIR/root-offline/ (to be moved away), DIR/server/ (TLS
//         identity), DIR/custodians-offline/ (two custodian identities, to be handed out),
//         DIR/lock.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/custody.h"
#include "audit/directory.h"
#include "audit/historian.h"
#include "audit/recorder.h"
#include "audit/signer.h"
#include "audit/task_notice.h"
#include "audit/verify.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/result.h"
#include "node/config.h"
#include "pki/authority.h"
#include "storage/posix_file_system.h"
#include "tlog/log.h"

namespace salus::node {

// InitOptions of `salus init`.
struct InitOptions {
  std::string directory;
  std::string origin;
  std::vector<std::string> dns_names = {"localhost"};
  std::vector<std::string> ip_names = {"127.0.0.1"};
  std::uint16_t public_port = 8443;
  std::uint16_t machine_port = 9443;
};

// InitReport is what the operator must know afterwards.
struct InitReport {
  std::string root_fingerprint;  // hex SHA-256 of the root certificate: the line to hand out
  std::string connect_url;
};

// CertifyTerms are what a certificate holds beside what its request asks for.
struct CertifyTerms {
  std::chrono::days validity{730};
  std::vector<std::string> revocation_list_urls = {};  // http://, for servers
  std::vector<std::string> ocsp_urls = {};             // likewise
};

// NodeAccess says what a directory is opened for. kAsk records questions, but takes no events: it
// opens faster.
enum class NodeAccess { kReadOnly, kAsk, kReadWrite };

class Aggregation;

class Node {
 public:
  // Init creates the directory; it must not exist or be empty.
  static Result<InitReport> Init(const InitOptions& options, const Clock& clock,
                                 RandomSource& random);
  // Open takes the directory's lock unless for kReadOnly ("in use by salusd, pid N: use --server").
  // config_path is a file that is read instead of DIR/salus.toml.
  static Result<std::unique_ptr<Node>> Open(const std::string& directory, NodeAccess access,
                                            const Clock& clock, RandomSource& random,
                                            const std::string& config_path = {});
  ~Node();

  const Config& config() const;
  const std::string& origin() const;
  audit::PinnedLog pinned() const;
  tlog::Log& log();
  audit::Directory& directory();
  audit::Recorder& recorder();
  audit::Historian& historian();
  const audit::Signer& signer() const;
  MetricRegistry& metrics();
  const Clock& clock() const;
  RandomSource& random();
  std::string root_certificate_pem() const;
  const std::string& path() const;
  // aggregation is null unless salus.toml gives this server a role in it, and the directory is open
  // for writing.
  Aggregation* aggregation();

  // The registrar's and officer's acts: each logs its entry first, then stores the row
  // (docs/architecture.md). A repeat with the same content changes nothing.
  Result<void> PutPatient(const audit::PatientRow& row);
  Result<void> PutPatients(std::span<const audit::PatientRow> rows);
  Result<void> PutAuditor(const audit::AuditorRow& row);
  Result<void> PutSource(std::string_view id, std::string_view name);
  Result<void> PutCustodian(const audit::CustodianRow& row);
  Result<void> PutMandate(std::string_view auditor_id, std::vector<audit::Subject> patients,
                          std::string_view purpose, std::optional<Day> from,
                          std::optional<Day> until);
  // ReleaseShare stores a custodian's re-sealed share, as an entry of the patient's chain.
  Result<void> ReleaseShare(const audit::Subject& patient, std::string_view custodian_id,
                            std::string_view released_share);
  // ShareDays stores a grant that a patient made to an auditor for past days: the patient's device
  // re-sealed the epoch keys to the auditor; the node logs it in the patient's chain.
  Result<void> ShareDays(const audit::Subject& patient, std::string_view auditor_id, Day from,
                         Day to, std::string_view sealed_keys_jwe);
  // ConfirmClock is an officer's word that the clock is right, as an entry; checkpoints go on.
  // Returns the entry's index. Errors: FailedPrecondition when the clock stands before the last
  // checkpoint.
  Result<std::uint64_t> ConfirmClock(std::string_view officer_id);
  // OpenTask tells everybody what people's data is to be added up for, ReleaseResult what came of
  // it: entries in clear, of kind 7. Returns the entry's index; the same notice once more is the
  // same entry. Errors: Conflict for another notice of that task (or batch) by the same publisher;
  // FailedPrecondition for the result of a task that was never announced, or by another;
  // InvalidArgument as audit/task_notice.h.
  Result<std::uint64_t> OpenTask(const audit::TaskNotice& notice);
  Result<std::uint64_t> ReleaseResult(const audit::ResultNotice& notice);
  // Certify issues a certificate for a request; a person's is logged as a hash only.
  Result<std::string> Certify(std::string_view request_pem, pki::Role role, std::string_view id,
                              const CertifyTerms& terms = {});

  struct State;  // the module's own

 private:
  explicit Node(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace salus::node
