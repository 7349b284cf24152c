// The place that a command works on, when it is a server: over HTTPS, or as files (--via).

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "apps/salus/backend.h"
#include "base/random.h"
#include "client/connection.h"
#include "client/exchange.h"
#include "client/fhir_input.h"
#include "client/pinned_server.h"
#include "client/published_check.h"
#include "client/published_tree.h"
#include "client/reader_state.h"
#include "client/sender.h"

namespace salus::cli {

namespace {

constexpr unsigned kSendConnections = 2;

AppendedLine ToAppended(const client::SentLine& sent) {
  using From = client::CheckedLine::Status;
  AppendedLine line;
  line.line = sent.line;
  line.status = sent.status == From::kLogged   ? AppendedLine::Status::kLogged
                : sent.status == From::kRepeat ? AppendedLine::Status::kRepeat
                                               : AppendedLine::Status::kRefused;
  line.event_id = sent.event_id;
  line.index = sent.index;
  line.leaf_hash = sent.leaf;
  if (sent.refusal != nullptr) line.refusal = *sent.refusal;
  line.text = sent.text;
  line.was_earlier = sent.was_earlier;
  return line;
}

// Clocks and randomness of this process; backends live as long as the command.
struct Machine {
  SystemClock clock;
  SystemRandom random;
};

client::FolderOptions FolderOf(const ServerPlace& place) {
  return {.folder = place.via,
          .answer_timeout = place.via_timeout,
          .waiting = [say = place.say, timeout = place.via_timeout](const std::string& outbox) {
            say(
                fmt::format("waiting for an answer in {}, {} s at most (--timeout): is `salusd "
                            "--spool` running on this folder?",
                            outbox, timeout.count()));
          }};
}

class ServerBackend final : public Backend {
 public:
  ServerBackend(client::PinnedServer server, ServerPlace place, std::unique_ptr<Machine> machine,
                client::Connection connection)
      : server_(std::move(server)),
        place_(std::move(place)),
        machine_(std::move(machine)),
        connection_(std::move(connection)) {}

  std::string where() const override {
    return place_.via.empty() ? server_.url : server_.name + " via " + place_.via;
  }
  audit::PinnedLog Pinned() const override { return server_.log; }
  std::string RootCertificatePem() const override { return server_.root_pem; }
  Result<std::vector<HealthLine>> Status() override;

  Result<void> PutPatients(std::span<const audit::PatientRow> rows,
                           std::span<const std::string> certificates) override {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      Result<void> put = connection_.PutPatient(rows[i], certificates[i]);
      if (!put) {
        if (rows.size() == 1) return put;
        return std::move(put.error())
            .WithContext(
                fmt::format("patient {} of {} (those before are registered)", i + 1, rows.size()));
      }
    }
    return {};
  }
  Result<std::vector<audit::PatientRow>> ListPatients() override {
    return connection_.ListPatients();
  }
  Result<audit::PatientRow> FindPatient(const audit::Subject&) override {
    return FailedPrecondition("a server's patients are listed, not looked up: name --data DIR");
  }
  Result<void> PutAuditor(const audit::AuditorRow& row, const std::string& certificate) override {
    return connection_.PutAuditor(row, certificate);
  }
  Result<std::vector<audit::AuditorRow>> ListAuditors() override {
    return connection_.ListAuditors();
  }
  Result<void> PutSource(std::string_view id, std::string_view name) override {
    return connection_.PutSource(id, name);
  }
  Result<std::vector<audit::SourceRow>> ListSources() override { return connection_.ListSources(); }
  Result<std::string> Certify(std::string_view request_pem, pki::Role role,
                              std::string_view id) override {
    return connection_.Certify(request_pem, role, id);
  }

