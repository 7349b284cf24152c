// SyntheaTrace is what the audit log of a hospital would hold about Synthea's patients: who wrote,
// read, changed, printed and copied what at each encounter.
#pragma once

#include <string>
#include <vector>

#include "audit/subject.h"
#include "base/result.h"
#include "codec/json.h"

namespace salus::integration {

// TracedPatient is one patient with the events that concern them, in the order of their times.
struct TracedPatient {
  audit::Subject subject;
  // As docs/formats/event.md has them, without what the server adds.
  std::vector<codec::JsonObject> events;
};

// SyntheaTrace derives the trace of every patient file in a folder of Synthea FHIR R4 bundles. The
// same folder gives the same trace.
//
// Shape:  at each encounter the reception reads the record, the practitioner asks for the list of
//         problems, reads the newest report, and creates whatever refers to the encounter;
//         prescriptions and plans of care are printed, reports copied to the practice that
//         referred. Claims are the billing office's, benefits a night batch's. A condition that
//         ended is changed, every 41st observation is deleted again. Emergencies break the glass.
//         What was before 1970 was typed in on its first day.
// Errors: NotFound without the folder; InvalidArgument with the file that is malformed.
Result<std::vector<TracedPatient>> SyntheaTrace(const std::string& folder);

}  // namespace salus::integration
