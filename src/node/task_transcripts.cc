#include "node/task_transcripts.h"

#include <utility>

#include "node/config.h"
#include "node/node.h"
#include "tlog/note.h"

namespace salus::node {

using aggregate::TaskTranscript;
using storage::JoinPath;

TaskTranscripts::TaskTranscripts(const Node& node, storage::FileSystem& fs, std::string folder)
    : node_(node), fs_(fs), folder_(std::move(folder)) {}

Result<std::string> TaskTranscripts::Sign(std::string_view text) const {
  TRY(const std::string signed_note, node_.signer().SignReceipt(text));
  TRY(const tlog::Note note, tlog::Note::Parse(signed_note));
  return note.signatures().front().Detached();
}

Result<TaskTranscript*> TaskTranscripts::Find(const aggregate::TaskId& task) {
  const std::lock_guard lock(mutex_);
  auto& slot = transcripts_[task];
  if (!slot) {
    TRY(const bool exists, fs_.Exists(folder_));
    if (!exists) {
      TRY_VOID(fs_.MakeDirectory(folder_));
      TRY_VOID(fs_.SyncDirectory(storage::DirectoryOf(folder_)));
    }
    TRY(slot, TaskTranscript::Open(fs_, JoinPath(folder_, task.ToText() + ".transcript")));
  }
  return slot.get();
}

Result<void> TaskTranscripts::Keep(const aggregate::TaskId& task,
                                   aggregate::TaskExchange exchange) {
  if (!node_.config().aggregate.transcripts) return {};
  exchange.time = node_.clock().Now();
  TRY(TaskTranscript * transcript, Find(task));
  return transcript->Append(exchange);
}

}  // namespace salus::node
