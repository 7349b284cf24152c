// Every report has a bucket of a histogram of its own: a legal result is 0 or 1 in each, 2 is a
// report counted twice, anything else two aggregators that counted different reports.
#include <gtest/gtest.h>

#include <cstdlib>

#include "aggregate/aggregator_fixture.h"
#include "aggregate/sealed_share.h"

namespace salus::aggregate {
namespace {

struct Fault {
  bool is_leaders = true;
  std::uint64_t moment = 0;
};

TwoAggregators::Setup HistogramOf(std::uint32_t buckets) {
  return {.vdaf = {.circuit = Circuit::kHistogram, .length = buckets, .chunk_length = 4},
          .min_batch_size = 1};
}

// Power is back on whichever side lost it.
void Repair(TwoAggregators& two) {
  if (two.leader_side.power.is_dead()) two.OpenLeader();
  if (two.helper_side.power.is_dead()) two.OpenHelper();
}

// A client sends until it is told that the report is there.
void UploadUntilTaken(TwoAggregators& two, const std::vector<DapReport>& reports) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    if (two.Upload(reports)) return;
    Repair(two);
  }
  FAIL() << "the leader does not take reports";
}

void RunUntilIdle(TwoAggregators& two) {
  for (int attempt = 0; attempt < 10; ++attempt) {
    if (two.Run()) return;
    Repair(two);
  }
  FAIL() << "the aggregators do not finish";
}

std::optional<CollectedBatch> CollectUntilThere(TwoAggregators& two,
                                                const CollectionJobReq& request) {
  const CollectionJobId chosen = CollectionJobId::Random(two.random);
  std::optional<CollectionJobId> id;
  two.PassInterval(request);
  for (int attempt = 0; attempt < 10; ++attempt) {
    if (!id) id = two.BeginCollection(request, chosen);
    if (id && two.Run()) {
      const auto collected =
          two.OpenAnswer(request, two.leader->HandleCollectionPoll(two.task_id, *id));
      if (collected) return collected;
    }
    Repair(two);
  }
  return std::nullopt;
}

// Runs a task from its first report to its result, with one power failure.
void RunWith(TwoAggregators::Setup setup, const Fault& fault, bool& was_hit) {
  constexpr std::uint32_t kReports = 6;
  setup.job_reports = 2;
  TwoAggregators two(setup);
  PowerCut& power = fault.is_leaders ? two.leader_side.power : two.helper_side.power;
  power.At(fault.moment);
  std::vector<DapReport> reports;
  for (std::uint32_t i = 0; i < kReports; ++i) reports.push_back(two.MakeReport(i));
  UploadUntilTaken(two, {reports[0], reports[1], reports[2]});
  RunUntilIdle(two);
  UploadUntilTaken(two, {reports[3], reports[2]});
  UploadUntilTaken(two, {reports[4], reports[5]});
  const CollectionJobReq request = setup.mode == BatchMode::kTimeInterval
                                       ? two.RequestFor(two.BucketNow())
                                       : two.RequestForNext();
  const auto collected = CollectUntilThere(two, request);
  ASSERT_TRUE(collected);
  EXPECT_EQ(collected->report_count, kReports);
  EXPECT_EQ(collected->sums, std::vector<__int128>(kReports, 1));
  EXPECT_EQ(two.leader_side.log.contradictions + two.helper_side.log.contradictions, 0u);
  // Whoever asks again gets the same; in DAP-09 another job is another batch.
  if (setup.version == DapVersion::k18) {
    const auto again = CollectUntilThere(two, request);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->sums, collected->sums);
  } else {
    EXPECT_FALSE(two.BeginCollection(request, CollectionJobId::Random(two.random)));
  }
  was_hit = power.moments() > fault.moment;
}

bool IsNight() { return std::getenv("SALUS_NIGHTLY") != nullptr; }