  Result<void> PutMandate(std::string_view auditor_id, std::vector<audit::Subject> patients,
                          std::string_view purpose, std::optional<Day> from,
                          std::optional<Day> until) override {
    return connection_.PutMandate(auditor_id, patients, purpose, from, until);
  }
  Result<std::uint64_t> OpenTask(const audit::TaskNotice& notice) override {
    return connection_.OpenTask(notice);
  }
  Result<std::uint64_t> ReleaseResult(const audit::ResultNotice& notice) override {
    return connection_.ReleaseResult(notice);
  }
  Result<audit::MandateRow> GetMandate(std::string_view auditor_id) override {
    return connection_.GetMandate(auditor_id);
  }

  Result<void> ConfirmClock() override { return connection_.ConfirmClock(); }

  std::string AggregatorUrl() const override { return server_.public_url + "/dap"; }
  Result<void> AddAggregateTask(const aggregate::TaskFile& file) override {
    return connection_.PutAggregateTask(file.ToText());
  }
  Result<std::vector<AggregateTaskLine>> AggregateTasks() override;
  Result<void> CloseAggregateTask(const aggregate::TaskId& task) override {
    return connection_.CloseAggregateTask(task.ToText());
  }
  Result<AggregateKeyLine> AggregateKey() override;
  Result<std::uint64_t> RotateAggregateKeys() override { return connection_.RotateAggregateKeys(); }
  Result<std::vector<client::LoggedTask>> Notices() override;
  Result<AppendTotals> AppendEvents(const AppendCall& call) override;

  Result<Bytes> History(const audit::Subject& asker,
                        const audit::HistoryQuestion& question) override {
    // Who asks is what the certificate says; an auditor's own chain has no other address.
    if (question.subject == asker) {
      return connection_.OwnHistory(question);
    }
    return connection_.History(question);
  }
  Result<std::vector<ReaderLine>> Readers(const audit::Subject&) override {
    return FailedPrecondition("a server tells its readers to the patient only: --as its identity");
  }
  Result<void> ShareDays(const audit::Subject&, std::string_view auditor_id, Day from, Day to,
                         std::string_view sealed_keys_jwe) override {
    return connection_.ShareDays(auditor_id, from, to, sealed_keys_jwe);
  }

  Result<CustodyView> Custody(const audit::Subject& patient) override {
    Result<client::CustodyState> state = connection_.Custody(patient);
    if (!state) return std::move(state).error();
    CustodyView view;
    view.threshold = state->threshold;
    view.custody_key = std::move(state->custody_key);
    view.patient_key = std::move(state->patient_key);
    view.shares = std::move(state->shares);
    view.released_count = state->released_count;
    view.is_own_released = state->is_own_released;
    return view;
  }
  Result<void> ReleaseShare(const audit::Subject& patient, std::string_view,
                            std::string_view released_share) override {
    return connection_.ReleaseShare(patient, released_share);
  }

  Result<std::string> Checkpoint() override { return connection_.Checkpoint(); }
  Result<Bytes> Tile(const merkle::TileId& id) override { return connection_.Tile(id); }
  Result<Bytes> Bundle(const merkle::TileId& id) override { return connection_.Bundle(id); }
  Result<Bytes> Updates(std::uint64_t first, std::uint64_t last) override {
    return connection_.Updates(first, last);
  }
  Result<client::ReconcileOptions> FilingSource(merkle::TreeSize) override {
    client::ReconcileOptions options;
    // A certificate is there: without one, the connection was not made.
    if (place_.identity == nullptr) return options;
    TRY(const pki::Identity me, place_.identity->chain().front().identity());
    if (me.role != pki::Role::kSource) return options;
    options.filing_of =
        [this](merkle::LeafIndex index) -> Result<std::optional<tlog::UpdateProof>> {
      TRY(client::SourceEntry entry, connection_.EntryOf(index));
      return std::move(entry.filing);
    };
    return options;
  }

 private:
  Result<std::unique_ptr<client::Transport>> MakeTransport() const {
    if (!place_.via.empty()) {
      return client::FolderTransport::Create(FolderOf(place_), server_, *place_.identity,
                                             machine_->clock, machine_->random);
    }
    TRY(http::ClientOptions options, client::TlsOptions(server_, *place_.identity));
    return client::HttpsTransport::Create(std::move(options));
  }

