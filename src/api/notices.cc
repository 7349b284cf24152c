// Notices of aggregations: JSON in, the log's own entries out.

#include "api/handlers.h"
#include "api/json_body.h"
#include "api/paging.h"
#include "api/service.h"
#include "audit/task_notice.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/rfc3339.h"
#include "pki/identity.h"

namespace salus::api {

namespace {

// A caller's role and id, so that a reader knows who it was.
std::string NameOf(const Caller& caller) {
  return std::string(pki::RoleName(caller.identity->role)) + ":" + caller.identity->id;
}

Result<Bytes> TaskIdOf(const Call& call) {
  Result<Bytes> id = codec::HexDecode(call.request.Parameter("task"));
  if (!id) return InvalidArgument("the task's id in the path is not hex");
  return id;
}

Result<crypto::Hash32> DigestAt(const codec::JsonObject& body, std::string_view name) {
  TRY(const std::string_view hex, codec::StringAt(body, name));
  crypto::Hash32 digest;
  const Result<Bytes> bytes = codec::HexDecode(hex);
  if (!bytes || bytes->size() != digest.size()) {
    return InvalidArgument(std::string(name) + ": is 64 hex digits");
  }
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

Result<Timestamp> TimeAt(const codec::JsonObject& body, std::string_view name) {
  TRY(const std::string_view text, codec::StringAt(body, name));
  const auto time = codec::ParseRfc3339(text);
  if (!time) return InvalidArgument(std::string(name) + ": is not an RFC 3339 time");
  return *time;
}

Result<std::uint64_t> CountAt(const codec::JsonObject& body, std::string_view name) {
  TRY(const std::int64_t count, codec::IntAt(body, name));
  if (count < 0) return InvalidArgument(std::string(name) + ": must not be negative");
  return static_cast<std::uint64_t>(count);
}

Result<std::string> OptionalText(const codec::JsonObject& body, std::string_view name) {
  TRY(const auto text, codec::OptionalStringAt(body, name));
  return std::string(text.value_or(""));
}

Response IndexResponse(std::uint64_t index) {
  codec::JsonObject json;
  json["entry"] = index;
  return JsonResponse(json);
}

}  // namespace

Result<Response> PutTask(const Call& call) {
  TRY(const codec::JsonObject body,
      ReadJsonBody(call.body, {"title", "purpose", "statistic", "min_participants", "from", "until",
                               "noise", "definition"}));
  audit::TaskNotice notice;
  TRY(notice.task_id, TaskIdOf(call));
  TRY(notice.title, OptionalText(body, "title"));
  TRY(notice.purpose, codec::StringAt(body, "purpose"));
  TRY(notice.statistic, codec::StringAt(body, "statistic"));
  TRY(notice.min_participants, CountAt(body, "min_participants"));
  TRY(notice.from, TimeAt(body, "from"));
  TRY(notice.until, TimeAt(body, "until"));
  TRY(notice.noise, OptionalText(body, "noise"));
  TRY(notice.definition, DigestAt(body, "definition"));
  notice.publisher = NameOf(call.caller);
  TRY(const std::uint64_t index, call.service.node().OpenTask(notice));
  return IndexResponse(index);
}

Result<Response> PutTaskResult(const Call& call) {
  TRY(const codec::JsonObject body,
      ReadJsonBody(call.body, {"participants", "result", "time", "evidence"}));
  audit::ResultNotice notice;
  TRY(notice.task_id, TaskIdOf(call));
  if (const std::string* batch = call.query.Find("batch")) notice.batch = *batch;
  TRY(notice.participants, CountAt(body, "participants"));
  TRY(notice.result, OptionalText(body, "result"));
  TRY(notice.time, TimeAt(body, "time"));
  TRY(notice.evidence, DigestAt(body, "evidence"));
  notice.publisher = NameOf(call.caller);
  TRY(const std::uint64_t index, call.service.node().ReleaseResult(notice));
  return IndexResponse(index);
}

Result<Response> ListNotices(const Call& call) {
  TRY(const Page page, ReadPage(call.query));
  tlog::Log& log = call.service.node().log();
  std::vector<codec::Json> entries;
  for (const audit::NoticeRow& row : call.service.node().directory().notices()) {
    TRY(const tlog::StoredEntry stored, log.ReadEntry({row.origin.entry_index}));
    codec::JsonObject one;
    one["index"] = row.origin.entry_index;
    one["entry"] = codec::Base64UrlEncode(stored.entry);
    entries.push_back(std::move(one));
  }
  return ListResponse("notices", entries, page, [](const codec::Json& json) { return json; });
}

}  // namespace salus::api
