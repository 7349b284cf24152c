// The pipeline is the way of every request: who calls, may they, what did they ask, the handler,
// and then its error, headers, log line and metrics.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "api/endpoint.h"
#include "api/service.h"
#include "http/exchange.h"
#include "http/router.h"

namespace salus::api {

// Attempt is one request that a Stream answers; it is accounted for when the last reference goes.
struct Attempt {
  Attempt(Service& s, const Endpoint& e, std::shared_ptr<http::Exchange> x);
  ~Attempt();
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  void Respond(http::Response response);
  void Refuse(const Error& error);
  // RefuseRead answers a body that could not be read.
  void RefuseRead(const Error& error);
  void Begin(int with_status, http::Headers headers);

  Service& service;
  const Endpoint& endpoint;
  std::shared_ptr<http::Exchange> exchange;
  Caller caller;
  http::Query query;
  int status = 500;  // of a request that was dropped
  std::chrono::steady_clock::time_point start;
};

// RoutesFor makes the http routes of one listener out of the table.
std::vector<http::Route> RoutesFor(Service& service, Door listener);

// Perform runs an endpoint's handler for a caller, with everything but the connection: what the
// file exchange uses.
http::Response Perform(Service& service, const Endpoint& endpoint, const http::Request& request,
                       const Caller& caller, ByteSpan body);

}  // namespace salus::api
