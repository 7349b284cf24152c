#include "api/certified_key.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/paging.h"
#include "api/service.h"

namespace salus::api {

namespace {

codec::JsonObject ToJson(const audit::PatientRow& row) {
  codec::JsonObject json;
  json["id"] = row.subject.id;
  json["system"] = row.subject.system;
  json["name"] = row.name;
  json["enrolled"] = row.key.has_value();
  if (row.key) json["key"] = JwkOf(*row.key);
  if (row.custody_key) json["custody_key"] = JwkOf(*row.custody_key);
  if (!row.certificate_fingerprint.empty()) {
    json["certificate_fingerprint"] = row.certificate_fingerprint;
  }
  json["entry"] = row.origin.entry_index;
  return json;
}

Result<audit::PatientRow> FindPatient(const Call& call) {
  TRY(const audit::Subject subject, PatientAt(call.request.Parameter("id"), call.query));
  auto row = call.service.node().directory().FindPatient(subject);
  if (!row) return NotFound("no such patient: PUT it here to register it");
  return *std::move(row);
}

}  // namespace

Result<Response> PutPatient(const Call& call) {
  TRY(const codec::JsonObject body, ReadJsonBody(call.body, {"name", "certificate", "key"}));
  audit::PatientRow row;
  TRY(row.subject, PatientAt(call.request.Parameter("id"), call.query));
  TRY(const auto name, codec::OptionalStringAt(body, "name"));
  row.name = name.value_or("");
  TRY(CertifiedKey certified, ReadCertifiedKey(call.service, body, pki::Role::kPatient));
  // Another naming system may call the same person by another id.
  if (!certified.id.empty() && row.subject.system.empty() && certified.id != row.subject.id) {
    return InvalidArgument("certificate: is for another patient");
  }
  row.key = std::move(certified.key);
  row.certificate_fingerprint = std::move(certified.certificate_fingerprint);
  TRY_VOID(call.service.node().PutPatient(row));
  return GetPatient(call);
}

Result<Response> GetPatient(const Call& call) {
  TRY(const audit::PatientRow row, FindPatient(call));
  return JsonResponse(ToJson(row));
}

Result<Response> ListPatients(const Call& call) {
  TRY(const Page page, ReadPage(call.query));
  return ListResponse("patients", call.service.node().directory().patients(), page, ToJson);
}

}  // namespace salus::api
