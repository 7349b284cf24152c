#include "audit/history.h"

#include "api/handlers.h"
#include "api/json_body.h"
#include "api/service.h"
#include "base/id.h"
#include "codec/hex.h"

namespace salus::api {

namespace {

constexpr char kHistoryType[] = "application/vnd.salus.history+cbor";

Result<bool> ReadWait(std::optional<std::string_view> wait) {
  if (!wait) return false;
  if (*wait != "cosigned") return InvalidArgument("wait: must be \"cosigned\" or absent");
  return true;
}

Result<std::uint64_t> ReadCountAt(const codec::JsonObject& body, std::string_view name) {
  TRY(const std::optional<std::int64_t> value, codec::OptionalIntAt(body, name));
  if (value.value_or(0) < 0) return InvalidArgument(std::string(name) + ": is negative");
  return static_cast<std::uint64_t>(value.value_or(0));
}

Result<void> CheckDays(const audit::HistoryQuestion& question) {
  if (!question.from || !question.to || *question.from <= *question.to) return {};
  return InvalidArgument("from: is behind to");
}

// The purpose is the asker's own words, sealed into the question's entry.
Result<std::string> ReadPurpose(std::optional<std::string_view> purpose) {
  if (!purpose || purpose->empty()) return std::string();
  if (Result<void> ok = ValidateIdText(*purpose); !ok) {
    return std::move(ok.error()).WithContext("purpose");
  }
  return std::string(*purpose);
}

// Whom a question is about: a patient, a mandate, or, where an auditor names nobody, its own
// mandate.
Result<audit::Subject> ReadSubject(const codec::JsonObject& body, const audit::Subject& asker) {
  TRY(const auto patient, codec::OptionalStringAt(body, "patient"));
  TRY(const auto system, codec::OptionalStringAt(body, "system"));
  TRY(const auto mandate, codec::OptionalStringAt(body, "mandate"));
  if (patient && mandate) return InvalidArgument("patient and mandate: give one of them");
  if (mandate) return audit::Subject::Create(audit::SubjectKind::kMandate, "", *mandate);
  if (!patient && asker.kind == audit::SubjectKind::kAuditor) {
    return audit::Subject{audit::SubjectKind::kMandate, "", asker.id};
  }
  if (!patient) return InvalidArgument("patient: is missing");
  return audit::Subject::Create(audit::SubjectKind::kPatient, system.value_or(""), *patient);
}

Result<std::optional<audit::SubjectTag>> ReadTag(const codec::JsonObject& body) {
  TRY(const auto text, codec::OptionalStringAt(body, "tag"));
  if (!text) return std::optional<audit::SubjectTag>();
  const Result<Bytes> bytes = codec::HexDecode(*text);
  if (!bytes || bytes->size() != audit::SubjectTag::kSize) {
    return InvalidArgument("tag: must be 64 hex digits");
  }
  TRY(const audit::SubjectTag tag, audit::SubjectTag::FromBytes(*bytes));
  return std::optional(tag);
}

Result<audit::HistoryQuestion> ReadQuestion(const codec::JsonObject& body,
                                            const audit::Subject& asker) {
  audit::HistoryQuestion question;
  TRY(question.subject, ReadSubject(body, asker));
  TRY(const auto under, codec::OptionalStringAt(body, "under"));
  question.under = under.value_or("");
  TRY(question.mandate_tag, ReadTag(body));
  TRY(question.after, ReadCountAt(body, "after"));
  TRY(question.from, ReadDay(body, "from"));
  TRY(question.to, ReadDay(body, "to"));
  TRY(question.known_size, ReadCountAt(body, "known_size"));
  TRY(const auto wait, codec::OptionalStringAt(body, "wait"));
  TRY(question.wait_cosigned, ReadWait(wait));
  TRY(const auto purpose, codec::OptionalStringAt(body, "purpose"));
  TRY(question.purpose, ReadPurpose(purpose));
  TRY_VOID(CheckDays(question));
  return question;
}

Result<audit::HistoryQuestion> ReadOwnQuestion(const http::Query& query, audit::Subject own) {
  audit::HistoryQuestion question;
  question.subject = std::move(own);
  TRY(question.after, ReadCount(query, "after"));
  TRY(question.from, ReadDay(query, "from"));
  TRY(question.to, ReadDay(query, "to"));
  TRY(question.known_size, ReadCount(query, "known_size"));
  const auto text_of = [&query](std::string_view name) {
    const std::string* text = query.Find(name);
    return text == nullptr ? std::nullopt : std::optional<std::string_view>(*text);
  };
  TRY(question.wait_cosigned, ReadWait(text_of("wait")));
  TRY(question.purpose, ReadPurpose(text_of("purpose")));
  TRY_VOID(CheckDays(question));
  return question;
}

Response HistoryResponse(const Bytes& encoded) {
  return Response{200,
                  {{"Content-Type", kHistoryType}, {"Cache-Control", "no-store"}},
                  std::string(AsText(encoded))};
}

Result<Response> AnswerHistory(const Call& call, const audit::Subject& asker,
                               const audit::HistoryQuestion& question) {
  TRY(const audit::HistoryAnswer answer, call.service.node().historian().Answer(asker, question));
  return HistoryResponse(audit::EncodeHistory(answer));
}

}  // namespace

Result<Response> PostHistory(const Call& call) {
  TRY(const audit::Subject asker, call.service.SubjectOf(call.caller));
  TRY(const codec::JsonObject body,
      ReadJsonBody(call.body, {"patient", "system", "after", "from", "to", "known_size", "wait",
                               "purpose", "mandate", "tag", "under", "page"}));
  if (body.contains("page")) {
    if (body.size() != 1) return InvalidArgument("page: stands alone, as the page before gave it");
    TRY(const std::string_view token, codec::StringAt(body, "page"));
    TRY(const audit::HistoryPage page, call.service.node().historian().Page(asker, token));
    return HistoryResponse(audit::EncodeHistoryPage(page));
  }
  TRY(const audit::HistoryQuestion question, ReadQuestion(body, asker));
  return AnswerHistory(call, asker, question);
}

Result<Response> GetOwnHistory(const Call& call) {
  TRY(const audit::Subject asker, call.service.SubjectOf(call.caller));
  TRY(const audit::HistoryQuestion question, ReadOwnQuestion(call.query, asker));
  return AnswerHistory(call, asker, question);
}

}  // namespace salus::api
