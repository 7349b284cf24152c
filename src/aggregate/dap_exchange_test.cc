// From a person's value to the collector's sum: the client's report, both aggregators' steps on it
// written out as the drafts have them, and the collector's answer, in both versions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "aggregate/dap_binding.h"
#include "aggregate/dap_client.h"
#include "aggregate/dap_collector.h"
#include "aggregate/dap_media_type.h"
#include "aggregate/ping_pong.h"
#include "aggregate/share_access.h"
#include "base/endian.h"

namespace salus::aggregate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t kNow_s = 1'800'000'000 + 17;

Timestamp At(std::int64_t seconds) { return FromUnixMillis(seconds * 1000); }

DapTaskParameters Heights(DapVersion version) {
  DapTaskParameters task;
  task.version = version;
  task.id = TaskId({9, 8, 7});
  task.leader_url = "https://hospital.example/dap";
  task.helper_url = "https://regulator.example/dap";
  task.time_precision_s = 3600;
  task.min_batch_size = 3;
  task.vdaf = {.profile = ProfileOf(version), .circuit = Circuit::kSum, .max_measurement = 255};
  task.purpose = "How tall adults are";
  task.statistic = {.name = "body height", .unit = "cm", .offset = 30};
  return task;
}

// One aggregator: its key, and what it has added up.
struct Party {
  DapRole role;
  DapHpkeKey key;
  SecretBytes aggregate;
};

// Everything of one task in one place.
class Study {
 public:
  explicit Study(const DapTaskParameters& parameters)
      : task_(DapTask::Create(parameters).value()),
        prio3_(Prio3::Create(task_.vdaf()).value()),
        leader_{DapRole::kLeader, DapHpkeKey::Generate(1, random_), prio3_->EmptyAggregate()},
        helper_{DapRole::kHelper, DapHpkeKey::Generate(2, random_), prio3_->EmptyAggregate()},
        collector_key_(DapHpkeKey::Generate(3, random_)),
        verify_key_(prio3_->verify_key_bytes()) {
    random_.Fill(verify_key_.mutable_view(ShareAccess::Token()));
  }

  DapClient Client() {
    return DapClient::Create(task_, {{leader_.key.config()}}, {{helper_.key.config()}}).value();
  }

  DapCollector Collector() {
    DapHpkeKey copy =
        DapHpkeKey::Load(collector_key_.config(), collector_key_.private_key()).value();
    return DapCollector::Create(task_, std::move(copy)).value();
  }

  Result<SecretBytes> InputShare(const Party& party, const DapReport& report) {
    const HpkeCiphertext& sealed =
        party.role == DapRole::kLeader ? report.leader_share : report.helper_share;
    TRY(const SecretBytes plain,
        party.key.Open(InputShareInfo(task_.version(), party.role),
                       InputShareAad(task_, report.metadata, report.public_share), sealed));
    TRY(PlaintextInputShare share, PlaintextInputShare::Parse(task_.version(), plain));
    return std::move(share.payload);
  }

  // Aggregate runs the verification of one report between the two, and adds it up.
  Result<void> Aggregate(const DapReport& report) {
    TRY(const SecretBytes leader_input, InputShare(leader_, report));
    TRY(const SecretBytes helper_input, InputShare(helper_, report));
    const ReportShare leader_share = {report.metadata.id.span(), report.public_share,
                                      &leader_input};
    const ReportShare helper_share = {report.metadata.id.span(), report.public_share,
                                      &helper_input};
    TRY(LeaderVerification first,
        PingPongLeaderInit(*prio3_, verify_key_, task_.context(), leader_share));
    TRY(const HelperVerification answer,
        PingPongHelperInit(*prio3_, verify_key_, task_.context(), helper_share, first.outbound));
    TRY(const SecretBytes leader_out,
        PingPongLeaderContinued(*prio3_, std::move(first.state), answer.outbound));
    TRY_VOID(prio3_->Add(leader_.aggregate, leader_out));
    TRY_VOID(prio3_->Add(helper_.aggregate, answer.output_share));
    ++count_;
    return {};
  }

