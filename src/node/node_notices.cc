// Notices to everybody: what people's data is added up for, and what came of it.

#include "audit/task_notice.h"
#include "codec/hex.h"
#include "node/node.h"
#include "node/node_state.h"

namespace salus::node {

namespace {

audit::NoticeRow RowOf(ByteSpan task_id, bool is_result, std::string batch, Bytes content) {
  return {.task_id = codec::HexEncode(task_id),
          .is_result = is_result,
          .batch = std::move(batch),
          .content = std::move(content)};
}

}  // namespace

Result<std::uint64_t> Node::State::LogNotice(audit::NoticeRow row) {
  if (const auto old = directory->FindNotice(row)) {
    if (old->content == row.content) return old->origin.entry_index;
    return Conflict("the log has another notice of this task at entry " +
                    std::to_string(old->origin.entry_index) +
                    ": what was announced is never changed");
  }
  audit::NewPolicy policy{
      .type = row.is_result ? audit::EventType::kResultReleased : audit::EventType::kTaskOpened,
      .subject = std::nullopt,
      .content = row.content,
      .row = row,
      .is_sealed = false,
      .ends_epoch = false,
      .first_key = std::nullopt,
      .kind = tlog::EntryKind::kNotice};
  TRY(const auto logged, recorder->RecordPolicies({&policy, 1}));
  return logged[0].index.value;
}

Result<std::uint64_t> Node::OpenTask(const audit::TaskNotice& notice) {
  TRY(Bytes content, audit::EncodeTaskNotice(notice));
  const auto acts = state_->recorder->LockActs();
  return state_->LogNotice(RowOf(notice.task_id, false, "", std::move(content)));
}

Result<std::uint64_t> Node::ReleaseResult(const audit::ResultNotice& notice) {
  TRY(Bytes content, audit::EncodeResultNotice(notice));
  const auto acts = state_->recorder->LockActs();
  const auto task = state_->directory->FindNotice(RowOf(notice.task_id, false, "", {}));
  if (!task) {
    return FailedPrecondition("no such task is in the log: a task is announced before its result");
  }
  TRY(const audit::TaskNotice announced, audit::DecodeTaskNotice(task->content));
  if (announced.publisher != notice.publisher) {
    return FailedPrecondition("its result is told by who announced it: " + announced.publisher);
  }
  return state_->LogNotice(RowOf(notice.task_id, true, notice.batch, std::move(content)));
}

}  // namespace salus::node
