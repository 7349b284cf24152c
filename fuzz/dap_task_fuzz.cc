// A task as JSON: what is taken is written and read back as the same task, bound to the same
// configuration, which is a message itself. A task's configuration as bytes comes back as the same
// bytes.
#include "aggregate/dap_task.h"
#include "aggregate/dap_task_configuration.h"
#include "base/check.h"

namespace salus::aggregate {
namespace {

void CheckOne(ByteSpan bytes) {
  const auto configuration = TaskConfiguration::Parse(bytes);
  if (configuration) CHECK(Equal(configuration->Encode(), bytes));
  const auto task = DapTask::FromJson(AsText(bytes));
  if (!task) return;
  const std::string text = task->ToJson();
  const auto again = DapTask::FromJson(text);
  CHECK(again && again->parameters() == task->parameters() && again->ToJson() == text);
  CHECK(Equal(again->configuration(), task->configuration()));
  CHECK(task->version() == DapVersion::k09
            ? task->configuration().empty()
            : TaskConfiguration::Parse(task->configuration()).has_value());
}

}  // namespace
}  // namespace salus::aggregate

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::aggregate::CheckOne({data, size});
  return 0;
}
