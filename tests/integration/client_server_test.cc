// The client module against a real server: first contact, sending over a restart, asking,
// verifying, remembering, reconciling.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>

#include "api_fixture.h"
#include "audit/history.h"
#include "audit/verify.h"
#include "client/connection.h"
#include "client/pinned_server.h"
#include "client/published_tree.h"
#include "client/reader_state.h"
#include "client/reconcile.h"
#include "client/sender.h"
#include "codec/hex.h"
#include "pki/certificate.h"
#include "pki/key_file.h"
#include "tlog/note.h"
#include "tlog/signer_key.h"

namespace salus {
namespace {

using client::ReceiptFinding;

class ClientServerTest : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    ASSERT_TRUE(node_->PutSource("kis", "Clinic"));
  }

  client::Connection Open(pki::Role role, const std::string& id) {
    const pki::IdentityDirectory& identity = Identity(role, id);
    return *client::Connection::Open(Pin(), &identity);
  }

  static client::LogFiles FilesOf(client::Connection& connection) {
    return {.checkpoint = [&connection] { return connection.Checkpoint(); },
            .tile = [&connection](const merkle::TileId& id) { return connection.Tile(id); }};
  }

  static client::EventInput TextInput(std::string text) {
    auto left = std::make_shared<std::string>(std::move(text));
    client::EventInput input;
    input.read = [left](MutableByteSpan buffer) -> Result<std::size_t> {
      const std::size_t n = std::min(buffer.size(), left->size());
      std::memcpy(buffer.data(), left->data(), n);
      left->erase(0, n);
      return n;
    };
    return input;
  }

  Result<void> SendLines(const std::string& text, client::SendOptions options) {
    const client::PinnedServer pinned = Pin();
    options.receipted = [this](const client::KeptReceipt& receipt) -> Result<void> {
      receipts_ += receipt.ToLine();
      return {};
    };
    port_ = server_->machine_port();
    // Another try is worth it once a server is there.
    options.wait = [this](std::chrono::milliseconds) { is_down_.wait(true); };
    client::Sender sender(
        pinned.log, "kis",
        [&]() -> Result<std::unique_ptr<client::Transport>> {
          auto tls = client::TlsOptions(pinned, Identity(pki::Role::kSource, "kis"));
          if (!tls) return tls.error();
          // The server may have come back on another port.
          tls->base_url = "https://localhost:" + std::to_string(port_);
          return client::HttpsTransport::Create(*std::move(tls));
        },
        random_);
    report_ = {};
    return sender.Send(TextInput(text), options, report_);
  }

  // Reconcile holds receipts against the server, as their source.
  std::vector<ReceiptFinding> Reconcile(const std::string& receipts) {
    client::Connection connection = Open(pki::Role::kSource, "kis");
    const audit::PinnedLog pinned = node_->pinned();
    const auto tree = client::PublishedTree::Open(FilesOf(connection), pinned, std::nullopt);
    EXPECT_TRUE(tree.has_value()) << tree.error().message;
    std::vector<ReceiptFinding> findings;
    client::ReconcileOptions options;
    options.filing_of = [&](merkle::LeafIndex index) -> Result<std::optional<tlog::UpdateProof>> {
      TRY(client::SourceEntry entry, connection.EntryOf(index));
      return entry.filing;
    };
    client::Reconciler reconciler(
        pinned, *tree, clock_.Now(),
        [&](const ReceiptFinding& finding) { findings.push_back(finding); }, std::move(options));
    std::string_view rest = receipts;
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      EXPECT_TRUE(reconciler.Add(rest.substr(0, end)).has_value());
      rest.remove_prefix(end + 1);
    }
    reconciled_ = reconciler.report();
    return findings;
  }

  // Resign makes a receipt of what the events say now, under the server's own key.
  void Resign(client::KeptReceipt& kept) {
    const auto key =
        tlog::SignerKey::Parse(*pki::ReadKeyFile(root_ / "data" / "keys" / "receipt.key"));
    audit::ReceiptBody body =
        *audit::ReceiptBody::Parse(tlog::Note::Parse(kept.receipt.note)->text());
    std::vector<merkle::LeafHash> leaves;
    for (const auto& event : kept.events) {
      leaves.push_back(
          audit::HashReceiptLeaf({kept.source, event.id, event.index, event.leaf, event.tag}));
    }
    const merkle::MemoryTree tree(leaves);
    body.leaves = leaves.size();
    body.root = tree.Root();
    auto note = tlog::Note::Create(body.ToText());
    ASSERT_TRUE(note->Add(*key->Sign(note->text(), clock_.Now())));
    kept.receipt = audit::MakeReceipt(note->ToText(), tree, 0, leaves.size());
  }

  client::ReconcileReport reconciled_;
  client::SendReport report_;
  std::string receipts_;
  // The sender's own threads look at these while a test changes servers.
  std::atomic<int> port_ = 0;
  std::atomic<bool> is_down_ = false;
};

