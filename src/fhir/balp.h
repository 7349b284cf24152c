// AuditEvents in IHE's BALP profiles.
#pragma once

#include <string_view>

#include "fhir/access.h"

namespace salus::fhir {

// BalpRow is how one action is written.
struct BalpRow {
  Action action;
  AuditActionCode code;
  std::string_view restful_subtype;  // of http://hl7.org/fhir/restful-interaction
  std::string_view lifecycle;        // of the data entity, dicom-audit-lifecycle; empty: none
  std::string_view profile;          // the name behind kBalpBase
};

// RowOf is the row of the table in docs/formats/fhir-audit-event.md.
const BalpRow& RowOf(Action action);

// The canonical address that BALP's profile names stand behind.
inline constexpr std::string_view kBalpBase =
    "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.";

// BalpEvent writes an access as the BALP profile of its action. A failed access names no profile in
// meta, because BALP's patterns fix outcome 0, and is the same otherwise.
//
// Source: IHE BALP 1.1.4, profiles PatientCreate, PatientRead, PatientUpdate, PatientDelete and
//         PatientQuery. Print and copy are PatientRead with a lifecycle on the data entity.
// Shape:  agents client, server and, where known, user; entities patient (with details), data or
//         query, and the event's id as transaction. Where the client or server or an address is not
//         known, the reporting system or "unknown" stands in, because BALP requires it; a query
//         without text is "?".
AuditEvent BalpEvent(const Access& access);

}  // namespace salus::fhir
