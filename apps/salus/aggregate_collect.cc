// salus aggregate collect: a batch's result, for who has the collector's key.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "aggregate/dap_collector.h"
#include "aggregate/dap_media_type.h"
#include "aggregate/task_transcript.h"
#include "apps/salus/aggregate_tables.h"
#include "apps/salus/dap_commands.h"
#include "apps/salus/stop_signals.h"
#include "codec/rfc3339.h"
#include "crypto/sha256.h"
#include "storage/posix_file_system.h"

namespace salus::cli {

namespace {

using aggregate::BatchMode;
using aggregate::ChannelRequest;
using aggregate::CollectionJobId;
using aggregate::CollectionJobReq;
using aggregate::DapAnswer;
using aggregate::DapCollector;
using aggregate::DapMessageType;
using aggregate::DapVersion;
using aggregate::TaskFile;

constexpr std::chrono::milliseconds kPoll{250};
constexpr std::uint64_t kDefaultTimeout = 600;

Result<Timestamp> BorderOf(Session& session, std::string_view text) {
  if (const auto day = codec::ParseDay(text)) return Timestamp(*day);
  const auto time = codec::ParseRfc3339(text);
  if (!time) {
    return session.Usage("--interval: FROM/TO, each a day or a time such as 2026-12-01T10:00:00Z");
  }
  return *time;
}

Result<CollectionJobReq> RequestOf(Session& session, const DapCollector& collector) {
  const Arguments& given = session.arguments();
  if (given.Has("--interval") == given.Has("--next")) {
    return session.Usage("say which batch: --interval FROM/TO, or --next");
  }
  if (given.Has("--next")) {
    auto request = collector.RequestNextBatch();
    if (!request) return session.Usage("--next: " + request.error().message);
    return request;
  }
  const std::string text = given.Text("--interval");
  const std::size_t slash = std::min(text.find('/'), text.size());
  TRY(const Timestamp begin, BorderOf(session, std::string_view(text).substr(0, slash)));
  TRY(const Timestamp end,
      BorderOf(session, std::string_view(text).substr(std::min(slash + 1, text.size()))));
  auto request = collector.RequestInterval(begin, end);
  if (!request) return session.Usage("--interval: " + request.error().message);
  return request;
}

// Collection is one job at the leader.
class CollectionJob {
 public:
  // A transcript may be null.
  CollectionJob(Session& session, const TaskFile& file, api::DapLink link,
                aggregate::TaskTranscript* transcript)
      : session_(session), file_(file), link_(std::move(link)), transcript_(transcript) {}

  // Begin is answered with the batch at once, or with nothing yet.
  Result<Bytes> Begin(const CollectionJobReq& request) {
    const Bytes body = request.Encode(version());
    const bool is_09 = version() == DapVersion::k09;
    std::string path = "tasks/" + file_.task.id().ToText() + "/collection_jobs";
    if (is_09) path += "/" + JobFor(body).ToText();
    TRY(const DapAnswer answer,
        Ask({.method = is_09 ? "PUT" : "POST",
             .path = path,
             .media_type = std::string(MediaType(version(), DapMessageType::kCollectionJobReq)),
             .body = body}));
    if (!answer.is_success()) return RefusedBy(link_, answer);
    path_ = is_09 ? path : answer.location;
    if (path_.empty()) return Unavailable(link_.url() + " did not say where the job is");
    return is_09 ? Bytes() : answer.body;
  }

  Result<Bytes> Poll() {
    const std::string_view method = version() == DapVersion::k09 ? "POST" : "GET";
    TRY(const DapAnswer answer, Ask({.method = method, .path = path_}));
    if (!answer.is_success()) return RefusedBy(link_, answer);
    return answer.status == 202 ? Bytes() : answer.body;
  }

  // Forget lets the leader go on to the next batch; this one is never collected again.
  Result<void> Forget() {
    TRY(const DapAnswer answer, Ask({.method = "DELETE", .path = path_}));
    return answer.is_success() ? Result<void>() : RefusedBy(link_, answer);
  }

 private:
  DapVersion version() const { return file_.task.version(); }

  // Ask keeps what the leader gives.
  Result<DapAnswer> Ask(const ChannelRequest& request) {
    TRY(DapAnswer answer, link_.Exchange(request, &file_.collector_token));
    const bool is_given = answer.is_success() && !answer.body.empty();
    if (transcript_ == nullptr || !is_given) return answer;
    TRY_VOID(transcript_->Append({.time = session_.clock().Now(),
                                  .method = std::string(request.method),
                                  .path = request.path,
                                  .request = ToBytes(request.body),
                                  .request_signature = {},
                                  .status = answer.status,
                                  .answer = answer.body,
                                  .answer_signature = answer.signature}));
    return answer;
  }

