#include "aggregate/report_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <thread>

#include "aggregate/aggregator_fixture.h"
#include "aggregate/sealed_share.h"
#include "aggregate/share_access.h"
#include "base/endian.h"

namespace salus::aggregate {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

std::uint8_t CurrentKey(const TwoAggregators& two) {
  return two.leader_side.store->hpke_keys().Configs().configs.at(0).id;
}

NewReport Plain(const TwoAggregators& two, std::uint64_t number, ByteSpan body) {
  std::array<std::uint8_t, 16> id{};
  StoreBe(id.data(), number);
  return {.id = ReportId(id), .bucket = std::nullopt, .config_id = CurrentKey(two), .body = body};
}

TEST(ReportStore, IsMadeOnceAndOpenedWithItsKeyOnly) {
  TwoAggregators two({});
  EXPECT_EQ(
      ReportStore::Open(two.leader_side.path, StoreAccess::kCreate, two.leader_side.key, two.random)
          .error()
          .code,
      ErrorCode::kAlreadyExists);
  two.leader.reset();
  two.leader_side.store.reset();
  EXPECT_EQ(
      ReportStore::Open(two.leader_side.path, StoreAccess::kOpen, two.helper_side.key, two.random)
          .error()
          .code,
      ErrorCode::kCorruption);
  EXPECT_EQ(ReportStore::Open(two.leader_side.path + ".none", StoreAccess::kOpen,
                              two.helper_side.key, two.random)
                .error()
                .code,
            ErrorCode::kNotFound);
  two.OpenLeader();
  EXPECT_EQ(two.leader_task().config().task.parameters().purpose, "how tall people are");
}

TEST(ReportStore, KeepsSecretsSealed) {
  TwoAggregators two({});
  const auto token = two.leader_task().config().aggregator_token.view(ShareAccess::Token());
  const auto verify_key = two.leader_task().config().verify_key.view(ShareAccess::Token());
  for (const char* const suffix : {"", "-wal"}) {
    std::ifstream file(two.leader_side.path + suffix, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(bytes.find(AsText(token)), std::string::npos);
    EXPECT_EQ(bytes.find(AsText(verify_key)), std::string::npos);
  }
}

TEST(ReportStore, RefusesAnotherTaskUnderAnId) {
  TwoAggregators two({});
  const AggregatorTask& known = two.leader_task().config();
  const auto same = [&](std::string_view token) {
    return two.leader_side.store->AddTask({.task = known.task,
                                           .role = known.role,
                                           .verify_key = known.verify_key.Clone(),
                                           .collector_config = known.collector_config,
                                           .aggregator_token = SecretBytes(AsBytes(token)),
                                           .collector_token = known.collector_token.Clone()});
  };
  EXPECT_EQ(same("another token").error().code, ErrorCode::kConflict);
  EXPECT_EQ(same(AsText(known.aggregator_token.view(ShareAccess::Token()))).value(),
            &two.leader_task());
}

TEST(ReportStore, AdmitsAReportOnceHoweverManyThreadsBringIt) {
  TwoAggregators two({.mode = BatchMode::kLeaderSelected});
  const Bytes body(100, 7);
  constexpr int kThreads = 4;
  constexpr int kReports = 200;
  std::array<int, kThreads> taken{};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (std::uint64_t i = 0; i < kReports; ++i) {
          // Its own, and one that all bring.
          const NewReport reports[] = {Plain(two, 1000 * static_cast<std::uint64_t>(t) + i, body),
                                       Plain(two, 1'000'000 + i, body)};
          const auto admitted = two.leader_side.store->AddReports(two.leader_task(), reports);
          ASSERT_TRUE(admitted);
          EXPECT_EQ((*admitted)[0], Admission::kTaken);
          if ((*admitted)[1] == Admission::kTaken) ++taken[static_cast<std::size_t>(t)];
        }
      });
    }
  }
  EXPECT_EQ(taken[0] + taken[1] + taken[2] + taken[3], kReports);
  const auto counts = two.leader_side.store->Count(two.leader_task());
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->waiting, (kThreads + 1) * kReports);
  const auto waiting = two.leader_side.store->ReadWaiting(two.leader_task(), 10'000);
  ASSERT_TRUE(waiting);
  EXPECT_EQ(waiting->size(), (kThreads + 1) * kReports);
}