  const client::PinnedServer server_;
  const ServerPlace place_;
  const std::unique_ptr<Machine> machine_;
  client::Connection connection_;
};

Result<std::vector<HealthLine>> ServerBackend::Status() {
  using State = HealthLine::State;
  std::vector<HealthLine> lines;
  lines.push_back({"server", State::kGood, where(), ""});
  lines.push_back({"log", State::kGood, server_.log.origin, ""});
  if (const Result<void> ready = connection_.CheckReady(); ready) {
    lines.push_back({"ready", State::kGood, "takes events", ""});
  } else {
    lines.push_back({"ready", State::kBad, ready.error().message, "ask the operator"});
  }
  TRY(const client::ReaderState state, client::ReaderState::OfUser(server_.log));
  const std::optional<audit::KnownCheckpoint>& known = state.checkpoint();
  client::LogFiles files{.checkpoint = [this] { return connection_.Checkpoint(); },
                         .tile = [this](const merkle::TileId& id) { return connection_.Tile(id); }};
  TRY(const client::PublishedTree tree,
      client::PublishedTree::Open(std::move(files), server_.log, known));
  lines.push_back({"checkpoint", State::kGood, fmt::format("{} entries", tree.size().value), ""});
  lines.push_back(
      known ? HealthLine{"remembered", State::kGood,
                         fmt::format("consistent with the {} entries this device has seen",
                                     known->size.value),
                         ""}
            : HealthLine{"remembered", State::kNotice, "none known: a rollback could not be seen",
                         "query or verify once: the checkpoint is then remembered"});
  if (place_.identity != nullptr) {
    const Result<client::WhoAmI> me = connection_.Me();
    lines.push_back(me ? HealthLine{"identity", State::kGood, me->role + " " + me->id, ""}
                       : HealthLine{"identity", State::kBad, me.error().message,
                                    "is the certificate of this log, and still valid?"});
  }
  return lines;
}

Result<AggregateTaskLine> ReadTaskLine(const codec::JsonObject& object) {
  TRY(const codec::JsonObject* json, codec::ObjectAt(object, "task"));
  TRY(aggregate::DapTask task, aggregate::DapTask::FromJson(codec::WriteJson(*json)));
  AggregateTaskLine line{.task = std::move(task), .role = {}, .study = {}};
  TRY(line.role, codec::StringAt(object, "role"));
  TRY(line.study, codec::StringAt(object, "study"));
  TRY(line.is_closed, codec::BoolAt(object, "closed"));
  TRY(line.has_ended, codec::BoolAt(object, "ended"));
  for (const auto& [name, count] : {std::pair("waiting", &line.waiting),
                                    {"aggregated", &line.aggregated},
                                    {"refused", &line.refused}}) {
    TRY(const std::int64_t value, codec::IntAt(object, name));
    *count = static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0));
  }
  return line;
}

Result<std::vector<AggregateTaskLine>> ServerBackend::AggregateTasks() {
  TRY(const std::vector<codec::JsonObject> rows, connection_.AggregateTasks());
  std::vector<AggregateTaskLine> lines;
  for (const codec::JsonObject& row : rows) {
    Result<AggregateTaskLine> line = ReadTaskLine(row);
    if (!line)
      return Unavailable(where() + " does not answer as expected: " + line.error().message);
    lines.push_back(*std::move(line));
  }
  return lines;
}

Result<AggregateKeyLine> ServerBackend::AggregateKey() {
  TRY(const codec::JsonObject answer, connection_.AggregateKey());
  AggregateKeyLine line;
  const auto read = [&]() -> Result<void> {
    TRY(line.age_days, codec::IntAt(answer, "age_days"));
    TRY(line.rotate_days, codec::IntAt(answer, "rotate_days"));
    return {};
  };
  if (const Result<void> done = read(); !done)
    return Unavailable(where() + " does not answer as expected: " + done.error().message);
  return line;
}

