#include "aggregate/dap_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>

#include "aggregate/dap_task_configuration.h"
#include "crypto/sha256.h"

namespace salus::aggregate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

DapTaskParameters Heights() {
  DapTaskParameters task;
  task.id = TaskId({1, 2, 3});
  task.leader_url = "https://hospital.example/dap";
  task.helper_url = "https://regulator.example/dap/";
  task.time_precision_s = 3600;
  task.min_batch_size = 100;
  task.vdaf = {.circuit = Circuit::kSum, .max_measurement = 242};
  task.interval = DapInterval{.start = 10, .duration = 5};
  task.purpose = "How tall adults are";
  task.statistic = {.name = "body height", .unit = "cm", .offset = 30};
  task.noise = DapNoise{.mechanism = DapNoise::Mechanism::kDiscreteLaplace,
                        .epsilon_numerator = 1,
                        .epsilon_denominator = 2,
                        .sensitivity = 242};
  return task;
}

DapTaskParameters Heights09() {
  DapTaskParameters task = Heights();
  task.version = DapVersion::k09;
  task.vdaf.profile = VdafProfile::kDraft08;
  task.vdaf.max_measurement = 255;
  task.interval = DapInterval{.start = 36000, .duration = 18000};
  return task;
}

Timestamp At(std::int64_t seconds) { return FromUnixMillis(seconds * 1000); }

std::string ErrorOf(const DapTaskParameters& task) {
  const auto made = DapTask::Create(task);
  return made ? "" : made.error().message;
}

TEST(DapTask, ComesBackFromItsJson) {
  DapTaskParameters histogram = Heights09();
  histogram.vdaf = {.profile = VdafProfile::kDraft08,
                    .circuit = Circuit::kHistogram,
                    .length = 50,
                    .chunk_length = 7};
  histogram.statistic.bucket_width = 5;
  histogram.batch_mode = BatchMode::kLeaderSelected;
  histogram.noise.reset();
  histogram.interval.reset();
  DapTaskParameters agreed = Heights();
  agreed.task_info = {1, 2, 3};
  agreed.noise->mechanism = DapNoise::Mechanism::kDiscreteGaussian;
  agreed.noise->epsilon_denominator = 1;
  for (const DapTaskParameters& task : {Heights(), Heights09(), histogram, agreed}) {
    const auto made = DapTask::Create(task);
    ASSERT_TRUE(made) << made.error().message;
    const auto read = DapTask::FromJson(made->ToJson());
    ASSERT_TRUE(read) << read.error().message << made->ToJson();
    EXPECT_EQ(read->parameters(), task);
    EXPECT_EQ(read->ToJson(), made->ToJson());
  }
}

TEST(DapTask, IsWrittenMemberByMember) {
  EXPECT_EQ(DapTask::Create(Heights())->ToJson(),
            R"({"version":"dap-18","id":"AQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",)"
            R"("leader":"https://hospital.example/dap","helper":"https://regulator.example/dap/",)"
            R"("batch_mode":"time-interval","time_precision_s":3600,"min_batch_size":100,)"
            R"("vdaf":{"circuit":"sum","max_measurement":242},)"
            R"("start":"1970-01-01T10:00:00.000Z","end":"1970-01-01T15:00:00.000Z",)"
            R"("purpose":"How tall adults are",)"
            R"("statistic":{"name":"body height","unit":"cm","offset":30},)"
            R"("noise":{"mechanism":"discrete-laplace","epsilon":"1/2","sensitivity":242}})");
}

