#include "aggregate/dap_task.h"

#include <limits>
#include <numeric>

#include "aggregate/dap_task_configuration.h"
#include "aggregate/dap_task_json.h"
#include "aggregate/vdaf_json.h"
#include "base/id.h"
#include "base/utf8.h"
#include "crypto/sha256.h"

namespace salus::aggregate {
namespace {

constexpr std::uint64_t kLastSecond = 253402300799;  // 9999-12-31T23:59:59Z
constexpr std::uint64_t kMaxPrecision_s = 366u * 86400;
constexpr std::uint64_t kMaxEpsilonPart = 1'000'000'000;
constexpr std::size_t kMaxUrlBytes = 1024;
constexpr std::size_t kMaxNameBytes = 128;
constexpr std::size_t kMaxTaskInfoBytes = 255;
// What a number in JSON carries without loss everywhere.
constexpr std::uint64_t kMaxExact = std::uint64_t{1} << 53;
constexpr std::uint64_t kMaxSigned = std::numeric_limits<std::int64_t>::max();

// Without TLS a URL may lead to this machine only, for tests and demonstrations.
bool IsThisMachine(std::string_view rest) {
  const std::string_view authority = rest.substr(0, rest.find('/'));
  for (const std::string_view host : {"localhost", "127.0.0.1", "[::1]"}) {
    if (authority == host) return true;
    if (authority.starts_with(host) && authority.substr(host.size()).starts_with(':')) return true;
  }
  return false;
}

Result<void> CheckUrl(std::string_view name, std::string_view url) {
  if (url.empty() || url.size() > kMaxUrlBytes) {
    return InvalidArgument(std::string(name) + ": must be a URL of at most 1024 bytes");
  }
  for (const char c : url) {
    if (c <= ' ' || c > '~' || c == '"' || c == '<' || c == '>' || c == '\\') {
      return InvalidArgument(std::string(name) + ": a URL has no such character; escape it");
    }
  }
  if (url.find('?') != url.npos || url.find('#') != url.npos) {
    return InvalidArgument(std::string(name) + ": must have no query and no fragment");
  }
  constexpr std::string_view kHttps = "https://", kHttp = "http://";
  const bool is_https =
      url.starts_with(kHttps) && url.size() > kHttps.size() && url[kHttps.size()] != '/';
  const bool is_local = url.starts_with(kHttp) && IsThisMachine(url.substr(kHttp.size()));
  if (is_https || is_local) return {};
  return InvalidArgument(std::string(name) + ": must begin with https:// and a host");
}

Result<void> CheckText(std::string_view name, std::string_view text, std::size_t max) {
  if (text.size() > max || !IsValidUtf8(text)) {
    return InvalidArgument(std::string(name) + ": must be UTF-8 of at most " + std::to_string(max) +
                           " bytes");
  }
  return CheckShownText(name, text);
}

// What the greatest measurement of one value is, were it not divided into buckets.
unsigned __int128 Span(const VdafInstance& vdaf, const DapStatistic& statistic) {
  switch (vdaf.circuit) {
    case Circuit::kCount:
    case Circuit::kMultihotCountVec:
      return 1;
    case Circuit::kHistogram:
      return static_cast<unsigned __int128>(vdaf.length) * statistic.bucket_width - 1;
    default:
      return vdaf.max_measurement;
  }
}

std::size_t ValueCount(const VdafInstance& vdaf) {
  switch (vdaf.circuit) {
    case Circuit::kSumVec:
    case Circuit::kMultihotCountVec:
      return vdaf.length;
    case Circuit::kLinReg:
      return std::size_t{vdaf.length} + 1;
    default:
      return 1;
  }
}

Result<void> CheckStatistic(const VdafInstance& vdaf, const DapStatistic& statistic) {
  if (statistic.name.empty()) return InvalidArgument("statistic.name: say what is measured");
  TRY_VOID(CheckText("statistic.name", statistic.name, kMaxNameBytes));
  TRY_VOID(CheckText("statistic.unit", statistic.unit, kMaxNameBytes));
  const bool is_histogram = vdaf.circuit == Circuit::kHistogram;
  if (statistic.bucket_width < 1 || statistic.bucket_width > kMaxExact ||
      (!is_histogram && statistic.bucket_width != 1) || (is_histogram && vdaf.length == 0)) {
    return InvalidArgument(
        "statistic.bucket_width: must be 1 to 2^53 in a histogram, which has buckets, else 1");
  }
  const bool takes_offset = vdaf.circuit == Circuit::kSum || vdaf.circuit == Circuit::kSumVec ||
                            vdaf.circuit == Circuit::kMeanVar || is_histogram;
  if (!takes_offset && statistic.offset != 0) {
    return InvalidArgument("statistic.offset: must be 0 for this circuit");
  }
  const auto magnitude = statistic.offset < 0 ? -static_cast<__int128>(statistic.offset)
                                              : static_cast<__int128>(statistic.offset);
  if (magnitude > static_cast<__int128>(kMaxExact)) {
    return InvalidArgument("statistic.offset: must be within 2^53 of 0");
  }
  if (static_cast<__int128>(Span(vdaf, statistic)) + statistic.offset >
      static_cast<__int128>(kMaxSigned)) {
    return InvalidArgument("statistic: its greatest value must be below 2^63");
  }
  return {};
}

Result<void> CheckNoise(const DapNoise& noise) {
  if (noise.mechanism != DapNoise::Mechanism::kDiscreteLaplace &&
      noise.mechanism != DapNoise::Mechanism::kDiscreteGaussian) {
    return InvalidArgument("noise.mechanism: must be discrete-laplace or discrete-gaussian");
  }
  const bool is_in_range =
      noise.epsilon_numerator >= 1 && noise.epsilon_numerator <= kMaxEpsilonPart &&
      noise.epsilon_denominator >= 1 && noise.epsilon_denominator <= kMaxEpsilonPart;
  if (!is_in_range || std::gcd(noise.epsilon_numerator, noise.epsilon_denominator) != 1) {
    return InvalidArgument("noise.epsilon: must be a fraction in lowest terms, parts 1 to 10^9");
  }
  if (noise.sensitivity < 1 || noise.sensitivity > kMaxExact) {
    return InvalidArgument("noise.sensitivity: must be 1 to 2^53");
  }
  return {};
}

Result<void> CheckInterval(const DapTaskParameters& task) {
  if (!task.interval) return {};
  const std::uint64_t unit_s = task.version == DapVersion::k18 ? task.time_precision_s : 1;
  const DapInterval& interval = *task.interval;
  if (!interval.is_well_formed() || interval.start + interval.duration > kLastSecond / unit_s) {
    return InvalidArgument("start, end: must be in order, and before the year 10000");
  }
  const bool is_whole =
      task.version == DapVersion::k18 || (interval.start % task.time_precision_s == 0 &&
                                          interval.duration % task.time_precision_s == 0);
  if (!is_whole) return InvalidArgument("start, end: must be multiples of time_precision_s");
  return {};
}

Result<void> CheckParameters(const DapTaskParameters& task) {
  if (task.version != DapVersion::k18 && task.version != DapVersion::k09) {
    return InvalidArgument("version: must be dap-18 or dap-09");
  }
  TRY_VOID(CheckUrl("leader", task.leader_url));
  TRY_VOID(CheckUrl("helper", task.helper_url));
  if (task.leader_url == task.helper_url) {
    return InvalidArgument("helper: must be another aggregator than the leader");
  }
  if (task.batch_mode != BatchMode::kTimeInterval &&
      task.batch_mode != BatchMode::kLeaderSelected) {
    return InvalidArgument("batch_mode: must be time-interval or leader-selected");
  }
  if (task.time_precision_s < 1 || task.time_precision_s > kMaxPrecision_s) {
    return InvalidArgument("time_precision_s: must be 1 second to 366 days");
  }
  if (task.min_batch_size < 1 || task.min_batch_size > kMaxSigned) {
    return InvalidArgument("min_batch_size: must be at least 1");
  }
  if (!IsKnownCircuit(task.vdaf.circuit)) return InvalidArgument("vdaf.circuit: is not known");
  if (task.vdaf.profile != ProfileOf(task.version) || task.vdaf.shares != 2) {
    return InvalidArgument("vdaf: must be of the version's profile, and for two aggregators");
  }
  TRY_VOID(CheckInterval(task));
  if (task.purpose.empty()) {
    return InvalidArgument("purpose: tell those who take part what their data are for");
  }
  TRY_VOID(CheckText("purpose", task.purpose, kMaxShownBytes));
  TRY_VOID(CheckStatistic(task.vdaf, task.statistic));
  if (task.noise) TRY_VOID(CheckNoise(*task.noise));
  if (task.task_info.size() > kMaxTaskInfoBytes ||
      (task.version == DapVersion::k09 && !task.task_info.empty())) {
    return InvalidArgument("task_info: must be at most 255 bytes, and none in dap-09");
  }
  return {};
}

Bytes Configuration(const DapTaskParameters& task, Bytes task_info) {
  TaskConfiguration configuration = {.task_info = std::move(task_info),
                                     .leader_url = task.leader_url,
                                     .helper_url = task.helper_url,
                                     .time_precision = task.time_precision_s,
                                     .min_batch_size = task.min_batch_size,
                                     .batch_mode = task.batch_mode,
                                     .batch_config = {},
                                     .vdaf_type = static_cast<std::uint32_t>(task.vdaf.circuit),
                                     .vdaf_configuration = EncodeVdafConfiguration(task.vdaf),
                                     .extensions = {}};
  if (task.interval) {
    configuration.extensions = {{TaskConfiguration::kIntervalExtension, task.interval->Encode()}};
  }
  return configuration.Encode();
}

}  // namespace

Result<DapTask> DapTask::Create(DapTaskParameters parameters) {
  TRY_VOID(CheckParameters(parameters));
  DapTask task(std::move(parameters));
  if (task.version() == DapVersion::k18) {
    Bytes task_info = task.parameters_.task_info;
    if (task_info.empty()) {
      TRY(const std::string promise, codec::CanonicalJson(PromiseJson(task.parameters_)));
      const crypto::Hash32 hash = crypto::Sha256(AsBytes(promise));
      task_info = ToBytes(ByteSpan(hash));
    }
    task.configuration_ = Configuration(task.parameters_, std::move(task_info));
    task.context_ = ToBytes(VersionTag(task.version()));
    Append(task.context_, task.id().span());
  }
  return task;
}

DapTask::DapTask(DapTaskParameters parameters) : parameters_(std::move(parameters)) {}

Result<DapTask> DapTask::FromJson(std::string_view text) {
  TRY(DapTaskParameters parameters, DapTaskFromJson(text));
  return Create(std::move(parameters));
}

std::string DapTask::ToJson() const { return DapTaskToJson(*this); }

std::uint64_t DapTask::TimeOf(Timestamp time) const {
  const auto since = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  if (since < 0) return 0;
  const std::uint64_t count = static_cast<std::uint64_t>(since) / parameters_.time_precision_s;
  return version() == DapVersion::k18 ? count : count * parameters_.time_precision_s;
}

std::optional<std::uint64_t> DapTask::UnixSeconds(std::uint64_t time) const {
  const std::uint64_t unit_s = version() == DapVersion::k18 ? parameters_.time_precision_s : 1;
  if (time > kLastSecond / unit_s) return std::nullopt;
  return time * unit_s;
}

DapInterval DapTask::BucketOf(std::uint64_t time) const {
  if (version() == DapVersion::k18) return {.start = time, .duration = 1};
  const std::uint64_t precision_s = parameters_.time_precision_s;
  return {.start = time - time % precision_s, .duration = precision_s};
}

bool DapTask::IsBatchInterval(const DapInterval& interval) const {
  if (!interval.is_well_formed()) return false;
  return version() == DapVersion::k18 || (interval.start % parameters_.time_precision_s == 0 &&
                                          interval.duration % parameters_.time_precision_s == 0);
}

Result<std::vector<std::uint64_t>> DapTask::MeasurementOf(
    std::span<const std::int64_t> values) const {
  const DapStatistic& statistic = parameters_.statistic;
  const std::size_t count = ValueCount(vdaf());
  if (values.size() != count) {
    return InvalidArgument(statistic.name + ": must be " + std::to_string(count) + " values");
  }
  const auto lowest = statistic.offset;
  const auto highest =
      static_cast<std::int64_t>(static_cast<__int128>(Span(vdaf(), statistic)) + lowest);
  std::vector<std::uint64_t> measurement;
  measurement.reserve(count);
  for (const std::int64_t value : values) {
    if (value < lowest || value > highest) {
      return InvalidArgument(statistic.name + ": must be " + std::to_string(lowest) + " to " +
                             std::to_string(highest) + (statistic.unit.empty() ? "" : " ") +
                             statistic.unit);
    }
    const auto above = static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(lowest);
    measurement.push_back(above / statistic.bucket_width);
  }
  return measurement;
}

}  // namespace salus::aggregate
