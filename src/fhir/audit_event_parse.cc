#include <algorithm>

#include "codec/base64.h"
#include "codec/rfc3339.h"
#include "fhir/audit_event.h"

namespace salus::fhir {

namespace {

using codec::AsObject;
using codec::Json;
using codec::JsonArray;
using codec::JsonObject;
using codec::Within;

constexpr std::string_view kEntityRole = "http://terminology.hl7.org/CodeSystem/object-role";
constexpr std::string_view kPatientRole = "1";

// TRY_AT(place, declaration, expr) is TRY with the place put in front of the path on failure.
#define TRY_AT(place, declaration, ...) TRY(declaration, At(place, __VA_ARGS__))

template <typename T>
Result<T> At(std::string_view place, Result<T> result) {
  if (!result) return Within(place, std::move(result).error());
  return result;
}

Result<std::string> TextOf(const JsonObject& object, std::string_view name) {
  TRY(const auto text, codec::OptionalStringAt(object, name));
  return std::string(text.value_or(""));
}

// The elements of an array member, each through parse; an absent member is an empty list.
template <typename T, typename Parse>
Result<std::vector<T>> ListOf(const JsonObject& object, std::string_view name, Parse parse) {
  TRY(const JsonArray* array, codec::OptionalArrayAt(object, name));
  std::vector<T> out;
  if (array == nullptr) return out;
  out.reserve(array->size());
  for (std::size_t i = 0; i < array->size(); ++i) {
    if (!(*array)[i].is_object()) {
      return Error{ErrorCode::kInvalidArgument,
                   std::string(name) + "[" + std::to_string(i) + "]: must be an object"};
    }
    Result<T> item = parse((*array)[i].get_object());
    if (!item) return Within(name, i, std::move(item).error());
    out.push_back(*std::move(item));
  }
  return out;
}

Result<std::vector<std::string>> TextsOf(const JsonObject& object, std::string_view name) {
  TRY(const JsonArray* array, codec::OptionalArrayAt(object, name));
  std::vector<std::string> out;
  if (array == nullptr) return out;
  for (const Json& value : *array) {
    if (!value.is_string()) return InvalidArgument(std::string(name) + ": must hold strings");
    out.emplace_back(std::string_view(value.get_string()));
  }
  return out;
}

// The object member through parse; an absent member is a T of nothing.
template <typename T, typename Parse>
Result<T> MemberOf(const JsonObject& object, std::string_view name, Parse parse) {
  TRY(const JsonObject* member, codec::OptionalObjectAt(object, name));
  if (member == nullptr) return T{};
  return At(name, parse(*member));
}

Result<Coding> ParseCoding(const JsonObject& object) {
  Coding out;
  TRY(out.system, TextOf(object, "system"));
  TRY(out.code, TextOf(object, "code"));
  TRY(out.display, TextOf(object, "display"));
  return out;
}

Result<Concept> ParseConcept(const JsonObject& object) {
  Concept out;
  TRY(out.coding, ListOf<Coding>(object, "coding", ParseCoding));
  TRY(out.text, TextOf(object, "text"));
  return out;
}

Result<Identifier> ParseIdentifier(const JsonObject& object) {
  Identifier out;
  TRY(out.system, TextOf(object, "system"));
  TRY(out.value, TextOf(object, "value"));
  return out;
}

Result<Reference> ParseReference(const JsonObject& object) {
  Reference out;
  TRY(out.reference, TextOf(object, "reference"));
  TRY(out.type, TextOf(object, "type"));
  TRY(out.identifier, MemberOf<Identifier>(object, "identifier", ParseIdentifier));
  TRY(out.display, TextOf(object, "display"));
  return out;
}

Result<AuditAgent> ParseAgent(const JsonObject& object) {
  AuditAgent out;
  TRY(out.type, MemberOf<Concept>(object, "type", ParseConcept));
  TRY(out.role, ListOf<Concept>(object, "role", ParseConcept));
  TRY(out.who, MemberOf<Reference>(object, "who", ParseReference));
  TRY(out.alt_id, TextOf(object, "altId"));
  TRY(out.name, TextOf(object, "name"));
  TRY(out.requestor, codec::BoolAt(object, "requestor"));
  TRY(out.location, MemberOf<Reference>(object, "location", ParseReference));
  TRY(out.policy, TextsOf(object, "policy"));
  TRY(const JsonObject* network, codec::OptionalObjectAt(object, "network"));
  if (network != nullptr) {
    TRY_AT("network", out.network_address, TextOf(*network, "address"));
    TRY_AT("network", out.network_type, TextOf(*network, "type"));
  }
  TRY(out.purpose_of_use, ListOf<Concept>(object, "purposeOfUse", ParseConcept));
  return out;
}

Result<AuditSource> ParseSource(const JsonObject& object) {
  AuditSource out;
  TRY(out.site, TextOf(object, "site"));
  TRY(const JsonObject* observer, codec::ObjectAt(object, "observer"));
  TRY_AT("observer", out.observer, ParseReference(*observer));
  TRY(out.type, ListOf<Coding>(object, "type", ParseCoding));
  return out;
}

Result<AuditDetail> ParseDetail(const JsonObject& object) {
  AuditDetail out;
  TRY(const std::string_view type, codec::StringAt(object, "type"));
  out.type = type;
  TRY(const auto text, codec::OptionalStringAt(object, "valueString"));
  TRY(const auto base64, codec::OptionalStringAt(object, "valueBase64Binary"));
  if (text.has_value() == base64.has_value()) {
    return InvalidArgument("value[x]: must be one of valueString and valueBase64Binary");
  }
  out.is_base64 = base64.has_value();
  out.value = text ? *text : *base64;
  return out;
}

// FHIR's base64Binary may hold white space.
Result<Bytes> Base64BinaryAt(const JsonObject& object, std::string_view name) {
  TRY(std::string text, TextOf(object, name));
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; });
  auto bytes = codec::Base64Decode(text);
  if (!bytes) return InvalidArgument(std::string(name) + ": must be base64");
  return bytes;
}

