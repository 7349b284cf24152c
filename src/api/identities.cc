#include "api/handlers.h"
#include "api/json_body.h"
#include "api/service.h"
#include "pki/certificate.h"

namespace salus::api {

namespace {

bool IsRegistered(const Call& call) {
  return call.service.SubjectOf(call.caller).has_value() ||
         call.service.SourceOf(call.caller).has_value();
}

// Who can certify an officer can give themselves every mandate, and the server's name is the
// operator's: those two are certified on the machine itself.
Result<void> CheckRole(pki::Role role) {
  if (role != pki::Role::kOfficer && role != pki::Role::kServer) return {};
  return InvalidArgument("role: officers and servers are certified with --data only");
}

}  // namespace

Result<Response> GetWhoami(const Call& call) {
  const pki::Identity& identity = *call.caller.identity;
  codec::JsonObject body;
  body["role"] = pki::RoleName(identity.role);
  body["id"] = identity.id;
  body["origin"] = identity.origin;
  body["registered"] = IsRegistered(call);
  return JsonResponse(body);
}

Result<Response> PostCertificate(const Call& call) {
  TRY(const codec::JsonObject body, ReadJsonBody(call.body, {"request", "role", "id"}));
  TRY(const std::string_view request, codec::StringAt(body, "request"));
  TRY(const std::string_view role_name, codec::StringAt(body, "role"));
  TRY(const std::string_view id, codec::StringAt(body, "id"));
  TRY(const pki::Role role, pki::ParseRole(role_name));
  TRY_VOID(CheckRole(role));
  TRY(const std::string chain, call.service.node().Certify(request, role, id));
  TRY(const std::vector<pki::Certificate> certificates, pki::Certificate::FromPemBundle(chain));
  codec::JsonObject answer;
  answer["certificate"] = certificates.front().ToPem();
  answer["chain"] = chain;
  return JsonResponse(answer);
}

}  // namespace salus::api
