// salus audit share: the patient's device opens past days to an auditor.

#include "apps/salus/audit_commands.h"

namespace salus::cli {

Result<ExitCode> RunAuditShare(Session& session) {
  TRY_VOID(session.Required("--with"));
  return FailedPrecondition("sharing past days is not built yet");
}

}  // namespace salus::cli