  // Answer is what the leader gives the collector for a request.
  CollectionJobResp Answer(const CollectionJobReq& request, const DapBatchSelector& batch) {
    const DapRecipient to = DapRecipient::Create(collector_key_.config()).value();
    const Bytes aad = AggregateShareAad(task_, request, batch);
    CollectionJobResp resp;
    resp.report_count = count_;
    resp.interval = task_.BucketOf(task_.TimeOf(At(kNow_s)));
    if (task_.version() == DapVersion::k09 && batch.mode == BatchMode::kLeaderSelected) {
      resp.batch_id = batch.batch_id;
    }
    resp.leader_share = Sealed(to, leader_, aad);
    resp.helper_share = Sealed(to, helper_, aad);
    return resp;
  }

  DapTask task_;
  SeededRandom random_{1};
  std::unique_ptr<const Prio3> prio3_;
  Party leader_;
  Party helper_;
  DapHpkeKey collector_key_;
  SecretBytes verify_key_;
  std::uint64_t count_ = 0;

 private:
  HpkeCiphertext Sealed(const DapRecipient& to, const Party& party, ByteSpan aad) {
    return to.Seal(AggregateShareInfo(task_.version(), party.role), aad, party.aggregate, random_)
        .value();
  }
};

class Exchange : public testing::TestWithParam<DapVersion> {};

