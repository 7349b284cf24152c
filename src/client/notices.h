// Notices are what people's data is and was added up for, as a server shows them: believed only as
// entries of the log whose key is pinned.
#pragma once

#include <optional>
#include <vector>

#include "audit/task_notice.h"
#include "base/result.h"
#include "client/connection.h"
#include "client/published_tree.h"

namespace salus::client {

// LoggedTask is a task with what came of it so far, by the word of who announced it. Another may
// announce a task of the same id: that is another LoggedTask.
struct LoggedTask {
  audit::TaskNotice task;
  std::uint64_t entry = 0;
  struct LoggedResult {
    audit::ResultNotice result;
    std::uint64_t entry = 0;
  };
  std::vector<LoggedResult> results;
};

// FetchNotices asks for all notices and finds each of them in the tree. One that the tree does not
// reach yet is left out: the next checkpoint has it.
//
// Source: docs/formats/http-api.md, GET /audit/v1/tasks. What it can't show: that the server left
//         none out; who follows the whole log sees every entry of kind 7.
// Errors: VerificationFailed for an entry that is not in the log, or is no notice; those of
//         NoticesPage and of PublishedTree.
Result<std::vector<LoggedTask>> FetchNotices(Connection& connection, const PublishedTree& tree);

}  // namespace salus::client