// Every stride-th moment by day.
void RunAllMoments(const TwoAggregators::Setup& setup, std::uint64_t stride) {
  if (IsNight()) stride = 1;
  for (const bool is_leaders : {true, false}) {
    bool was_hit = true;
    for (std::uint64_t moment = 0; was_hit; moment += stride) {
      SCOPED_TRACE(std::string(is_leaders ? "leader" : "helper") + " at moment " +
                   std::to_string(moment));
      RunWith(setup, {is_leaders, moment}, was_hit);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

TEST(AggregatorFaults, NoMomentOfAPowerFailureCountsTwiceOrLoses) {
  RunAllMoments(HistogramOf(6), 1);
}

TEST(AggregatorFaults, NorInTheLeaderSelectedMode) {
  TwoAggregators::Setup setup = HistogramOf(6);
  setup.mode = BatchMode::kLeaderSelected;
  setup.min_batch_size = 6;
  RunAllMoments(setup, 3);
}

TEST(AggregatorFaults, NorInDap09) {
  TwoAggregators::Setup setup = HistogramOf(6);
  setup.version = DapVersion::k09;
  RunAllMoments(setup, 3);
}

// Ends the task of a side and drops its ids, however often the power fails meanwhile.
void EndUntilPruned(TwoAggregators& two, bool is_leaders) {
  AggregatorSide& side = is_leaders ? two.leader_side : two.helper_side;
  for (int attempt = 0; attempt < 5; ++attempt) {
    const OpenTask& task = *side.store->FindTask(two.task_id);
    const auto has_ended = side.store->EndTask(task, two.clock.Now());
    Result<std::size_t> dropped = std::size_t{1};
    while (has_ended && *has_ended && dropped && *dropped > 0) {
      dropped = side.store->PruneTask(task, 2);
    }
    if (has_ended && dropped) {
      ASSERT_TRUE(*has_ended);
      return;
    }
    // The power may fail between the two, and before or after the ids are gone.
    Repair(two);
  }
  FAIL() << "the task does not end";
}

// What is not collected when its task ends is known by ids that are dropped then. Whenever the
// power fails: all of it comes again, to both, and counts once.
void EndWith(TwoAggregators::Setup setup, const Fault& fault, bool& was_hit) {
  constexpr std::uint32_t kReports = 6;
  setup.job_reports = 2;
  TwoAggregators two(setup);
  std::vector<DapReport> reports;
  for (std::uint32_t i = 0; i < kReports; ++i) reports.push_back(two.MakeReport(i));
  const CollectionJobReq request = setup.mode == BatchMode::kTimeInterval
                                       ? two.RequestFor(two.BucketNow())
                                       : two.RequestForNext();
  UploadUntilTaken(two, reports);
  RunUntilIdle(two);
  PowerCut& power = fault.is_leaders ? two.leader_side.power : two.helper_side.power;
  const std::uint64_t begin = power.moments();
  power.At(fault.moment);
  for (const bool is_leaders : {true, false}) {
    EndUntilPruned(two, is_leaders);
    UploadUntilTaken(two, reports);
    RunUntilIdle(two);
  }
  two.OpenLeader();
  two.OpenHelper();
  UploadUntilTaken(two, reports);
  RunUntilIdle(two);
  const auto collected = CollectUntilThere(two, request);
  ASSERT_TRUE(collected);
  EXPECT_EQ(collected->sums, std::vector<__int128>(kReports, 1));
  was_hit = power.moments() - begin > fault.moment;
}

TEST(AggregatorFaults, NorWhenATaskEnds) {
  for (const BatchMode mode : {BatchMode::kTimeInterval, BatchMode::kLeaderSelected}) {
    TwoAggregators::Setup setup = HistogramOf(6);
    setup.mode = mode;
    if (mode == BatchMode::kLeaderSelected) setup.min_batch_size = 6;
    for (const bool is_leaders : {true, false}) {
      bool was_hit = true;
      for (std::uint64_t moment = 0; was_hit; ++moment) {
        SCOPED_TRACE(std::string(is_leaders ? "leader" : "helper") + " at moment " +
                     std::to_string(moment));
        EndWith(setup, {is_leaders, moment}, was_hit);
        if (HasFailure()) return;
      }
    }
  }
}

// What a random sequence of acts and mishaps may do, and what must be true in the end.
class Sequence {
 public:
  explicit Sequence(std::uint64_t seed)
      : random_(seed), two_([&] {
          TwoAggregators::Setup setup = HistogramOf(kBuckets);
          setup.version = random_.Below(2) == 0 ? DapVersion::k18 : DapVersion::k09;
          setup.job_reports = 1 + random_.Below(4);
          setup.min_batch_size = 1 + random_.Below(4);
          setup.seed = seed;
          return setup;
        }()) {}

  void Run() {
    for (int step = 0; step < 40; ++step) {
      Step();
      if (::testing::Test::HasFailure()) return;
    }
    Finish();
  }

 private:
  static constexpr std::uint32_t kBuckets = 24;

  struct Sent {
    DapReport report;
    std::uint32_t bucket = 0;
    bool is_honest = true;
    bool is_taken = false;     // the client was told so
    bool is_in_doubt = false;  // the leader failed while it had it
  };

  void Step() {
    switch (random_.Below(12)) {
      case 0:
      case 1:
      case 2:
        return Send(true);
      case 3:
        return Send(false);
      case 4:
        return Resend();
      case 5:
      case 6:
        return Settle(two_.leader->Advance(two_.leader_task()).has_value());
      case 7:
        two_.lose_answers = random_.Below(2);
        two_.lose_requests = random_.Below(2);
        return;
      case 8:
        two_.leader_side.power.At(random_.Below(8));
        return;
      case 9:
        two_.helper_side.power.At(random_.Below(4));
        return;
      case 10:
        return Rotate();
      default:
        return Begin();
    }
  }

  void Settle(bool worked) {
    if (!worked) Repair(two_);
  }

  void Send(bool is_honest) {
    if (next_bucket_ == kBuckets) return;
    Sent sent{.report = {}, .bucket = next_bucket_++, .is_honest = is_honest};
    // Of this hour, or late.
    sent.report = is_honest ? two_.MakeReport(sent.bucket, two_.Now() - random_.Below(2))
                            : two_.MakeLyingReport(sent.bucket);
    sent_.push_back(std::move(sent));
    Offer(sent_.back());
  }

  void Resend() {
    if (!sent_.empty()) Offer(sent_[random_.Below(sent_.size())]);
  }

  void Offer(Sent& sent) {
    const auto errors = two_.Upload({sent.report});
    if (!errors) {
      sent.is_in_doubt = true;
      return Settle(false);
    }
    if (!(*errors)[0]) sent.is_taken = true;
  }

  void Rotate() {
    two_.clock.Advance(std::chrono::minutes(1));
    const bool rotated = two_.leader_side.store->RotateHpkeKey(two_.clock.Now()).has_value() &&
                         two_.helper_side.store->RotateHpkeKey(two_.clock.Now()).has_value();
    Settle(rotated);
  }

  // A collection of the hour; the clients go on in the next.
  void Begin() {
    const CollectionJobReq request = two_.RequestFor(two_.BucketNow());
    const auto id = two_.BeginCollection(request, CollectionJobId::Random(random_));
    Settle(two_.last_answer.status < 500);
    if (!id) return;
    begun_.insert_or_assign(*id, request);
    if (random_.Below(2) == 0) two_.clock.Advance(std::chrono::hours(1));
  }

  void Finish() {
    two_.leader_side.power.Never();
    two_.helper_side.power.Never();
    two_.lose_answers = two_.lose_requests = 0;
    Repair(two_);
    for (Sent& sent : sent_) {
      if (!sent.is_taken) Offer(sent);
    }
    two_.clock.Advance(std::chrono::hours(2));
    RunUntilIdle(two_);
    CountAll();
  }

  void CountAll();

  SeededRandom random_;
  TwoAggregators two_;
  std::uint32_t next_bucket_ = 0;
  std::vector<Sent> sent_;
  std::map<CollectionJobId, CollectionJobReq> begun_;
};

// Collects every hour that was not, and adds up all results there are.
void Sequence::CountAll() {
  std::vector<__int128> total(kBuckets, 0);
  std::uint64_t count = 0;
  const auto add = [&](const CollectedBatch& collected) {
    for (std::size_t i = 0; i < kBuckets; ++i) total[i] += collected.sums[i];
    count += collected.report_count;
  };
  for (const auto& [id, request] : begun_) {
    const auto collected =
        two_.OpenAnswer(request, two_.leader->HandleCollectionPoll(two_.task_id, id));
    if (collected) add(*collected);
  }
  const auto held = two_.leader_side.store->tasks();
  ASSERT_EQ(held.size(), 1u);
  // What was not collected is still there, in equal measure on both sides.
  const DapBatchSelector all = DapBatchSelector::ForInterval(
      {.start = 0, .duration = two_.BucketNow().start + two_.BucketNow().duration});
  const BucketRange range = RangeOf(*held[0], all);
  const auto leaders = two_.leader_side.store->ReadBatch(two_.leader_task(), range);
  const auto helpers = two_.helper_side.store->ReadBatch(two_.helper_task(), range);
  ASSERT_TRUE(leaders && helpers);
  EXPECT_EQ(leaders->count, helpers->count);
  EXPECT_EQ(leaders->checksum, helpers->checksum);
  std::vector<SecretBytes> shares;
  shares.push_back(leaders->share.Clone());
  shares.push_back(helpers->share.Clone());
  const auto sum = two_.leader_task().prio3().Unshard(shares, leaders->count);
  ASSERT_TRUE(sum);
  for (const Sent& sent : sent_) {
    const auto counted = (*sum)[sent.bucket];
    if (!sent.is_honest) {
      EXPECT_EQ(counted, 0u) << "bucket " << sent.bucket;
    } else if (sent.is_taken || !sent.is_in_doubt) {
      EXPECT_EQ(counted, sent.is_taken ? 1u : 0u) << "bucket " << sent.bucket;
    } else {
      EXPECT_LE(counted, 1u) << "bucket " << sent.bucket;
    }
    EXPECT_LE(total[sent.bucket], counted) << "collected, bucket " << sent.bucket;
  }
  EXPECT_LE(count, leaders->count);
  EXPECT_EQ(two_.leader_side.log.contradictions + two_.helper_side.log.contradictions, 0u);
}

TEST(AggregatorFaults, NoSequenceOfMishapsCountsTwiceOrLoses) {
  const std::uint64_t sequences = IsNight() ? 2'000 : 100;
  for (std::uint64_t seed = 1; seed <= sequences; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Sequence(seed).Run();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace salus::aggregate