  // DAP-09 lets the collector name its jobs. The same interval is the same job, so that a second
  // run gets the same answer; the next batch is each time another.
  CollectionJobId JobFor(ByteSpan body) {
    if (file_.task.batch_mode() == BatchMode::kLeaderSelected) {
      return CollectionJobId::Random(session_.random());
    }
    Bytes named = ToBytes(file_.task.id().span());
    named.insert(named.end(), body.begin(), body.end());
    return *CollectionJobId::FromBytes(ByteSpan(crypto::Sha256(named)).first(16));
  }

  Session& session_;
  const TaskFile& file_;
  api::DapLink link_;
  aggregate::TaskTranscript* const transcript_;
  std::string path_;
};

Result<Bytes> WaitFor(Session& session, CollectionJob& job, std::uint64_t timeout_s) {
  const StopSignals stop;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(timeout_s);
  bool has_said = false;
  while (true) {
    TRY_VOID(StopSignals::CheckStopped());
    TRY(Bytes answer, job.Poll());
    if (!answer.empty()) return answer;
    if (!session.arguments().Has("--wait")) {
      return Unavailable("the batch is not there yet: ask again later, or with --wait");
    }
    if (!has_said) session.terminal().Say("waiting for the aggregators to finish the batch");
    has_said = true;
    if (std::chrono::steady_clock::now() >= end) {
      return Unavailable(
          "the batch did not come in time (--timeout): ask again, it is the same "
          "job");
    }
    std::this_thread::sleep_for(kPoll);
  }
}

Result<api::DapLink> LinkOf(Session& session, const TaskFile& file) {
  api::DapPeer peer;
  peer.url = file.task.parameters().leader_url;
  peer.root_pem = file.leader_root;
  if (!session.TextOr("--as", "SALUS_AS").empty()) {
    TRY(peer.identity, session.Identity());
    peer.machine_url = session.arguments().Has("--machine") ? session.arguments().Text("--machine")
                                                            : file.leader_machine_url;
    if (peer.machine_url.empty()) {
      return session.Usage("--as: say where the leader wants certificates: --machine URL");
    }
  }
  return api::DapLink::Create(peer);
}

}  // namespace

Result<ExitCode> RunAggregateCollect(Session& session) {
  TRY(const OutputFormat format, session.Format());
  TRY(const std::string path, session.Required("--task"));
  TRY(const TaskFile file, ReadTaskFile(path));
  if (file.party != aggregate::TaskParty::kCollector) {
    return session.Usage("--task: results are for who has the collector's file: collector.json");
  }
  std::uint64_t timeout_s = kDefaultTimeout;
  if (session.arguments().Has("--timeout")) {
    const auto given = ReadSeconds(session.arguments().Text("--timeout"));
    if (!given) return session.Usage("--timeout: " + given.error().message);
    timeout_s = *given;
  }
  TRY(aggregate::DapHpkeKey key,
      aggregate::DapHpkeKey::Load(*file.collector_config, *file.collector_key));
  TRY(const DapCollector collector, DapCollector::Create(file.task, std::move(key)));
  TRY(const CollectionJobReq request, RequestOf(session, collector));
  TRY(api::DapLink link, LinkOf(session, file));
  storage::PosixFileSystem fs;
  std::unique_ptr<aggregate::TaskTranscript> transcript;
  if (session.arguments().Has("--transcript")) {
    TRY(transcript, aggregate::TaskTranscript::Open(fs, session.arguments().Text("--transcript")));
  }
  CollectionJob job(session, file, std::move(link), transcript.get());
  TRY(Bytes answer, job.Begin(request));
  if (answer.empty()) {
    TRY(answer, WaitFor(session, job, timeout_s));
  }
  const auto parsed = aggregate::CollectionJobResp::Parse(file.task.version(), answer);
  if (!parsed) return VerificationFailed("the leader's answer: " + parsed.error().message);
  TRY(const aggregate::CollectedBatch batch, collector.Open(request, *parsed));
  TRY_VOID(WriteBatch(session, format, file.task, batch));
  const bool is_one_of_many = file.task.batch_mode() == BatchMode::kLeaderSelected &&
                              file.task.version() == DapVersion::k18;
  if (is_one_of_many) TRY_VOID(job.Forget());
  return ExitCode::kDone;
}

}  // namespace salus::cli
