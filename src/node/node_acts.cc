// The registrar's and officer's acts: the entry first, then the row that is its image.

#include <algorithm>
#include <chrono>

#include "audit/entry.h"
#include "audit/notices.h"
#include "base/id.h"
#include "codec/cbor.h"
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

constexpr std::chrono::days kLeafValidity{730};
constexpr std::size_t kRowsPerCall = 1000;
// A mandate's entry names its patients as long as it stays a small entry.
constexpr std::size_t kMaxNamedPatients = 500;

Bytes EmptyMap() {
  Bytes content;
  codec::CborWriter(content).Map(0);
  return content;
}

bool SameKey(const std::optional<crypto::P256PublicKey>& a,
             const std::optional<crypto::P256PublicKey>& b) {
  return a.has_value() == b.has_value() && (!a || *a == *b);
}

// What a patient reads about a mandate: who may read from when on, with the mandate's own tag.
Bytes MandateNotice(const audit::MandateRow& mandate, const audit::AuditorRow& auditor,
                    const audit::ProvenTag& tag, bool is_removed) {
  return audit::EncodeMandateNotice({.auditor = mandate.auditor.id,
                                     .auditor_name = auditor.name,
                                     .from = mandate.from,
                                     .until = mandate.until,
                                     .purpose = mandate.purpose,
                                     .mandate_tag = tag.tag,
                                     .mandate_proof = tag.proof,
                                     .is_removed = is_removed,
                                     .key = auditor.key});
}

Bytes MandateClear(const audit::MandateRow& mandate) {
  Bytes content;
  codec::CborWriter writer(content);
  writer.Map(2);
  writer.Uint(1);
  writer.Uint(ToUnixDay(mandate.from));
  writer.Uint(2);
  writer.Uint(mandate.patients.size());
  return content;
}

Bytes AuditorContent(const audit::MandateRow& mandate) {
  if (mandate.patients.size() <= kMaxNamedPatients) return audit::EncodeRow(mandate);
  return MandateClear(mandate);
}

NewPolicy Policy(EventType type, const Subject& subject, Bytes content) {
  return {.type = type,
          .subject = subject,
          .row_digest = std::nullopt,
          .content = std::move(content),
          .is_sealed = true,
          .ends_epoch = true,
          .first_key = std::nullopt};
}

}  // namespace

Result<void> Node::PutPatient(const audit::PatientRow& row) { return PutPatients({&row, 1}); }

Result<void> Node::PutPatients(std::span<const audit::PatientRow> rows) {
  std::lock_guard acts(state_->acts_mutex);
  for (std::size_t at = 0; at < rows.size(); at += kRowsPerCall) {
    const auto part = rows.subspan(at, std::min(kRowsPerCall, rows.size() - at));
    std::vector<Subject> without_key;
    for (const audit::PatientRow& row : part) {
      if (!row.key && !state_->directory->FindPatient(row.subject)) {
        without_key.push_back(row.subject);
      }
    }
    if (!without_key.empty()) TRY_VOID(state_->recorder->TakeIntoCustody(without_key));
    std::vector<audit::PatientRow> changed;
    std::vector<NewPolicy> policies;
    for (const audit::PatientRow& row : part) {
      audit::PatientRow next = row;
      const auto old = state_->directory->FindPatient(row.subject);
      if (old) {
        // A patient's key is replaced, never taken away; what custody holds stays openable.
        if (!next.key) next.key = old->key;
        next.custody_key = old->custody_key;
        const bool is_same = SameKey(old->key, next.key) && old->name == next.name &&
                             old->certificate_fingerprint == next.certificate_fingerprint;
        if (is_same) continue;
      }
      state_->random.Fill(next.origin.salt);
      NewPolicy policy =
          Policy(EventType::kPatientRegistered, next.subject, audit::EncodeRow(next));
      policy.row_digest = audit::RowDigest(next.origin.salt, audit::EncodeRow(next));
      if (next.key) policy.first_key = next.key;
      policies.push_back(std::move(policy));
      changed.push_back(std::move(next));
    }
    if (policies.empty()) continue;
    TRY_VOID(state_->recorder->RecordPolicies(
        policies, [&](std::span<const LoggedPolicy> logged) -> Result<void> {
          for (std::size_t i = 0; i < changed.size(); ++i) {
            changed[i].origin.entry_index = logged[i].index.value;
          }
          return state_->directory->PutMany(changed);
        }));
  }
  return {};
}

