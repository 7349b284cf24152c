// TaskRecord is what an aggregator knows of a task beside the task itself.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace salus::node {

// Source: our own, docs/formats/data-directory.md.
// Shape:  one JSON object {"study", "helper_root" (PEM), "helper_machine_url", "closed"}.
// Errors: Parse gives InvalidArgument with the member.
struct TaskRecord {
  std::string study;               // whose budget it spends; empty: the task has no noise
  std::string helper_root;         // the authority of the helper's name; at the leader
  std::string helper_machine_url;  // where the leader shows its certificate; empty: nowhere
  bool is_closed = false;          // takes no more reports

  static Result<TaskRecord> Parse(std::string_view text);
  std::string ToText() const;

  friend bool operator==(const TaskRecord&, const TaskRecord&) = default;
};

}  // namespace salus::node
