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

// AppendOutcome is what became of one input.
struct AppendOutcome {
  AppendTotals totals;
  std::optional<Error> first_refusal;  // with its line in front
};
// SourceInput is one input of events, and whose they are.
struct SourceInput {
  std::string source;
  InputFormat format = InputFormat::kNdjson;
  client::EventInput events;
  std::uint64_t size_bytes = 0;  // 0: not known
  std::string journal;           // of what a server has answered; empty: none
};
// InputOf is a file as --source and --input say. AppendInput runs it through the place, with
// --rejects and --receipts as they were given.
Result<SourceInput> InputOf(Session& session, int fd, std::uint64_t size_bytes);
Result<AppendOutcome> AppendInput(Session& session, Backend& place, const SourceInput& input);

}  // namespace salus::cli
