// Service is what all handlers share: the node, who its callers are, and the bounds they keep.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/caller.h"
#include "api/endpoint.h"
#include "audit/directory.h"
#include "audit/subject.h"
#include "base/metrics.h"
#include "base/result.h"
#include "node/node.h"
#include "pki/certificate.h"

namespace salus::api {

class Aggregators;

// Threads: safe to share.
class Service {
 public:
  // kChunkSlots bounds the chunks of event lines that are being recorded at once, over all
  // requests, and with them the memory that ingest takes.
  static constexpr std::ptrdiff_t kChunkSlots = 16;
  static constexpr std::ptrdiff_t kFhirSlots = 2;

  // chain is the server's own certificate and its authorities, without the root.
  Service(node::Node& node, std::vector<pki::Certificate> chain);
  ~Service();

  node::Node& node() { return node_; }

  // aggregators is null where this server has no part in secure aggregation.
  Aggregators* aggregators() { return aggregators_.get(); }
  void set_aggregators(std::unique_ptr<Aggregators> aggregators);

  // SubjectOf is the registered patient or auditor that the caller is: its certificate is the one
  // that the registry holds, or, where a key was registered without a certificate, carries that
  // key and the row's id. So a newly registered certificate ends the old one at once. An id alone
  // never counts: the same may stand in two naming systems.
  //
  // Errors: PermissionDenied, for every other role and for one who is not registered.
  Result<audit::Subject> SubjectOf(const Caller& caller) const;
  // SourceOf is the registered source that the caller is. Errors: as SubjectOf.
  Result<audit::SourceRow> SourceOf(const Caller& caller) const;

  // authorities are the certificates between this node's leaves and its root.
  std::span<const pki::Certificate> authorities() const { return std::span(chain_).subspan(1); }
  std::string server_chain_pem() const;

  // The ports that the listeners really have; 0 before they listen.
  void set_ports(std::uint16_t public_port, std::uint16_t machine_port) {
    public_port_ = public_port;
    machine_port_ = machine_port;
  }
  std::uint16_t public_port() const { return public_port_; }
  std::uint16_t machine_port() const { return machine_port_; }

  std::counting_semaphore<>& chunk_slots() { return chunk_slots_; }
  // fhir_slots bounds the FHIR bodies that are trees in memory, many times their size, at once.
  std::counting_semaphore<>& fhir_slots() { return fhir_slots_; }

  // Account counts an answered request and writes its log line.
  void Account(const Endpoint& endpoint, const Caller& caller, int status,
               std::chrono::steady_clock::duration took);

 private:
  struct EndpointMetrics {
    Counter* good;
    Counter* refused;
    Counter* failed;
  };

  node::Node& node_;
  const std::vector<pki::Certificate> chain_;
  std::atomic<std::uint16_t> public_port_{0};
  std::atomic<std::uint16_t> machine_port_{0};
  Histogram& duration_;
  std::map<const Endpoint*, EndpointMetrics> metrics_;
  std::counting_semaphore<> chunk_slots_{kChunkSlots};
  std::counting_semaphore<> fhir_slots_{kFhirSlots};
  std::unique_ptr<Aggregators> aggregators_;
};

}  // namespace salus::api