std::string ManyLines(int count, const std::function<std::string(const std::string&)>& line) {
  std::string text;
  for (int i = 0; i < count; ++i) text += line("e" + std::to_string(i));
  return text;
}

TEST_F(ClientServerTest, SendsOverARestartAndReconciles) {
  const std::string text =
      ManyLines(500, [](const std::string& id) { return Event(id, kPatientId); }) + "{}\n";
  client::SendOptions options;
  options.lines_per_request = 100;
  options.connections = 1;
  int answered = 0;
  options.answered = [&](const client::SentLine&) -> Result<void> {
    if (++answered == 150) {
      is_down_ = true;
      StopServer();
      StartServer();
      port_ = server_->machine_port();
      is_down_ = false;
      is_down_.notify_all();
    }
    return {};
  };
  const auto sent = SendLines(text, options);
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  EXPECT_EQ(report_.logged + report_.repeats, 500u);
  EXPECT_EQ(report_.refused, 1u);
  EXPECT_GE(report_.retries, 1u);
  // Again, and all are repeats.
  ASSERT_TRUE(SendLines(text, {}).has_value());
  EXPECT_EQ(report_.repeats, 500u);

  ASSERT_TRUE(node_->log().MakeCheckpoint());
  const std::vector<ReceiptFinding> findings = Reconcile(receipts_);
  EXPECT_TRUE(findings.empty()) << findings.front().text;
  EXPECT_EQ(reconciled_.matching, 1000u);
  EXPECT_EQ(reconciled_.filing_unknown, 0u);
}

// The source was given the receipt that it expects, and the entry stands in the chain of somebody
// else: what an operator with all keys can do at ingest.
TEST_F(ClientServerTest, SeesWhatTheServerFiledUnderAnotherPatient) {
  ASSERT_TRUE(
      SendLines(Event("a", kPatientId) + Event("b", kOtherPatientId) + Event("c", kPatientId), {})
          .has_value());
  ASSERT_TRUE(node_->log().MakeCheckpoint());
  EXPECT_TRUE(Reconcile(receipts_).empty());
  const client::KeptReceipt honest =
      *client::KeptReceipt::Parse(receipts_.substr(0, receipts_.find('\n')));
  ASSERT_EQ(honest.events.size(), 3u);
  client::KeptReceipt promised = honest;
  promised.events[1].tag = honest.events[0].tag;
  promised.events[1].patient = kPatientId;
  Resign(promised);
  const std::vector<ReceiptFinding> findings = Reconcile(promised.ToLine());
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].kind, ReceiptFinding::Kind::kMisfiled) << findings[0].text;
  EXPECT_EQ(findings[0].event_id, "b");
  EXPECT_EQ(reconciled_.matching, 2u);
}

// Nobody but the source is told where its entries were filed.
TEST_F(ClientServerTest, ProvesFilingToTheSourceOnly) {
  ASSERT_TRUE(SendLines(Event("a", kPatientId), {}).has_value());
  ASSERT_TRUE(node_->log().MakeCheckpoint());
  ASSERT_TRUE(node_->PutSource("lab", "Lab"));
  const auto kept = *client::KeptReceipt::Parse(receipts_.substr(0, receipts_.find('\n')));
  const merkle::LeafIndex index = kept.events[0].index;
  const auto own = Open(pki::Role::kSource, "kis").EntryOf(index);
  ASSERT_TRUE(own.has_value()) << own.error().message;
  ASSERT_TRUE(own->filing.has_value());
  EXPECT_TRUE(own->filing->Verify(index, kept.events[0].tag));
  EXPECT_EQ(Open(pki::Role::kSource, "lab").EntryOf(index).error().code,
            ErrorCode::kPermissionDenied);
  EXPECT_EQ(Open(pki::Role::kAuditor, "auditco").EntryOf(index).error().code,
            ErrorCode::kPermissionDenied);
}

