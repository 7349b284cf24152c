#pragma once

#include "apps/salus/session.h"

namespace salus::cli {

// RunLogTasks lists what people's data is and was added up for, as a log says it.
Result<ExitCode> RunLogTasks(Session& session);

}  // namespace salus::cli
