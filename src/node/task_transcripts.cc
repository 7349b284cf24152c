#include "node/task_transcripts.h"

#include <algorithm>
#include <utility>

#include "node/config.h"
#include "node/node.h"
#include "tlog/note.h"

namespace salus::node {

using aggregate::TaskTranscript;
using storage::JoinPath;

namespace {

// So that who asks for the same again and again does not fill the disk.
constexpr std::size_t kNewest = 64;

}  // namespace

TaskTranscripts::TaskTranscripts(const Node& node, storage::FileSystem& fs, std::string folder)
    : node_(node), fs_(fs), folder_(std::move(folder)) {}

Result<std::string> TaskTranscripts::Sign(std::string_view text) const {
  TRY(const std::string signed_note, node_.signer().SignReceipt(text));
  TRY(const tlog::Note note, tlog::Note::Parse(signed_note));
  return note.signatures().front().Detached();
}

std::shared_ptr<TaskTranscripts::Slot> TaskTranscripts::SlotOf(const aggregate::TaskId& task) {
  const std::lock_guard lock(mutex_);
  auto& slot = slots_[task];
  if (!slot) slot = std::make_shared<Slot>();
  return slot;
}

Result<void> TaskTranscripts::KeepIn(Slot& slot, const aggregate::TaskId& task,
                                     const aggregate::TaskExchange& exchange) {
  if (!slot.transcript) {
    TRY(const bool exists, fs_.Exists(folder_));
    if (!exists) {
      const auto made = fs_.MakeDirectory(folder_);
      if (!made && made.error().code != ErrorCode::kAlreadyExists) return made;
      TRY_VOID(fs_.SyncDirectory(storage::DirectoryOf(folder_)));
    }
    TRY(slot.transcript,
        TaskTranscript::Open(fs_, JoinPath(folder_, task.ToText() + ".transcript")));
  }
  return slot.transcript->Append(exchange);
}

Result<void> TaskTranscripts::Keep(const aggregate::TaskId& task,
                                   aggregate::TaskExchange exchange) {
  if (!node_.config().aggregate.transcripts) return {};
  exchange.time = node_.clock().Now();
  const std::string texts = exchange.RequestText() + exchange.AnswerText();
  const crypto::Hash32 hash = crypto::Sha256(AsBytes(texts));
  const std::shared_ptr<Slot> slot = SlotOf(task);
  const std::lock_guard lock(slot->mutex);
  if (std::ranges::find(slot->newest, hash) != slot->newest.end()) return {};
  const auto kept = KeepIn(*slot, task, exchange);
  if (!kept) {
    slot->transcript.reset();
    return kept;
  }
  if (slot->newest.size() == kNewest) slot->newest.pop_front();
  slot->newest.push_back(hash);
  return {};
}

}  // namespace salus::node
