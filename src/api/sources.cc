#include "api/handlers.h"
#include "api/json_body.h"
#include "api/paging.h"
#include "api/service.h"

namespace salus::api {

namespace {

codec::JsonObject ToJson(const audit::SourceRow& row) {
  codec::JsonObject json;
  json["id"] = row.id;
  json["name"] = row.name;
  json["number"] = row.number;
  json["entry"] = row.origin.entry_index;
  return json;
}

}  // namespace

Result<Response> PutSource(const Call& call) {
  TRY(const codec::JsonObject body, ReadJsonBody(call.body, {"name"}));
  const std::string& id = call.request.Parameter("id");
  TRY(const auto name, codec::OptionalStringAt(body, "name"));
  TRY_VOID(call.service.node().PutSource(id, name.value_or(id)));
  return GetSource(call);
}

Result<Response> GetSource(const Call& call) {
  const auto row = call.service.node().directory().FindSource(call.request.Parameter("id"));
  if (!row) return NotFound("no such source: PUT it here to register it");
  return JsonResponse(ToJson(*row));
}

Result<Response> ListSources(const Call& call) {
  TRY(const Page page, ReadPage(call.query));
  return ListResponse("sources", call.service.node().directory().sources(), page, ToJson);
}

}  // namespace salus::api
