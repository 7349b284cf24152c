#include "apps/salus/event_rows.h"

#include <cstdio>

#include "audit/fhir_event.h"
#include "audit/notices.h"
#include "codec/rfc3339.h"

namespace salus::cli {

bool EventFilter::Matches(const audit::Event& event) const {
  if (from && event.time < *from) return false;
  if (to && event.time > *to) return false;
  if (action && event.action != *action) return false;
  return user.empty() || event.user == user;
}

bool IsBreakGlass(const audit::Event& event) {
  return event.purpose == "BTG" || event.purpose == "ETREAT";
}

EventWriter::EventWriter(const Terminal& terminal, OutputFormat format)
    : format_(format),
      rows_(terminal, format,
            {"!", "time", "patient", "user", "user_name", "action", "record", "purpose", "source",
             "index"}) {}

void EventWriter::Write(const audit::VerifiedEvent& event) {
  if (format_ == OutputFormat::kFhir) {
    resources_.push_back(audit::EventToFhir(event.event));
    return;
  }
  const bool is_break_glass = IsBreakGlass(event.event);
  codec::JsonObject row = audit::EventToJson(event.event);
  row["source"] = event.event.source;
  row["index"] = event.index.value;
  row["logged_by"] = codec::FormatRfc3339(event.logged);
  if (format_ == OutputFormat::kTable || format_ == OutputFormat::kCsv) {
    row["!"] = is_break_glass ? "!" : "";
  } else {
    row["break_glass"] = is_break_glass;
  }
  rows_.Row(std::move(row), is_break_glass ? Colour::kRed : Colour::kNone);
}

void EventWriter::Finish() {
  if (format_ == OutputFormat::kFhir) {
    const std::string bundle = audit::FhirBundle(resources_) + "\n";
    std::fwrite(bundle.data(), 1, bundle.size(), stdout);
  }
  rows_.Finish();
}

namespace {

bool IsReadableQuestion(const audit::VerifiedEntry& entry) {
  return entry.kind == tlog::EntryKind::kQuery && entry.type == audit::EventType::kHistoryQueried &&
         !entry.plaintext.empty();
}

}  // namespace

QuestionWriter::QuestionWriter(const Terminal& terminal, OutputFormat format)
    : rows_(terminal, format, {"asked", "patient", "role", "asker", "purpose", "from", "index"}) {}

Result<void> QuestionWriter::Write(const audit::Subject& subject,
                                   const audit::VerifiedHistory& history) {
  for (const audit::VerifiedEntry& entry : history.others) {
    if (!IsReadableQuestion(entry)) continue;
    const Result<audit::QuestionNotice> question = audit::DecodeQuestionNotice(entry.plaintext);
    if (!question) {
      return VerificationFailed("entry " + std::to_string(entry.index.value) +
                                ": it is no question");
    }
    const bool is_from_the_start = question->from <= Timestamp();
    rows_.Row({{"asked", codec::FormatRfc3339(question->asked)},
               {"patient", subject.id},
               {"role", question->asker_role},
               {"asker", question->asker},
               {"purpose", question->purpose},
               {"from", is_from_the_start ? "" : codec::FormatDay(DayOf(question->from))},
               {"index", entry.index.value}});
  }
  return {};
}

void QuestionWriter::Write(const audit::Subject& subject,
                           const HistoryReader::MandateQuestion& question) {
  rows_.Row({{"asked", codec::FormatRfc3339(question.time)},
             {"patient", subject.id},
             {"role", "auditor"},
             {"asker", question.auditor},
             {"purpose", question.purpose},
             {"from", ""},
             {"index", question.entry.value}});
}

std::uint64_t OthersQuestions(const audit::Subject& reader, const audit::VerifiedHistory& history) {
  std::uint64_t count = 0;
  for (const audit::VerifiedEntry& entry : history.others) {
    if (!IsReadableQuestion(entry)) continue;
    const Result<audit::QuestionNotice> question = audit::DecodeQuestionNotice(entry.plaintext);
    const bool is_own = question && question->asker == reader.id &&
                        question->asker_role == audit::SubjectKindName(reader.kind);
    if (!is_own) ++count;
  }
  return count;
}

}  // namespace salus::cli