TEST(ReportStore, GivesEveryReportAPlaceOfItsOwn) {
  TwoAggregators two({.mode = BatchMode::kLeaderSelected});
  ReportStore& store = *two.leader_side.store;
  const Bytes body(10, 1);
  const NewReport first[] = {Plain(two, 1, body), Plain(two, 2, body), Plain(two, 1, body)};
  ASSERT_THAT(store.AddReports(two.leader_task(), first).value(),
              ElementsAre(Admission::kTaken, Admission::kTaken, Admission::kReplayed));
  const auto waiting = store.ReadWaiting(two.leader_task(), 10).value();
  ASSERT_EQ(waiting.size(), 2u);
  LeaderJob job;
  job.first_place = waiting[0].place;
  job.last_place = waiting[1].place;
  JobOutcome outcome;
  EXPECT_EQ(store.FinishJob(two.leader_task(), job, outcome).error().code, ErrorCode::kConflict);
  outcome.refused[ReportError::kReportDropped] = 2;
  ASSERT_TRUE(store.FinishJob(two.leader_task(), job, outcome));
  EXPECT_EQ(store.FinishJob(two.leader_task(), job, outcome).error().code, ErrorCode::kConflict);
  const NewReport next[] = {Plain(two, 3, body), Plain(two, 2, body)};
  ASSERT_THAT(store.AddReports(two.leader_task(), next).value(),
              ElementsAre(Admission::kTaken, Admission::kReplayed));
  EXPECT_GT(store.ReadWaiting(two.leader_task(), 10).value()[0].place, waiting[1].place);
}

TEST(ReportStore, HoldsABatchForOneCollectionOnly) {
  TwoAggregators two({});
  ReportStore& store = *two.leader_side.store;
  const OpenTask& task = two.leader_task();
  const auto collection = [&](std::uint64_t start, std::uint64_t duration, CollectionState state) {
    Collection c;
    c.id = CollectionJobId::Random(two.random);
    c.state = state;
    c.range = RangeOf(task, DapBatchSelector::ForInterval({start, duration}));
    return c;
  };
  const auto begin = [&](const Collection& c) {
    return store.BeginCollection(task, c, CollectionName::kId);
  };
  Collection held = collection(10, 5, CollectionState::kWaiting);
  Collection late = collection(14, 5, CollectionState::kWaiting);
  ASSERT_TRUE(begin(held) && begin(late));
  held.state = late.state = CollectionState::kClosing;
  ASSERT_TRUE(store.MoveCollection(task, CollectionState::kWaiting, held));
  EXPECT_EQ(store.MoveCollection(task, CollectionState::kWaiting, late).error().code,
            ErrorCode::kConflict);
  for (const std::uint64_t start : {6u, 10u, 12u, 14u}) {
    EXPECT_EQ(begin(collection(start, 5, CollectionState::kWaiting)).error().code,
              ErrorCode::kConflict);
  }
  EXPECT_TRUE(begin(collection(5, 5, CollectionState::kClosing)));
  EXPECT_TRUE(begin(collection(15, 5, CollectionState::kClosing)));
  // One that failed lets go; one that was deleted after it was finished never does.
  held.state = CollectionState::kFailed;
  ASSERT_TRUE(store.MoveCollection(task, CollectionState::kClosing, held));
  const Collection again = collection(10, 5, CollectionState::kFinished);
  ASSERT_TRUE(begin(again));
  ASSERT_TRUE(store.DeleteCollection(task, again.id).value());
  EXPECT_EQ(begin(collection(12, 1, CollectionState::kClosing)).error().code, ErrorCode::kConflict);
  EXPECT_EQ(store.MoveCollection(task, CollectionState::kFinished, again).error().code,
            ErrorCode::kFailedPrecondition);
}

TEST(ReportStore, BeginsACollectionOnceAndMovesItFromWhereItIs) {
  TwoAggregators two({});
  ReportStore& store = *two.leader_side.store;
  const OpenTask& task = two.leader_task();
  const auto with_request = [&](std::uint8_t request) {
    Collection c;
    c.id = CollectionJobId::Random(two.random);
    c.request = {request};
    c.range = RangeOf(task, DapBatchSelector::ForInterval({10u + request, 1}));
    return c;
  };
  Collection first = with_request(1);
  ASSERT_TRUE(store.BeginCollection(task, first, CollectionName::kRequest)->is_new);
  const auto second = store.BeginCollection(task, with_request(1), CollectionName::kRequest);
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->is_new);
  EXPECT_EQ(second->collection.id, first.id);
  EXPECT_FALSE(store.BeginCollection(task, first, CollectionName::kId)->is_new);
  EXPECT_TRUE(store.BeginCollection(task, with_request(2), CollectionName::kRequest)->is_new);
  // Two that close it: the later would move the place up to which it waits for reports.
  first.state = CollectionState::kClosing;
  ASSERT_TRUE(store.MoveCollection(task, CollectionState::kWaiting, first));
  EXPECT_EQ(store.MoveCollection(task, CollectionState::kWaiting, first).error().code,
            ErrorCode::kFailedPrecondition);
  // A share is fixed once for a request.
  int fixes = 0;
  const auto fix = [&](const BatchBucket&, Collection& made) -> Result<void> {
    ++fixes;
    made.state = CollectionState::kFinished;
    return {};
  };
  const auto fixed = store.FixCollection(task, with_request(3), fix);
  const auto fixed_again = store.FixCollection(task, with_request(3), fix);
  ASSERT_TRUE(fixed && fixed_again);
  EXPECT_EQ(fixed->id, fixed_again->id);
  EXPECT_EQ(fixes, 1);
}

