#pragma once

#include "apps/salus/session.h"

namespace salus::cli {

// ReportDataCheck verifies the whole data directory and prints what was found: exit code 3 when
// anything was tampered with or damaged.
Result<ExitCode> ReportDataCheck(Session& session);

}  // namespace salus::cli