Result<std::vector<client::LoggedTask>> ServerBackend::Notices() {
  TRY(const client::ReaderState state, client::ReaderState::OfUser(server_.log));
  TRY(const client::PublishedTree tree,
      client::PublishedTree::Open(
          {.checkpoint = [this] { return connection_.Checkpoint(); },
           .tile = [this](const merkle::TileId& id) { return connection_.Tile(id); }},
          server_.log, state.checkpoint()));
  return client::FetchNotices(connection_, tree);
}

Result<AppendTotals> ServerBackend::AppendEvents(const AppendCall& call) {
  if (place_.identity == nullptr) {
    return FailedPrecondition("sending events needs the source's identity: --as DIR");
  }
  TRY(const client::WhoAmI me, connection_.Me());
  if (!call.source.empty() && call.source != me.id) {
    return InvalidArgument("--source is another one than the identity's");
  }
  client::Sender sender(server_.log, me.id, [this] { return MakeTransport(); }, machine_->random);
  client::SendOptions options;
  options.connections = kSendConnections;
  // A request that was not answered in time stays in the folder: another one would not help.
  if (!place_.via.empty()) options.attempts = 1;
  options.is_atomic = call.is_atomic;
  options.format = call.format;
  options.journal = call.journal;
  options.receipts = call.receipts;
  if (call.answered) {
    options.answered = [&](const client::SentLine& line) {
      return call.answered(ToAppended(line));
    };
  }
  options.receipted = call.receipted;
  options.flush = call.flush;
  client::EventInput input = call.input;
  if (call.format == InputFormat::kFhir) {
    TRY(input, client::FhirLines(call.input));
  }
  client::SendReport report;
  TRY_VOID(sender.Send(input, options, report));
  return AppendTotals{report.logged, report.repeats, report.refused, report.skipped,
                      report.unopened};
}

}  // namespace

Result<std::unique_ptr<Backend>> OpenServer(const ServerPlace& place) {
  TRY(const client::ServerStore store, client::ServerStore::OfUser());
  TRY(client::PinnedServer server, store.Choose(place.server));
  auto machine = std::make_unique<Machine>();
  if (place.via.empty()) {
    TRY(client::Connection connection, client::Connection::Open(server, place.identity));
    return std::unique_ptr<Backend>(
        new ServerBackend(std::move(server), place, std::move(machine), std::move(connection)));
  }
  if (place.identity == nullptr) {
    return FailedPrecondition("a file exchange needs an identity, which signs: --as DIR");
  }
  TRY(std::unique_ptr<client::Transport> transport,
      client::FolderTransport::Create(FolderOf(place), server, *place.identity, machine->clock,
                                      machine->random));
  client::Connection connection(std::move(transport), nullptr);
  return std::unique_ptr<Backend>(
      new ServerBackend(std::move(server), place, std::move(machine), std::move(connection)));
}

namespace {

// Who answers there holds the log that it names: entry 0 of its tree says so.
Result<void> CheckLog(const client::PinnedServer& server) {
  TRY(client::Connection connection, client::Connection::Open(server, nullptr));
  TRY(const client::PublishedTree tree,
      client::PublishedTree::Open(
          {.checkpoint = [&] { return connection.Checkpoint(); },
           .tile = [&](const merkle::TileId& id) { return connection.Tile(id); }},
          server.log, std::nullopt));
  TRY(const Bytes first, connection.FirstEntry());
  return client::CheckFirstEntry(tree, server.log, first);
}

}  // namespace

Result<std::string> ConnectServer(const FirstContactCall& call) {
  client::FirstContact contact;
  contact.url = call.url;
  contact.public_url = call.public_url;
  contact.fingerprint = call.fingerprint;
  contact.name = call.name;
  TRY(const client::PinnedServer server, client::Connect(contact));
  if (Result<void> checked = CheckLog(server); !checked) {
    return std::move(checked.error()).WithContext(server.public_url);
  }
  TRY(const client::ServerStore store, client::ServerStore::OfUser());
  TRY_VOID(store.Save(server));
  return server.name;
}

}  // namespace salus::cli