std::string Resource(std::string_view id, std::string_view entities) {
  return R"({"resourceType":"AuditEvent","id":")" + std::string(id) +
         R"(","type":{"code":"rest"},"action":"R","recorded":"2024-11-20T09:30:00Z",)"
         R"("agent":[{"requestor":true,"altId":"dr"}],"source":{"observer":{"display":"kis"}},)"
         R"("entity":[)" +
         std::string(entities) + "]}\n";
}

TEST_F(ClientServerTest, ChecksWhatBecomesOfFhir) {
  const std::string one = R"({"what":{"reference":"Patient/1"}})";
  const std::string two = R"({"what":{"reference":"Patient/2"}})";
  const std::string text = Resource("a", one) + "\n" + Resource("b", one + "," + two) +
                           Resource("c", R"({"what":{"reference":"Observation/3"}})") + "{}\n";
  client::SendOptions options;
  options.format = client::InputFormat::kFhir;
  std::vector<std::uint64_t> lines;
  options.answered = [&](const client::SentLine& line) -> Result<void> {
    lines.push_back(line.line);
    return {};
  };
  auto sent = SendLines(text, options);
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  EXPECT_EQ(report_.logged, 4u);
  EXPECT_EQ(report_.refused, 1u);
  EXPECT_EQ(lines, (std::vector<std::uint64_t>{1, 3, 3, 4, 5}));
  sent = SendLines(text, options);
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  EXPECT_EQ(report_.repeats, 4u);
  const auto kept = client::KeptReceipt::Parse(receipts_.substr(0, receipts_.find('\n')));
  ASSERT_TRUE(kept.has_value()) << kept.error().message;
  EXPECT_TRUE(kept->Verify(node_->pinned().origin, node_->pinned().receipt_vkey).has_value());
}

TEST_F(ClientServerTest, AnAtomicRequestIsAllOrNothing) {
  client::SendOptions options;
  options.is_atomic = true;
  std::vector<std::uint64_t> refused;
  options.answered = [&](const client::SentLine& line) -> Result<void> {
    if (line.refusal != nullptr) refused.push_back(line.line);
    return {};
  };
  const auto sent = SendLines(Event("a", kPatientId) + "{}\n", options);
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  EXPECT_EQ(report_.logged, 0u);
  EXPECT_EQ(refused, (std::vector<std::uint64_t>{1, 2}));
  ASSERT_TRUE(SendLines(Event("a", kPatientId) + Event("b", kPatientId), options).has_value());
  EXPECT_EQ(report_.logged, 2u);
}

TEST_F(ClientServerTest, ASingleConflictIsARefusedLine) {
  ASSERT_TRUE(SendLines(Event("a", kPatientId), {}).has_value());
  client::SendOptions options;
  std::optional<Error> refusal;
  options.answered = [&](const client::SentLine& line) -> Result<void> {
    if (line.refusal != nullptr) refusal = *line.refusal;
    return {};
  };
  ASSERT_TRUE(SendLines(Event("a", kPatientId, "change"), options).has_value());
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->code, ErrorCode::kConflict);
}

TEST_F(ClientServerTest, RegistersListsAndGrants) {
  client::Connection registrar = Open(pki::Role::kRegistrar, "reg");
  const audit::Subject patient{audit::SubjectKind::kPatient, "urn:clinic/a",
                               "p/1 %2F\\ ? \xc3\xa4"};
  audit::PatientRow row;
  row.subject = patient;
  row.name = "P";
  row.key = Identity(pki::Role::kPatient, "p1").encryption_key().public_key();
  ASSERT_TRUE(registrar.PutPatient(row).has_value());
  const auto patients = registrar.ListPatients();
  ASSERT_TRUE(patients.has_value()) << patients.error().message;
  const auto listed = std::find_if(patients->begin(), patients->end(), [&](const auto& one) {
    return one.subject == patient && one.key.has_value();
  });
  EXPECT_NE(listed, patients->end());
  audit::PatientRow dots;
  dots.subject = {audit::SubjectKind::kPatient, "", ".."};
  EXPECT_TRUE(registrar.PutPatient(dots).has_value());
  const auto& auditor = Identity(pki::Role::kAuditor, "auditco");
  ASSERT_TRUE(registrar
                  .PutAuditor({{audit::SubjectKind::kAuditor, "", "auditco"},
                               "AuditCo",
                               auditor.encryption_key().public_key(),
                               {}})
                  .has_value());
  EXPECT_EQ(registrar.ListAuditors().value().size(), 1u);
  ASSERT_TRUE(registrar.PutSource("lab", "Lab").has_value());
  EXPECT_EQ(registrar.ListSources().value().size(), 2u);
  EXPECT_EQ(registrar.PutMandate("auditco", {{patient}}, "review", {}, {}).error().code,
            ErrorCode::kPermissionDenied);
  client::Connection officer = Open(pki::Role::kOfficer, "dpo");
  ASSERT_TRUE(officer.PutMandate("auditco", {{patient}}, "review", {}, {}).has_value());
  const auto mandate = officer.GetMandate("auditco");
  ASSERT_TRUE(mandate.has_value()) << mandate.error().message;
  EXPECT_EQ(mandate->patients, std::vector<audit::Subject>{patient});
  EXPECT_EQ(officer.GetMandate("nobody").error().code, ErrorCode::kNotFound);
}

