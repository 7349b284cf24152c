// The FHIR R4 AuditEvent as values: what an audit log needs of it, without the rest of FHIR.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "codec/json.h"

namespace salus::fhir {

// Coding is a code of a system. Empty members are absent ones.
struct Coding {
  std::string system;
  std::string code;
  std::string display;
  // Is compares without the display, which is only for people.
  bool Is(std::string_view other_system, std::string_view other_code) const {
    return system == other_system && code == other_code;
  }
  friend bool operator==(const Coding&, const Coding&) = default;
};

// Concept is a CodeableConcept.
struct Concept {
  std::vector<Coding> coding;
  std::string text;
  bool Has(std::string_view system, std::string_view code) const;
  friend bool operator==(const Concept&, const Concept&) = default;
};

struct Identifier {
  std::string system;
  std::string value;
  friend bool operator==(const Identifier&, const Identifier&) = default;
};

// Reference names another resource: by its address, by an identifier, or only for people.
struct Reference {
  std::string reference;
  std::string type;
  Identifier identifier;
  std::string display;
  friend bool operator==(const Reference&, const Reference&) = default;
};

// AuditActionCode is AuditEvent.action: the letter of the code.
enum class AuditActionCode : char {
  kCreate = 'C',
  kRead = 'R',
  kUpdate = 'U',
  kDelete = 'D',
  kExecute = 'E',
};

// AuditOutcome is AuditEvent.outcome: the number of the code.
enum class AuditOutcome : int {
  kSuccess = 0,
  kMinorFailure = 4,
  kSeriousFailure = 8,
  kMajorFailure = 12,
};

struct AuditAgent {
  Concept type;
  std::vector<Concept> role;
  Reference who;
  std::string alt_id;
  std::string name;
  bool requestor = false;
  Reference location;
  std::vector<std::string> policy;
  std::string network_address;
  std::string network_type;  // 1 machine name, 2 IP address, 3 telephone, 4 mail, 5 URI
  std::vector<Concept> purpose_of_use;
  friend bool operator==(const AuditAgent&, const AuditAgent&) = default;
};

struct AuditSource {
  std::string site;
  Reference observer;
  std::vector<Coding> type;
  friend bool operator==(const AuditSource&, const AuditSource&) = default;
};

struct AuditDetail {
  std::string type;
  std::string value;  // the text as it stands: base64 where is_base64
  bool is_base64 = false;
  friend bool operator==(const AuditDetail&, const AuditDetail&) = default;
};

struct AuditEntity {
  Reference what;
  Coding type;
  Coding role;
  Coding lifecycle;
  std::vector<Coding> security_label;
  std::string name;
  std::string description;
  Bytes query;  // decoded: the query as the client sent it, maybe an attack
  std::vector<AuditDetail> detail;
  friend bool operator==(const AuditEntity&, const AuditEntity&) = default;
};

// PatientMention is one way in which an event names a patient: by identifier where there is one,
// else by reference with an empty system. is_agent tells a patient who acted from one whose data it
// was.
struct PatientMention {
  Identifier id;
  bool is_agent = false;
  friend bool operator==(const PatientMention&, const PatientMention&) = default;
};

// AuditEvent is one AuditEvent resource.
//
// Source: FHIR R4 (4.0.1) AuditEvent. Left out, because no part of an access log reads them:
// period,
//         agent.media, narrative, extensions.
// Shape:  recorded is cut to milliseconds and turned to UTC. patients is derived by ParseAuditEvent
//         from entities (role Patient, or a reference to a Patient) and agents (a reference to a
//         Patient), as the search parameter AuditEvent-patient has it; WriteAuditEvent ignores it.
struct AuditEvent {
  std::string id;
  std::vector<std::string> profile;  // meta.profile
  Coding type;
  std::vector<Coding> subtype;
  std::optional<AuditActionCode> action;
  Timestamp recorded;
  std::optional<AuditOutcome> outcome;
  std::string outcome_desc;
  std::vector<Concept> purpose_of_event;
  std::vector<AuditAgent> agent;
  AuditSource source;
  std::vector<AuditEntity> entity;
  std::vector<PatientMention> patients;
  friend bool operator==(const AuditEvent&, const AuditEvent&) = default;
};

// ParseAuditEvent reads one resource. Members that it does not know are passed over: FHIR has
// extensions everywhere, and an audit repository is not to refuse an event for them.
//
// Errors: InvalidArgument naming the path, as "agent[0].who.identifier.value: must be a string":
//         another resourceType; type, recorded, agent (at least one, each with requestor) or
//         source.observer missing; an action, outcome or recorded that FHIR does not know; an
//         entity with both name and query; a member of the wrong type.
Result<AuditEvent> ParseAuditEvent(const codec::Json& json);

// ParseAuditEvents reads one AuditEvent, or a Bundle of them, of any Bundle type. Entries that a
// search set marks as include or outcome are passed over. A bad entry is an Error in its place,
// with its number in the path, and does not touch the others.
//
// Errors: InvalidArgument when json is neither, or entry is malformed.
Result<std::vector<Result<AuditEvent>>> ParseAuditEvents(const codec::Json& json);

// ParseBundleEntry reads one element of Bundle.entry; nullopt for one that a search set added.
//
// Errors: InvalidArgument naming the path within the entry.
Result<std::optional<AuditEvent>> ParseBundleEntry(const codec::Json& entry);

// WriteAuditEvent makes the resource. ParseAuditEvent reads the same event back.
codec::Json WriteAuditEvent(const AuditEvent& event);

// PatientsOf derives AuditEvent::patients. Two entities that refer to one resource, or to versions
// of it, name one patient, by what the first of them says.
std::vector<PatientMention> PatientsOf(const AuditEvent& event);

// PatientOfEntity is the place in PatientsOf of the patient whom an entity names; nullopt where it
// names none.
std::optional<std::size_t> PatientOfEntity(const AuditEvent& event, std::size_t entity);

}  // namespace salus::fhir
