// The registrar's and officer's acts: the entry first, then the row that is its image.

#include <algorithm>
#include <chrono>
#include <map>

#include "audit/entry.h"
#include "audit/notices.h"
#include "audit/sealed_form.h"
#include "audit/shared_days.h"
#include "base/id.h"
#include "codec/cbor.h"
#include "codec/rfc3339.h"
#include "node/node.h"
#include "node/node_state.h"
#include "pki/certification_request.h"

namespace salus::node {

namespace {

using audit::EventType;
using audit::LoggedPolicy;
using audit::NewPolicy;
using audit::Subject;
using audit::SubjectKind;

constexpr std::size_t kRowsPerCall = 1000;

bool SameKey(const std::optional<crypto::P256PublicKey>& a,
             const std::optional<crypto::P256PublicKey>& b) {
  return a.has_value() == b.has_value() && (!a || *a == *b);
}

// An entry of nobody's chain: it shows the digest of its row, and which entry it replaces.
NewPolicy ClearPolicy(EventType type, audit::Row row, std::optional<std::uint64_t> replaced) {
  Bytes content;
  codec::CborWriter writer(content);
  writer.Map(replaced ? 1 : 0);
  if (replaced) {
    writer.Uint(1);
    writer.Uint(*replaced);
  }
  return {.type = type,
          .subject = std::nullopt,
          .content = std::move(content),
          .row = std::move(row),
          .is_sealed = false,
          .ends_epoch = false,
          .first_key = std::nullopt};
}

// What is not sent stays; a patient's key is replaced, never taken away, and what custody holds
// stays openable. A certificate goes with its key.
audit::PatientRow MergeRow(const audit::PatientRow& old, const audit::PatientRow& sent) {
  audit::PatientRow next = sent;
  next.custody_key = old.custody_key;
  if (next.name.empty()) next.name = old.name;
  const bool is_same_key = !next.key || SameKey(old.key, next.key);
  if (is_same_key && next.certificate_fingerprint.empty()) {
    next.certificate_fingerprint = old.certificate_fingerprint;
  }
  if (!next.key) next.key = old.key;
  return next;
}

// A certificate or a key is one patient's: whoever shows it is that one. `taken` has those of the
// rows before in the same call.
Result<void> CheckHolder(const audit::Directory& directory, const audit::PatientRow& row,
                         std::map<std::string, Subject>& taken) {
  if (row.subject.kind != SubjectKind::kPatient) return {};
  bool is_free = !directory.FindOtherHolder(row);
  const auto take = [&](std::string holder) {
    const auto [at, is_new] = taken.try_emplace(std::move(holder), row.subject);
    is_free = is_free && (is_new || at->second == row.subject);
  };
  if (row.key) take("key " + std::string(AsText(row.key->sec1())));
  if (!row.certificate_fingerprint.empty()) take(row.certificate_fingerprint);
  if (is_free) return {};
  return Conflict("another patient is registered with this certificate or key: each needs its own");
}

bool IsSame(const audit::PatientRow& a, const audit::PatientRow& b) {
  return SameKey(a.key, b.key) && a.name == b.name &&
         a.certificate_fingerprint == b.certificate_fingerprint;
}

}  // namespace

NewPolicy SubjectPolicy(EventType type, const Subject& subject, Bytes content) {
  return {.type = type,
          .subject = subject,
          .content = std::move(content),
          .row = std::nullopt,
          .is_sealed = true,
          .ends_epoch = true,
          .first_key = std::nullopt};
}

Result<Node::State::Act> Node::State::BeginAct() {
  std::unique_lock one_at_a_time(acts_mutex);
  TRY_VOID(FinishMandates());
  return Act{std::move(one_at_a_time), recorder->LockActs()};
}

Result<void> Node::PutPatient(const audit::PatientRow& row) { return PutPatients({&row, 1}); }

Result<void> Node::PutPatients(std::span<const audit::PatientRow> rows) {
  for (const audit::PatientRow& row : rows) TRY_VOID(CheckShownText("name", row.name));
  for (std::size_t at = 0; at < rows.size(); at += kRowsPerCall) {
    // Sources that name new patients wait for one part, not for all.
    TRY(const auto act, state_->BeginAct());
    TRY_VOID(state_->PutSome(rows.subspan(at, std::min(kRowsPerCall, rows.size() - at))));
  }
  return {};
}

Result<void> Node::State::PutSome(std::span<const audit::PatientRow> rows) {
  std::vector<Subject> without_key;
  for (const audit::PatientRow& row : rows) {
    if (!row.key && !directory->FindPatient(row.subject)) without_key.push_back(row.subject);
  }
  if (!without_key.empty()) TRY_VOID(recorder->TakeIntoCustody(without_key));
  std::vector<NewPolicy> policies;
  std::vector<audit::PatientRow> changed;  // in the order in which they were sent
  std::map<Subject, std::size_t> places;
  std::map<std::string, Subject> taken;
  for (const audit::PatientRow& row : rows) {
    const auto place = places.find(row.subject);
    const auto old = place != places.end() ? std::optional(changed[place->second])
                                           : directory->FindPatient(row.subject);
    const audit::PatientRow next = old ? MergeRow(*old, row) : row;
    if (old && IsSame(*old, next)) continue;
    TRY_VOID(CheckHolder(*directory, next, taken));
    if (place != places.end()) {
      changed[place->second] = next;
      continue;
    }
    places.emplace(row.subject, changed.size());
    changed.push_back(next);
  }
  for (audit::PatientRow& row : changed) {
    NewPolicy policy =
        SubjectPolicy(EventType::kPatientRegistered, row.subject, audit::EncodeRow(row));
    policy.first_key = row.key;
    policy.row = std::move(row);
    policies.push_back(std::move(policy));
  }
  if (policies.empty()) return {};
  TRY_VOID(recorder->RecordPolicies(policies));
  return {};
}

Result<void> Node::PutAuditor(const audit::AuditorRow& row) {
  TRY_VOID(CheckShownText("name", row.name));
  TRY(const auto act, state_->BeginAct());
  audit::AuditorRow next = row;
  if (const auto old = state_->directory->FindAuditor(row.subject.id)) {
    if (next.name.empty()) next.name = old->name;
    if (next.certificate_fingerprint.empty() && old->key == next.key) {
      next.certificate_fingerprint = old->certificate_fingerprint;
    }
    const bool is_same = old->key == next.key && old->name == next.name &&
                         old->certificate_fingerprint == next.certificate_fingerprint;
    if (is_same) return {};
  }
  NewPolicy policy =
      SubjectPolicy(EventType::kAuditorRegistered, next.subject, audit::EncodeRow(next));
  policy.first_key = next.key;
  policy.row = std::move(next);
  TRY_VOID(state_->recorder->RecordPolicies({&policy, 1}));
  return {};
}

Result<void> Node::PutSource(std::string_view id, std::string_view name) {
  TRY_VOID(ValidateIdText(id));
  TRY_VOID(CheckShownText("name", name));
  const auto acts = state_->recorder->LockActs();
  audit::SourceRow row;
  row.id = id;
  row.name = name;
  std::optional<std::uint64_t> replaced;
  if (const auto old = state_->directory->FindSource(id)) {
    if (old->name == name) return {};
    row.number = old->number;
    replaced = old->origin.entry_index;
  } else {
    TRY(row.number, state_->directory->NextSourceNumber());
  }
  NewPolicy policy = ClearPolicy(EventType::kSourceRegistered, std::move(row), replaced);
  TRY_VOID(state_->recorder->RecordPolicies({&policy, 1}));
  return {};
}

Result<void> Node::PutCustodian(const audit::CustodianRow& row) {
  TRY_VOID(ValidateIdText(row.id));
  TRY_VOID(CheckShownText("name", row.name));
  const auto acts = state_->recorder->LockActs();
  std::optional<std::uint64_t> replaced;
  for (const audit::CustodianRow& old : state_->directory->custodians()) {
    if (old.id == row.id) replaced = old.origin.entry_index;
  }
  NewPolicy policy = ClearPolicy(EventType::kCustodianRegistered, row, replaced);
  TRY_VOID(state_->recorder->RecordPolicies({&policy, 1}));
  return {};
}

Result<void> Node::ReleaseShare(const Subject& patient, std::string_view custodian_id,
                                std::string_view released_share) {
  const auto acts = state_->recorder->LockActs();
  const std::vector<audit::CustodyShareRow> shares = state_->directory->SharesOf(patient);
  const auto share = std::find_if(shares.begin(), shares.end(),
                                  [&](const auto& s) { return s.custodian_id == custodian_id; });
  if (share == shares.end()) return NotFound("this custodian holds no share of that patient");
  const auto row = state_->directory->FindPatient(patient);
  if (!row || !row->key) {
    return FailedPrecondition("the patient has no key of its own yet: enrol it first");
  }
  if (!share->released_share.empty()) {
    if (share->released_share == released_share) return {};
    return Conflict("this custodian has released its share before: a share is released once");
  }
  TRY_VOID(audit::CheckReleasedShare(released_share));
  Bytes content;
  codec::CborWriter writer(content);
  writer.Map(3);
  writer.Uint(1);
  writer.Text(custodian_id);
  writer.Uint(2);
  writer.Uint(share->share_number);
  writer.Uint(3);
  writer.Text(released_share);
  NewPolicy policy = SubjectPolicy(EventType::kCustodyReleased, patient, std::move(content));
  policy.ends_epoch = false;
  policy.row =
      audit::CustodyReleaseRow{patient, std::string(custodian_id), std::string(released_share), {}};
  TRY_VOID(state_->recorder->RecordPolicies({&policy, 1}));
  return {};
}

Result<void> Node::ShareDays(const Subject& patient, std::string_view auditor_id, Day from, Day to,
                             std::string_view sealed_keys_jwe) {
  TRY_VOID(audit::CheckSealedForm("sealed", sealed_keys_jwe, audit::kMaxSharedBytes));
  const auto acts = state_->recorder->LockActs();
  if (!state_->directory->FindAuditor(auditor_id)) return NotFound("no such auditor");
  NewPolicy policy =
      SubjectPolicy(EventType::kDaysShared, patient,
                    audit::EncodeSharedDaysNotice({.auditor = std::string(auditor_id),
                                                   .from = from,
                                                   .to = to,
                                                   .sealed = std::string(sealed_keys_jwe)}));
  policy.ends_epoch = false;
  TRY_VOID(state_->recorder->RecordPolicies({&policy, 1}));
  return {};
}

Result<std::uint64_t> Node::ConfirmClock(std::string_view officer_id) {
  const auto acts = state_->recorder->LockActs();
  const Timestamp now = state_->clock.Now();
  const auto published = state_->log->published();
  if (state_->log->is_clock_trusted()) {
    return FailedPrecondition("nothing waits for a word about the clock: checkpoints are made");
  }
  if (published && now < published->map.time) {
    return FailedPrecondition("the clock stands before the last checkpoint, of " +
                              codec::FormatRfc3339(published->map.time) +
                              ": set it right, or wait until then; what was signed for the future "
                              "can't be taken back");
  }
  Bytes content;
  codec::CborWriter writer(content);
  writer.Map(2);
  writer.Uint(1);
  writer.Text(officer_id);
  writer.Uint(2);
  writer.Int(ToUnixMillis(now));
  TRY(const audit::LoggedPolicy logged,
      state_->recorder->RecordClear(tlog::EntryKind::kPolicy, EventType::kClockConfirmed, content));
  state_->log->ConfirmClock();
  return logged.index.value;
}

Result<std::string> Node::Certify(std::string_view request_pem, pki::Role role, std::string_view id,
                                  const CertifyTerms& terms) {
  const auto acts = state_->recorder->LockActs();
  TRY(const pki::CertificationRequest request, pki::CertificationRequest::FromPem(request_pem));
  TRY(const pki::IssuingAuthority authority, pki::IssuingAuthority::Open(state_->PathOf("ca")));
  TRY(pki::Identity identity, pki::Identity::Create(origin(), role, std::string(id)));
  const Timestamp now = state_->clock.Now();
  pki::IssueProfile profile;
  profile.identity = std::move(identity);
  profile.validity = {now, now + terms.validity};
  profile.purpose = role == pki::Role::kServer ? pki::Purpose::kServer : pki::Purpose::kClient;
  profile.name = request.subject().name;
  profile.dns_names = request.subject().dns_names;
  profile.ip_names = request.subject().ip_names;
  profile.revocation_list_urls = terms.revocation_list_urls;
  profile.ocsp_urls = terms.ocsp_urls;
  LoggedIssuance issuance(*state_->recorder);
  TRY(const pki::Certificate certificate,
      authority.Issue(request, profile, state_->random, issuance));
  return certificate.ToPem() + authority.certificate().ToPem();
}

}  // namespace salus::node
