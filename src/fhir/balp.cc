#include "fhir/balp.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "fhir/terminology.h"

namespace salus::fhir {

namespace {

using enum Action;

constexpr std::array<BalpRow, 7> kRows = {{
    {kCreate, AuditActionCode::kCreate, "create", "", "PatientCreate"},
    {kRead, AuditActionCode::kRead, "read", "", "PatientRead"},
    {kDelete, AuditActionCode::kDelete, "delete", "", "PatientDelete"},
    {kChange, AuditActionCode::kUpdate, "update", "", "PatientUpdate"},
    {kQuery, AuditActionCode::kExecute, "search", "", "PatientQuery"},
    {kPrint, AuditActionCode::kRead, "read", "9", "PatientRead"},
    {kCopy, AuditActionCode::kRead, "read", "10", "PatientRead"},
}};

Coding Code(std::string_view system, std::string_view code) {
  return {std::string(system), std::string(code), {}};
}

Concept Single(std::string_view system, std::string_view code) {
  return {{Code(system, code)}, {}};
}

// FHIR's id: 1 to 64 of letters, digits, hyphen and point.
bool IsFhirId(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::ranges::all_of(id, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
  });
}

// A FHIR reference has a type before a slash; all else is an identifier, which may be any text.
Reference ReferTo(const std::string& name) {
  Reference out;
  const auto slash = name.find('/');
  const bool is_relative = slash != std::string::npos && slash > 0 && slash + 1 < name.size() &&
                           name[0] >= 'A' && name[0] <= 'Z' && IsFhirId(name.substr(0, slash)) &&
                           IsFhirId(name.substr(slash + 1));
  if (is_relative) {
    out.reference = name;
  } else {
    out.identifier.value = name;
  }
  return out;
}

// The network-type code by the look of the address.
std::string NetworkType(std::string_view address) {
  if (address.find("://") != std::string_view::npos) return "5";
  const bool numeric = address.find_first_not_of("0123456789.") == std::string_view::npos;
  const bool colons =
      address.find_first_not_of("0123456789abcdefABCDEF:.%") == std::string_view::npos &&
      std::ranges::count(address, ':') >= 2;
  return numeric || colons ? "2" : "1";
}

AuditAgent System(Concept type, const std::string& name, const std::string& address,
                  const std::string& stand_in) {
  const std::string& known = name.empty() ? stand_in : name;
  AuditAgent out;
  out.type = std::move(type);
  out.who = ReferTo(known);
  out.network_address = address.empty() ? known : address;
  out.network_type = NetworkType(out.network_address);
  return out;
}

struct SystemRoles {
  Concept client;
  Concept server;
};

// Source and destination are those of the data: a read flows to the client, all else from it.
SystemRoles RolesOf(AuditActionCode code) {
  switch (code) {
    case AuditActionCode::kRead:
      return {Single(kDicom, "110152"), Single(kDicom, "110153")};
    case AuditActionCode::kDelete:
      return {Single(kDicom, "110150"), Single(kProvenanceParticipant, "custodian")};
    default:
      return {Single(kDicom, "110153"), Single(kDicom, "110152")};
  }
}

AuditAgent User(const Access& access, const BalpRow& row) {
  const bool receives = row.code == AuditActionCode::kRead || row.code == AuditActionCode::kExecute;
  AuditAgent out;
  out.type = Single(kParticipation, receives                               ? "IRCP"
                                    : row.code == AuditActionCode::kDelete ? "CST"
                                                                           : "AUT");
  out.who = ReferTo(access.user);
  out.name = access.user_name;
  out.requestor = true;
  if (!access.role.empty()) out.role.push_back({{}, access.role});
  if (!access.place.empty()) out.location.display = access.place;
  if (!access.purpose.empty()) out.purpose_of_use.push_back(Single(kActReason, access.purpose));
  return out;
}

void AddAgents(const Access& access, const BalpRow& row, const std::string& source,
               AuditEvent& event) {
  SystemRoles roles = RolesOf(row.code);
  event.agent.push_back(
      System(std::move(roles.client), access.client, access.client_address, source));
  event.agent.push_back(
      System(std::move(roles.server), access.server, access.server_address, source));
  if (!access.user.empty()) event.agent.push_back(User(access, row));
}

AuditEntity Patient(const Access& access) {
  AuditEntity out;
  out.what = access.patient.system.empty() ? ReferTo(access.patient.value) : Reference{};
  if (!access.patient.system.empty()) out.what.identifier = access.patient;
  out.type = Code(kEntityType, "1");
  out.role = Code(kObjectRole, "1");
  const auto add = [&out](const char* name, const std::string& value) {
    if (!value.empty()) out.detail.push_back({name, value});
  };
  // An agent of its own for the organization, or an entity for a query's record, would be counted
  // by validators that tell BALP's slices apart by patterns but not by value sets.
  add("organization", access.organization);
  add("category", access.category);
  add("detail", access.detail);
  if (access.action == kQuery) add("record", access.record);
  return out;
}

AuditEntity Data(const Access& access, const BalpRow& row) {
  AuditEntity out;
  out.type = Code(kEntityType, "2");
  out.role = Code(kObjectRole, "4");
  if (!row.lifecycle.empty()) out.lifecycle = Code(kDicomLifecycle, row.lifecycle);
  if (access.record.empty()) {
    out.what.display = "unknown";
  } else {
    out.what = ReferTo(access.record);
  }
  return out;
}

// BALP wants the text of a query; "?" is the query without parameters.
AuditEntity Query(const Access& access) {
  AuditEntity out;
  out.type = Code(kEntityType, "2");
  out.role = Code(kObjectRole, "24");
  out.query = access.query.empty() ? ToBytes("?") : access.query;
  return out;
}

void AddEntities(const Access& access, const BalpRow& row, AuditEvent& event) {
  event.entity.push_back(Patient(access));
  event.entity.push_back(access.action == kQuery ? Query(access) : Data(access, row));
  if (access.id.empty()) return;
  AuditEntity transaction;
  transaction.what.identifier.value = access.id;
  transaction.type = Code(kBalpEntityType, "XrequestId");
  event.entity.push_back(std::move(transaction));
}

}  // namespace

const BalpRow& RowOf(Action action) {
  const BalpRow& row = kRows[static_cast<std::size_t>(action)];
  CHECK(row.action == action);
  return row;
}

AuditEvent BalpEvent(const Access& access) {
  const BalpRow& row = RowOf(access.action);
  const std::string source = access.source.empty() ? "unknown" : access.source;
  AuditEvent event;
  if (IsFhirId(access.id)) event.id = access.id;
  if (access.outcome == AuditOutcome::kSuccess) {
    event.profile.push_back(std::string(kBalpBase) + std::string(row.profile));
  }
  event.type = Code(kAuditEventType, "rest");
  event.subtype.push_back(Code(kRestfulInteraction, row.restful_subtype));
  event.action = row.code;
  event.recorded = access.time;
  event.outcome = access.outcome;
  if (!access.purpose.empty()) {
    event.purpose_of_event.push_back(Single(kActReason, access.purpose));
  }
  AddAgents(access, row, source, event);
  event.source.site = access.site;
  event.source.observer = ReferTo(source);
  AddEntities(access, row, event);
  event.patients = PatientsOf(event);
  return event;
}

}  // namespace salus::fhir
