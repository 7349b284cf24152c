// Endpoint is one row of the route table: all that the pipeline, the documentation and the tests
// need to know about a route.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/caller.h"
#include "api/status.h"
#include "base/bytes.h"
#include "base/result.h"
#include "http/exchange.h"
#include "http/message.h"
#include "http/router.h"
#include "http/uri.h"

namespace salus::api {

class Service;
struct Attempt;

// Door is the listener, or listeners, that a route is served on.
enum class Door : std::uint8_t { kPublic = 1, kMachine = 2, kBoth = 3 };

constexpr bool Opens(Door route, Door listener) {
  return (static_cast<unsigned>(route) & static_cast<unsigned>(listener)) != 0;
}

// Call is one admitted request, as a handler sees it. Views live as long as the call.
struct Call {
  Service& service;
  const http::Request& request;
  const Caller& caller;
  const http::Query& query;
  ByteSpan body;
};

// Answer is a handler: no status codes for errors, no JSON text, nothing that the pipeline does.
using Answer = Result<http::Response> (*)(const Call& call);
// Stream is a handler that answers by itself: later, or piece by piece.
using Stream = void (*)(std::shared_ptr<Attempt> attempt);

struct Endpoint {
  http::Method method = http::Method::kGet;
  std::string pattern;
  Door door = Door::kMachine;
  Roles roles = {};  // empty: everybody who can reach the door
  std::string name;  // operation id, and label of metrics and log lines
  std::string summary;
  std::string entry;                         // what it leaves in the log; else why nothing
  std::vector<std::string> parameters = {};  // of the query; any other is refused
  std::vector<std::string> content_types = {};
  std::uint64_t body_limit_bytes = 0;
  std::string answers = "application/json";  // media type
  Answer answer = nullptr;
  Stream stream = nullptr;  // instead of answer, over HTTP
  http::RunOn run_on = http::RunOn::kWorker;
  // Set where some requests need no thread of their own: http::Route::never_blocks.
  bool (*never_blocks)(Service& service, const http::Request& request, ByteSpan body) = nullptr;
  ErrorShape error_shape = ErrorShape::kProblem;
  bool is_by_admission = false;  // the configuration names who may; perhaps everybody
  bool is_repeatable = false;    // carried out twice is carried out once
  bool is_quiet = false;         // a success is logged at debug level only
};

// Endpoints is the route table. What is not in it does not exist.
std::span<const Endpoint> Endpoints();

// MayCall says whether the caller's role has the right to the route at all.
bool MayCall(const Endpoint& endpoint, const Caller& caller);

// CheckQuery refuses a parameter that the route does not know, and one given twice.
//
// Errors: InvalidArgument; it names the parameters that there are, never the one sent.
Result<void> CheckQuery(const Endpoint& endpoint, const http::Query& query);

}  // namespace salus::api
