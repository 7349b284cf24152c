
#include "codec/base64.h"
#include "codec/rfc3339.h"
#include "fhir/audit_event.h"

namespace salus::fhir {

namespace {

using codec::Json;
using codec::JsonArray;
using codec::JsonObject;

void Put(JsonObject& object, std::string_view name, const std::string& text) {
  if (!text.empty()) object.emplace(name, text);
}

// FHIR has no empty objects: what is empty is left out.
void Put(JsonObject& object, std::string_view name, JsonObject&& value) {
  if (!value.empty()) object.emplace(name, std::move(value));
}

template <typename T, typename Write>
void PutList(JsonObject& object, std::string_view name, const std::vector<T>& items, Write write) {
  if (items.empty()) return;
  JsonArray array;
  array.reserve(items.size());
  for (const T& item : items) array.push_back(write(item));
  object.emplace(name, std::move(array));
}

Json Text(const std::string& text) { return Json(text); }

JsonObject WriteCoding(const Coding& coding) {
  JsonObject out;
  Put(out, "system", coding.system);
  Put(out, "code", coding.code);
  Put(out, "display", coding.display);
  return out;
}

JsonObject WriteConcept(const Concept& concept_) {
  JsonObject out;
  PutList(out, "coding", concept_.coding, WriteCoding);
  Put(out, "text", concept_.text);
  return out;
}

JsonObject WriteReference(const Reference& reference) {
  JsonObject out;
  Put(out, "reference", reference.reference);
  Put(out, "type", reference.type);
  JsonObject identifier;
  Put(identifier, "system", reference.identifier.system);
  Put(identifier, "value", reference.identifier.value);
  Put(out, "identifier", std::move(identifier));
  Put(out, "display", reference.display);
  return out;
}

JsonObject WriteAgent(const AuditAgent& agent) {
  JsonObject out;
  Put(out, "type", WriteConcept(agent.type));
  PutList(out, "role", agent.role, WriteConcept);
  Put(out, "who", WriteReference(agent.who));
  Put(out, "altId", agent.alt_id);
  Put(out, "name", agent.name);
  out.emplace("requestor", agent.requestor);
  Put(out, "location", WriteReference(agent.location));
  PutList(out, "policy", agent.policy, Text);
  JsonObject network;
  Put(network, "address", agent.network_address);
  Put(network, "type", agent.network_type);
  Put(out, "network", std::move(network));
  PutList(out, "purposeOfUse", agent.purpose_of_use, WriteConcept);
  return out;
}

JsonObject WriteSource(const AuditSource& source) {
  JsonObject out;
  Put(out, "site", source.site);
  out.emplace("observer", WriteReference(source.observer));
  PutList(out, "type", source.type, WriteCoding);
  return out;
}

JsonObject WriteDetail(const AuditDetail& detail) {
  JsonObject out;
  out.emplace("type", detail.type);
  out.emplace(detail.is_base64 ? "valueBase64Binary" : "valueString", detail.value);
  return out;
}

JsonObject WriteEntity(const AuditEntity& entity) {
  JsonObject out;
  Put(out, "what", WriteReference(entity.what));
  Put(out, "type", WriteCoding(entity.type));
  Put(out, "role", WriteCoding(entity.role));
  Put(out, "lifecycle", WriteCoding(entity.lifecycle));
  PutList(out, "securityLabel", entity.security_label, WriteCoding);
  Put(out, "name", entity.name);
  Put(out, "description", entity.description);
  if (!entity.query.empty()) out.emplace("query", codec::Base64Encode(entity.query));
  PutList(out, "detail", entity.detail, WriteDetail);
  return out;
}

}  // namespace

Json WriteAuditEvent(const AuditEvent& event) {
  JsonObject out;
  out.emplace("resourceType", "AuditEvent");
  Put(out, "id", event.id);
  JsonObject meta;
  PutList(meta, "profile", event.profile, Text);
  Put(out, "meta", std::move(meta));
  out.emplace("type", WriteCoding(event.type));
  PutList(out, "subtype", event.subtype, WriteCoding);
  if (event.action) Put(out, "action", std::string(1, static_cast<char>(*event.action)));
  out.emplace("recorded", codec::FormatRfc3339(event.recorded));
  if (event.outcome) Put(out, "outcome", std::to_string(static_cast<int>(*event.outcome)));
  Put(out, "outcomeDesc", event.outcome_desc);
  PutList(out, "purposeOfEvent", event.purpose_of_event, WriteConcept);
  PutList(out, "agent", event.agent, WriteAgent);
  out.emplace("source", WriteSource(event.source));
  PutList(out, "entity", event.entity, WriteEntity);
  return out;
}

}  // namespace salus::fhir
