// Aggregators is what a server does in secure aggregation: it answers clients, collectors and
// leaders, and as a leader goes on with its tasks by itself.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "aggregate/answering_aggregator.h"
#include "aggregate/channel.h"
#include "aggregate/leader.h"
#include "api/dap_link.h"
#include "base/result.h"
#include "node/node.h"
#include "pki/identity_directory.h"

namespace salus::api {

// HelperChannel carries a leader's requests to the helper of each task over HTTPS, one at a time
// for a task.
//
// Threads: safe to share.
class HelperChannel final : public aggregate::Channel {
 public:
  HelperChannel(node::Node& node, std::optional<pki::IdentityDirectory> identity)
      : node_(node), identity_(std::move(identity)) {}

  Result<aggregate::DapAnswer> Exchange(const aggregate::DapTask& task,
                                        const aggregate::ChannelRequest& request) override;

 private:
  struct Link {
    std::mutex mutex;
    std::optional<DapLink> link;  // guarded by mutex
    bool is_unsigned = false;     // what the helper answers; guarded by mutex
  };
  Result<DapLink> Connect(const aggregate::DapTask& task) const;

  node::Node& node_;
  const std::optional<pki::IdentityDirectory> identity_;
  std::mutex mutex_;
  std::map<aggregate::TaskId, std::unique_ptr<Link>> links_;  // guarded by mutex_
};

// Threads: safe to share. Its threads end with it; a request that is on its way to a helper is
//          waited for, for half a minute at most.
class Aggregators {
 public:
  // Start begins to work on the tasks of a node that has an aggregation, and outlives it.
  //
  // Errors: as pki::IdentityDirectory::Open.
  static Result<std::unique_ptr<Aggregators>> Start(node::Node& node);
  ~Aggregators();

  aggregate::Leader& leader() { return leader_; }
  aggregate::AnsweringAggregator& helper() { return helper_; }
  node::Aggregation& aggregation() { return aggregation_; }

  // Wake has the threads look for work now.
  void Wake();

 private:
  Aggregators(node::Node& node, std::optional<pki::IdentityDirectory> identity);
  void Work(std::stop_token stop, unsigned thread);
  // KeepUp gives clients new keys, and drops what studies that are over kept (aggregate_upkeep.cc).
  void KeepUp(std::stop_token stop);
  // Sleep waits for the interval, Wake, or the end.
  void Sleep(const std::stop_token& stop);

  node::Node& node_;
  node::Aggregation& aggregation_;
  HelperChannel channel_;
  aggregate::Leader leader_;
  aggregate::AnsweringAggregator helper_;
  std::mutex mutex_;
  std::condition_variable_any woken_;
  std::uint64_t wakes_ = 0;  // guarded by mutex_
  std::vector<std::jthread> threads_;
};

}  // namespace salus::api
