#include "audit/custody.h"

#include "api/handlers.h"
#include "api/json_body.h"
#include "api/service.h"

namespace salus::api {

namespace {

Error NotPermitted() { return PermissionDenied("not permitted"); }

// What a custodian needs to re-seal its own shares to the patient.
Result<Response> SharesForCustodian(const Call& call, const audit::Subject& patient) {
  const audit::Directory& directory = call.service.node().directory();
  codec::JsonArray shares;
  int released = 0;
  for (const audit::CustodyShareRow& row : directory.SharesOf(patient)) {
    if (!row.released_share.empty()) ++released;
    if (row.custodian_id != call.caller.identity->id) continue;
    codec::JsonObject share;
    share["number"] = row.share_number;
    share["threshold"] = row.threshold;
    share["share"] = row.sealed_share;
    share["released"] = !row.released_share.empty();
    shares.push_back(std::move(share));
  }
  if (shares.empty()) return NotPermitted();
  codec::JsonObject body;
  body["custodian"] = call.caller.identity->id;
  body["shares"] = std::move(shares);
  body["released_count"] = released;
  const auto row = directory.FindPatient(patient);
  if (row && row->key) body["patient_key"] = JwkOf(*row->key);
  return JsonResponse(body);
}

// What the patient needs to join the custody key.
Result<Response> SharesForPatient(const Call& call, const audit::Subject& patient) {
  TRY(const audit::Subject caller, call.service.SubjectOf(call.caller));
  if (caller != patient) return NotPermitted();
  const audit::Directory& directory = call.service.node().directory();
  codec::JsonArray released;
  codec::JsonArray released_by;
  codec::JsonObject body;
  body["threshold"] = 0;
  for (const audit::CustodyShareRow& row : directory.SharesOf(patient)) {
    body["threshold"] = row.threshold;
    if (row.released_share.empty()) continue;
    released.emplace_back(row.released_share);
    released_by.emplace_back(row.custodian_id);
  }
  body["released_count"] = released.size();
  body["released"] = std::move(released);
  body["released_by"] = std::move(released_by);
  const auto row = directory.FindPatient(patient);
  if (row && row->custody_key) body["custody_key"] = JwkOf(*row->custody_key);
  return JsonResponse(body);
}

}  // namespace

Result<Response> GetCustody(const Call& call) {
  TRY(const audit::Subject patient, PatientAt(call.request.Parameter("patient"), call.query));
  return call.caller.identity->role == pki::Role::kCustodian ? SharesForCustodian(call, patient)
                                                             : SharesForPatient(call, patient);
}

Result<Response> PostRelease(const Call& call) {
  TRY(const codec::JsonObject body, ReadJsonBody(call.body, {"share"}));
  TRY(const std::string_view share, codec::StringAt(body, "share"));
  TRY(const audit::Subject patient, PatientAt(call.request.Parameter("patient"), call.query));
  const Result<void> released =
      call.service.node().ReleaseShare(patient, call.caller.identity->id, share);
  // A custodian without a share may not learn whether the patient exists.
  if (!released && released.error().code == ErrorCode::kNotFound) return NotPermitted();
  TRY_VOID(released);
  return GetCustody(call);
}

}  // namespace salus::api
