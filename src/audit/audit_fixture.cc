#include "audit/audit_fixture.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <future>

#include "audit/entry.h"
#include "base/check.h"
#include "codec/cbor.h"
#include "codec/rfc3339.h"
#include "merkle/multi_proof.h"
#include "tlog/checkpoint.h"
#include "tlog/note.h"

namespace salus::audit {

namespace {

tlog::SignerKey MakeKey(const std::string& name, RandomSource& random) {
  auto key = tlog::SignerKey::Create(name, tlog::SignatureType::kEd25519,
                                     crypto::Ed25519PrivateKey::Generate(random));
  CHECK(key.has_value());
  return *std::move(key);
}

Result<std::string> SignNote(const tlog::SignerKey& key, std::string_view body) {
  TRY(tlog::Note note, tlog::Note::Create(body));
  TRY(tlog::NoteSignature signature, key.Sign(body, Timestamp()));
  TRY_VOID(note.Add(std::move(signature)));
  return note.ToText();
}

NewPolicy Policy(EventType type, const Subject& subject, Bytes content) {
  return {.type = type,
          .subject = subject,
          .content = std::move(content),
          .row = std::nullopt,
          .is_sealed = true,
          .ends_epoch = true,
          .first_key = std::nullopt};
}

Bytes Notice(std::string_view text) {
  Bytes content;
  codec::CborWriter writer(content);
  writer.Map(1);
  writer.Uint(1);
  writer.Text(text);
  return content;
}

}  // namespace

TestSigner::TestSigner(const std::string& origin)
    : log(MakeKey(origin, random)),
      receipt(MakeKey(origin + "/receipts", random)),
      checkpoint_vkey_(log.verifier().ToText()),
      receipt_vkey_(receipt.verifier().ToText()) {}

Result<std::string> TestSigner::SignCheckpoint(std::string_view body) const {
  return SignNote(log, body);
}

Result<std::string> TestSigner::SignReceipt(std::string_view body) const {
  return SignNote(receipt, body);
}

AuditFixture::AuditFixture() {
  std::string pattern = (std::filesystem::temp_directory_path() / "audit_test_XXXXXX").string();
  CHECK(::mkdtemp(pattern.data()) != nullptr);
  folder = pattern;
  const tlog::CheckpointSigner checkpoints{
      .sign = [this](std::string_view body) { return signer.SignCheckpoint(body); },
      .verify = [this](std::string_view note) -> Result<void> {
        TRY(const tlog::Note parsed, tlog::Note::Parse(note));
        const tlog::VerifierKey key = signer.log.verifier();
        TRY_VOID(parsed.Verify({&key, 1}));
        return {};
      }};
  tlog::LogOptions options;
  options.origin = origin;
  options.segment_size_bytes = 4u << 20;
  options.manual_checkpoints = true;
  options.clock = &clock;
  const Bytes genesis = EncodeGenesis({.origin = origin,
                                       .log_key = signer.checkpoint_vkey(),
                                       .receipt_key = signer.receipt_vkey(),
                                       .vrf_key = signer.vrf_key().bytes(),
                                       .predecessor = {},
                                       .predecessor_checkpoint = {},
                                       .index_check = IndexCheck(signer.index_key())});
  CHECK(fs.MakeDirectory("log").has_value());
  CHECK(tlog::Log::Create(fs, "log", options, checkpoints, genesis).has_value());
  log = *tlog::Log::Open(disk, "log", options, checkpoints);
  directory = *Directory::Create((folder / "control.db").string());
  recorder = std::make_unique<Recorder>(
      Recorder::Parts{origin, log.get(), directory.get(), &signer, &clock, &random, &metrics});
  historian = std::make_unique<Historian>(*log, *directory, *recorder, clock, random);
  for (const char* id : {"custodian-a", "custodian-b"}) {
    custodian_keys.push_back(crypto::P256PrivateKey::Generate());
    CHECK(directory->Put(CustodianRow{id, id, custodian_keys.back().public_key(), {}}).has_value());
  }
  source.id = "source-1";
  source.name = "Ward system";
  source.number = 1;
  CHECK(directory->Put(source).has_value());
}

AuditFixture::~AuditFixture() {
  historian.reset();
  recorder.reset();
  directory.reset();
  log.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

Person AuditFixture::MakePatient(std::string_view id, std::string_view system) {
  return {Subject{SubjectKind::kPatient, std::string(system), std::string(id)}};
}

Person AuditFixture::MakeAuditor(std::string_view id) {
  return {Subject{SubjectKind::kAuditor, "", std::string(id)}};
}

void AuditFixture::Register(const Person& patient) {
  PatientRow row;
  row.subject = patient.subject;
  row.key = patient.key.public_key();
  if (const auto old = directory->FindPatient(patient.subject)) row.custody_key = old->custody_key;
  NewPolicy policy = Policy(EventType::kPatientRegistered, row.subject, EncodeRow(row));
  policy.row = row;
  policy.first_key = row.key;
  ASSERT_TRUE(recorder->RecordPolicies({&policy, 1}));
}

void AuditFixture::RegisterAuditor(const Person& auditor) {
  AuditorRow row{auditor.subject, "An auditor", auditor.key.public_key(), {}};
  NewPolicy policy = Policy(EventType::kAuditorRegistered, row.subject, EncodeRow(row));
  policy.row = row;
  policy.first_key = row.key;
  ASSERT_TRUE(recorder->RecordPolicies({&policy, 1}));
}

void AuditFixture::SetMandate(const Person& auditor, const std::vector<Subject>& patients,
                              std::optional<Day> until) {
  MandateRow row;
  row.auditor = auditor.subject;
  row.mandate = {SubjectKind::kMandate, "", auditor.subject.id};
  row.patients = patients;
  row.purpose = "quality";
  row.from = DayOf(clock.Now());
  row.until = until;
  std::vector<NewPolicy> policies = {Policy(EventType::kMandateSet, row.auditor, EncodeRow(row)),
                                     Policy(EventType::kMandateSet, row.mandate, Notice("set"))};
  policies[1].is_sealed = false;
  policies[1].row = row;
  std::vector<Subject> named = patients;
  if (const auto old = directory->FindMandate(auditor.subject.id)) {
    for (const Subject& patient : old->patients) {
      if (std::find(patients.begin(), patients.end(), patient) == patients.end()) {
        named.push_back(patient);
      }
    }
  }
  for (const Subject& patient : named) {
    policies.push_back(Policy(EventType::kMandateSet, patient, Notice(auditor.subject.id)));
  }
  ASSERT_TRUE(recorder->RecordPolicies(policies));
}

std::string AuditFixture::Line(const Subject& patient, std::string_view event_id,
                               std::string_view more) {
  const std::string system =
      patient.system.empty() ? "" : fmt::format(R"(,"system":"{}")", patient.system);
  return fmt::format(R"({{"id":"{}","time":"{}","patient":"{}"{},"user":"user-marker-77",)"
                     R"("action":"read"{}}})"
                     "\n",
                     event_id, codec::FormatRfc3339(clock.Now()), patient.id, system, more);
}

RecordedBatch AuditFixture::Record(const std::string& lines) {
  std::promise<Result<RecordedBatch>> promise;
  recorder->RecordLines(source, lines, {}, [&promise](Result<RecordedBatch> batch) {
    promise.set_value(std::move(batch));
  });
  Result<RecordedBatch> batch = promise.get_future().get();
  EXPECT_TRUE(batch) << batch.error().message;
  if (!batch) return {};
  for (const RecordedLine& line : batch->lines) {
    EXPECT_TRUE(line.outcome) << line.outcome.error().message;
  }
  return *std::move(batch);
}

std::vector<std::string> AuditFixture::Events(const Subject& patient, std::size_t count) {
  std::vector<std::string> ids;
  std::string lines;
  for (std::size_t i = 0; i < count; ++i) {
    ids.push_back("event-" + std::to_string(next_event++));
    lines += Line(patient, ids.back());
  }
  Record(lines);
  return ids;
}

void AuditFixture::Checkpoint() {
  const auto made = log->MakeCheckpoint();
  EXPECT_TRUE(made) << made.error().message;
}

HistoryAnswer AuditFixture::Answer(const Person& asker, const HistoryQuestion& question) {
  const auto first = historian->Answer(asker.subject, question);
  EXPECT_TRUE(first) << first.error().message;
  Checkpoint();
  auto answer = historian->Answer(asker.subject, question);
  EXPECT_TRUE(answer) << answer.error().message;
  return answer ? *std::move(answer) : HistoryAnswer{};
}

void AuditFixture::Reprove(HistoryAnswer& answer) const {
  const auto checkpoint = tlog::SignedCheckpoint::Parse(answer.newest.note);
  if (!checkpoint) return;
  std::vector<merkle::LeafIndex> shown;
  for (const ShownEntry& entry : answer.shown) shown.push_back(entry.index);
  auto proof = merkle::ProveMany(shown, checkpoint->checkpoint.size, log->HashesForAnswer());
  if (proof) answer.inclusion = {{shown.size(), *std::move(proof)}};
}

HistoryQuestion AuditFixture::QuestionOf(const Subject& subject, const Device& device) const {
  HistoryQuestion question;
  question.subject = subject;
  question.after = device.chain.items.size();
  question.known_size = device.known ? device.known->size.value : 0;
  return question;
}

VerifyQuestion AuditFixture::VerifyAs(const HistoryQuestion& asked, const ReaderKeys& keys,
                                      const Device& device) const {
  VerifyQuestion question;
  question.log = &pinned;
  question.subject = asked.subject;
  question.from = asked.from;
  question.to = asked.to;
  question.known = device.known;
  question.chain = device.chain;
  question.keys = &keys;
  question.now = clock.Now();
  return question;
}

ReaderKeys AuditFixture::KeysOf(const Person& person) {
  ReaderKeys keys;
  keys.own_key = &person.key;
  keys.reader = person.subject;
  return keys;
}

Result<VerifiedHistory> AuditFixture::Ask(const Person& person, Device& device,
                                          const HistoryQuestion& question) {
  const Bytes encoded = EncodeHistory(Answer(person, question));
  TRY(const HistoryAnswer answer, DecodeHistory(encoded));
  const ReaderKeys keys = KeysOf(person);
  TRY(VerifiedHistory history, VerifyHistory(VerifyAs(question, keys, device), answer));
  device.known = history.checkpoint;
  TRY(device.chain, DecodeKnownChain(EncodeKnownChain(history.chain)));
  return history;
}

Result<JoinedHistory> AuditFixture::Joined(const Person& auditor) {
  const HistoryQuestion question = QuestionOf(auditor.subject);
  const HistoryAnswer answer = Answer(auditor, question);
  const ReaderKeys keys = KeysOf(auditor);
  return JoinHistory(VerifyAs(question, keys), {&answer, 1});
}

}  // namespace salus::audit
