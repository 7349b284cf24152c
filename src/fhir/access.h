// An access to one patient's data, as Salus logs it, and its way out of any AuditEvent.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "fhir/audit_event.h"

namespace salus::fhir {

// Action is what was done to the data.
enum class Action { kCreate, kRead, kDelete, kChange, kQuery, kPrint, kCopy };

// ActionName is the name in our events: create read delete change query print copy.
std::string_view ActionName(Action action);
// ActionFromName is the reverse; nullopt for any other text.
std::optional<Action> ActionFromName(std::string_view name);

// Access is one action of one user on one patient's data. Empty members are unknown.
struct Access {
  std::string id;  // the event's own id at its source
  Timestamp time;
  Action action = Action::kRead;
  AuditOutcome outcome = AuditOutcome::kSuccess;

  Identifier patient;  // empty system: a FHIR reference, or an id without a system
  std::string user;
  std::string user_name;
  std::string role;
  std::string organization;
  std::string purpose;  // v3-ActReason
  std::string place;

  std::string record;    // a FHIR reference or an identifier of what was touched
  std::string category;  // of the data
  std::string detail;
  Bytes query;  // of a query: as the client sent it

  std::string client;          // the system that acted
  std::string client_address;  // machine name, IP address or URI
  std::string server;          // the system that holds the data
  std::string server_address;
  std::string source;  // the system that reports
  std::string site;

  friend bool operator==(const Access&, const Access&) = default;
};

// ActionOf says which action an AuditEvent reports; nullopt where it is none of ours, as a login.
//
// Source: docs/formats/fhir-audit-event.md. In this order: a subtype or entity lifecycle of
// printing
//         or copying; the DICOM event Export (110106) or Query (110112); the code in action; where
//         there is none, the RESTful subtype.
std::optional<Action> ActionOf(const AuditEvent& event);

// SubjectsOf are the patients whose data an event was about: places in event.patients. A patient
// who only acted counts where no other is named.
std::vector<std::size_t> SubjectsOf(const AuditEvent& event);

// AccessOf is what an event says of any access, whatever it leaves out: the patient is empty, the
// user is empty where nobody is said to have acted, and the action is kRead where ActionOf has
// none.
Access AccessOf(const AuditEvent& event);

// AccessesOf makes an Access for each patient whose data an event was about. A patient who only
// acted counts where no other is named. The members that BalpEvent writes come back as they were;
// from an AuditEvent of another system the nearest thing that it says is taken.
//
// Errors: InvalidArgument naming the path: no patient, no action of ours, or nobody who acted.
Result<std::vector<Access>> AccessesOf(const AuditEvent& event);

}  // namespace salus::fhir
