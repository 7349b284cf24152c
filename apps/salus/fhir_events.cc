#include "apps/salus/fhir_events.h"

#include "apps/salus/data_backend.h"

namespace salus::cli {

Result<AppendTotals> AppendFhirToNode(node::Node&, const audit::SourceRow&, const AppendCall&) {
  return FailedPrecondition("FHIR input is not built yet: use --input ndjson");
}

Result<std::string> FhirTextOf(const audit::Event&) {
  return FailedPrecondition("FHIR output is not built yet: use --format json");
}

std::string FhirBundleOf(const std::vector<std::string>&) { return {}; }

}  // namespace salus::cli
