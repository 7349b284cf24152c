// Backend is the place that a command works on: a data directory (DataBackend, over node::Node) or
// a server (ServerBackend, over client). Commands know nothing else about where things are.
//
// Errors: as the calls of node and client; PermissionDenied "not permitted" from a server; every
//         method that a place can't offer is FailedPrecondition and says which place can.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aggregate/dap_task.h"
#include "aggregate/task_file.h"
#include "audit/custody.h"
#include "audit/directory.h"
#include "audit/history.h"
#include "audit/task_notice.h"
#include "audit/verify.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "client/kept_receipt.h"
#include "client/line_batch.h"
#include "client/notices.h"
#include "client/reconcile.h"
#include "merkle/tile.h"
#include "node/data_check.h"
#include "pki/identity.h"
#include "pki/identity_directory.h"

namespace salus::cli {

using client::InputFormat;
using client::KeptReceipt;

// HealthLine is one line of `salus status`: what was looked at, how it is, what to do.
struct HealthLine {
  enum class State { kGood, kNotice, kBad };
  std::string name;
  State state = State::kGood;
  std::string text;
  std::string advice;  // empty where there is nothing to do
};

// AppendedLine is the answer to one line of the input.
struct AppendedLine {
  enum class Status { kLogged, kRepeat, kRefused };
  std::uint64_t line = 0;  // counted from 1, over the whole input
  Status status = Status::kLogged;
  std::string event_id;          // where it was logged or is a repeat
  merkle::LeafIndex index;       // likewise
  merkle::LeafHash leaf_hash;    // likewise
  std::optional<Error> refusal;  // why it was refused
  std::string_view text;         // the line itself, where it was refused and is at hand
  bool was_earlier = false;      // it was refused in an earlier run, which has told why
};

// AppendCall is one `audit append` or `audit send`. The callbacks run on the calling thread.
struct AppendCall {
  std::string source;  // with a data directory; a server takes it from the certificate
  InputFormat format = InputFormat::kNdjson;
  bool is_atomic = false;
  // journal notes what a server acknowledged, so that a second run of the same input goes on where
  // the first one broke; empty: none.
  std::string journal;
  std::string receipts;  // the file that `receipted` writes, which the journal names
  client::EventInput input;
  std::function<Result<void>(const AppendedLine& line)> answered;
  std::function<Result<void>(const KeptReceipt& receipt)> receipted;
  // flush makes durable what the two above wrote, before the journal says that it is done.
  std::function<Result<void>()> flush;
};

// AppendTotals counts the answers.
struct AppendTotals {
  std::uint64_t logged = 0;
  std::uint64_t repeats = 0;
  std::uint64_t refused = 0;   // by the journal, in an earlier run too
  std::uint64_t skipped = 0;   // lines that an earlier run has sent, by the journal
  std::uint64_t unopened = 0;  // repeats whose receipt was checked, and not their content
};

// CustodyView is what a custodian or the patient sees of a custody key. A custodian sees its own
// share, the patient the released ones; a data directory shows all.
struct CustodyView {
  std::size_t threshold = 0;
  std::optional<crypto::P256PublicKey> custody_key;
  std::optional<crypto::P256PublicKey> patient_key;  // what shares are re-sealed to
  std::vector<audit::CustodyShareRow> shares;
  std::size_t released_count = 0;  // of all custodians
  bool is_own_released = false;    // the asking custodian's
};

// ReaderLine is an auditor who is entitled to read a patient now.
struct ReaderLine {
  std::string auditor;
  std::string name;
  std::string purpose;
  Day from;
  std::optional<Day> until;
};

// AggregateTaskLine is a task of an aggregator, and how far it is.
struct AggregateTaskLine {
  aggregate::DapTask task;
  std::string role;  // "leader" or "helper"
  std::string study;
  bool is_closed = false;
  bool has_ended = false;
  std::uint64_t waiting = 0;
  std::uint64_t aggregated = 0;
  std::uint64_t refused = 0;
};

// AggregateKeyLine is the key that clients seal reports to.
struct AggregateKeyLine {
  std::int64_t age_days = 0;
  std::int64_t rotate_days = 0;  // when a server makes a new one by itself; 0: never
};

class Backend {
 public:
  virtual ~Backend() = default;

  // where names the place in messages: "data directory /srv/salus", "https://host:9443".
  virtual std::string where() const = 0;
  virtual audit::PinnedLog Pinned() const = 0;
  // RootCertificatePem is the root that this place's certificates lead to.
  virtual std::string RootCertificatePem() const = 0;
  virtual Result<std::vector<HealthLine>> Status() = 0;

