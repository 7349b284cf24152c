// The interface as OpenAPI, generated from the route table, so that it can't say anything else.

#include <algorithm>
#include <string>

#include "api/handlers.h"

namespace salus::api {

namespace {

std::string LowerMethod(http::Method method) {
  std::string name(http::MethodName(method));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return static_cast<char>(c - 'A' + 'a'); });
  return name;
}

codec::JsonObject Parameter(std::string_view name, std::string_view where) {
  codec::JsonObject schema;
  schema["type"] = "string";
  codec::JsonObject parameter;
  parameter["name"] = name;
  parameter["in"] = where;
  parameter["required"] = where == "path";
  parameter["schema"] = std::move(schema);
  return parameter;
}

// "{path...}" takes several segments; OpenAPI has no word for that.
std::string PathOf(const Endpoint& endpoint, codec::JsonArray& parameters) {
  std::string path = endpoint.pattern;
  for (std::size_t at = path.find('{'); at != std::string::npos; at = path.find('{', at + 1)) {
    const std::size_t dots = path.find("...}", at);
    if (dots != std::string::npos) path.erase(dots, 3);
    const std::size_t end = path.find('}', at);
    parameters.push_back(Parameter(path.substr(at + 1, end - at - 1), "path"));
  }
  return path;
}

codec::JsonObject Content(const std::vector<std::string>& types) {
  codec::JsonObject content;
  for (const std::string& type : types) content[type] = codec::JsonObject{};
  return content;
}

codec::JsonObject Responses(const Endpoint& endpoint) {
  codec::JsonObject good;
  good["description"] = "done";
  good["content"] = Content({endpoint.answers});
  codec::JsonObject bad;
  bad["description"] = "an error";
  bad["content"] =
      Content({endpoint.error_shape == ErrorShape::kOutcome ? "application/fhir+json"
                                                            : "application/problem+json"});
  codec::JsonObject responses;
  responses["2XX"] = std::move(good);
  if (!endpoint.roles.empty() || endpoint.is_by_admission) {
    codec::JsonObject forbidden;
    forbidden["description"] = "not permitted";
    forbidden["content"] = Content({"text/plain"});
    responses["403"] = std::move(forbidden);
  }
  responses["default"] = std::move(bad);
  return responses;
}

codec::JsonObject Operation(const Endpoint& endpoint, codec::JsonArray parameters) {
  for (const std::string& name : endpoint.parameters) {
    parameters.push_back(Parameter(name, "query"));
  }
  codec::JsonObject operation;
  operation["operationId"] = endpoint.name;
  operation["summary"] = endpoint.summary;
  operation["description"] = "Leaves in the log: " + endpoint.entry;
  if (!parameters.empty()) operation["parameters"] = std::move(parameters);
  if (endpoint.body_limit_bytes > 0) {
    codec::JsonObject body;
    body["required"] = true;
    body["content"] = Content(endpoint.content_types);
    operation["requestBody"] = std::move(body);
  }
  operation["responses"] = Responses(endpoint);
  codec::JsonObject scheme;
  scheme["mutualTLS"] = codec::JsonArray{};
  // The empty one stands for a configuration that admits everybody.
  if (endpoint.is_by_admission) {
    operation["security"] = codec::JsonArray{scheme, codec::JsonObject{}};
  }
  codec::JsonArray roles;
  for (const pki::Role role : pki::kAllRoles) {
    if (endpoint.roles.Has(role)) roles.emplace_back(pki::RoleName(role));
  }
  if (!roles.empty()) {
    operation["security"] = codec::JsonArray{std::move(scheme)};
    operation["x-roles"] = std::move(roles);
  }
  return operation;
}

std::string MakeOpenApi() {
  codec::JsonObject paths;
  for (const Endpoint& endpoint : Endpoints()) {
    codec::JsonArray parameters;
    const std::string path = PathOf(endpoint, parameters);
    if (!paths.contains(path)) paths[path] = codec::JsonObject{};
    paths[path].as_object()[LowerMethod(endpoint.method)] =
        Operation(endpoint, std::move(parameters));
  }
  codec::JsonObject about;
  about["title"] = "Salus";
  about["version"] = "1";
  codec::JsonObject scheme;
  scheme["type"] = "mutualTLS";
  codec::JsonObject schemes;
  schemes["mutualTLS"] = std::move(scheme);
  codec::JsonObject components;
  components["securitySchemes"] = std::move(schemes);
  codec::JsonObject root;
  root["openapi"] = "3.1.0";
  root["info"] = std::move(about);
  root["paths"] = std::move(paths);
  root["components"] = std::move(components);
  return codec::WriteJsonPretty(root);
}

}  // namespace

Result<Response> GetOpenApi(const Call&) {
  static const std::string text = MakeOpenApi();
  return Response::Json(200, text);
}

}  // namespace salus::api
