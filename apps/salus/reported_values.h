// ReadValues reads what `salus aggregate upload` reports.
#pragma once

#include <cstdint>
#include <vector>

#include "aggregate/dap_task.h"
#include "apps/salus/session.h"

namespace salus::cli {

// Value is what one person reports, and the line that it stands on; 0 on the command line.
struct Value {
  std::uint64_t line = 0;
  std::vector<std::int64_t> numbers;
};

// Shape:  --value NUMBER, or --input FILE: NAME.csv (a line of names, a row a person), or a line of
//         JSON a person (a number, a list, or an object with "value").
// Errors: usage; InvalidArgument with file and line.
Result<std::vector<Value>> ReadValues(Session& session);

// CheckValues looks at all of them before the first is sent: half of a file is not easily sent
// again.
//
// Errors: InvalidArgument with file, line and the task's range.
Result<void> CheckValues(const Session& session, const aggregate::DapTask& task,
                         const std::vector<Value>& values);

}  // namespace salus::cli
