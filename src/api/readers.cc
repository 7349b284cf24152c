#include <algorithm>

#include "api/handlers.h"
#include "api/json_body.h"
#include "api/service.h"
#include "codec/rfc3339.h"

namespace salus::api {

namespace {

bool IsInForce(const audit::MandateRow& mandate, const audit::Subject& patient, Day today) {
  return mandate.from <= today && (!mandate.until || *mandate.until >= today) &&
         std::find(mandate.patients.begin(), mandate.patients.end(), patient) !=
             mandate.patients.end();
}

struct ShareRequest {
  std::string auditor;
  Day from, to;
  std::string sealed;
};

Result<ShareRequest> ReadShare(ByteSpan bytes) {
  TRY(const codec::JsonObject body, ReadJsonBody(bytes, {"auditor", "from", "to", "sealed"}));
  ShareRequest read;
  TRY(const std::string_view auditor, codec::StringAt(body, "auditor"));
  TRY(const std::string_view sealed, codec::StringAt(body, "sealed"));
  TRY(const auto from, ReadDay(body, "from"));
  TRY(const auto to, ReadDay(body, "to"));
  if (!from || !to || *from > *to) return InvalidArgument("from and to: must be days, in order");
  return ShareRequest{std::string(auditor), *from, *to, std::string(sealed)};
}

}  // namespace

Result<Response> GetReaders(const Call& call) {
  TRY(const audit::Subject caller, call.service.SubjectOf(call.caller));
  TRY(const audit::Subject patient, PatientAt(call.request.Parameter("patient"), call.query));
  if (caller != patient) return PermissionDenied("not permitted");
  const audit::Directory& directory = call.service.node().directory();
  const Day today = DayOf(call.service.node().clock().Now());
  codec::JsonArray readers;
  for (const audit::MandateRow& mandate : directory.mandates()) {
    if (!IsInForce(mandate, patient, today)) continue;
    codec::JsonObject reader;
    reader["auditor"] = mandate.auditor.id;
    const auto row = directory.FindAuditor(mandate.auditor.id);
    reader["name"] = row ? row->name : "";
    reader["purpose"] = mandate.purpose;
    reader["since"] = codec::FormatDay(mandate.from);
    if (mandate.until) reader["until"] = codec::FormatDay(*mandate.until);
    readers.push_back(std::move(reader));
  }
  codec::JsonObject body;
  body["readers"] = std::move(readers);
  return JsonResponse(body);
}

Result<Response> PostShare(const Call& call) {
  TRY(const audit::Subject patient, call.service.SubjectOf(call.caller));
  TRY(const ShareRequest share, ReadShare(call.body));
  TRY_VOID(
      call.service.node().ShareDays(patient, share.auditor, share.from, share.to, share.sealed));
  return Response{204, {}, ""};
}

}  // namespace salus::api
