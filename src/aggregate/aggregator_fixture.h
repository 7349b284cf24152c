// Two aggregators in one process, with clients, a collector, and everything that can go wrong. Test
// code only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aggregate/answering_aggregator.h"
#include "aggregate/dap_client.h"
#include "aggregate/dap_collector.h"
#include "aggregate/leader.h"
#include "base/test_folder.h"

namespace salus::aggregate {

// PowerCut lets the power fail at the n-th moment from now: before a transaction is durable or
// after, in turn. From then on nothing works until the aggregator is opened anew.
class PowerCut {
 public:
  void At(std::uint64_t moment) { left_ = moment + 1; }
  void Never() { left_ = 0; }
  void Restore() { is_dead_ = false; }
  bool is_dead() const { return is_dead_; }
  std::uint64_t moments() const { return moments_; }
  CommitProbe Probe();

 private:
  std::uint64_t left_ = 0;  // 0: never
  std::uint64_t moments_ = 0;
  bool is_dead_ = false;
};

// KeptLog keeps what is logged, once each, as a log would.
class KeptLog final : public TaskLog {
 public:
  Result<void> TaskCreated(const AggregatorTask& task) override;
  Result<void> BatchCollected(const AggregatorTask& task, const LoggedBatch& batch) override;

  std::vector<std::string> purposes;
  std::map<Bytes, LoggedBatch> batches;  // by selector
  bool refuses = false;
  std::uint64_t contradictions = 0;  // a batch logged with other values than before
};

// AggregatorSide is one aggregator with its file.
struct AggregatorSide {
  std::string path;
  SecretArray<32> key;
  PowerCut power;
  KeptLog log;
  std::unique_ptr<PrivacyLedger> ledger;
  std::unique_ptr<BatchNoise> noise;
  std::unique_ptr<ReportStore> store;
};

// MemoryFolder is where a file needs no disk: the power fails in these tests only as PowerCut says,
// and then what was committed is there. Thousands of restarts would wait for nothing else.
std::filesystem::path MemoryFolder();

// TwoAggregators have one task between them.
class TwoAggregators : public Channel {
 public:
  struct Setup {
    DapVersion version = DapVersion::k18;
    BatchMode mode = BatchMode::kTimeInterval;
    VdafInstance vdaf = {.circuit = Circuit::kSum, .max_measurement = 250};
    std::uint64_t min_batch_size = 3;
    std::optional<DapInterval> interval = std::nullopt;
    std::size_t job_reports = 1024;
    std::optional<DapNoise> noise = std::nullopt;
    std::uint64_t budget = 2;  // of the study, in epsilon
    std::uint64_t seed = 1;
  };
  explicit TwoAggregators(const Setup& setup);
  static constexpr std::string_view kStudy = "study-1";
  ~TwoAggregators() override;

  // OpenLeader and OpenHelper begin anew from what is in the file, as after a crash.
  void OpenLeader();
  void OpenHelper();

  // MakeReport is an honest client's report, made now.
  DapReport MakeReport(std::uint64_t measurement);
  DapReport MakeReport(std::uint64_t measurement, std::uint64_t time);
  // MakeLyingReport has a leader's share that is not the one that was proven.
  DapReport MakeLyingReport(std::uint64_t measurement);
  // MakeSplittingReport is valid to a helper that trusts its own share only, and tells the leader
  // another joint randomness. For a SumVec of one number, whose bits are all 1.
  DapReport MakeSplittingReport();
  // Upload sends reports, and is the error of each: nullopt where it was taken. Nothing when the
  // leader could not answer.
  std::optional<std::vector<std::optional<ReportError>>> Upload(
      const std::vector<DapReport>& reports);
  // JobRequestFor is a leader's request for these reports, whatever its store says of them.
  Bytes JobRequestFor(const std::vector<DapReport>& reports,
                      const std::optional<BatchId>& batch = std::nullopt);
  // Run advances until nothing moves. False: something failed.
  bool Run();

  // Collect asks for a batch and waits for it, and for its time to be over.
  CollectionJobReq RequestFor(const DapInterval& interval) const;
  CollectionJobReq RequestForNext() const;
  // PassInterval waits until a batch by time may be closed.
  void PassInterval(const CollectionJobReq& request);
  // BeginCollection is the job's id, which DAP-09 lets the collector choose; or nothing.
  std::optional<CollectionJobId> BeginCollection(const CollectionJobReq& request,
                                                 const CollectionJobId& chosen);
  std::optional<CollectionJobId> BeginCollection(const CollectionJobReq& request) {
    return BeginCollection(request, CollectionJobId::Random(random));
  }
  std::optional<CollectedBatch> OpenAnswer(const CollectionJobReq& request,
                                           const DapAnswer& answer);
  std::optional<CollectedBatch> Collect(const CollectionJobReq& request);

  // Exchange is what the leader's requests go through.
  Result<DapAnswer> Exchange(const DapTask& task, const ChannelRequest& request) override;
  DapAnswer Dispatch(const ChannelRequest& request);

  const DapCollector& collector() const { return *collector_; }
  AggregatorParts LeaderParts() { return PartsOf(leader_side); }
  const OpenTask& leader_task() const { return *leader_side.store->FindTask(task_id); }
  const OpenTask& helper_task() const { return *helper_side.store->FindTask(task_id); }
  std::uint64_t Now() const { return leader_task().task().TimeOf(clock.Now()); }
  DapInterval BucketNow() const { return leader_task().task().BucketOf(Now()); }

  FakeClock clock;
  SeededRandom random;
  TestFolder folder;
  AggregatorSide leader_side;
  AggregatorSide helper_side;
  std::unique_ptr<Leader> leader;
  std::unique_ptr<AnsweringAggregator> helper;
  TaskId task_id;
  DapAnswer last_answer;

  // What goes wrong in the channel: the next so many requests, or answers, are lost.
  std::uint64_t lose_requests = 0;
  std::uint64_t lose_answers = 0;
  std::uint64_t exchanges = 0;
  // Sees what passes between the two, and may change the answer.
  std::function<void(const ChannelRequest&, DapAnswer&)> watcher;

 private:
  void OpenSide(AggregatorSide& side);
  AggregatorParts PartsOf(AggregatorSide& side);
  DapReport SealReport(const Shards& shards, const ReportMetadata& metadata);

  Setup setup_;
  std::unique_ptr<const Prio3> prio3_;
  std::unique_ptr<const DapTask> task_;
  std::unique_ptr<const DapCollector> collector_;
};

}  // namespace salus::aggregate
