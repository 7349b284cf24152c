// Notices to everybody: what people's data is added up for, and what came of it.

#include "audit/task_notice.h"
#include "codec/hex.h"
#include "node/node.h"
#include "node/node_state.h"

namespace salus::node {

namespace {

audit::NoticeRow RowOf(const audit::TaskNotice& notice, Bytes content) {
  return {.task_id = codec::HexEncode(notice.task_id),
          .publisher = notice.publisher,
          .content = std::move(content)};
}

// That a task of this id was not announced by who tells its result.
Error NotAnnounced(const audit::Directory& directory, const std::string& task_id) {
  for (const audit::NoticeRow& row : directory.notices()) {
    if (row.is_result || row.task_id != task_id) continue;
    return FailedPrecondition("its result is told by who announced it: " + row.publisher);
  }
  return FailedPrecondition("no such task is in the log: a task is announced before its result");
}

}  // namespace

Result<std::uint64_t> Node::State::LogNotice(audit::NoticeRow row) {
  if (const auto old = directory->FindNotice(row)) {
    if (old->content == row.content) return old->origin.entry_index;
    return Conflict("the log has another notice of this task by " + row.publisher + " at entry " +
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
  return state_->LogNotice(RowOf(notice, std::move(content)));
}

Result<std::uint64_t> Node::ReleaseResult(const audit::ResultNotice& notice) {
  TRY(Bytes content, audit::EncodeResultNotice(notice));
  const auto acts = state_->recorder->LockActs();
  audit::NoticeRow row{.task_id = codec::HexEncode(notice.task_id), .publisher = notice.publisher};
  if (!state_->directory->FindNotice(row)) return NotAnnounced(*state_->directory, row.task_id);
  row.is_result = true;
  row.batch = notice.batch;
  row.content = std::move(content);
  return state_->LogNotice(std::move(row));
}

}  // namespace salus::node
