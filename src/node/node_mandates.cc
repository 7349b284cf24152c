// Mandates: who may read whom. A change that takes more than one commit ends rights first, tells
// the patients, and gives rights last (decision 0023).

#include <algorithm>
#include <iterator>

#include "audit/entry.h"
#include "audit/notices.h"
#include "base/id.h"
#include "base/log.h"
#include "node/node.h"
#include "node/node_state.h"

namespace salus::node {

namespace {

using audit::AuditorRow;
using audit::EventType;
using audit::MandateRow;
using audit::NewPolicy;
using audit::Subject;
using audit::SubjectKind;

// A mandate's entry names its patients as long as it stays a small entry.
constexpr std::size_t kMaxNamingBytes = 32u << 10;
// One commit; new patients' events wait for one, and not for all.
constexpr std::size_t kNoticesPerCommit = 500;

// What a patient reads about a mandate: who may read from when on, with the mandate's own tag.
Bytes NoticeOf(const MandateRow& mandate, const AuditorRow& auditor, const audit::ProvenTag& tag,
               bool is_removed) {
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

Bytes ClearContent(const MandateRow& mandate) {
  return audit::EncodeMandateCount({mandate.from, mandate.patients.size()});
}

Bytes AuditorContent(MandateRow mandate) {
  mandate.next.reset();
  Bytes row = audit::EncodeRow(mandate);
  return row.size() <= kMaxNamingBytes ? row : ClearContent(mandate);
}

// What both rows allow: nobody may read under it who may not read now.
MandateRow Meet(const std::optional<MandateRow>& old, const MandateRow& target) {
  MandateRow both = target;
  both.patients.clear();
  if (!old) return both;
  both.from = std::max(old->from, target.from);
  if (old->until && (!both.until || *old->until < *both.until)) both.until = old->until;
  if (both.until && *both.until < both.from) return both;
  std::ranges::set_intersection(old->patients, target.patients, std::back_inserter(both.patients));
  return both;
}

MandateRow TargetOf(const MandateRow& begun) {
  MandateRow target = begun;
  target.next.reset();
  target.patients = begun.next->patients;
  target.purpose = begun.next->purpose;
  target.from = begun.next->from;
  target.until = begun.next->until;
  return target;
}

// Notices are the entries that tell patients of a mandate. The newest policy entry of a chain
// carries the digest of the subject's row, whatever it is about: so one look at it tells whether a
// row is the newest.
class Notices {
 public:
  Notices(Node::State& state, const AuditorRow& auditor, const MandateRow& target)
      : state_(state),
        auditor_(auditor),
        target_(target),
        tag_(state.recorder->TagOf(target.mandate)) {}

  // Add: a right ends, also where a patient's row is lost: nothing can be sealed to that one.
  Result<void> Add(const Subject& patient, bool is_removed) {
    auto row = state_.directory->FindPatient(patient);
    if (!row && is_removed) return {};
    if (!row) return audit::BrokenRegistration();
    NewPolicy policy = SubjectPolicy(EventType::kMandateSet, patient,
                                     NoticeOf(target_, auditor_, tag_, is_removed));
    policy.row = *std::move(row);
    policies_.push_back(std::move(policy));
    return {};
  }
  // The mandate's own entry and its auditor's stand in one commit: they say the same.
  void AddOwn(const MandateRow& row) {
    NewPolicy own = SubjectPolicy(EventType::kMandateSet, row.auditor, AuditorContent(row));
    own.row = auditor_;
    NewPolicy clear = SubjectPolicy(EventType::kMandateSet, row.mandate, ClearContent(row));
    clear.is_sealed = false;
    clear.row = row;
    policies_.push_back(std::move(own));
    policies_.push_back(std::move(clear));
  }
  std::size_t size() const { return policies_.size(); }
  // Log makes them one commit; sources register patients between two.
  Result<void> Log() {
    const auto registrations = state_.recorder->LockActs();
    TRY_VOID(state_.recorder->RecordPolicies(policies_));
    policies_.clear();
    return {};
  }

 private:
  Node::State& state_;
  const AuditorRow& auditor_;
  const MandateRow& target_;
  const audit::ProvenTag tag_;
  std::vector<NewPolicy> policies_;
};

}  // namespace

Result<void> Node::State::FinishMandate(const MandateRow& begun) {
  const auto auditor = directory->FindAuditor(begun.auditor.id);
  // Its rights ended when the change began; it gets none before it is registered again.
  if (!auditor) return {};
  MandateRow target = TargetOf(begun);
  // A patient whose row is lost can't be told, and is not read.
  std::erase_if(target.patients, [&](const Subject& p) { return !directory->FindPatient(p); });
  Notices notices(*this, *auditor, target);
  // Whose row is newer than the beginning was told: no other act comes between.
  const auto tell = [&](const std::vector<Subject>& patients, bool is_removed) -> Result<void> {
    for (const Subject& patient : patients) {
      const auto row = directory->FindPatient(patient);
      if (row && row->origin.entry_index > begun.origin.entry_index) continue;
      TRY_VOID(notices.Add(patient, is_removed));
      if (notices.size() == kNoticesPerCommit) TRY_VOID(notices.Log());
    }
    return {};
  };
  TRY_VOID(tell(begun.next->removed, true));
  TRY_VOID(tell(target.patients, false));
  notices.AddOwn(target);
  TRY_VOID(notices.Log());
  // Keys that were made since a patient was told are without this auditor.
  for (const Subject& patient : target.patients) recorder->ForgetSubject(patient);
  return {};
}

Result<void> Node::State::FinishMandates() {
  for (const MandateRow& begun : directory->begun_mandates()) TRY_VOID(FinishMandate(begun));
  return {};
}

Result<void> Node::State::SetMandate(const AuditorRow& auditor, const MandateRow& target) {
  const auto old = directory->FindMandate(target.auditor.id);
  std::vector<Subject> removed;
  if (old) {
    std::ranges::set_difference(old->patients, target.patients, std::back_inserter(removed));
  }
  Notices notices(*this, auditor, target);
  if (target.patients.size() + removed.size() <= kNoticesPerCommit) {
    for (const Subject& patient : removed) TRY_VOID(notices.Add(patient, true));
    for (const Subject& patient : target.patients) TRY_VOID(notices.Add(patient, false));
    notices.AddOwn(target);
    return notices.Log();
  }
  MandateRow begun = Meet(old, target);
  begun.next = {target.patients, removed, target.purpose, target.from, target.until};
  notices.AddOwn(begun);
  TRY_VOID(notices.Log());
  for (const Subject& patient : removed) recorder->ForgetSubject(patient);
  const auto stored = directory->FindMandate(target.auditor.id);
  return FinishMandate(*stored);
}

Result<void> Node::PutMandate(std::string_view auditor_id, std::vector<Subject> patients,
                              std::string_view purpose, std::optional<Day> from,
                              std::optional<Day> until) {
  TRY_VOID(CheckShownText("purpose", purpose));
  if (purpose.empty()) return InvalidArgument("purpose: say why; the patients read it");
  std::sort(patients.begin(), patients.end());
  patients.erase(std::unique(patients.begin(), patients.end()), patients.end());
  // Before anybody has to wait for it: rows are checked, and tags proven, once.
  for (const Subject& patient : patients) {
    if (state_->directory->FindPatient(patient)) state_->recorder->TagOf(patient);
  }
  if (const auto old = state_->directory->FindMandate(auditor_id)) {
    for (const Subject& patient : old->patients) {
      if (state_->directory->FindPatient(patient)) state_->recorder->TagOf(patient);
    }
  }
  const std::lock_guard one_at_a_time(state_->acts_mutex);
  TRY_VOID(state_->FinishMandates());
  const auto auditor = state_->directory->FindAuditor(auditor_id);
  if (!auditor) return NotFound("no such auditor: register it with `salus auditor add`");
  for (const Subject& patient : patients) {
    if (!state_->directory->FindPatient(patient)) {
      return NotFound("a patient of the mandate is not registered: `salus patient add` first");
    }
  }
  const Day today = DayOf(state_->clock.Now());
  MandateRow row;
  row.auditor = auditor->subject;
  row.mandate = {SubjectKind::kMandate, "", std::string(auditor_id)};
  row.patients = std::move(patients);
  row.purpose = purpose;
  row.from = std::max(from.value_or(today), today);  // forward only
  row.until = until;
  if (until && *until < row.from && !row.patients.empty()) {
    return InvalidArgument("until: is over before the mandate begins: it works forward only");
  }
  return state_->SetMandate(*auditor, row);
}

}  // namespace salus::node
