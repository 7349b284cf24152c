// Connection is a server under one identity: one typed call for each route.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/directory.h"
#include "audit/history.h"
#include "audit/task_notice.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "client/pinned_server.h"
#include "client/source_entry.h"
#include "client/transport.h"
#include "codec/json.h"
#include "merkle/tile.h"
#include "pki/identity.h"
#include "pki/identity_directory.h"

namespace salus::client {

// WhoAmI is who the server takes us for.
struct WhoAmI {
  std::string role;
  std::string id;
  std::string origin;
};

// CustodyState is what the caller may see of a patient's custody key: a custodian its own sealed
// share, the patient those that were released.
struct CustodyState {
  std::size_t threshold = 0;
  std::optional<crypto::P256PublicKey> custody_key;
  std::optional<crypto::P256PublicKey>
      patient_key;  // shares are re-sealed to it; none: not enrolled
  std::vector<audit::CustodyShareRow> shares;
  std::size_t released_count = 0;  // of all custodians
  bool is_own_released = false;    // a custodian's own share
};

// TlsOptions is what a connection under an identity is made with.
//
// Errors: FailedPrecondition when the identity has no certificate yet.
Result<http::ClientOptions> TlsOptions(const PinnedServer& server,
                                       const pki::IdentityDirectory& identity);

// Connection speaks the HTTP API.
//
// Errors:  each call: those of Transport::Send and ErrorOfAnswer; Unavailable when the answer is
// not
//          what the API says (a proxy's page, another version).
// Threads: one thread at a time.
class Connection {
 public:
  // Over uses api for everything but the log's public reads, and log for these (nullptr: api too).
  Connection(std::unique_ptr<Transport> api, std::unique_ptr<Transport> log);
  // Open is mutual TLS with an identity, and public reads without one. A null identity leaves the
  // public reads only.
  //
  // Errors: FailedPrecondition when the identity has no certificate yet; InvalidArgument.
  static Result<Connection> Open(const PinnedServer& server,
                                 const pki::IdentityDirectory* identity);

  const std::string& where() const { return where_; }

  Result<WhoAmI> Me();

  // Registrar. A list asks for one page after the other.
  // certificate_pem, where it is given, is sent in place of row's key: it also tells the server who
  // the patient's certificate belongs to, which a patient of a naming system needs. For the system
  // subject an officer puts its own key.
  Result<void> PutPatient(const audit::PatientRow& row, std::string_view certificate_pem = {});
  Result<std::vector<audit::PatientRow>> ListPatients();
  Result<void> PutAuditor(const audit::AuditorRow& row, std::string_view certificate_pem = {});
  Result<std::vector<audit::AuditorRow>> ListAuditors();
  Result<void> PutSource(std::string_view id, std::string_view name);
  Result<std::vector<audit::SourceRow>> ListSources();
  // Certify returns the chain as PEM, leaf first.
  Result<std::string> Certify(std::string_view request_pem, pki::Role role, std::string_view id);

  // Officer.
  Result<void> PutMandate(std::string_view auditor_id, std::span<const audit::Subject> patients,
                          std::string_view purpose, std::optional<Day> from,
                          std::optional<Day> until);
  Result<void> ConfirmClock();
  Result<audit::MandateRow> GetMandate(std::string_view auditor_id);

  // Researcher, officer, registrar: a notice to everybody in the log, of which the publisher is the
  // caller, whatever notice says. They return the entry's index.
  Result<std::uint64_t> OpenTask(const audit::TaskNotice& notice);
  Result<std::uint64_t> ReleaseResult(const audit::ResultNotice& notice);
  // NoticesPage is GET /audit/v1/tasks from there on, public; FetchNotices verifies all of them.
  Result<codec::JsonObject> NoticesPage(std::uint64_t offset);

  // Officer and researcher, at an aggregator: its tasks, as JSON that the caller reads. task_file
  // is an aggregator's file of a task (docs/formats/aggregate-tasks.md).
  Result<void> PutAggregateTask(const SecretBytes& task_file);
  Result<std::vector<codec::JsonObject>> AggregateTasks();
  Result<void> CloseAggregateTask(std::string_view task_id);
  Result<codec::JsonObject> AggregateKey();
  Result<std::uint64_t> RotateAggregateKeys();

  // Patient and auditor. The bytes are EncodeHistory's, all pages in one, to be verified.
  Result<Bytes> History(const audit::HistoryQuestion& question);
  // About a patient, or a mandate.
  // OwnHistory asks about the caller itself; question.subject is passed over.
  Result<Bytes> OwnHistory(const audit::HistoryQuestion& question);
  Result<void> ShareDays(std::string_view auditor_id, Day from, Day to,
                         std::string_view sealed_keys_jwe);

  // Source: its own entries, nothing verified. Events are sent by Sender.
  Result<SourceEntry> EntryOf(merkle::LeafIndex index);

  // Custodian and patient.
  Result<CustodyState> Custody(const audit::Subject& patient);
  Result<void> ReleaseShare(const audit::Subject& patient, std::string_view released_share);

  // The log's public reads. Nothing is verified here.
  Result<std::string> Checkpoint();
  Result<Bytes> Tile(const merkle::TileId& id);
  // Bundle needs an admitted identity.
  Result<Bytes> Bundle(const merkle::TileId& id);
  // Updates are the chain steps of entries first to last, 65,536 at most; needs an identity that is
  // admitted as a map verifier.
  Result<Bytes> Updates(std::uint64_t first, std::uint64_t last);
  // FirstEntry is entry 0.
  Result<Bytes> FirstEntry();
  // CheckReady asks /readyz. Errors: Unavailable, with what the server says is missing.
  Result<void> CheckReady();

  Transport& api() { return *api_; }

 private:
  Result<CallAnswer> Ask(Transport& transport, const Call& call);
  Result<codec::JsonObject> AskJson(const Call& call);
  Result<codec::JsonObject> AskJson(Transport& transport, const Call& call);
  template <typename Row>
  Result<Row> AskRow(const std::string& path, Result<Row> (*read)(const codec::JsonObject&));
  template <typename Row>
  Result<std::vector<Row>> List(const std::string& name,
                                Result<Row> (*read)(const codec::JsonObject&));
  Result<void> SendJson(http::Method method, const std::string& path, std::string query,
                        const codec::JsonObject& body);
  Result<std::uint64_t> PutNotice(const std::string& path, std::string query,
                                  const codec::JsonObject& body);
  Result<Bytes> AskHistory(Call call);
  Result<Bytes> AskHistoryPage(Call call);

  std::unique_ptr<Transport> api_;
  std::unique_ptr<Transport> log_;  // null: api_
  std::string where_;
};

}  // namespace salus::client
