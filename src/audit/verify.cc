#include "audit/verify.h"

#include <fmt/format.h>

#include <algorithm>

#include "audit/notices.h"
#include "audit/verify_parts.h"
#include "codec/rfc3339.h"

namespace salus::audit {

namespace {

std::string DaysOf(const VerifyQuestion& question) {
  std::string days;
  if (question.from) days += " from " + codec::FormatDay(*question.from);
  if (question.to) days += " to " + codec::FormatDay(*question.to);
  return days;
}

// P6.4, where the policy names no map verifiers: nobody but this device has recomputed the map.
std::string WhatIsProven(const TrustedLog& log, const VerifyQuestion& question,
                         const VerifiedHistory& history, const ProvenTree& newest) {
  const std::size_t witnesses = newest.cosignatures.size();
  const std::string when = codec::FormatRfc3339(newest.map.time);
  const std::string who =
      log.policy.witnesses().empty()
          ? std::string("0 witnesses")
          : fmt::format("{} of {} witnesses", witnesses, log.policy.witnesses().size());
  const std::string watched =
      question.is_evidence
          ? std::string("on the operator's word of that time, since a file has watched nothing")
      : question.known && question.known->watched_since > Timestamp()
          ? fmt::format("only as far as this device has watched since {}",
                        codec::FormatRfc3339(history.checkpoint.watched_since))
          : fmt::format(
                "only as far as this device has watched since now, {}: what was before is "
                "on the operator's word",
                when);
  return fmt::format(
      "everything that the log of {} holds for this identifier{}, up to {} ({}, no map verifier): "
      "complete {}",
      log.origin, DaysOf(question), when, who, watched);
}

void AddWarnings(const VerifyQuestion& question, const AskedRange& asked, const ProvenTree& newest,
                 VerifiedHistory& history) {
  const auto warn = [&history](std::string text) { history.warnings.push_back(std::move(text)); };
  if (history.waiting_for_custodians > 0) {
    warn(fmt::format("{} entries wait for your custodians: ask them to release their shares",
                     history.waiting_for_custodians));
  }
  if (history.under_older_key > 0) {
    warn(
        fmt::format("{} entries are sealed to a key that you held before, or never did: without it "
                    "they stay closed",
                    history.under_older_key));
  }
  if (history.before_own_key > 0) {
    warn(
        fmt::format("{} entries are sealed to an older key of yours, or from outside your mandate: "
                    "your present key was registered behind them",
                    history.before_own_key));
  }
  if (history.not_for_reader > 0) {
    warn(fmt::format("{} entries are from outside your mandate, and stay closed to you",
                     history.not_for_reader));
  }
  if (question.to && asked.end == newest.size.value &&
      newest.map.time < Timestamp(*question.to + std::chrono::days(1))) {
    warn("the last day asked for is not over");
  }
}

bool IsAskedBy(const Subject& reader, ByteSpan content) {
  const Result<QuestionNotice> question = DecodeQuestionNotice(content);
  return question && question->asker_role == SubjectKindName(reader.kind) &&
         question->asker == reader.id;
}

// What the receipt is for must be this reader's question, where it is shown and can be read.
Result<void> CheckQueryEntry(const VerifyQuestion& question, const HistoryAnswer& answer,
                             const VerifiedHistory& history) {
  const std::uint64_t index = answer.query_index.value;
  const auto is_it = [index](const auto& entry) { return entry.index.value == index; };
  const auto other = std::find_if(history.others.begin(), history.others.end(), is_it);
  const bool is_event = std::any_of(history.events.begin(), history.events.end(), is_it);
  const bool is_other = other != history.others.end();
  if (is_event || (is_other && other->kind != EntryKind::kQuery)) {
    return AtEntry(index, "the receipt for this question names another entry");
  }
  const bool can_read = is_other && question.keys != nullptr && !other->plaintext.empty();
  if (can_read && !IsAskedBy(question.keys->reader, other->plaintext)) {
    return AtEntry(index, "this question was logged in another name");
  }
  return {};
}

// A patient sees the questions of a mandate from when on it names the patient. One from before
// would be a question that this patient never sees.
Result<void> CheckUnder(const VerifyQuestion& question, const GrantTable& table) {
  const bool is_of_mandate = question.under && question.keys != nullptr &&
                             question.keys->reader.kind == SubjectKind::kAuditor &&
                             question.subject.kind == SubjectKind::kPatient;
  if (!is_of_mandate || table.opened.empty()) return {};
  const auto first = std::ranges::min_element(
      table.opened, {}, [](const auto& grant) { return grant.second.policy_index; });
  if (first->second.policy_index <= question.under->index.value) return {};
  return FailedPrecondition(fmt::format(
      "entry {}: this patient's readers were changed behind the question, entry {}, and "
      "may have come under your mandate only then: ask for the mandate again",
      first->second.policy_index, question.under->index.value));
}

}  // namespace

Result<VerifiedHistory> VerifyHistory(const VerifyQuestion& question, const HistoryAnswer& answer) {
  TRY(const TrustedLog log, TrustPinned(*question.log));
  TRY(const ProvenTree newest, VerifyTree(log, answer.newest, "the newest checkpoint"));
  TRY_VOID(CheckKnown(question, answer, newest));
  if (!question.is_evidence) TRY_VOID(CheckFresh(log, newest, question.now));

  Timeline timeline;
  if (question.known && question.known->time > Timestamp()) {
    TRY_VOID(timeline.Add(question.known->size, question.known->time));
  }
  TRY_VOID(timeline.Add(newest.size, newest.map.time));
  TRY(const AskedRange asked, VerifyBrackets(log, question, answer, newest, timeline));
  TRY(const VerifiedChain chain, VerifyChain(question, answer, newest));
  TRY(const std::vector<ProvenEntry> entries, VerifyShown(answer, chain, asked, newest));

  VerifiedHistory history;
  TRY(history.chain, VerifyQueries(log, question, answer, chain, newest));
  TRY(GrantTable table, OpenGrants(question, chain, entries, timeline));
  TRY_VOID(CheckUnder(question, table));
  TRY_VOID(OpenEntries(question, chain, entries, timeline, table, history));
  if (question.keys != nullptr && question.keys->own_chain_size) {
    const std::uint64_t known_to = question.keys->own_chain_size->value;
    history.newer_than_keys = static_cast<std::uint64_t>(std::ranges::count_if(
        table.closed, [known_to](std::uint64_t grant) { return grant >= known_to; }));
  }
  TRY_VOID(CheckQueryEntry(question, answer, history));

  const bool is_watching = question.known && question.known->watched_since > Timestamp();
  history.checkpoint = {newest.size, newest.root, answer.newest.note, newest.map.time,
                        is_watching ? question.known->watched_since : newest.map.time};
  history.map = newest.map;
  history.tag = chain.tag;
  history.proven = WhatIsProven(log, question, history, newest);
  AddWarnings(question, asked, newest, history);
  return history;
}

}  // namespace salus::audit
