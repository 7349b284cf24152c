#include "audit/history.h"

#include "api/handlers.h"
#include "api/json_body.h"
#include "api/service.h"

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

Result<audit::HistoryQuestion> ReadQuestion(ByteSpan bytes) {
  TRY(const codec::JsonObject body,
      ReadJsonBody(bytes, {"patient", "system", "after", "from", "to", "known_size", "wait"}));
  audit::HistoryQuestion question;
  TRY(const std::string_view patient, codec::StringAt(body, "patient"));
  TRY(const auto system, codec::OptionalStringAt(body, "system"));
  TRY(question.subject,
      audit::Subject::Create(audit::SubjectKind::kPatient, system.value_or(""), patient));
  TRY(question.after, ReadCountAt(body, "after"));
  TRY(question.from, ReadDay(body, "from"));
  TRY(question.to, ReadDay(body, "to"));
  TRY(question.known_size, ReadCountAt(body, "known_size"));
  TRY(const auto wait, codec::OptionalStringAt(body, "wait"));
  TRY(question.wait_cosigned, ReadWait(wait));
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
  const std::string* wait = query.Find("wait");
  TRY(question.wait_cosigned,
      ReadWait(wait == nullptr ? std::nullopt : std::optional<std::string_view>(*wait)));
  TRY_VOID(CheckDays(question));
  return question;
}

Result<Response> AnswerHistory(const Call& call, const audit::Subject& asker,
                               const audit::HistoryQuestion& question) {
  TRY(const audit::HistoryAnswer answer, call.service.node().historian().Answer(asker, question));
  const Bytes bytes = audit::EncodeHistory(answer);
  return Response{200,
                  {{"Content-Type", kHistoryType}, {"Cache-Control", "no-store"}},
                  std::string(AsText(bytes))};
}

}  // namespace

Result<Response> PostHistory(const Call& call) {
  TRY(const audit::Subject asker, call.service.SubjectOf(call.caller));
  TRY(const audit::HistoryQuestion question, ReadQuestion(call.body));
  return AnswerHistory(call, asker, question);
}

Result<Response> GetOwnHistory(const Call& call) {
  TRY(const audit::Subject asker, call.service.SubjectOf(call.caller));
  TRY(const audit::HistoryQuestion question, ReadOwnQuestion(call.query, asker));
  return AnswerHistory(call, asker, question);
}

}  // namespace salus::api
