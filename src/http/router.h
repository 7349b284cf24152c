// The route table: which handler answers which method and path.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "http/exchange.h"
#include "http/message.h"

namespace salus::http {

// RunOn is the thread that a handler is called on. kLoop is for handlers that never block: it
// saves two thread changes a request. kStreamWorker is for those that stream long answers: slow
// readers hold such threads, and must not hold those of short requests. Requests whose body is
// read as it comes always run there.
enum class RunOn { kWorker, kStreamWorker, kLoop };

// Route is one row of the table.
//
// Shape: pattern is "/a/b", where a segment may be "{name}" and the last one "{name...}", which
//        takes one or more segments. A literal segment wins over "{name}", that over "{name...}".
struct Route {
  Method method = Method::kGet;
  std::string pattern;
  Handler handler;
  // tag is the caller's own (a scope, an index into a table); Request::route_tag hands it back.
  int tag = 0;
  // body_limit_bytes: a longer body is refused with 413; 0 admits none.
  std::uint64_t body_limit_bytes = 0;
  // whole_body_bytes: a body with a Content-Length up to this is delivered whole.
  std::size_t whole_body_bytes = 64 * 1024;
  // content_types: if not empty, a body of another media type is refused with 415.
  std::vector<std::string> content_types;
  RunOn run_on = RunOn::kWorker;
  // never_blocks: if set, a request with a whole body for which it says yes is handled on the loop,
  // whatever run_on says. It is asked on the loop.
  std::function<bool(const Request& request, ByteSpan body)> never_blocks;
};

// RouteMatch is the outcome of a look-up.
struct RouteMatch {
  // route is null when nothing matches: then status is 404, 405 or 400 (a path that no honest
  // client sends: a broken escape, or a segment "." or ".." or, but for a "{name}", with a slash
  // in it, however they are encoded).
  const Route* route = nullptr;
  int status = 404;
  std::string_view detail;  // with 400: why
  std::string allow;        // with 405, and for OPTIONS: "GET, HEAD, POST"
  std::vector<std::pair<std::string_view, std::string>> parameters;
};

// Router finds routes. HEAD is answered by the GET route, without its body.
//
// Threads: immutable, safe to share.
class Router {
 public:
  // Errors: InvalidArgument, naming the pattern that is malformed or there twice.
  static Result<Router> Create(std::vector<Route> routes);

  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;
  ~Router();

  // Match looks up the percent-encoded path (without query).
  RouteMatch Match(Method method, std::string_view path) const;

  const std::vector<Route>& routes() const { return routes_; }

 private:
  struct Node;
  struct PathSegment;
  Router();
  static std::optional<std::vector<PathSegment>> SegmentsOf(std::string_view path);
  Result<void> Insert(std::size_t index);
  const Node* Find(const Node& node, std::size_t depth, const std::vector<PathSegment>& segments,
                   std::vector<std::string>& captured) const;

  std::vector<Route> routes_;
  std::unique_ptr<Node> root_;
};

}  // namespace salus::http
