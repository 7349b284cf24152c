// NoticeLog is an aggregator's TaskLog over the node's own log: everybody can read what people's
// data is added up for, and how often. Internal to the module.
#pragma once

#include <string>

#include "aggregate/task_log.h"
#include "audit/task_notice.h"
#include "base/result.h"

namespace salus::node {

class Node;

// NoticeOf is what the log says of a task.
audit::TaskNotice NoticeOf(const aggregate::AggregatorTask& task, const std::string& origin);

class NoticeLog final : public aggregate::TaskLog {
 public:
  explicit NoticeLog(Node& node) : node_(node) {}

  Result<void> TaskCreated(const aggregate::AggregatorTask& task) override;
  Result<void> BatchCollected(const aggregate::AggregatorTask& task,
                              const aggregate::LoggedBatch& batch) override;

 private:
  Node& node_;
};

}  // namespace salus::node
