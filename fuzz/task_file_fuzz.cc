// A party's file of a task: what is taken is written and read back as the same file.
#include "aggregate/task_file.h"

#include "aggregate/share_access.h"
#include "base/check.h"

namespace salus::aggregate {
namespace {

void CheckOne(ByteSpan bytes) {
  const auto file = TaskFile::Parse(SecretBytes(bytes));
  if (!file) return;
  const SecretBytes text = file->ToText();
  const auto again = TaskFile::Parse(text);
  CHECK(again.has_value());
  CHECK(again->party == file->party && again->task.parameters() == file->task.parameters());
  const SecretBytes twice = again->ToText();
  CHECK(Equal(twice.view(ShareAccess::Token()), text.view(ShareAccess::Token())));
  CHECK(file->ToAggregatorTask().has_value() ==
        (file->party == TaskParty::kLeader || file->party == TaskParty::kHelper));
}

}  // namespace
}  // namespace salus::aggregate

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::aggregate::CheckOne({data, size});
  return 0;
}
