#include "api/certified_key.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/paging.h"
#include "api/service.h"

namespace salus::api {

namespace {

codec::JsonObject ToJson(const audit::AuditorRow& row) {
  codec::JsonObject json;
  json["id"] = row.subject.id;
  json["name"] = row.name;
  json["key"] = JwkOf(row.key);
  json["entry"] = row.origin.entry_index;
  return json;
}

}  // namespace

Result<Response> PutAuditor(const Call& call) {
  TRY(const codec::JsonObject body, ReadJsonBody(call.body, {"name", "certificate", "key"}));
  const std::string& id = call.request.Parameter("id");
  TRY(const audit::Subject subject, audit::Subject::Create(audit::SubjectKind::kAuditor, "", id));
  TRY(const auto name, codec::OptionalStringAt(body, "name"));
  TRY(const CertifiedKey certified, ReadCertifiedKey(call.service, body, pki::Role::kAuditor));
  if (!certified.key) return InvalidArgument("an auditor needs a certificate or a key");
  if (!certified.id.empty() && certified.id != id) {
    return InvalidArgument("certificate: is for another auditor");
  }
  // A name that is not sent stays; a new auditor without one is called by its id.
  const bool is_new = !call.service.node().directory().FindAuditor(id);
  const audit::AuditorRow row{subject,
                              std::string(name.value_or(is_new ? id : "")),
                              *certified.key,
                              {},
                              certified.certificate_fingerprint};
  TRY_VOID(call.service.node().PutAuditor(row));
  return GetAuditor(call);
}

Result<Response> GetAuditor(const Call& call) {
  const auto row = call.service.node().directory().FindAuditor(call.request.Parameter("id"));
  if (!row) return NotFound("no such auditor: PUT it here to register it");
  return JsonResponse(ToJson(*row));
}

Result<Response> ListAuditors(const Call& call) {
  TRY(const Page page, ReadPage(call.query));
  return ListResponse("auditors", call.service.node().directory().auditors(), page, ToJson);
}

}  // namespace salus::api
