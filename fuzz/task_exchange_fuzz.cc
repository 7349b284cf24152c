// Transcripts of tasks. A case is the version and then items without their hashes, which are made
// here: an exchange that is read is written back exactly, and whatever was exchanged, the check
// ends, and counts no report twice.
#include "aggregate/task_exchange.h"

#include "aggregate/task_check.h"
#include "aggregate/transcript_item.h"
#include "base/check.h"
#include "fuzz_input.h"

namespace salus::aggregate {
namespace {

// The path says which task it is.
TaskId IdOf(std::string_view path) {
  constexpr std::string_view kStart = "tasks/";
  if (!path.starts_with(kStart)) return TaskId();
  const auto id = TaskId::Parse(path.substr(kStart.size(), 43));
  return id ? *id : TaskId();
}

TaskCheck CheckOf(DapVersion version, BatchMode mode, const TaskId& id) {
  DapTaskParameters parameters{.version = version,
                               .id = id,
                               .leader_url = "https://leader.example/dap",
                               .helper_url = "https://helper.example/dap",
                               .batch_mode = mode,
                               .min_batch_size = 2,
                               .vdaf = {.circuit = Circuit::kSum, .max_measurement = 255},
                               .interval = {},
                               .purpose = "to be sure",
                               .statistic = {.name = "height", .unit = "cm"},
                               .noise = {},
                               .task_info = {}};
  parameters.vdaf.profile = ProfileOf(version);
  auto task = DapTask::Create(parameters);
  CHECK(task.has_value());
  auto check = TaskCheck::Create(*std::move(task), {}, {});
  CHECK(check.has_value());
  return *std::move(check);
}

void CheckOne(ByteSpan bytes) {
  fuzz::Input input(bytes);
  const std::uint8_t choice = input.U8();
  const DapVersion version = (choice & 1) != 0 ? DapVersion::k09 : DapVersion::k18;
  const BatchMode mode = (choice & 2) != 0 ? BatchMode::kLeaderSelected : BatchMode::kTimeInterval;
  std::optional<TaskCheck> check;
  std::uint64_t taken = 0;
  while (!input.Rest().empty()) {
    const auto head = ReadItemHead(input.Rest());
    if (!head || input.Rest().size() < head->head_bytes + head->size) break;
    input.Take(head->head_bytes);
    Bytes item = ToBytes(input.Take(head->size));
    const crypto::Hash32 hash = crypto::Sha256(item);
    item.insert(item.end(), hash.begin(), hash.end());
    const auto exchange = TaskExchange::Parse(item);
    if (!exchange) continue;
    CHECK(Equal(exchange->Encode(), item));
    if (!check) check = CheckOf(version, mode, IdOf(exchange->path));
    if (check->Take(*exchange, "here")) ++taken;
  }
  if (!check) return;
  const TaskFindings findings = check->Finish();
  CHECK(findings.exchanges <= taken);
  if (!findings.deviations.empty()) return;
  std::uint64_t collected = 0;
  for (const CheckedBatch& batch : findings.batches) collected += batch.report_count;
  CHECK(collected <= findings.counted);
}

}  // namespace
}  // namespace salus::aggregate

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::aggregate::CheckOne({data, size});
  return 0;
}
