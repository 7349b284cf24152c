#pragma once

#include <string>
#include <vector>

#include "audit/event.h"
#include "base/result.h"

namespace salus::cli {

// FhirTextOf is an event as a FHIR AuditEvent; FhirBundleOf wraps such texts in one Bundle.
Result<std::string> FhirTextOf(const audit::Event& event);
std::string FhirBundleOf(const std::vector<std::string>& resources);

}  // namespace salus::cli
