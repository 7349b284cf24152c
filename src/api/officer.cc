// What only an officer does: confirm a clock, and read the events that concern no patient.

#include "api/certified_key.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/service.h"
#include "codec/rfc3339.h"

namespace salus::api {

// An officer puts its own key there, and not the registrar for it: officers are certified on the
// machine itself, registrars need not be.
Result<Response> PutSystemReader(const Call& call) {
  TRY(const codec::JsonObject body, ReadJsonBody(call.body, {"name", "certificate", "key"}));
  audit::PatientRow row;
  row.subject = audit::Subject::System();
  TRY(const auto name, codec::OptionalStringAt(body, "name"));
  row.name = name.value_or("");
  TRY(CertifiedKey certified, ReadCertifiedKey(call.service, body, pki::Role::kOfficer));
  if (!certified.key) return InvalidArgument("certificate or key: is missing");
  row.key = std::move(certified.key);
  TRY_VOID(call.service.node().PutPatient(row));
  return Response{204, {}, ""};
}

Result<Response> PostClock(const Call& call) {
  TRY_VOID(ReadJsonBody(call.body, {}));
  node::Node& node = call.service.node();
  TRY(const std::uint64_t entry, node.ConfirmClock(call.caller.identity->id));
  codec::JsonObject body;
  body["time"] = codec::FormatRfc3339(node.clock().Now());
  body["entry"] = entry;
  return JsonResponse(body);
}

}  // namespace salus::api