TEST(DapTask, RefusesJsonThatIsNotOneOfItsOwn) {
  const std::string good = DapTask::Create(Heights())->ToJson();
  const struct {
    std::string_view from, to, error;
  } kCases[] = {
      {"\"purpose\"", "\"porpoise\"", "unknown member"},
      {"\"unit\":\"cm\",", "", "statistic.unit: is missing"},
      {"\"offset\":30", "\"offset\":30,\"bucket_width\":1", "statistic: an unknown member"},
      {"\"max_measurement\":242", "\"max_measurement\":242,\"length\":1",
       "vdaf.circuit: what stands beside it"},
      {"\"max_measurement\":242", "\"max_measurement\":-1", "vdaf.max_measurement"},
      {"\"circuit\":\"sum\"", "\"circuit\":\"poplar\"", "vdaf.circuit"},
      {"dap-18", "dap-17", "version: must be dap-18 or dap-09"},
      {"\"1/2\"", "\"2/4\"", "noise.epsilon"},
      {"\"1/2\"", "\"1/1\"", "noise.epsilon"},
      {"\"1/2\"", "\"01/2\"", "noise.epsilon"},
      {"\"1/2\"", "\"1/2/3\"", "noise.epsilon"},
      {"\"1/2\"", "\"0.5\"", "noise.epsilon"},
      {"\"1/2\"", "\"\"", "noise.epsilon"},
      {"\"1/2\"", "\"/2\"", "noise.epsilon"},
      {"\"1/2\"", "\"1/\"", "noise.epsilon"},
      {"T10:00:00.000Z", "T10:00:01.000Z", "start: must be a multiple of time_precision_s"},
      {"T15:00:00.000Z", "T10:00:00.000Z", "end: must be after start"},
      {"\"time_precision_s\":3600", "\"time_precision_s\":0", "time_precision_s"},
      {"\"time_precision_s\":3600", "\"time_precision_s\":9223372036854775807", "time_precision_s"},
      {"AQIDA", "AQID", "a task id is 32 bytes"},
      {"https://hospital", "http://hospital", "leader: must begin with https://"},
  };
  for (const auto& one : kCases) {
    std::string text = good;
    const std::size_t place = text.find(one.from);
    ASSERT_NE(place, text.npos) << one.from;
    text.replace(place, one.from.size(), one.to);
    const auto task = DapTask::FromJson(text);
    ASSERT_FALSE(task) << one.to;
    EXPECT_EQ(task.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(task.error().message, HasSubstr(std::string(one.error)));
  }
  std::string one_border = good;
  one_border.erase(one_border.find("\"end\""),
                   std::string("\"end\":\"1970-01-01T15:00:00.000Z\",").size());
  EXPECT_FALSE(DapTask::FromJson(one_border));
  EXPECT_FALSE(DapTask::FromJson("[]"));
}

TEST(DapTask, NamesTheLimitThatIsBroken) {
  const std::pair<std::function<void(DapTaskParameters&)>, std::string> kCases[] = {
      {[](auto& t) { t.leader_url = ""; }, "leader: must be a URL"},
      {[](auto& t) { t.leader_url = std::string(1100, 'a'); }, "leader: must be a URL"},
      {[](auto& t) { t.leader_url = "https:///dap"; }, "leader: must begin"},
      {[](auto& t) { t.leader_url = "https://a b"; }, "leader: a URL has no such character"},
      {[](auto& t) { t.leader_url = "https://a/?b"; }, "leader: must have no query"},
      {[](auto& t) { t.leader_url = "http://localhost.evil.example/"; }, "leader: must begin"},
      {[](auto& t) { t.leader_url = "http://127.0.0.1@evil.example/"; }, "leader: must begin"},
      {[](auto& t) { t.helper_url = t.leader_url; }, "helper: must be another"},
      {[](auto& t) { t.batch_mode = BatchMode{3}; }, "batch_mode"},
      {[](auto& t) { t.time_precision_s = 0; }, "time_precision_s"},
      {[](auto& t) { t.min_batch_size = 0; }, "min_batch_size"},
      {[](auto& t) { t.vdaf.shares = 3; }, "vdaf: must be"},
      {[](auto& t) { t.vdaf.profile = VdafProfile::kDraft08; }, "vdaf: must be"},
      {[](auto& t) { t.vdaf.circuit = Circuit{99}; }, "vdaf.circuit"},
      {[](auto& t) { t.interval->duration = 0; }, "start, end"},
      {[](auto& t) { t.interval->start = ~0ull; }, "start, end"},
      {[](auto& t) { t.purpose = ""; }, "purpose"},
      {[](auto& t) { t.purpose = "\xff"; }, "purpose"},
      {[](auto& t) { t.purpose = "a\nb"; }, "purpose"},
      {[](auto& t) { t.statistic.name = ""; }, "statistic.name"},
      {[](auto& t) { t.statistic.unit = std::string(129, 'm'); }, "statistic.unit"},
      {[](auto& t) { t.statistic.bucket_width = 2; }, "statistic.bucket_width"},
      {[](auto& t) { t.statistic.offset = INT64_MIN; }, "statistic.offset"},
      {[](auto& t) { t.vdaf.max_measurement = INT64_MAX; }, "statistic: its greatest"},
      {[](auto& t) { t.vdaf = {.circuit = Circuit::kCount}; }, "statistic.offset"},
      {[](auto& t) { t.noise->sensitivity = 0; }, "noise.sensitivity"},
      {[](auto& t) { t.noise->epsilon_numerator = 2; }, "noise.epsilon"},
      {[](auto& t) { t.noise->mechanism = DapNoise::Mechanism{9}; }, "noise.mechanism"},
      {[](auto& t) { t.task_info = Bytes(256); }, "task_info"},
      {[](auto& t) { t.version = DapVersion{1}; }, "version"},
  };
  for (const auto& [change, error] : kCases) {
    DapTaskParameters task = Heights();
    change(task);
    EXPECT_THAT(ErrorOf(task), HasSubstr(error));
  }
  DapTaskParameters old = Heights09();
  old.task_info = {1};
  EXPECT_THAT(ErrorOf(old), HasSubstr("task_info"));
  old = Heights09();
  old.interval->start += 1;
  EXPECT_THAT(ErrorOf(old), HasSubstr("multiples"));
}

TEST(DapTask, ReachesThisMachineWithoutTls) {
  for (const std::string url : {"http://localhost:8080/dap", "http://127.0.0.1", "http://[::1]/"}) {
    DapTaskParameters task = Heights();
    task.leader_url = url;
    EXPECT_EQ(ErrorOf(task), "") << url;
  }
}

TEST(DapTask, CountsTimeInItsUnit) {
  const DapTask task = *DapTask::Create(Heights()), old = *DapTask::Create(Heights09());
  EXPECT_EQ(task.TimeOf(At(36000 + 3599)), 10u);
  EXPECT_EQ(old.TimeOf(At(36000 + 3599)), 36000u);
  EXPECT_EQ(task.TimeOf(At(-5)), 0u);
  EXPECT_EQ(task.UnixSeconds(10), 36000u);
  EXPECT_EQ(old.UnixSeconds(36000), 36000u);
  EXPECT_EQ(task.UnixSeconds(~0ull), std::nullopt);
  EXPECT_EQ(task.BucketOf(10), (DapInterval{.start = 10, .duration = 1}));
  EXPECT_EQ(old.BucketOf(36001), (DapInterval{.start = 36000, .duration = 3600}));
  EXPECT_TRUE(task.IsBatchInterval({.start = 1, .duration = 1}));
  EXPECT_FALSE(task.IsBatchInterval({.start = 1, .duration = 0}));
  EXPECT_TRUE(old.IsBatchInterval({.start = 3600, .duration = 7200}));
  EXPECT_FALSE(old.IsBatchInterval({.start = 3600, .duration = 1}));
  EXPECT_FALSE(old.IsBatchInterval({.start = 1, .duration = 3600}));
}

TEST(DapInterval, HoldsItsStartAndNotItsEnd) {
  const DapInterval interval = {.start = 5, .duration = 3};
  EXPECT_FALSE(interval.Contains(4));
  EXPECT_TRUE(interval.Contains(5));
  EXPECT_TRUE(interval.Contains(7));
  EXPECT_FALSE(interval.Contains(8));
  EXPECT_TRUE(interval.Overlaps({.start = 7, .duration = 9}));
  EXPECT_FALSE(interval.Overlaps({.start = 8, .duration = 9}));
  const DapInterval too_long = {.start = ~0ull, .duration = 2};
  EXPECT_FALSE(too_long.Contains(~0ull));
  EXPECT_FALSE(too_long.Contains(interval));
}

TEST(DapTask, MeasuresValuesInTheirUnit) {
  const DapTask heights = *DapTask::Create(Heights());
  const auto of = [](const DapTask& task, std::vector<std::int64_t> values) {
    return task.MeasurementOf(values);
  };
  EXPECT_THAT(of(heights, {30}).value(), ElementsAre(0));
  EXPECT_THAT(of(heights, {272}).value(), ElementsAre(242));
  for (const std::int64_t bad : {std::int64_t{29}, std::int64_t{273}, INT64_MIN, INT64_MAX}) {
    EXPECT_EQ(of(heights, {bad}).error().message, "body height: must be 30 to 272 cm");
  }
  EXPECT_FALSE(of(heights, {30, 31}));
  EXPECT_FALSE(of(heights, {}));

  DapTaskParameters parameters = Heights();
  parameters.vdaf = {.circuit = Circuit::kHistogram, .length = 10, .chunk_length = 4};
  parameters.statistic.bucket_width = 25;
  const DapTask histogram = *DapTask::Create(parameters);
  EXPECT_THAT(of(histogram, {30}).value(), ElementsAre(0));
  EXPECT_THAT(of(histogram, {54}).value(), ElementsAre(0));
  EXPECT_THAT(of(histogram, {55}).value(), ElementsAre(1));
  EXPECT_THAT(of(histogram, {279}).value(), ElementsAre(9));
  EXPECT_FALSE(of(histogram, {280}));
}

// A reader that never saw the code: the hash of the promise, and the fields one after another.
TEST(DapTask, BindsWhatWasPromised) {
  const DapTask task = *DapTask::Create(Heights());
  const auto configuration = TaskConfiguration::Parse(task.configuration());
  ASSERT_TRUE(configuration);
  const auto promise = crypto::Sha256(
      AsBytes(R"({"noise":{"epsilon":"1/2","mechanism":"discrete-laplace","sensitivity":242},)"
              R"("purpose":"How tall adults are",)"
              R"("statistic":{"name":"body height","offset":30,"unit":"cm"}})"));
  EXPECT_EQ(configuration->task_info, ToBytes(ByteSpan(promise)));
  EXPECT_EQ(configuration->vdaf_type, 2u);
  EXPECT_EQ(configuration->vdaf_configuration, (Bytes{0, 0, 0, 0, 0, 0, 0, 242}));
  ASSERT_EQ(configuration->extensions.size(), 1u);
  EXPECT_EQ(configuration->extensions[0].data,
            (Bytes{0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 5}));

  DapTaskParameters other = Heights();
  other.purpose = "Who is tall";
  EXPECT_FALSE(Equal(DapTask::Create(other)->configuration(), task.configuration()));
  other = Heights();
  other.noise.reset();
  EXPECT_FALSE(Equal(DapTask::Create(other)->configuration(), task.configuration()));
  other.task_info = {7};
  EXPECT_EQ(TaskConfiguration::Parse(DapTask::Create(other)->configuration())->task_info, Bytes{7});
  EXPECT_TRUE(DapTask::Create(Heights09())->configuration().empty());
  EXPECT_TRUE(DapTask::Create(Heights09())->context().empty());
}

}  // namespace
}  // namespace salus::aggregate
