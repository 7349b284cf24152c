#include "api/aggregators.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "aggregate/task_exchange.h"
#include "base/log.h"
#include "node/aggregation.h"

namespace salus::api {

namespace {

using aggregate::DapTask;
using aggregate::OpenTask;

constexpr std::chrono::seconds kExchangeTimeout{25};  // shorter than a server's drain
constexpr std::chrono::seconds kFirstPause{1}, kLongestPause{60};

// Pause keeps a task whose helper can't be reached from being tried all the time.
struct Pause {
  std::chrono::steady_clock::time_point until{};
  std::chrono::seconds next = kFirstPause;
};

}  // namespace

Result<DapLink> HelperChannel::Connect(const DapTask& task) const {
  const auto record = node_.aggregation()->RecordOf(task.id());
  if (!record) return NotFound("the task has no record");
  DapPeer peer;
  peer.url = task.parameters().helper_url;
  peer.root_pem = record->helper_root;
  peer.machine_url = record->helper_machine_url;
  peer.identity = identity_ ? &*identity_ : nullptr;
  peer.total_timeout = kExchangeTimeout;
  return DapLink::Create(peer);
}

Result<aggregate::DapAnswer> HelperChannel::Exchange(const DapTask& task,
                                                     const aggregate::ChannelRequest& request) {
  const OpenTask* const open = node_.aggregation()->parts().store.FindTask(task.id());
  if (open == nullptr) return NotFound("there is no such task");
  Link* link = nullptr;
  {
    const std::lock_guard lock(mutex_);
    auto& slot = links_[task.id()];
    if (!slot) slot = std::make_unique<Link>();
    link = slot.get();
  }
  const std::lock_guard one_at_a_time(link->mutex);
  if (!link->link) {
    TRY(link->link, Connect(task));
  }
  node::TaskTranscripts& transcripts = node_.aggregation()->transcripts();
  aggregate::ChannelRequest signed_request = request;
  TRY(signed_request.signature,
      transcripts.Sign(aggregate::SignedRequestText(request.method, request.path, request.body)));
  auto answer = link->link->Exchange(signed_request, &open->config().aggregator_token);
  if (!answer) return std::move(answer.error()).WithContext("the helper");
  if (!answer->is_success() || answer->body.empty()) return answer;
  if (answer->signature.empty() && !std::exchange(link->is_unsigned, true)) {
    Log(LogLevel::kWarning,
        "the helper does not sign its answers: the transcript proves nothing against it",
        {{"task", std::int64_t{open->number()}}});
  }
  // Kept before anything comes of it.
  TRY_VOID(transcripts.Keep(task.id(), {.time = {},
                                        .method = std::string(request.method),
                                        .path = request.path,
                                        .request = ToBytes(request.body),
                                        .request_signature = signed_request.signature,
                                        .status = answer->status,
                                        .answer = answer->body,
                                        .answer_signature = answer->signature}));
  return answer;
}

Aggregators::Aggregators(node::Node& node, std::optional<pki::IdentityDirectory> identity)
    : node_(node),
      aggregation_(*node.aggregation()),
      channel_(node, std::move(identity)),
      leader_(aggregation_.parts(), channel_,
              {.job_reports = node.config().aggregate.job_reports,
               .late = node.config().aggregate.late}),
      helper_(aggregation_.parts()) {}

Result<std::unique_ptr<Aggregators>> Aggregators::Start(node::Node& node) {
  const node::Config::Aggregate& config = node.config().aggregate;
  std::optional<pki::IdentityDirectory> identity;
  if (!config.identity.empty()) {
    TRY(identity, pki::IdentityDirectory::Open(config.identity));
  }
  std::unique_ptr<Aggregators> started(new Aggregators(node, std::move(identity)));
  if (config.is_leader) {
    for (unsigned i = 0; i < config.threads; ++i) {
      started->threads_.emplace_back(
          [a = started.get(), i](std::stop_token stop) { a->Work(std::move(stop), i); });
    }
  }
  started->threads_.emplace_back(
      [a = started.get()](std::stop_token stop) { a->KeepUp(std::move(stop)); });
  return started;
}

Aggregators::~Aggregators() {
  for (std::jthread& thread : threads_) thread.request_stop();
  Wake();
  threads_.clear();  // joins: they use all that was declared before them
}

void Aggregators::Wake() {
  {
    const std::lock_guard lock(mutex_);
    ++wakes_;
  }
  woken_.notify_all();
}

void Aggregators::Sleep(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const std::uint64_t before = wakes_;
  woken_.wait_for(lock, stop, node_.config().aggregate.interval, [&] { return wakes_ != before; });
}

// Each task is one thread's: it is never advanced twice at a time.
void Aggregators::Work(std::stop_token stop, unsigned thread) {
  const unsigned threads = node_.config().aggregate.threads;
  std::map<aggregate::TaskId, Pause> pauses;
  while (!stop.stop_requested()) {
    bool has_moved = false;
    for (const OpenTask* task : aggregation_.parts().store.tasks()) {
      if (stop.stop_requested()) return;
      const bool is_mine =
          task->is_leader() && static_cast<std::uint64_t>(task->number()) % threads == thread;
      if (!is_mine) continue;
      Pause& pause = pauses[task->task().id()];
      const auto now = std::chrono::steady_clock::now();
      if (now < pause.until) continue;
      const Result<bool> moved = leader_.Advance(*task);
      if (moved) {
        pause = {};
        has_moved = has_moved || *moved;
        continue;
      }
      Log(LogLevel::kWarning, "an aggregation does not go on: it is tried again",
          {{"task", std::int64_t{task->number()}},
           {"reason", CodeName(moved.error().code)},
           {"detail", moved.error().message},
           {"pause_s", std::int64_t{pause.next.count()}}});
      pause.until = now + pause.next;
      pause.next = std::min(pause.next * 2, kLongestPause);
    }
    if (!has_moved) Sleep(stop);
  }
}

}  // namespace salus::api
