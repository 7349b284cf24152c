// What the verbs of `salus aggregate` between two aggregators have in common. One file each.
#pragma once

#include <string>

#include "aggregate/dap_answer.h"
#include "aggregate/task_file.h"
#include "api/dap_link.h"
#include "apps/salus/session.h"

namespace salus::cli {

Result<ExitCode> RunTaskNew(Session& session);
Result<ExitCode> RunTaskAccept(Session& session);
Result<ExitCode> RunTaskList(Session& session);
Result<ExitCode> RunTaskClose(Session& session);
Result<ExitCode> RunKeysRotate(Session& session);
Result<ExitCode> RunAggregateUpload(Session& session);
Result<ExitCode> RunAggregateCollect(Session& session);

// StudyPlace is where an aggregator's studies are: at a server only for who shows an identity.
//
// Errors: those of Session::Place and Session::Identity.
Result<Backend*> StudyPlace(Session& session);

// ReadTaskFile reads what `salus aggregate task new` wrote. One with secrets must be a file of mode
// 0600.
//
// Errors: NotFound; FailedPrecondition for a secret file that others can read; InvalidArgument.
Result<aggregate::TaskFile> ReadTaskFile(const std::string& path);

// ReadSeconds reads a span of time: "90s", "15m", "1h", "2d".
//
// Errors: InvalidArgument.
Result<std::uint64_t> ReadSeconds(std::string_view text);
// ReadWhole reads a whole number within limits. Errors: InvalidArgument.
Result<std::int64_t> ReadWhole(std::string_view text, std::int64_t low, std::int64_t high);

// RefusedBy is an aggregator's answer as an error, with its own words where it has some.
Error RefusedBy(const api::DapLink& link, const aggregate::DapAnswer& answer);

}  // namespace salus::cli
