#include "client/notices.h"

#include <algorithm>

#include "audit/entry.h"
#include "client/json_read.h"
#include "merkle/hash.h"

namespace salus::client {

namespace {

constexpr std::size_t kMaxPages = 10'000;

Error NotANotice(std::uint64_t index) {
  return VerificationFailed("entry " + std::to_string(index) +
                            " is shown as a notice, and is none: the server is not to be believed");
}

// Files an entry that was found in the log under its task.
Result<void> Take(std::uint64_t index, ByteSpan entry, std::vector<LoggedTask>& tasks) {
  const auto view = audit::ParseEntry(entry);
  if (!view || view->kind != tlog::EntryKind::kNotice || !view->other || view->other->sealed) {
    return NotANotice(index);
  }
  if (view->other->type == audit::EventType::kTaskOpened) {
    auto task = audit::DecodeTaskNotice(view->other->clear);
    if (!task) return NotANotice(index);
    tasks.push_back({.task = *std::move(task), .entry = index, .results = {}});
    return {};
  }
  auto result = audit::DecodeResultNotice(view->other->clear);
  if (view->other->type != audit::EventType::kResultReleased || !result) return NotANotice(index);
  const auto task = std::find_if(tasks.begin(), tasks.end(), [&](const LoggedTask& one) {
    return one.task.task_id == result->task_id && one.task.publisher == result->publisher;
  });
  if (task == tasks.end()) {
    return VerificationFailed("entry " + std::to_string(index) +
                              " is the result of a task that the server does not show");
  }
  task->results.push_back({*std::move(result), index});
  return {};
}

}  // namespace

Result<std::vector<LoggedTask>> FetchNotices(Connection& connection, const PublishedTree& tree) {
  std::vector<LoggedTask> tasks;
  std::uint64_t offset = 0;
  for (std::size_t page = 0; page < kMaxPages; ++page) {
    TRY(const codec::JsonObject object, connection.NoticesPage(offset));
    TRY(const codec::JsonArray* notices, codec::ArrayAt(object, "notices"));
    for (const codec::Json& one : *notices) {
      TRY(const codec::JsonObject* notice, codec::AsObject(one, "notice"));
      TRY(const std::uint64_t index, CountAt(*notice, "index"));
      TRY(const Bytes entry, BytesAt(*notice, "entry"));
      if (index >= tree.size().value) continue;
      TRY(const merkle::LeafHash leaf, tree.LeafAt({index}));
      if (leaf != merkle::HashLeaf(entry)) {
        return VerificationFailed("the log has another entry at " + std::to_string(index) +
                                  " than the server shows there");
      }
      TRY_VOID(Take(index, entry, tasks));
    }
    if (object.find("next") == object.end()) return tasks;
    TRY(offset, CountAt(object, "next"));
  }
  return ResourceExhausted("the server shows more tasks than anybody reads");
}

}  // namespace salus::client
