#include "fhir/access.h"

#include <algorithm>
#include <array>
#include <utility>

#include "fhir/terminology.h"

namespace salus::fhir {

namespace {

constexpr std::array<std::pair<Action, std::string_view>, 7> kNames = {{
    {Action::kCreate, "create"},
    {Action::kRead, "read"},
    {Action::kDelete, "delete"},
    {Action::kChange, "change"},
    {Action::kQuery, "query"},
    {Action::kPrint, "print"},
    {Action::kCopy, "copy"},
}};

// What a reference calls its target, most exact first.
std::string NameOf(const Reference& who) {
  if (!who.identifier.value.empty()) return who.identifier.value;
  return who.reference.empty() ? who.display : who.reference;
}

std::string FirstOf(std::initializer_list<std::string> texts) {
  for (const std::string& text : texts) {
    if (!text.empty()) return text;
  }
  return {};
}

std::string TextOf(const Concept& value) {
  if (!value.text.empty() || value.coding.empty()) return value.text;
  return FirstOf({value.coding[0].code, value.coding[0].display});
}

std::string FirstText(const std::vector<Concept>& concepts) {
  return concepts.empty() ? std::string() : TextOf(concepts[0]);
}

bool HasSubtype(const AuditEvent& event, std::string_view system, std::string_view code) {
  return std::ranges::any_of(event.subtype, [&](const Coding& c) { return c.Is(system, code); });
}

bool IsDicomEvent(const AuditEvent& event, std::string_view code) {
  return event.type.Is(kDicom, code) || HasSubtype(event, kDicom, code);
}

// Printing and copying have no code in AuditEvent.action.
std::optional<Action> OutputActionOf(const AuditEvent& event) {
  const auto lifecycle = [&](std::string_view iso, std::string_view dicom) {
    return HasSubtype(event, kRecordLifecycle, iso) ||
           std::ranges::any_of(event.entity, [&](const AuditEntity& e) {
             return e.lifecycle.Is(kRecordLifecycle, iso) || e.lifecycle.Is(kDicomLifecycle, dicom);
           });
  };
  if (lifecycle("report", "9")) return Action::kPrint;
  if (lifecycle("extract", "10") || lifecycle("disclose", "11")) return Action::kCopy;
  return std::nullopt;
}

bool IsSearch(const AuditEvent& event) {
  return std::ranges::any_of(event.subtype, [](const Coding& c) {
    return c.system == kRestfulInteraction && c.code.starts_with("search");
  });
}

std::optional<Action> RestfulActionOf(const AuditEvent& event) {
  if (IsSearch(event)) return Action::kQuery;
  for (const Coding& subtype : event.subtype) {
    if (subtype.system != kRestfulInteraction) continue;
    if (subtype.code == "create") return Action::kCreate;
    if (subtype.code == "delete") return Action::kDelete;
    if (subtype.code == "update" || subtype.code == "patch") return Action::kChange;
    if (subtype.code == "read" || subtype.code == "vread" || subtype.code.starts_with("history")) {
      return Action::kRead;
    }
  }
  return std::nullopt;
}

// The agent that acted: of those who asked for it a person before a system, else the first of all.
const AuditAgent* ActorOf(const AuditEvent& event) {
  const auto is_person = [](const AuditAgent& a) {
    return a.requestor && std::ranges::any_of(a.type.coding, [](const Coding& c) {
             return c.system == kParticipation;
           });
  };
  auto found = std::ranges::find_if(event.agent, is_person);
  if (found == event.agent.end()) {
    found = std::ranges::find_if(event.agent, &AuditAgent::requestor);
  }
  if (found == event.agent.end()) found = event.agent.begin();
  return found == event.agent.end() ? nullptr : &*found;
}

std::string UserOf(const AuditAgent& agent) {
  return FirstOf({NameOf(agent.who), agent.alt_id, agent.name});
}

const AuditAgent* AgentOf(
    const AuditEvent& event,
    std::initializer_list<std::pair<std::string_view, std::string_view>> types) {
  for (const AuditAgent& agent : event.agent) {
    for (const auto& [system, code] : types) {
      if (agent.type.Has(system, code)) return &agent;
    }
  }
  return nullptr;
}

// Which of source (110153) and destination (110152) is the client depends on the direction.
void ReadSystems(const AuditEvent& event, bool data_flows_to_client, Access& out) {
  const std::string_view client_role = data_flows_to_client ? "110152" : "110153";
  const std::string_view server_role = data_flows_to_client ? "110153" : "110152";
  if (const AuditAgent* client = AgentOf(event, {{kDicom, client_role}, {kDicom, "110150"}})) {
    out.client = UserOf(*client);
    out.client_address = client->network_address;
  }
  if (const AuditAgent* server =
          AgentOf(event, {{kDicom, server_role}, {kProvenanceParticipant, "custodian"}})) {
    out.server = UserOf(*server);
    out.server_address = server->network_address;
  }
  out.source = NameOf(event.source.observer);
  out.site = event.source.site;
}

void ReadUser(const AuditEvent& event, const AuditAgent& actor, Access& out) {
  out.user = UserOf(actor);
  out.user_name = FirstOf({actor.name, actor.who.display});
  if (out.user_name == out.user) out.user_name.clear();
  out.role = FirstText(actor.role);
  out.purpose = FirstOf({FirstText(actor.purpose_of_use), FirstText(event.purpose_of_event)});
  out.place = NameOf(actor.location);
  if (const AuditAgent* organization = AgentOf(event, {{kRoleClass, "PROV"}})) {
    out.organization = FirstOf({organization->who.display, UserOf(*organization)});
  }
}

// The details that BalpEvent writes.
void ReadDetail(const AuditDetail& detail, Access& out) {
  if (detail.is_base64) return;
  if (detail.type == "organization") out.organization = detail.value;
  if (detail.type == "category") out.category = detail.value;
  if (detail.type == "detail") out.detail = detail.value;
  if (detail.type == "record") out.record = detail.value;
}

void ReadEntities(const AuditEvent& event, Access& out) {
  for (const AuditEntity& entity : event.entity) {
    if (entity.type.Is(kBalpEntityType, "XrequestId")) {
      out.id = NameOf(entity.what);
    } else if (!entity.query.empty()) {
      out.query = entity.query;
    } else if (out.record.empty() && !entity.role.Is(kObjectRole, "1")) {
      out.record = FirstOf({entity.what.identifier.value, entity.what.reference, entity.name});
    }
    for (const AuditDetail& detail : entity.detail) ReadDetail(detail, out);
  }
  if (out.id.empty()) out.id = event.id;
}

}  // namespace

std::string_view ActionName(Action action) {
  return kNames[static_cast<std::size_t>(action)].second;
}

std::optional<Action> ActionFromName(std::string_view name) {
  for (const auto& [action, text] : kNames) {
    if (text == name) return action;
  }
  return std::nullopt;
}

std::optional<Action> ActionOf(const AuditEvent& event) {
  if (const auto output = OutputActionOf(event)) return output;
  if (IsDicomEvent(event, "110106")) return Action::kCopy;
  if (IsDicomEvent(event, "110112") || IsSearch(event)) return Action::kQuery;
  if (!event.action) return RestfulActionOf(event);
  switch (*event.action) {
    case AuditActionCode::kCreate:
      return Action::kCreate;
    case AuditActionCode::kRead:
      return Action::kRead;
    case AuditActionCode::kUpdate:
      return Action::kChange;
    case AuditActionCode::kDelete:
      return Action::kDelete;
    case AuditActionCode::kExecute:
      break;
  }
  const bool has_query =
      std::ranges::any_of(event.entity, [](const AuditEntity& e) { return !e.query.empty(); });
  return has_query ? std::optional(Action::kQuery) : RestfulActionOf(event);
}

std::vector<std::size_t> SubjectsOf(const AuditEvent& event) {
  const bool any_subject =
      std::ranges::any_of(event.patients, [](const PatientMention& p) { return !p.is_agent; });
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < event.patients.size(); ++i) {
    if (!event.patients[i].is_agent || !any_subject) out.push_back(i);
  }
  return out;
}

Access AccessOf(const AuditEvent& event) {
  Access access;
  access.time = event.recorded;
  access.action = ActionOf(event).value_or(Action::kRead);
  access.outcome = event.outcome.value_or(AuditOutcome::kSuccess);
  if (const AuditAgent* const actor = ActorOf(event)) ReadUser(event, *actor, access);
  ReadEntities(event, access);
  const bool to_client = access.action == Action::kRead || access.action == Action::kPrint ||
                         access.action == Action::kCopy;
  ReadSystems(event, to_client, access);
  return access;
}

Result<std::vector<Access>> AccessesOf(const AuditEvent& event) {
  if (!ActionOf(event)) {
    return InvalidArgument(
        "action: with type and subtype is none of create, read, delete, change, "
        "query, print, copy");
  }
  Access access = AccessOf(event);
  if (access.user.empty()) {
    return InvalidArgument("agent: none says who acted (who, altId or name)");
  }
  std::vector<Access> out;
  for (const std::size_t patient : SubjectsOf(event)) {
    access.patient = event.patients[patient].id;
    out.push_back(access);
  }
  if (out.empty()) return InvalidArgument("entity: none names a patient");
  return out;
}

}  // namespace salus::fhir
