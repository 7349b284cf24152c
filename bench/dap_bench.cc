// Two aggregators and their reports of Sum (8 bits), end to end: uploads of a hundred reports, jobs
// of a thousand, HPKE, verification, SQLite with every commit synced. Goal: 15,000 reports/s a core
// for each aggregator, and a million reports in less than 200 MB: SALUS_DAP_REPORTS=1000000, which
// takes minutes, most of them the clients'.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <memory>
#include <string>

#include "aggregate/answering_aggregator.h"
#include "aggregate/dap_client.h"
#include "aggregate/dap_path.h"
#include "aggregate/leader.h"
#include "base/check.h"
#include "base/test_folder.h"

namespace salus::aggregate {
namespace {

constexpr std::size_t kUploadReports = 100;

template <typename T>
T Must(Result<T> result) {
  CHECK(result.has_value());
  return *std::move(result);
}
void Must(const Result<void>& result) { CHECK(result.has_value()); }

class NoLog final : public TaskLog {
 public:
  Result<void> TaskCreated(const AggregatorTask&) override { return {}; }
  Result<void> BatchCollected(const AggregatorTask&, const LoggedBatch&) override { return {}; }
};

// Processor seconds of this thread: what a core does, whoever else is on the machine. Waiting for
// the disk is not in them.
double ThreadSeconds() {
  timespec now{};
  CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Stopwatch adds up what the calls that it wraps take.
class Stopwatch {
 public:
  template <typename Work>
  auto Time(Work&& work) {
    const double begin = ThreadSeconds();
    auto result = work();
    seconds_ += ThreadSeconds() - begin;
    return result;
  }
  double seconds() const { return seconds_; }

 private:
  double seconds_ = 0;
};

struct Side {
  std::unique_ptr<PrivacyLedger> ledger;
  std::unique_ptr<BatchNoise> noise;
  std::unique_ptr<ReportStore> store;
};

// Pair is both aggregators; the helper's time is taken where the leader calls it.
class Pair final : public Channel {
 public:
  Pair()
      : clock_(Timestamp(std::chrono::milliseconds(1'790'000'000'000))),
        collector_(DapHpkeKey::Generate(1, random_)),
        task_(Must(DapTask::Create({.id = TaskId::Random(random_),
                                    .leader_url = "https://leader.example",
                                    .helper_url = "https://helper.example",
                                    .vdaf = {.circuit = Circuit::kSum, .max_measurement = 250},
                                    .interval = std::nullopt,
                                    .purpose = "speed",
                                    .statistic = {.name = "height", .unit = "cm"},
                                    .noise = std::nullopt,
                                    .task_info = {}}))) {
    Open(leader_side_, DapRole::kLeader, "leader.db");
    Open(helper_side_, DapRole::kHelper, "helper.db");
    leader_ = std::make_unique<Leader>(PartsOf(leader_side_), *this);
    helper_ = std::make_unique<AnsweringAggregator>(PartsOf(helper_side_));
    client_ = std::make_unique<DapClient>(
        Must(DapClient::Create(task_, leader_side_.store->hpke_keys().Configs(),
                               helper_side_.store->hpke_keys().Configs())));
  }

  Bytes MakeUpload() {
    UploadRequest request;
    const std::uint64_t value[] = {170};
    for (std::size_t i = 0; i < kUploadReports; ++i) {
      request.reports.push_back(Must(client_->MakeReport(value, clock_.Now(), random_)));
    }
    return request.Encode(DapVersion::k18);
  }

  void Upload(const Bytes& body) {
    const DapAnswer answer = upload_.Time([&] { return leader_->HandleUpload(task_.id(), body); });
    CHECK(answer.status == 200 && answer.body.empty());
  }

  void Aggregate() {
    const OpenTask& task = *leader_side_.store->FindTask(task_.id());
    while (aggregate_.Time([&] { return Must(leader_->Advance(task)); })) {
    }
    CHECK(Must(leader_side_.store->Count(task)).waiting == 0);
  }

  std::uint64_t aggregated() {
    return Must(helper_side_.store->Count(*helper_side_.store->FindTask(task_.id()))).aggregated;
  }

  Result<DapAnswer> Exchange(const DapTask&, const ChannelRequest& request) override {
    return helping_.Time([&]() -> Result<DapAnswer> {
      return helper_->HandleAggregationInit(task_.id(), std::nullopt, request.body);
    });
  }

  double leader_seconds() const {
    return upload_.seconds() + aggregate_.seconds() - helping_.seconds();
  }
  double upload_seconds() const { return upload_.seconds(); }
  double helper_seconds() const { return helping_.seconds(); }

 private:
  AggregatorParts PartsOf(Side& side) {
    return {.store = *side.store,
            .log = log_,
            .noise = *side.noise,
            .clock = clock_,
            .random = random_};
  }

  void Open(Side& side, DapRole role, const char* name) {
    const std::string path = (folder_ / name).string();
    side.ledger = Must(PrivacyLedger::Create(path + ".ledger"));
    side.noise = std::make_unique<BatchNoise>(
        *side.ledger, [](const DapTask&) { return std::string(); }, random_);
    side.store = Must(ReportStore::Open(path, StoreAccess::kCreate, SecretArray<32>(), random_));
    Must(side.store->AddTask({.task = task_,
                              .role = role,
                              .verify_key = SecretBytes(std::size_t{32}),
                              .collector_config = collector_.config(),
                              .aggregator_token = {},
                              .collector_token = {}}));
    Must(side.store->RotateHpkeKey(clock_.Now()));
  }

  TestFolder folder_;
  SystemRandom random_;
  FakeClock clock_;
  DapHpkeKey collector_;
  DapTask task_;
  NoLog log_;
  Side leader_side_;
  Side helper_side_;
  std::unique_ptr<Leader> leader_;
  std::unique_ptr<AnsweringAggregator> helper_;
  std::unique_ptr<DapClient> client_;
  Stopwatch upload_;
  Stopwatch aggregate_;
  Stopwatch helping_;
};

double PeakMegabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  }
  return 0;
}

// Uploads are made a few at a time, so that the clients' memory is not counted with the rest.
void AggregateSum(benchmark::State& state) {
  const char* const asked = std::getenv("SALUS_DAP_REPORTS");
  const std::size_t reports = asked == nullptr ? 20'000 : std::strtoull(asked, nullptr, 10);
  for (auto _ : state) {
    Pair pair;
    for (std::size_t made = 0; made < reports; made += kUploadReports) {
      pair.Upload(pair.MakeUpload());
      // The queue holds up to ten jobs, as it does behind clients that do not come all at once.
      if (made % (100 * kUploadReports) == 0) pair.Aggregate();
    }
    pair.Aggregate();
    CHECK(pair.aggregated() >= reports);
    state.SetIterationTime(pair.leader_seconds() + pair.helper_seconds());
    const auto count = static_cast<double>(pair.aggregated());
    state.counters["leader/s"] = count / pair.leader_seconds();
    state.counters["upload/s"] = count / pair.upload_seconds();
    state.counters["helper/s"] = count / pair.helper_seconds();
    state.counters["peak_MB"] = PeakMegabytes();
  }
}
BENCHMARK(AggregateSum)->Iterations(1)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace salus::aggregate

BENCHMARK_MAIN();
