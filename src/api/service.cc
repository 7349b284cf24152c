#include "api/service.h"

#include <fmt/format.h>

#include "api/aggregators.h"
#include "base/log.h"
#include "codec/hex.h"

namespace salus::api {

namespace {

Error NotPermitted() { return PermissionDenied("not permitted"); }

}  // namespace

Service::Service(node::Node& node, std::vector<pki::Certificate> chain)
    : node_(node),
      chain_(std::move(chain)),
      duration_(node.metrics().NewHistogram("salus_http_request_seconds",
                                            "time from a request's dispatch to its answer")) {
  constexpr char kHelp[] = "answered requests by route and class of status";
  for (const Endpoint& endpoint : Endpoints()) {
    const auto counter = [&](std::string_view status) {
      return &node.metrics().NewCounter(
          "salus_http_requests_total", kHelp,
          fmt::format("route=\"{}\",status=\"{}\"", endpoint.name, status));
    };
    metrics_[&endpoint] = {counter("2xx"), counter("4xx"), counter("5xx")};
  }
}

Service::~Service() = default;

void Service::set_aggregators(std::unique_ptr<Aggregators> aggregators) {
  aggregators_ = std::move(aggregators);
}

std::string Service::server_chain_pem() const {
  std::string pem;
  for (const pki::Certificate& one : chain_) pem += one.ToPem();
  return pem;
}

Result<audit::Subject> Service::SubjectOf(const Caller& caller) const {
  if (!caller.identity) return NotPermitted();
  const pki::Identity& identity = *caller.identity;
  const audit::Directory& directory = node_.directory();
  const std::string fingerprint = codec::HexEncode(caller.fingerprint);
  if (identity.role == pki::Role::kPatient) {
    const auto row = directory.FindHolder(fingerprint, caller.encryption_key);
    if (!row) return NotPermitted();
    // A key is public, and anybody may be certified with it.
    const bool is_by_key = row->certificate_fingerprint.empty();
    if (is_by_key && row->subject.id != identity.id) return NotPermitted();
    return row->subject;
  }
  if (identity.role == pki::Role::kOfficer) return audit::Subject::System();
  if (identity.role != pki::Role::kAuditor) return NotPermitted();
  const auto row = directory.FindAuditor(identity.id);
  if (!row) return NotPermitted();
  const bool is_holder = row->certificate_fingerprint.empty()
                             ? caller.encryption_key && *caller.encryption_key == row->key
                             : row->certificate_fingerprint == fingerprint;
  if (!is_holder) return NotPermitted();
  return row->subject;
}

Result<audit::SourceRow> Service::SourceOf(const Caller& caller) const {
  if (!caller.identity || caller.identity->role != pki::Role::kSource) return NotPermitted();
  auto row = node_.directory().FindSource(caller.identity->id);
  if (!row) return NotPermitted();
  return *std::move(row);
}

void Service::Account(const Endpoint& endpoint, const Caller& caller, int status,
                      std::chrono::steady_clock::duration took) {
  const EndpointMetrics& metrics = metrics_.at(&endpoint);
  (status < 400 ? metrics.good : status < 500 ? metrics.refused : metrics.failed)->Add();
  const double seconds = std::chrono::duration<double>(took).count();
  duration_.Observe(seconds);
  const bool is_failure = status >= 500;
  const LogLevel level = is_failure                          ? LogLevel::kWarning
                         : endpoint.is_quiet && status < 400 ? LogLevel::kDebug
                                                             : LogLevel::kInfo;
  Log(level, "request",
      {{"route", std::string_view(endpoint.name)},
       {"role", caller.identity ? pki::RoleName(caller.identity->role) : std::string_view("none")},
       {"status", std::int64_t{status}},
       {"ms", seconds * 1000}});
}

}  // namespace salus::api
