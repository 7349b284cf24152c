// The question of a whole mandate: one entry in the mandate's chain, and every patient under it.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "apps/salus/verified_history.h"
#include "audit/notices.h"
#include "codec/cbor.h"

namespace salus::cli {

namespace {

// {1: first day, 2: number of patients}, in clear, as node::Node::PutMandate writes it.
Result<std::uint64_t> CountOf(ByteSpan content) {
  codec::CborReader reader(content);
  const auto read = [&reader]() -> Result<std::uint64_t> {
    TRY_VOID(reader.MapOf(2));
    for (int skipped = 0; skipped < 3; ++skipped) TRY_VOID(reader.Uint());
    TRY(const std::uint64_t count, reader.Uint());
    TRY_VOID(reader.Finish());
    return count;
  };
  const Result<std::uint64_t> count = read();
  if (!count) return VerificationFailed("the mandate's entry is not what it must be");
  return count;
}

// How many patients the mandate's own chain says that it covers.
Result<std::uint64_t> PatientCount(const audit::VerifiedHistory& history) {
  std::uint64_t count = 0;
  for (const audit::VerifiedEntry& entry : history.others) {
    if (entry.kind != tlog::EntryKind::kPolicy || entry.type != audit::EventType::kMandateSet) {
      continue;
    }
    TRY(count, CountOf(entry.plaintext));
  }
  return count;
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

Result<std::vector<audit::Subject>> HistoryReader::AskMandate() {
  const audit::Subject mandate{audit::SubjectKind::kMandate, "", keys_.reader.id};
  Result<audit::MandateRow> row = place_.GetMandate(keys_.reader.id);
  if (!row && row.error().code == ErrorCode::kNotFound) return std::vector<audit::Subject>();
  TRY_VOID(row);
  // A long list of patients does not stand in the auditor's own chain; its length stands in the
  // log.
  std::vector<audit::Subject> patients = Mandated();
  if (patients.empty()) patients = std::move(row->patients);
  if (patients.empty()) return patients;

  TRY(const Answered answered, Read(mandate, std::nullopt, false));
  TRY(const std::uint64_t count, PatientCount(answered.history));
  if (count != patients.size()) {
    return VerificationFailed(fmt::format(
        "the log says that the mandate covers {} patients, the place names {}: some are "
        "kept from this auditor, or added",
        count, patients.size()));
  }
  permit_ = answered.permit;
  under_ = answered.asked;
  return patients;
}

}  // namespace salus::cli