TEST_F(ClientServerTest, APatientAsksVerifiesAndRemembers) {
  const pki::IdentityDirectory& identity = Identity(pki::Role::kPatient, kPatientId);
  const audit::Subject patient{audit::SubjectKind::kPatient, "", kPatientId};
  audit::PatientRow row;
  row.subject = patient;
  row.key = identity.encryption_key().public_key();
  ASSERT_TRUE(Open(pki::Role::kRegistrar, "reg").PutPatient(row).has_value());
  ASSERT_TRUE(SendLines(Event("a", kPatientId) + Event("b", kPatientId), {}).has_value());

  client::Connection connection = Open(pki::Role::kPatient, kPatientId);
  const audit::PinnedLog pinned = Pin().log;
  auto state = client::ReaderState::Open(root_ / "state", pinned);
  ASSERT_TRUE(state.has_value());
  for (int round = 0; round < 2; ++round) {
    audit::HistoryQuestion question;
    question.subject = patient;
    question.wait_cosigned = true;
    const auto known = state->checkpoint();
    if (known) question.known_size = known->size.value;
    const auto bytes = round == 0 ? connection.OwnHistory(question) : connection.History(question);
    ASSERT_TRUE(bytes.has_value()) << bytes.error().message;
    const auto answer = audit::DecodeHistory(*bytes);
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    audit::ReaderKeys keys;
    keys.own_key = &identity.encryption_key();
    keys.reader = patient;
    audit::VerifyQuestion asked;
    asked.log = &pinned;
    asked.subject = patient;
    asked.known = known;
    asked.chain = state->Chain(patient).value();
    asked.keys = &keys;
    asked.now = clock_.Now();
    const auto verified = audit::VerifyHistory(asked, *answer);
    ASSERT_TRUE(verified.has_value()) << verified.error().message;
    EXPECT_EQ(verified->events.size(), 2u);
    ASSERT_TRUE(state->Remember(verified->checkpoint).has_value());
    ASSERT_TRUE(state->RememberChain(patient, verified->chain).has_value());
    EXPECT_EQ(state->Chain(patient).value().query_entries.size(), 1u);
  }
  const auto tree = client::PublishedTree::Open(FilesOf(connection), pinned, state->checkpoint());
  EXPECT_TRUE(tree.has_value()) << tree.error().message;
}

TEST_F(ClientServerTest, SeesAnotherHistoryThanTheRemembered) {
  ASSERT_TRUE(SendLines(Event("a", kPatientId), {}).has_value());
  ASSERT_TRUE(node_->log().MakeCheckpoint());
  client::Connection connection = *client::Connection::Open(Pin(), nullptr);
  const audit::PinnedLog pinned = node_->pinned();
  const auto open = [&](std::optional<audit::KnownCheckpoint> known) {
    return client::PublishedTree::Open(FilesOf(connection), pinned, std::move(known));
  };
  const auto tree = open(std::nullopt);
  ASSERT_TRUE(tree.has_value()) << tree.error().message;
  audit::KnownCheckpoint forged{tree->size(), tree->checkpoint().checkpoint.root, "kept elsewhere"};
  EXPECT_TRUE(open(forged).has_value());
  forged.root.data()[0] ^= 1;
  EXPECT_EQ(open(forged).error().code, ErrorCode::kVerificationFailed);
  forged.root = tree->checkpoint().checkpoint.root;
  forged.size.value -= 1;
  EXPECT_EQ(open(forged).error().code, ErrorCode::kVerificationFailed);
}

}  // namespace
}  // namespace salus
