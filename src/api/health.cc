#include "api/handlers.h"
#include "api/service.h"

namespace salus::api {

Response JsonResponse(const codec::Json& value) {
  return {200,
          {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
          codec::WriteJson(value)};
}

// GetHealth says that the process answers; GetReadiness, that the log can take events.
Result<Response> GetHealth(const Call&) {
  Response response = Response::Text(200, "ok\n");
  response.headers.Add("Cache-Control", "no-store");
  return response;
}

Result<Response> GetReadiness(const Call& call) {
  const tlog::Log& log = call.service.node().log();
  if (log.published() == nullptr) return Unavailable("no checkpoint is published yet");
  if (!log.is_clock_trusted()) {
    return Unavailable("the clock jumped: no checkpoints until an officer confirms it");
  }
  if (log.is_full()) return Unavailable("the disk is full: events are refused, reads go on");
  return GetHealth(call);
}

}  // namespace salus::api
