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

// A registrar certifies whom it registers. Who could certify a custodian, an officer or another
// registrar could be one: those are certified by the operator, on the machine itself.
Result<void> CheckRole(pki::Role role) {
  for (const pki::Role allowed : {pki::Role::kPatient, pki::Role::kAuditor, pki::Role::kSource}) {
    if (role == allowed) return {};
  }
  return InvalidArgument(
      "role: a registrar certifies patients, auditors and sources; others with --data only");
}

}  // namespace

Result<Response> GetWhoami(const Call& call) {
  const pki::Identity& identity = *call.caller.identity;
  codec::JsonObject body;
  body["role"] = pki::RoleName(identity.role);
  body["id"] = identity.id;
  body["origin"] = identity.origin;
  body["registered"] = IsRegistered(call);
  if (const auto subject = call.service.SubjectOf(call.caller); subject) {
    body["system"] = subject->system;
  }
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