TEST(ReportStore, AdmitsNoReportForAKeyThatWasRetiredMeanwhile) {
  TwoAggregators two({});
  ReportStore& store = *two.leader_side.store;
  const Bytes body(10, 1);
  const NewReport reports[] = {Plain(two, 1, body)};
  two.clock.Advance(std::chrono::minutes(1));
  ASSERT_TRUE(store.RotateHpkeKey(two.clock.Now()));
  two.clock.Advance(std::chrono::minutes(1));
  ASSERT_EQ(store.RetireHpkeKeys(two.clock.Now()).value(), 1u);
  EXPECT_THAT(store.AddReports(two.leader_task(), reports).value(),
              ElementsAre(Admission::kOutdated));
  EXPECT_EQ(store.Count(two.leader_task())->waiting, 0u);
  // It was not taken, so that it can be sent again, sealed to the new key.
  const NewReport sealed_again[] = {Plain(two, 1, body)};
  EXPECT_THAT(store.AddReports(two.leader_task(), sealed_again).value(),
              ElementsAre(Admission::kTaken));
}

TEST(ReportStore, KeepsAHelpersKeyForWhatWaitsAtTheLeader) {
  const auto day = std::chrono::hours(24);
  TwoAggregators two({});
  ReportStore& store = *two.helper_side.store;
  ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2), two.MakeReport(3)}));
  ASSERT_TRUE(store.RotateHpkeKey(two.clock.Now()));
  two.clock.Advance(2 * day);
  EXPECT_FALSE(store.HasHpkeKeysToRetire(two.clock.Now() - day).value());
  EXPECT_EQ(store.RetireHpkeKeys(two.clock.Now() - day).value(), 0u);
  ASSERT_TRUE(two.Run());
  EXPECT_EQ(two.leader_side.store->Count(two.leader_task())->aggregated, 3u);
  two.clock.Advance(ReportStore::kHelperSpan);
  EXPECT_TRUE(store.HasHpkeKeysToRetire(two.clock.Now() - day).value());
  EXPECT_EQ(store.RetireHpkeKeys(two.clock.Now() - day).value(), 1u);
  EXPECT_FALSE(store.HasHpkeKeysToRetire(two.clock.Now() - day).value());
}

TEST(ReportStore, KeepsNoHelpersKeyWhenItsTasksAreOver) {
  const auto day = std::chrono::hours(24);
  TwoAggregators::Setup setup;
  setup.interval = DapInterval{.start = TwoAggregators(setup).Now(), .duration = 2};
  TwoAggregators two(setup);
  ReportStore& store = *two.helper_side.store;
  ASSERT_TRUE(store.RotateHpkeKey(two.clock.Now()));
  two.clock.Advance(day);
  EXPECT_EQ(store.RetireHpkeKeys(two.clock.Now() - day + std::chrono::seconds(1)).value(), 0u);
  two.clock.Advance(std::chrono::hours(3));
  EXPECT_EQ(store.RetireHpkeKeys(two.clock.Now() - day).value(), 1u);
}

TEST(ReportStore, GivesKeysOfAnotherFileOtherIds) {
  TwoAggregators first({.seed = 1});
  TwoAggregators second({.seed = 2});
  EXPECT_NE(CurrentKey(first), CurrentKey(second));
}

TEST(ReportStore, NeverGivesAnHpkeIdToTwoKeysThatAreOpenedWith) {
  TwoAggregators two({});
  ReportStore& store = *two.leader_side.store;
  std::vector<std::uint8_t> ids = {store.hpke_keys().Configs().configs[0].id};
  for (int i = 0; i < 255; ++i) {
    two.clock.Advance(std::chrono::seconds(1));
    ASSERT_TRUE(store.RotateHpkeKey(two.clock.Now()));
    ids.push_back(store.hpke_keys().Configs().configs[0].id);
  }
  std::ranges::sort(ids);
  EXPECT_EQ(std::ranges::adjacent_find(ids), ids.end());
  EXPECT_EQ(store.RotateHpkeKey(two.clock.Now()).error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(store.RetireHpkeKeys(two.clock.Now()).value(), 254u);
  EXPECT_TRUE(store.RotateHpkeKey(two.clock.Now()));
  two.OpenLeader();
  EXPECT_EQ(two.leader_side.store->hpke_keys().Configs().configs.size(), 1u);
}

}  // namespace
}  // namespace salus::aggregate