Result<AuditEntity> ParseEntity(const JsonObject& object) {
  AuditEntity out;
  TRY(out.what, MemberOf<Reference>(object, "what", ParseReference));
  TRY(out.type, MemberOf<Coding>(object, "type", ParseCoding));
  TRY(out.role, MemberOf<Coding>(object, "role", ParseCoding));
  TRY(out.lifecycle, MemberOf<Coding>(object, "lifecycle", ParseCoding));
  TRY(out.security_label, ListOf<Coding>(object, "securityLabel", ParseCoding));
  TRY(out.name, TextOf(object, "name"));
  TRY(out.description, TextOf(object, "description"));
  TRY(out.query, Base64BinaryAt(object, "query"));
  TRY(out.detail, ListOf<AuditDetail>(object, "detail", ParseDetail));
  if (!out.name.empty() && !out.query.empty()) {
    return InvalidArgument("name: must not stand beside query (sev-1)");
  }
  return out;
}

Result<std::optional<AuditActionCode>> ParseAction(const JsonObject& object) {
  TRY(const auto text, codec::OptionalStringAt(object, "action"));
  if (!text) return std::optional<AuditActionCode>();
  if (text->size() != 1 || std::string_view("CRUDE").find(*text) == std::string_view::npos) {
    return InvalidArgument("action: must be one of C, R, U, D, E");
  }
  return std::optional(static_cast<AuditActionCode>(text->front()));
}

Result<std::optional<AuditOutcome>> ParseOutcome(const JsonObject& object) {
  TRY(const auto text, codec::OptionalStringAt(object, "outcome"));
  if (!text) return std::optional<AuditOutcome>();
  if (*text == "0") return std::optional(AuditOutcome::kSuccess);
  if (*text == "4") return std::optional(AuditOutcome::kMinorFailure);
  if (*text == "8") return std::optional(AuditOutcome::kSeriousFailure);
  if (*text == "12") return std::optional(AuditOutcome::kMajorFailure);
  return InvalidArgument("outcome: must be one of 0, 4, 8, 12");
}

// A reference without the version that it may name.
std::string_view TargetOf(const Reference& what) {
  const std::string_view reference = what.reference;
  return reference.substr(0, reference.find("/_history/"));
}

// The resource type in a reference: Patient of "Patient/1", "https://x/fhir/Patient/1/_history/2".
bool IsPatientReference(const Reference& what) {
  constexpr std::string_view kPatient = "Patient";
  if (what.type == kPatient) return true;
  std::string_view rest = TargetOf(what);
  const auto id_slash = rest.rfind('/');
  if (id_slash == std::string_view::npos || id_slash + 1 == rest.size()) return false;
  rest = rest.substr(0, id_slash);
  return rest == kPatient || rest.ends_with("/Patient");
}

struct NamedPatient {
  PatientMention mention;
  std::string_view target;            // of a reference; empty: named by identifier alone
  std::vector<std::size_t> entities;  // those that name the patient
};

std::vector<NamedPatient> NamedPatients(const AuditEvent& event) {
  std::vector<NamedPatient> out;
  const auto add = [&out](const Reference& who, bool is_agent) -> NamedPatient* {
    Identifier id = who.identifier;
    if (id.value.empty()) id = {"", who.reference};
    if (id.value.empty()) return nullptr;
    const std::string_view target = TargetOf(who);
    const auto same = std::ranges::find_if(out, [&](const NamedPatient& p) {
      return p.mention.is_agent == is_agent &&
             (p.mention.id == id || (!target.empty() && p.target == target));
    });
    if (same != out.end()) return &*same;
    out.push_back({{std::move(id), is_agent}, target, {}});
    return &out.back();
  };
  for (std::size_t i = 0; i < event.entity.size(); ++i) {
    const AuditEntity& entity = event.entity[i];
    if (!entity.role.Is(kEntityRole, kPatientRole) && !IsPatientReference(entity.what)) continue;
    if (NamedPatient* patient = add(entity.what, false)) patient->entities.push_back(i);
  }
  for (const AuditAgent& agent : event.agent) {
    if (IsPatientReference(agent.who)) add(agent.who, true);
  }
  return out;
}

