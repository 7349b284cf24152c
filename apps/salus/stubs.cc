#include "apps/salus/audit_commands.h"
namespace salus::cli {
Result<ExitCode> RunAuditQuery(Session&) { return FailedPrecondition("not yet"); }
Result<ExitCode> RunAuditReaders(Session&) { return FailedPrecondition("not yet"); }
Result<ExitCode> RunAuditShare(Session&) { return FailedPrecondition("not yet"); }
Result<ExitCode> RunAuditReconcile(Session&) { return FailedPrecondition("not yet"); }
Result<ExitCode> RunAuditVerify(Session&) { return FailedPrecondition("not yet"); }
Result<ExitCode> WatchSpool(Session&, const std::string&) { return FailedPrecondition("not yet"); }
void AddLogCommands(std::vector<Command>&) {}
void AddCustodyCommands(std::vector<Command>&) {}
}  // namespace salus::cli
