#include "http/router.h"

#include <algorithm>
#include <array>
#include <optional>

#include "http/uri.h"

namespace salus::http {
namespace {

constexpr char kAmbiguous[] =
    "the path could mean two things: no segment may be . or .., nor hold a backslash or control "
    "character, and an escaped slash stands in an id only";

constexpr std::size_t kMethodCount = 7;
constexpr std::size_t kMaxSegments = 64;
constexpr std::size_t kNone = static_cast<std::size_t>(-1);

std::vector<std::string_view> SplitPath(std::string_view path) {
  std::vector<std::string_view> segments;
  path.remove_prefix(1);
  while (true) {
    const std::size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

// PathSegment is decoded. One that would lead elsewhere if it were read as a path is a value for a
// {name} only.
struct Router::PathSegment {
  std::string text;
  bool is_value_only = false;
};

struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> parameter;
  std::unique_ptr<Node> rest;
  std::array<std::size_t, kMethodCount> routes;  // index into routes_, or kNone
  bool is_end = false;

  Node() { routes.fill(kNone); }
};

Router::Router() : root_(std::make_unique<Node>()) {}
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;
Router::~Router() = default;

Result<Router> Router::Create(std::vector<Route> routes) {
  Router router;
  router.routes_ = std::move(routes);
  for (std::size_t i = 0; i < router.routes_.size(); ++i) TRY_VOID(router.Insert(i));
  return router;
}

Result<void> Router::Insert(std::size_t index) {
  const Route& route = routes_[index];
  const auto malformed = [&](const char* why) {
    return InvalidArgument("route " + route.pattern + ": " + why);
  };
  if (route.pattern.empty() || route.pattern[0] != '/') return malformed("must start with /");
  if (!route.handler) return malformed("has no handler");
  Node* node = root_.get();
  for (const std::string_view segment : SplitPath(route.pattern)) {
    std::unique_ptr<Node>* next = nullptr;
    if (segment.starts_with('{')) {
      if (!segment.ends_with('}') || segment.size() < 3) return malformed("a { is not closed");
      const bool is_rest = segment.ends_with("...}");
      if (is_rest && segment.data() + segment.size() != route.pattern.data() + route.pattern.size())
        return malformed("{name...} must be last");
      next = is_rest ? &node->rest : &node->parameter;
    } else {
      if (segment.find_first_of("{}%") != std::string_view::npos) {
        return malformed("a segment is either plain text or {name}");
      }
      next = &node->literals[std::string(segment)];
    }
    if (*next == nullptr) *next = std::make_unique<Node>();
    node = next->get();
  }
  std::size_t& slot = node->routes[static_cast<std::size_t>(route.method)];
  if (slot != kNone) return malformed("is there twice for one method");
  slot = index;
  node->is_end = true;
  return {};
}

// Decodes a request's path; nullopt for one that could mean different things to different readers.
std::optional<std::vector<Router::PathSegment>> Router::SegmentsOf(std::string_view path) {
  if (path.empty() || path[0] != '/') return std::nullopt;
  std::vector<PathSegment> out;
  for (const std::string_view raw : SplitPath(path)) {
    if (out.size() == kMaxSegments) return std::nullopt;
    if (raw == "." || raw == ".." || raw.find('\\') != raw.npos) return std::nullopt;
    PathSegment& segment = out.emplace_back();
    if (raw.find('%') == std::string_view::npos) {
      segment.text = raw;
      continue;
    }
    Result<std::string> decoded = PercentDecode(raw);
    if (!decoded) return std::nullopt;
    segment.text = *std::move(decoded);
    segment.is_value_only = segment.text == "." || segment.text == ".." ||
                            segment.text.find_first_of("/\\") != std::string::npos;
  }
  return out;
}

const Router::Node* Router::Find(const Node& node, std::size_t depth,
                                 const std::vector<PathSegment>& segments,
                                 std::vector<std::string>& captured) const {
  if (depth == segments.size()) return node.is_end ? &node : nullptr;
  const auto& [segment, is_value_only] = segments[depth];
  const auto literal = is_value_only ? node.literals.end() : node.literals.find(segment);
  if (literal != node.literals.end()) {
    if (const Node* found = Find(*literal->second, depth + 1, segments, captured)) return found;
  }
  if (node.parameter != nullptr && !segment.empty()) {
    captured.push_back(segment);
    if (const Node* found = Find(*node.parameter, depth + 1, segments, captured)) return found;
    captured.pop_back();
  }
  if (node.rest != nullptr && node.rest->is_end && !segment.empty()) {
    std::string joined = segment;
    for (std::size_t i = depth; i < segments.size(); ++i) {
      if (segments[i].is_value_only) return nullptr;
      if (i > depth) joined += "/" + segments[i].text;
    }
    captured.push_back(std::move(joined));
    return node.rest.get();
  }
  return nullptr;
}

RouteMatch Router::Match(Method method, std::string_view path) const {
  RouteMatch match;
  const auto segments = SegmentsOf(path);
  if (!segments) {
    match.status = 400;
    match.detail = kAmbiguous;
    return match;
  }
  std::vector<std::string> captured;
  const Node* node = Find(*root_, 0, *segments, captured);
  if (node == nullptr) {
    if (std::ranges::any_of(*segments, &PathSegment::is_value_only)) {
      match.status = 400;
      match.detail = kAmbiguous;
    }
    return match;
  }
  const auto route_of = [&](Method m) { return node->routes[static_cast<std::size_t>(m)]; };
  std::size_t index = route_of(method);
  if (index == kNone && method == Method::kHead) index = route_of(Method::kGet);
  if (index == kNone) {
    match.status = 405;
    for (std::size_t m = 0; m < kMethodCount; ++m) {
      const bool is_there = node->routes[m] != kNone || (static_cast<Method>(m) == Method::kHead &&
                                                         route_of(Method::kGet) != kNone);
      if (!is_there) continue;
      if (!match.allow.empty()) match.allow += ", ";
      match.allow += MethodName(static_cast<Method>(m));
    }
    return match;
  }
  match.route = &routes_[index];
  match.status = 200;
  std::size_t next = 0;
  for (std::string_view segment : SplitPath(match.route->pattern)) {
    if (!segment.starts_with('{')) continue;
    segment = segment.substr(1, segment.size() - 2);
    if (segment.ends_with("...")) segment.remove_suffix(3);
    match.parameters.emplace_back(segment, std::move(captured[next++]));
  }
  return match;
}

}  // namespace salus::http
