#include "apps/salus/data_backend.h"

namespace salus::cli {

Result<AppendTotals> AppendFhirToNode(node::Node&, const audit::SourceRow&, const AppendCall&) {
  return FailedPrecondition("FHIR input is not built yet: use --input ndjson");
}

}  // namespace salus::cli
