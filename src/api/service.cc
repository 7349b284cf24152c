#include "api/service.h"

#include <fmt/format.h>

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
  for (const audit::PatientRow& row : node.directory().patients()) {
    Remember(row.certificate_fingerprint, row.subject);
  }
}

std::string Service::server_chain_pem() const {
  std::string pem;
  for (const pki::Certificate& one : chain_) pem += one.ToPem();
  return pem;
}

void Service::Remember(const std::string& certificate_fingerprint, const audit::Subject& patient) {
  if (certificate_fingerprint.empty()) return;
  std::unique_lock lock(mutex_);
  by_certificate_.insert_or_assign(certificate_fingerprint, patient);
}

Result<audit::Subject> Service::SubjectOf(const Caller& caller) const {
  if (!caller.identity) return NotPermitted();
  const pki::Identity& identity = *caller.identity;
  if (identity.role == pki::Role::kAuditor) {
    const auto row = node_.directory().FindAuditor(identity.id);
    if (!row) return NotPermitted();
    return row->subject;
  }
  if (identity.role == pki::Role::kOfficer) return audit::Subject::System();
  if (identity.role != pki::Role::kPatient) return NotPermitted();
  {
    std::shared_lock lock(mutex_);
    const auto found = by_certificate_.find(codec::HexEncode(caller.fingerprint));
    if (found != by_certificate_.end()) return found->second;
  }
  const audit::Subject own{audit::SubjectKind::kPatient, "", identity.id};
  if (!node_.directory().FindPatient(own)) return NotPermitted();
  return own;
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