Result<void> Node::PutAuditor(const audit::AuditorRow& row) {
  std::lock_guard acts(state_->acts_mutex);
  const auto old = state_->directory->FindAuditor(row.subject.id);
  if (old && old->key == row.key && old->name == row.name) return {};
  audit::AuditorRow next = row;
  state_->random.Fill(next.origin.salt);
  NewPolicy policy = Policy(EventType::kAuditorRegistered, next.subject, audit::EncodeRow(next));
  policy.row_digest = audit::RowDigest(next.origin.salt, audit::EncodeRow(next));
  policy.first_key = next.key;
  TRY_VOID(state_->recorder->RecordPolicies(
      {&policy, 1}, [&](std::span<const LoggedPolicy> logged) -> Result<void> {
        next.origin.entry_index = logged[0].index.value;
        return state_->directory->Put(next);
      }));
  return {};
}

Result<void> Node::PutSource(std::string_view id, std::string_view name) {
  std::lock_guard acts(state_->acts_mutex);
  TRY_VOID(ValidateIdText(id));
  audit::SourceRow row;
  row.id = id;
  row.name = name;
  row.number = state_->directory->NextSourceNumber();
  if (const auto old = state_->directory->FindSource(id)) {
    if (old->name == name) return {};
    row.number = old->number;
  }
  state_->random.Fill(row.origin.salt);
  // The entry shows nothing of the row but its digest.
  TRY(const LoggedPolicy logged,
      state_->recorder->RecordClear(tlog::EntryKind::kPolicy, EventType::kSourceRegistered,
                                    EmptyMap(),
                                    audit::RowDigest(row.origin.salt, audit::EncodeRow(row))));
  row.origin.entry_index = logged.index.value;
  return state_->directory->Put(row);
}

Result<void> Node::PutCustodian(const audit::CustodianRow& row) {
  std::lock_guard acts(state_->acts_mutex);
  audit::CustodianRow next = row;
  state_->random.Fill(next.origin.salt);
  TRY(const LoggedPolicy logged,
      state_->recorder->RecordClear(tlog::EntryKind::kPolicy, EventType::kCustodianRegistered,
                                    EmptyMap(),
                                    audit::RowDigest(next.origin.salt, audit::EncodeRow(next))));
  next.origin.entry_index = logged.index.value;
  return state_->directory->Put(next);
}

Result<void> Node::PutMandate(std::string_view auditor_id, std::vector<Subject> patients,
                              std::string_view purpose, std::optional<Day> from,
                              std::optional<Day> until) {
  std::lock_guard acts(state_->acts_mutex);
  const auto auditor = state_->directory->FindAuditor(auditor_id);
  if (!auditor) return NotFound("no such auditor: register it with `salus auditor add`");
  for (const Subject& patient : patients) {
    if (!state_->directory->FindPatient(patient)) {
      return NotFound("a patient of the mandate is not registered: `salus patient add` first");
    }
  }
  std::sort(patients.begin(), patients.end());
  patients.erase(std::unique(patients.begin(), patients.end()), patients.end());
  const Day today = DayOf(state_->clock.Now());
  audit::MandateRow row;
  row.auditor = auditor->subject;
  row.mandate = {SubjectKind::kMandate, "", std::string(auditor_id)};
  row.patients = patients;
  row.purpose = purpose;
  row.from = std::max(from.value_or(today), today);  // forward only
  row.until = until;
  state_->random.Fill(row.origin.salt);

  NewPolicy own = Policy(EventType::kMandateSet, row.auditor, AuditorContent(row));
  own.row_digest = audit::RowDigest(row.origin.salt, audit::EncodeRow(row));
  NewPolicy clear = Policy(EventType::kMandateSet, row.mandate, MandateClear(row));
  clear.is_sealed = false;
  std::vector<NewPolicy> policies;
  policies.push_back(std::move(own));
  policies.push_back(std::move(clear));
  const audit::ProvenTag tag = state_->recorder->TagOf(row.mandate);
  const auto old = state_->directory->FindMandate(auditor_id);
  for (const Subject& patient : patients) {
    policies.push_back(
        Policy(EventType::kMandateSet, patient, MandateNotice(row, *auditor, tag, false)));
  }
  if (old) {
    for (const Subject& patient : old->patients) {
      if (std::binary_search(patients.begin(), patients.end(), patient)) continue;
      policies.push_back(
          Policy(EventType::kMandateSet, patient, MandateNotice(row, *auditor, tag, true)));
    }
  }
  TRY_VOID(state_->recorder->RecordPolicies(
      policies, [&](std::span<const LoggedPolicy> logged) -> Result<void> {
        row.origin.entry_index = logged[0].index.value;
        return state_->directory->Put(row);
      }));
  return {};
}

