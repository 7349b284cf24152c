#include <mutex>

#include "api/handlers.h"
#include "api/json_body.h"
#include "api/service.h"
#include "codec/rfc3339.h"

namespace salus::api {

namespace {

struct MandateRequest {
  std::vector<audit::Subject> patients;
  std::string purpose;
  std::optional<Day> from, until;
};

Result<audit::Subject> ReadPatient(const codec::Json& value) {
  TRY(const codec::JsonObject* object, codec::AsObject(value, "patient"));
  TRY_VOID(codec::CheckMembers(*object, {"id", "system"}));
  TRY(const std::string_view id, codec::StringAt(*object, "id"));
  TRY(const auto system, codec::OptionalStringAt(*object, "system"));
  return audit::Subject::Create(audit::SubjectKind::kPatient, system.value_or(""), id);
}

// A list of patients takes many times its length while it is read: one long list at a time.
constexpr std::size_t kLongList = 1u << 20;

std::unique_lock<std::mutex> WaitForTurn(std::size_t body_size) {
  static std::mutex long_lists;
  return body_size > kLongList ? std::unique_lock(long_lists) : std::unique_lock<std::mutex>();
}

Result<MandateRequest> ReadMandate(ByteSpan bytes) {
  const auto turn = WaitForTurn(bytes.size());
  TRY(const codec::JsonObject body, ReadJsonBody(bytes, {"patients", "purpose", "from", "until"}));
  MandateRequest read;
  TRY(const codec::JsonArray* patients, codec::ArrayAt(body, "patients"));
  for (std::size_t i = 0; i < patients->size(); ++i) {
    Result<audit::Subject> patient = ReadPatient((*patients)[i]);
    if (!patient) return codec::Within("patients", i, std::move(patient.error()));
    read.patients.push_back(*std::move(patient));
  }
  TRY(const auto purpose, codec::OptionalStringAt(body, "purpose"));
  read.purpose = purpose.value_or("");
  TRY(read.from, ReadDay(body, "from"));
  TRY(read.until, ReadDay(body, "until"));
  if (read.from && read.until && *read.from > *read.until) {
    return InvalidArgument("from: is behind until");
  }
  return read;
}

codec::JsonObject ToJson(const audit::MandateRow& row) {
  codec::JsonArray patients;
  for (const audit::Subject& patient : row.patients) {
    codec::JsonObject one;
    one["id"] = patient.id;
    one["system"] = patient.system;
    patients.push_back(std::move(one));
  }
  codec::JsonObject json;
  json["auditor"] = row.auditor.id;
  json["patients"] = std::move(patients);
  json["purpose"] = row.purpose;
  json["from"] = codec::FormatDay(row.from);
  if (row.until) json["until"] = codec::FormatDay(*row.until);
  json["entry"] = row.origin.entry_index;
  return json;
}

Result<Response> ShowMandate(const Call& call) {
  const auto row = call.service.node().directory().FindMandate(call.request.Parameter("auditor"));
  if (!row) return NotFound("this auditor has no mandate");
  return JsonResponse(ToJson(*row));
}

}  // namespace

Result<Response> PutMandate(const Call& call) {
  TRY(MandateRequest read, ReadMandate(call.body));
  TRY_VOID(call.service.node().PutMandate(call.request.Parameter("auditor"),
                                          std::move(read.patients), read.purpose, read.from,
                                          read.until));
  return ShowMandate(call);
}

Result<Response> GetMandate(const Call& call) {
  if (call.caller.identity->role == pki::Role::kAuditor) {
    TRY(const audit::Subject auditor, call.service.SubjectOf(call.caller));
    if (auditor.id != call.request.Parameter("auditor")) return PermissionDenied("not permitted");
  }
  return ShowMandate(call);
}

}  // namespace salus::api
