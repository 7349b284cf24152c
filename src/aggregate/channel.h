// Channel carries a leader's requests to its helper; the network is on its other side.
#pragma once

#include <string>
#include <string_view>

#include "aggregate/dap_answer.h"
#include "aggregate/dap_task.h"
#include "base/bytes.h"
#include "base/result.h"

namespace salus::aggregate {

// ChannelRequest goes to the helper of a task, with the task's aggregator token or certificate.
struct ChannelRequest {
  std::string_view method;      // "POST", "PUT", "GET", "DELETE"
  std::string path;             // below the helper's URL, without a slash in front: "tasks/..."
  std::string media_type = {};  // empty without a body
  ByteSpan body = {};
  std::string signature = {};  // of the caller, as task_exchange.h says; or empty
};

// Channel makes one exchange at a time for each caller.
class Channel {
 public:
  virtual ~Channel() = default;
  // Exchange sends a request and waits for the answer, whatever its status.
  //
  // Errors: Unavailable when there is no answer: the helper may have had the request or not.
  virtual Result<DapAnswer> Exchange(const DapTask& task, const ChannelRequest& request) = 0;
};

}  // namespace salus::aggregate