Result<AuditEvent> ParseResource(const JsonObject& object) {
  TRY(const std::string_view resource_type, codec::StringAt(object, "resourceType"));
  if (resource_type != "AuditEvent") return InvalidArgument("resourceType: must be AuditEvent");
  AuditEvent out;
  TRY(out.id, TextOf(object, "id"));
  TRY(const JsonObject* meta, codec::OptionalObjectAt(object, "meta"));
  if (meta != nullptr) {
    TRY_AT("meta", out.profile, TextsOf(*meta, "profile"));
  }
  TRY(const JsonObject* type, codec::ObjectAt(object, "type"));
  TRY_AT("type", out.type, ParseCoding(*type));
  TRY(out.subtype, ListOf<Coding>(object, "subtype", ParseCoding));
  TRY(out.action, ParseAction(object));
  TRY(const std::string_view recorded, codec::StringAt(object, "recorded"));
  auto time = codec::ParseRfc3339(recorded);
  if (!time) return std::move(time).error().WithContext("recorded");
  out.recorded = *time;
  TRY(out.outcome, ParseOutcome(object));
  TRY(out.outcome_desc, TextOf(object, "outcomeDesc"));
  TRY(out.purpose_of_event, ListOf<Concept>(object, "purposeOfEvent", ParseConcept));
  TRY(out.agent, ListOf<AuditAgent>(object, "agent", ParseAgent));
  if (out.agent.empty()) return InvalidArgument("agent: at least one is required");
  TRY(const JsonObject* source, codec::ObjectAt(object, "source"));
  TRY_AT("source", out.source, ParseSource(*source));
  TRY(out.entity, ListOf<AuditEntity>(object, "entity", ParseEntity));
  out.patients = PatientsOf(out);
  return out;
}

Result<std::vector<Result<AuditEvent>>> ParseBundle(const JsonObject& bundle) {
  std::vector<Result<AuditEvent>> out;
  TRY(const JsonArray* entries, codec::OptionalArrayAt(bundle, "entry"));
  if (entries == nullptr) return out;
  for (std::size_t i = 0; i < entries->size(); ++i) {
    auto parsed = ParseBundleEntry((*entries)[i]);
    if (!parsed) {
      out.emplace_back(Within("entry", i, std::move(parsed).error()));
    } else if (parsed->has_value()) {
      out.emplace_back(**std::move(parsed));
    }
  }
  return out;
}

}  // namespace

bool Concept::Has(std::string_view system, std::string_view code) const {
  return std::ranges::any_of(coding, [&](const Coding& c) { return c.Is(system, code); });
}

std::vector<PatientMention> PatientsOf(const AuditEvent& event) {
  std::vector<PatientMention> out;
  for (NamedPatient& patient : NamedPatients(event)) out.push_back(std::move(patient.mention));
  return out;
}

std::optional<std::size_t> PatientOfEntity(const AuditEvent& event, std::size_t entity) {
  const std::vector<NamedPatient> patients = NamedPatients(event);
  for (std::size_t i = 0; i < patients.size(); ++i) {
    if (std::ranges::find(patients[i].entities, entity) != patients[i].entities.end()) return i;
  }
  return std::nullopt;
}

Result<std::optional<AuditEvent>> ParseBundleEntry(const Json& value) {
  using Skipped = std::optional<AuditEvent>;
  TRY(const JsonObject* entry, AsObject(value, "entry"));
  TRY(const JsonObject* search, codec::OptionalObjectAt(*entry, "search"));
  if (search != nullptr) {
    TRY_AT("search", const std::string mode, TextOf(*search, "mode"));
    if (mode == "include" || mode == "outcome") return Skipped();
  }
  TRY(const JsonObject* resource, codec::ObjectAt(*entry, "resource"));
  TRY_AT("resource", AuditEvent event, ParseResource(*resource));
  return Skipped(std::move(event));
}

Result<AuditEvent> ParseAuditEvent(const Json& json) {
  if (!json.is_object()) return InvalidArgument("AuditEvent: must be a JSON object");
  return ParseResource(json.get_object());
}

Result<std::vector<Result<AuditEvent>>> ParseAuditEvents(const Json& json) {
  if (!json.is_object()) return InvalidArgument("resource: must be a JSON object");
  TRY(const std::string_view resource_type, codec::StringAt(json.get_object(), "resourceType"));
  if (resource_type == "Bundle") return ParseBundle(json.get_object());
  std::vector<Result<AuditEvent>> out;
  out.push_back(ParseAuditEvent(json));
  return out;
}

}  // namespace salus::fhir
