// The question of a whole mandate: one entry in the mandate's chain, and every patient under it.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "apps/salus/verified_history.h"
#include "audit/notices.h"

namespace salus::cli {

namespace {

// NewestCount is how many patients the mandate's own chain says that it covers, and since when.
struct NewestCount {
  std::uint64_t patients = 0;
  merkle::LeafIndex entry;
};
Result<NewestCount> CountOf(const audit::VerifiedHistory& history) {
  NewestCount newest;
  for (const audit::VerifiedEntry& entry : history.others) {
    if (entry.kind != tlog::EntryKind::kPolicy || entry.type != audit::EventType::kMandateSet) {
      continue;
    }
    const Result<audit::MandateCount> clear = audit::DecodeMandateCount(entry.plaintext);
    if (!clear) return VerificationFailed("the mandate's entry is not what it must be");
    newest = {clear->patients, entry.index};
  }
  return newest;
}

Result<HistoryReader::MandateQuestion> ReadQuestion(const audit::VerifiedEntry& entry) {
  Result<audit::QuestionNotice> notice = audit::DecodeQuestionNotice(entry.plaintext);
  if (!notice) {
    return VerificationFailed(fmt::format(
        "entry {}: the question of a mandate is not what it must be", entry.index.value));
  }
  HistoryReader::MandateQuestion question;
  question.entry = entry.index;
  question.auditor = std::move(notice->asker);
  question.purpose = std::move(notice->purpose);
  question.time = notice->asked;
  return question;
}

// Membership is when a mandate named the patient: from an entry on, and perhaps up to one.
struct Membership {
  audit::SubjectTag tag;
  std::uint64_t begin = 0;
  std::optional<std::uint64_t> end;
};

Result<std::map<std::string, std::vector<Membership>>> Memberships(
    const audit::VerifiedHistory& history) {
  std::map<std::string, std::vector<Membership>> all;
  for (const audit::VerifiedEntry& entry : history.others) {
    const bool is_notice = entry.kind == tlog::EntryKind::kPolicy &&
                           entry.type == audit::EventType::kMandateSet && !entry.plaintext.empty();
    if (!is_notice) continue;
    const Result<audit::MandateNotice> notice = audit::DecodeMandateNotice(entry.plaintext);
    if (!notice) return VerificationFailed("an entry about a mandate is not what it must be");
    std::vector<Membership>& of = all[notice->auditor];
    const bool is_member = !of.empty() && !of.back().end;
    if (notice->is_removed && is_member) of.back().end = entry.index.value;
    if (!notice->is_removed && !is_member) {
      of.push_back({notice->mandate_tag, entry.index.value, {}});
    }
  }
  return all;
}

}  // namespace

Result<std::vector<HistoryReader::MandateQuestion>> HistoryReader::MandateQuestions(
    const Answered& own) {
  std::vector<MandateQuestion> questions;
  TRY(const auto memberships, Memberships(own.history));
  for (const auto& [auditor, of] : memberships) {
    if (of.empty()) continue;
    audit::HistoryQuestion asked;
    asked.subject = {audit::SubjectKind::kMandate, "", auditor};
    asked.mandate_tag = of.back().tag;
    asked.under = own.permit;
    under_ = own.asked;
    Result<Answered> answered = Ask(std::move(asked), false);
    under_.reset();
    if (!answered) return std::move(answered.error()).WithContext("mandate of " + auditor);
    if (answered->history.tag != of.back().tag) {
      return VerificationFailed("the mandate of " + auditor +
                                " has another tag than this patient's chain tells");
    }
    for (const audit::VerifiedEntry& entry : answered->history.others) {
      if (entry.type != audit::EventType::kMandateQueried) continue;
      const bool is_about_us = std::any_of(of.begin(), of.end(), [&](const Membership& m) {
        return m.begin < entry.index.value && (!m.end || entry.index.value < *m.end);
      });
      if (!is_about_us) continue;
      TRY(MandateQuestion question, ReadQuestion(entry));
      questions.push_back(std::move(question));
    }
  }
  return questions;
}

// Whom the mandate names, by the auditor's own chain. A long list stands there as its length only,
// and is the place's word.
Result<std::vector<audit::Subject>> HistoryReader::MandatedByLog() {
  if (!keys_.mandates.back().is_counted) return Mandated();
  Result<audit::MandateRow> row = place_.GetMandate(keys_.reader.id);
  if (!row) return MandateDenied(std::move(row).error());
  return std::move(row->patients);
}

Error HistoryReader::MandateDenied(Error error) const {
  const bool is_denied =
      error.code == ErrorCode::kNotFound || error.code == ErrorCode::kPermissionDenied;
  if (!is_denied) return error;
  return VerificationFailed(
      fmt::format("entry {} of the log gives this auditor a mandate, and the place says that there "
                  "is none: all of its patients are kept from this auditor",
                  keys_.mandates.back().index.value));
}

Result<HistoryReader::AskedMandate> HistoryReader::AskMandate() {
  const audit::Subject mandate{audit::SubjectKind::kMandate, "", keys_.reader.id};
  if (keys_.mandates.empty()) return AskedMandate{};
  Result<Answered> answered = Read(mandate, std::nullopt, false);
  if (!answered) return MandateDenied(std::move(answered).error());
  TRY(const NewestCount newest, CountOf(answered->history));
  // It was changed since the own chain was read: both say the same then.
  const bool is_newer = keys_.own_chain_size && newest.entry.value >= keys_.own_chain_size->value;
  if (is_newer) TRY_VOID(ReadOwnChain());
  AskedMandate asked;
  TRY(asked.patients, MandatedByLog());
  const std::optional<Day> until = keys_.mandates.back().until;
  const bool is_over = until && *until < DayOf(session_.clock().Now());
  if (!is_over && newest.patients != asked.patients.size()) {
    return VerificationFailed(fmt::format(
        "the log says that the mandate covers {} patients, the place names {}: some are "
        "kept from this auditor, or added",
        newest.patients, asked.patients.size()));
  }
  for (const audit::VerifiedEntry& entry : answered->history.others) {
    if (entry.type != audit::EventType::kMandateQueried) continue;
    TRY(MandateQuestion question, ReadQuestion(entry));
    asked.questions.push_back(std::move(question));
  }
  permit_ = answered->permit;
  under_ = answered->asked;
  return asked;
}

}  // namespace salus::cli
