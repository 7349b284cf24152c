#pragma once

#include "apps/salus/session.h"

namespace salus::cli {

// The verbs of `salus audit`, one file each.
Result<ExitCode> RunAuditAppend(Session& session);
Result<ExitCode> RunAuditSend(Session& session);
Result<ExitCode> RunAuditQuery(Session& session);
Result<ExitCode> RunAuditReaders(Session& session);
Result<ExitCode> RunAuditShare(Session& session);
Result<ExitCode> RunAuditReconcile(Session& session);
Result<ExitCode> RunAuditVerify(Session& session);

// WatchSpool takes files out of a folder until it is told to stop.
Result<ExitCode> WatchSpool(Session& session, const std::string& folder);

// AppendFile runs one input through the place, with --rejects and --receipts as they were given.
struct AppendOutcome {
  AppendTotals totals;
  std::optional<Error> first_refusal;  // with its line in front
};
Result<AppendOutcome> AppendFile(Session& session, Backend& place, int fd,
                                 std::uint64_t size_bytes);

}  // namespace salus::cli