TEST_P(Exchange, AddsUpWhatPeopleReported) {
  Study study(Heights(GetParam()));
  const DapClient client = study.Client();
  for (const std::int64_t height : {165, 180, 30, 285}) {
    const std::int64_t values[] = {height};
    const auto report = client.ReportOf(values, At(kNow_s), study.random_);
    ASSERT_TRUE(report) << report.error().message;
    // Over the wire, and back.
    const UploadRequest upload = {{*report}};
    const auto received = UploadRequest::Parse(GetParam(), upload.Encode(GetParam()));
    ASSERT_EQ(received.value(), upload);
    const auto added = study.Aggregate(received->reports[0]);
    ASSERT_TRUE(added) << added.error().message;
  }
  const DapCollector collector = study.Collector();
  const auto request = collector.RequestInterval(At(1'799'996'400), At(1'800'003'600)).value();
  const auto resp = study.Answer(request, DapBatchSelector::ForInterval(request.query.interval));
  const auto batch = collector.Open(request, resp);
  ASSERT_TRUE(batch) << batch.error().message;
  EXPECT_EQ(batch->report_count, 4u);
  ASSERT_EQ(batch->sums.size(), 1u);
  EXPECT_EQ(static_cast<std::int64_t>(batch->sums[0]) + 4 * 30, 165 + 180 + 30 + 285);
  EXPECT_EQ(batch->begin, At(1'800'000'000));
  EXPECT_EQ(batch->end, At(1'800'003'600));
}

TEST_P(Exchange, CollectsABatchOfTheLeadersChoice) {
  DapTaskParameters parameters = Heights(GetParam());
  parameters.batch_mode = BatchMode::kLeaderSelected;
  parameters.min_batch_size = 1;
  Study study(parameters);
  const std::uint64_t measurement[] = {77};
  ASSERT_TRUE(
      study.Aggregate(study.Client().MakeReport(measurement, At(kNow_s), study.random_).value()));
  const DapCollector collector = study.Collector();
  EXPECT_FALSE(collector.RequestInterval(At(0), At(3600)));
  const auto request = collector.RequestNextBatch().value();
  const BatchId id({5, 5});
  const auto resp = study.Answer(request, DapBatchSelector::ForBatch(id));
  const auto batch = collector.Open(request, resp);
  ASSERT_TRUE(batch) << batch.error().message;
  EXPECT_EQ(static_cast<std::int64_t>(batch->sums[0]), 77);
  if (GetParam() == DapVersion::k18) return;
  EXPECT_EQ(batch->batch_id, id);
  CollectionJobResp other = resp;
  other.batch_id = BatchId({6});
  EXPECT_EQ(collector.Open(request, other).error().code, ErrorCode::kVerificationFailed);
  other.batch_id.reset();
  EXPECT_EQ(collector.Open(request, other).error().code, ErrorCode::kInvalidArgument);
  CollectionJobReq by_id = request;
  by_id.query.batch_id = BatchId({6});
  EXPECT_EQ(collector.Open(by_id, resp).error().code, ErrorCode::kInvalidArgument);
}

TEST_P(Exchange, ReportsSayNothingButTheirBucketOfTime) {
  Study study(Heights(GetParam()));
  const std::uint64_t measurement[] = {77};
  const auto client = study.Client();
  const auto a = client.MakeReport(measurement, At(kNow_s), study.random_).value();
  const auto b = client.MakeReport(measurement, At(kNow_s), study.random_).value();
  EXPECT_NE(a.metadata.id, b.metadata.id);
  EXPECT_NE(a.leader_share, b.leader_share);
  EXPECT_EQ(a.leader_share.payload.size(), b.leader_share.payload.size());
  EXPECT_EQ(a.metadata.time,
            GetParam() == DapVersion::k18 ? 1'800'000'000u / 3600 : 1'800'000'000u);
}

// Whatever is altered on the way: the share no longer opens.
TEST_P(Exchange, SharesOpenOnlyAsTheyWereSealed) {
  Study study(Heights(GetParam()));
  const std::uint64_t measurement[] = {77};
  const DapReport report =
      study.Client().MakeReport(measurement, At(kNow_s), study.random_).value();
  ASSERT_TRUE(study.InputShare(study.leader_, report));
  const std::function<void(DapReport&)> kChanges[] = {
      [](DapReport& r) { r.metadata.id = ReportId({1}); },
      [](DapReport& r) { r.metadata.time += 1; },
      [](DapReport& r) { r.public_share.push_back(0); },
      [](DapReport& r) { std::swap(r.leader_share, r.helper_share); },
      [](DapReport& r) { r.leader_share.config_id = 2; },
      [](DapReport& r) { r.leader_share.enc[0] ^= 1; },
      [](DapReport& r) { r.leader_share.enc.pop_back(); },
      [](DapReport& r) { r.leader_share.payload.back() ^= 1; },
      [](DapReport& r) { r.leader_share.payload.pop_back(); },
  };
  for (const auto& change : kChanges) {
    DapReport altered = report;
    change(altered);
    EXPECT_EQ(study.InputShare(study.leader_, altered).error().code,
              ErrorCode::kVerificationFailed);
  }
  // Neither does it open for who was told another purpose, nor in another task.
  DapTaskParameters other = Heights(GetParam());
  other.id = TaskId({1});
  study.task_ = DapTask::Create(other).value();
  EXPECT_FALSE(study.InputShare(study.leader_, report));
  if (GetParam() == DapVersion::k09) return;
  other = Heights(GetParam());
  other.purpose = "Who is tall";
  study.task_ = DapTask::Create(other).value();
  EXPECT_FALSE(study.InputShare(study.leader_, report));
}

TEST_P(Exchange, AnswersThatDoNotFitAreRefused) {
  Study study(Heights(GetParam()));
  study.count_ = 3;
  const DapCollector collector = study.Collector();
  const auto request = collector.RequestInterval(At(1'799'996'400), At(1'800'003'600)).value();
  const auto good = study.Answer(request, DapBatchSelector::ForInterval(request.query.interval));
  ASSERT_TRUE(collector.Open(request, good));
  const std::pair<std::function<void(CollectionJobResp&)>, ErrorCode> kChanges[] = {
      {[](auto& r) { r.report_count = 2; }, ErrorCode::kInvalidArgument},
      {[](auto& r) { r.interval.start *= 2; }, ErrorCode::kInvalidArgument},
      {[](auto& r) { r.interval.duration = 0; }, ErrorCode::kInvalidArgument},
      {[](auto& r) { r.batch_id = BatchId(); }, ErrorCode::kInvalidArgument},
      {[](auto& r) { std::swap(r.leader_share, r.helper_share); }, ErrorCode::kVerificationFailed},
      {[](auto& r) { r.leader_share = r.helper_share; }, ErrorCode::kVerificationFailed},
      {[](auto& r) { r.helper_share.payload[0] ^= 1; }, ErrorCode::kVerificationFailed},
  };
  for (const auto& [change, code] : kChanges) {
    CollectionJobResp altered = good;
    change(altered);
    EXPECT_EQ(collector.Open(request, altered).error().code, code);
  }
  CollectionJobReq other = request;
  other.query.interval.start -= GetParam() == DapVersion::k18 ? 1 : 3600;
  other.query.interval.duration += GetParam() == DapVersion::k18 ? 1 : 3600;
  EXPECT_EQ(collector.Open(other, good).error().code, ErrorCode::kVerificationFailed);
  other.query = DapQuery::ForNextBatch();
  EXPECT_EQ(collector.Open(other, good).error().code, ErrorCode::kInvalidArgument);
  // A share of another length.
  study.helper_.aggregate = SecretBytes(study.prio3_->aggregate_share_bytes() + 1);
  EXPECT_EQ(collector
                .Open(request,
                      study.Answer(request, DapBatchSelector::ForInterval(request.query.interval)))
                .error()
                .code,
            ErrorCode::kInvalidArgument);
}

TEST_P(Exchange, SumsThatNoReportsHaveAreRefused) {
  Study study(Heights(GetParam()));
  study.count_ = 3;
  const DapCollector collector = study.Collector();
  const auto request = collector.RequestInterval(At(1'799'996'400), At(1'800'003'600)).value();
  const auto open = [&](std::uint16_t sum) {
    StoreBe(study.helper_.aggregate.mutable_view(ShareAccess::Token()).data(),
            static_cast<std::uint16_t>(sum << 8 | sum >> 8));  // a little-endian element
    return collector.Open(
        request, study.Answer(request, DapBatchSelector::ForInterval(request.query.interval)));
  };
  EXPECT_EQ(static_cast<int>(open(3 * 255)->sums[0]), 3 * 255);
  EXPECT_EQ(open(3 * 255 + 1).error().code, ErrorCode::kVerificationFailed);
}

TEST_P(Exchange, BucketsAddUpToTheReports) {
  DapTaskParameters parameters = Heights(GetParam());
  parameters.vdaf.circuit = Circuit::kHistogram;
  parameters.vdaf.max_measurement = 0;
  parameters.vdaf.length = 4;
  parameters.vdaf.chunk_length = 2;
  parameters.min_batch_size = 1;
  Study study(parameters);
  const std::uint64_t measurement[] = {2};
  ASSERT_TRUE(
      study.Aggregate(study.Client().MakeReport(measurement, At(kNow_s), study.random_).value()));
  const DapCollector collector = study.Collector();
  const auto request = collector.RequestInterval(At(1'799'996'400), At(1'800'003'600)).value();
  const auto open = [&] {
    return collector.Open(
        request, study.Answer(request, DapBatchSelector::ForInterval(request.query.interval)));
  };
  const std::vector<__int128> kThird = {0, 0, 1, 0};
  EXPECT_TRUE(open()->sums == kThird);
  study.count_ = 2;
  EXPECT_EQ(open().error().code, ErrorCode::kVerificationFailed);
}

TEST_P(Exchange, NoiseBelowZeroIsANegativeSum) {
  DapTaskParameters parameters = Heights(GetParam());
  parameters.noise = DapNoise{.sensitivity = 255};
  Study study(parameters);
  study.count_ = 3;
  // The helper's share is the modulus less 5: noise of -5.
  const unsigned __int128 modulus =
      study.prio3_->element_bytes() == 8
          ? static_cast<unsigned __int128>(18446744069414584321u)
          : ((static_cast<unsigned __int128>(1) << 66) * 4611686018427387897u + 1);
  unsigned __int128 value = modulus - 5;
  for (std::uint8_t& byte : study.helper_.aggregate.mutable_view(ShareAccess::Token())) {
    byte = static_cast<std::uint8_t>(value);
    value >>= 8;
  }
  const DapCollector collector = study.Collector();
  const auto request = collector.RequestInterval(At(1'799'996'400), At(1'800'003'600)).value();
  const auto batch = collector.Open(
      request, study.Answer(request, DapBatchSelector::ForInterval(request.query.interval)));
  ASSERT_TRUE(batch) << batch.error().message;
  EXPECT_EQ(static_cast<std::int64_t>(batch->sums[0]), -5);
}

TEST_P(Exchange, ClientsRefuseWhatTheyCouldNotSend) {
  DapTaskParameters parameters = Heights(GetParam());
  const std::uint64_t unit = GetParam() == DapVersion::k18 ? 1 : 3600;
  parameters.interval = DapInterval{.start = 1'800'000'000 / 3600 * unit, .duration = 2 * unit};
  Study study(parameters);
  const DapClient client = study.Client();
  const std::uint64_t measurement[] = {77}, too_great[] = {256};
  EXPECT_TRUE(client.MakeReport(measurement, At(kNow_s), study.random_));
  EXPECT_EQ(client.MakeReport(measurement, At(kNow_s - 3600), study.random_).error().code,
            ErrorCode::kFailedPrecondition);
  EXPECT_EQ(client.MakeReport(measurement, At(kNow_s + 7200), study.random_).error().code,
            ErrorCode::kFailedPrecondition);
  EXPECT_EQ(client.MakeReport(too_great, At(kNow_s), study.random_).error().code,
            ErrorCode::kInvalidArgument);
  const std::int64_t too_tall[] = {1'000'000'000};
  EXPECT_THAT(client.ReportOf(too_tall, At(kNow_s), study.random_).error().message,
              HasSubstr("must be 30 to 285 cm"));
  const ReportExtensions kBad[] = {
      {.for_all = {}, .for_leader = {{2, {}}, {1, {}}}, .for_helper = {}},
      {.for_all = {{2, {}}}, .for_leader = {{2, {}}}, .for_helper = {}},
      {.for_all = {{2, {}}}, .for_leader = {}, .for_helper = {{1, {}}, {2, {}}}},
  };
  for (const ReportExtensions& bad : kBad) {
    EXPECT_EQ(client.MakeReport(measurement, At(kNow_s), study.random_, bad).error().code,
              ErrorCode::kInvalidArgument);
  }
}

TEST_P(Exchange, ExtensionsReachWhomTheyAreFor) {
  Study study(Heights(GetParam()));
  const std::uint64_t measurement[] = {77};
  ReportExtensions extensions = {
      .for_all = {}, .for_leader = {{7, {1}}}, .for_helper = {{7, {2}}, {8, {}}}};
  if (GetParam() == DapVersion::k18) extensions.for_all = {{3, {9}}};
  const auto report =
      study.Client().MakeReport(measurement, At(kNow_s), study.random_, extensions).value();
  EXPECT_EQ(report.metadata.public_extensions, extensions.for_all);
  for (const Party* party : {&study.leader_, &study.helper_}) {
    const bool is_leader = party->role == DapRole::kLeader;
    const auto plain = party->key
                           .Open(InputShareInfo(GetParam(), party->role),
                                 InputShareAad(study.task_, report.metadata, report.public_share),
                                 is_leader ? report.leader_share : report.helper_share)
                           .value();
    EXPECT_EQ(PlaintextInputShare::Parse(GetParam(), plain)->private_extensions,
              is_leader ? extensions.for_leader : extensions.for_helper);
  }
}

TEST_P(Exchange, PingPongTakesOnlyTheMessageOfItsStep) {
  Study study(Heights(GetParam()));
  const std::uint64_t measurement[] = {77};
  const DapReport report =
      study.Client().MakeReport(measurement, At(kNow_s), study.random_).value();
  const SecretBytes leader_input = study.InputShare(study.leader_, report).value();
  const SecretBytes helper_input = study.InputShare(study.helper_, report).value();
  const ReportShare leader = {report.metadata.id.span(), report.public_share, &leader_input};
  const ReportShare helper = {report.metadata.id.span(), report.public_share, &helper_input};
  const auto start = [&] {
    return PingPongLeaderInit(*study.prio3_, study.verify_key_, study.task_.context(), leader)
        .value();
  };
  const auto answer = [&](ByteSpan inbound) {
    return PingPongHelperInit(*study.prio3_, study.verify_key_, study.task_.context(), helper,
                              inbound);
  };
  const Bytes initialize = start().outbound;
  const Bytes finish = answer(initialize).value().outbound;
  EXPECT_EQ(initialize[0], 0);
  EXPECT_EQ(finish[0], 2);
  EXPECT_FALSE(answer(finish));
  EXPECT_FALSE(answer({}));
  EXPECT_FALSE(PingPongLeaderContinued(*study.prio3_, start().state, initialize));
  EXPECT_TRUE(PingPongLeaderContinued(*study.prio3_, start().state, finish));
  // A liar's share: the proof does not hold.
  Bytes altered = initialize;
  altered[altered.size() - 8] ^= 1;
  EXPECT_EQ(answer(altered).error().code, ErrorCode::kVerificationFailed);
}

TEST(DapRecipient, ChoosesTheFirstWithItsAlgorithms) {
  SeededRandom random(3);
  const DapHpkeConfig good = DapHpkeKey::Generate(7, random).config();
  DapHpkeConfig unknown = good, exports = good, broken = good;
  unknown.id = 1;
  unknown.kem_id = 0x0012;
  exports.id = 2;
  exports.aead_id = 0xffff;
  broken.id = 3;
  broken.public_key.pop_back();
  EXPECT_EQ(DapRecipient::Choose({{unknown, exports, good}})->config_id(), 7);
  EXPECT_EQ(DapRecipient::Choose({{unknown, exports}}).error().code,
            ErrorCode::kFailedPrecondition);
  EXPECT_EQ(DapRecipient::Choose({{broken, good}}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(DapRecipient::Create(unknown));
}

TEST(DapHpkeKey, LoadsOnlyWhatBelongsTogether) {
  SeededRandom random(3);
  const DapHpkeKey key = DapHpkeKey::Generate(7, random), other = DapHpkeKey::Generate(8, random);
  EXPECT_TRUE(DapHpkeKey::Load(key.config(), key.private_key()));
  EXPECT_FALSE(DapHpkeKey::Load(key.config(), other.private_key()));
  DapHpkeConfig unknown = key.config();
  unknown.kdf_id = 2;
  EXPECT_FALSE(DapHpkeKey::Load(unknown, key.private_key()));
}

TEST(DapMediaType, IsOneForEachMessage) {
  EXPECT_EQ(MediaType(DapVersion::k18, DapMessageType::kUploadRequest),
            "application/ppm-dap;message=upload-req");
  EXPECT_EQ(MediaType(DapVersion::k09, DapMessageType::kUploadRequest), "application/dap-report");
  EXPECT_EQ(MediaType(DapVersion::k09, DapMessageType::kUploadErrors), "");
}

TEST(DapErrors, NameTheFieldAndTheByte) {
  const Bytes cut(20, 0);
  EXPECT_EQ(ReportMetadata::Parse(DapVersion::k09, cut).error().message,
            "ReportMetadata: time at byte 16: cut off: it needs 8 bytes, there are 4");
  EXPECT_EQ(DapInterval::Parse(Bytes(17, 0)).error().message,
            "Interval: it ends at byte 16, and there are 1 more");
  Bytes nested(26, 0);
  nested[25] = 3;  // public_extensions of 3 bytes
  Append(nested, Bytes{0, 1, 0});
  EXPECT_EQ(ReportMetadata::Parse(DapVersion::k18, nested).error().message,
            "ReportMetadata: extension_data at byte 28: cut off: it needs 2 bytes, there are 1");
}

TEST(DapLimits, HoldMemoryToTheSizeOfAMessage) {
  const Bytes large(kMaxDapMessageBytes + 1, 0);
  EXPECT_THAT(UploadErrors::Parse(large).error().message, HasSubstr("larger than 64 MiB"));
  // 65 extensions, each empty.
  Bytes metadata(24, 0);
  Append(metadata, Bytes{1, 4});
  metadata.resize(metadata.size() + 65 * 4);
  EXPECT_THAT(ReportMetadata::Parse(DapVersion::k18, metadata).error().message,
              HasSubstr("more than 64 extensions"));
}

INSTANTIATE_TEST_SUITE_P(Drafts, Exchange, testing::Values(DapVersion::k18, DapVersion::k09),
                         [](const auto& version) {
                           return version.param == DapVersion::k18 ? "Dap18" : "Dap09";
                         });

}  // namespace
}  // namespace salus::aggregate