Result<void> Node::ReleaseShare(const Subject& patient, std::string_view custodian_id,
                                std::string_view released_share) {
  std::lock_guard acts(state_->acts_mutex);
  std::vector<audit::CustodyShareRow> shares = state_->directory->SharesOf(patient);
  const auto share = std::find_if(shares.begin(), shares.end(),
                                  [&](const auto& s) { return s.custodian_id == custodian_id; });
  if (share == shares.end()) return NotFound("this custodian holds no share of that patient");
  const auto row = state_->directory->FindPatient(patient);
  if (!row || !row->key) {
    return FailedPrecondition("the patient has no key of its own yet: enrol it first");
  }
  Bytes content;
  codec::CborWriter writer(content);
  writer.Map(3);
  writer.Uint(1);
  writer.Text(custodian_id);
  writer.Uint(2);
  writer.Uint(share->share_number);
  writer.Uint(3);
  writer.Text(released_share);
  NewPolicy policy = Policy(EventType::kCustodyReleased, patient, std::move(content));
  policy.ends_epoch = false;
  audit::CustodyShareRow next = *share;
  next.released_share = released_share;
  TRY_VOID(state_->recorder->RecordPolicies(
      {&policy, 1}, [&](std::span<const LoggedPolicy> logged) -> Result<void> {
        next.release_entry = logged[0].index.value;
        return state_->directory->Put(next);
      }));
  return {};
}

Result<void> Node::ShareDays(const Subject& patient, std::string_view auditor_id, Day from, Day to,
                             std::string_view sealed_keys_jwe) {
  std::lock_guard acts(state_->acts_mutex);
  if (!state_->directory->FindAuditor(auditor_id)) return NotFound("no such auditor");
  NewPolicy policy =
      Policy(EventType::kDaysShared, patient,
             audit::EncodeSharedDaysNotice({.auditor = std::string(auditor_id),
                                            .from = from,
                                            .to = to,
                                            .sealed = std::string(sealed_keys_jwe)}));
  policy.ends_epoch = false;
  TRY_VOID(state_->recorder->RecordPolicies(
      {&policy, 1}, [](std::span<const LoggedPolicy>) { return Result<void>(); }));
  return {};
}

Result<std::string> Node::Certify(std::string_view request_pem, pki::Role role,
                                  std::string_view id) {
  std::lock_guard acts(state_->acts_mutex);
  TRY(const pki::CertificationRequest request, pki::CertificationRequest::FromPem(request_pem));
  TRY(const pki::IssuingAuthority authority, pki::IssuingAuthority::Open(state_->PathOf("ca")));
  TRY(pki::Identity identity, pki::Identity::Create(origin(), role, std::string(id)));
  const Timestamp now = state_->clock.Now();
  pki::IssueProfile profile;
  profile.identity = std::move(identity);
  profile.validity = {now, now + kLeafValidity};
  profile.purpose = role == pki::Role::kServer ? pki::Purpose::kServer : pki::Purpose::kClient;
  profile.name = request.subject().name;
  profile.dns_names = request.subject().dns_names;
  profile.ip_names = request.subject().ip_names;
  LoggedIssuance issuance(*state_->recorder);
  TRY(const pki::Certificate certificate,
      authority.Issue(request, profile, state_->random, issuance));
  return certificate.ToPem() + authority.certificate().ToPem();
}

}  // namespace salus::node
