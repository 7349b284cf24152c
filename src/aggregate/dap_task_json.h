// DapTaskFromJson and its kin are the JSON form of a task. Not a public header: use DapTask.
//
// Source: our own, docs/formats/dap-task.md.
// Shape:  one object; each member once, none unknown; those of "vdaf" are the ones its circuit has.
// Errors: InvalidArgument with the member; the limits are DapTask::Create's to check.
#pragma once

#include <string>
#include <string_view>

#include "aggregate/dap_task.h"
#include "base/result.h"
#include "codec/json.h"

namespace salus::aggregate {

Result<DapTaskParameters> DapTaskFromJson(std::string_view text);
std::string DapTaskToJson(const DapTask& task);

// PromiseJson is what is promised to who takes part: purpose, statistic and noise.
codec::Json PromiseJson(const DapTaskParameters& task);

}  // namespace salus::aggregate