  // Registrar.
  // certificates are those of the rows, as PEM, empty where a row has none: a server reads key and
  // fingerprint from them itself.
  virtual Result<void> PutPatients(std::span<const audit::PatientRow> rows,
                                   std::span<const std::string> certificates) = 0;
  virtual Result<std::vector<audit::PatientRow>> ListPatients() = 0;
  // FindPatient is a data directory's. Errors: NotFound; Corruption when the log knows the patient,
  // and control.db holds no row of it that the log recorded.
  virtual Result<audit::PatientRow> FindPatient(const audit::Subject& patient) = 0;
  virtual Result<void> PutAuditor(const audit::AuditorRow& row, const std::string& certificate) = 0;
  virtual Result<std::vector<audit::AuditorRow>> ListAuditors() = 0;
  virtual Result<void> PutSource(std::string_view id, std::string_view name) = 0;
  virtual Result<std::vector<audit::SourceRow>> ListSources() = 0;
  // Certify returns the chain as PEM, leaf first.
  virtual Result<std::string> Certify(std::string_view request_pem, pki::Role role,
                                      std::string_view id) = 0;

  // Officer.
  virtual Result<void> PutMandate(std::string_view auditor_id, std::vector<audit::Subject> patients,
                                  std::string_view purpose, std::optional<Day> from,
                                  std::optional<Day> until) = 0;
  virtual Result<audit::MandateRow> GetMandate(std::string_view auditor_id) = 0;
  // ConfirmClock lets the checkpoints of a running server go on.
  virtual Result<void> ConfirmClock() = 0;

  // Officer and researcher, at an aggregator. AggregatorUrl is where clients reach it, unless it
  // says otherwise; Notices are what its log says of tasks, verified.
  virtual std::string AggregatorUrl() const = 0;
  virtual Result<void> AddAggregateTask(const aggregate::TaskFile& file) = 0;
  virtual Result<std::vector<AggregateTaskLine>> AggregateTasks() = 0;
  virtual Result<void> CloseAggregateTask(const aggregate::TaskId& task) = 0;
  virtual Result<AggregateKeyLine> AggregateKey() = 0;
  // RotateAggregateKeys says how many old keys were forgotten.
  virtual Result<std::uint64_t> RotateAggregateKeys() = 0;
  virtual Result<std::vector<client::LoggedTask>> Notices() = 0;
  // Notices to everybody in the log; they return the entry's index.
  virtual Result<std::uint64_t> OpenTask(const audit::TaskNotice& notice) = 0;
  virtual Result<std::uint64_t> ReleaseResult(const audit::ResultNotice& notice) = 0;

  // Source.
  virtual Result<AppendTotals> AppendEvents(const AppendCall& call) = 0;

  // Patient and auditor. History returns EncodeHistory's bytes; the asker must be the holder of the
  // identity that the place was opened with. It is recorded before it is answered.
  virtual Result<Bytes> History(const audit::Subject& asker,
                                const audit::HistoryQuestion& question) = 0;
  // Readers is the place's word, which nothing proves; a patient's own chain does.
  virtual Result<std::vector<ReaderLine>> Readers(const audit::Subject& patient) = 0;
  virtual Result<void> ShareDays(const audit::Subject& patient, std::string_view auditor_id,
                                 Day from, Day to, std::string_view sealed_keys_jwe) = 0;

  // Custodian, and the patient who joins.
  virtual Result<CustodyView> Custody(const audit::Subject& patient) = 0;
  virtual Result<void> ReleaseShare(const audit::Subject& patient, std::string_view custodian_id,
                                    std::string_view released_share) = 0;

  // The log. Checkpoint is the newest published note.
  virtual Result<std::string> Checkpoint() = 0;
  virtual Result<Bytes> Tile(const merkle::TileId& id) = 0;
  // Bundle is an entry bundle: admitted followers only, at a server.
  virtual Result<Bytes> Bundle(const merkle::TileId& id) = 0;
  // Updates are the chain steps of entries first to last, as the server sends them: admitted map
  // verifiers only, at a server.
  virtual Result<Bytes> Updates(std::uint64_t first, std::uint64_t last) = 0;
  // FilingSource is how this place tells under whom the entries below size were filed: a data
  // directory by its chains, a server by proofs, which only the entries' source gets.
  virtual Result<client::ReconcileOptions> FilingSource(merkle::TreeSize size) = 0;
};

// ServerPlace says which server, and as whom.
struct ServerPlace {
  std::string server;                                // URL, or the name of a connected server
  const pki::IdentityDirectory* identity = nullptr;  // null: public reads only
  std::string via = {};                              // folder of a file exchange; empty: HTTPS
  std::chrono::seconds via_timeout{120};             // of one answer
  std::function<void(std::string_view)> say = {};    // a message to who waits; any thread
};

// FirstContactCall is `salus connect`. public_url is where the log is read by everybody; empty: the
// same host, port 8443.
struct FirstContactCall {
  std::string url;
  std::string public_url;
  std::string fingerprint;
  std::string name;
};

// OpenServer and ConnectServer are server_backend.cc's. ConnectServer is the first contact: it
// compares the root's fingerprint, and pins what the server says about its log; the name under
// which it was pinned is returned.
Result<std::unique_ptr<Backend>> OpenServer(const ServerPlace& place);
Result<std::string> ConnectServer(const FirstContactCall& call);

}  // namespace salus::cli
