#include "aggregate/dap_task_json.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>

#include "aggregate/vdaf_json.h"
#include "base/check.h"
#include "codec/base64.h"
#include "codec/rfc3339.h"

namespace salus::aggregate {
namespace {

using codec::JsonObject;
using codec::Within;

constexpr std::string_view kTimeInterval = "time-interval", kLeaderSelected = "leader-selected";
constexpr std::string_view kLaplace = "discrete-laplace", kGaussian = "discrete-gaussian";

Result<void> CheckMembersOf(std::string_view where, const JsonObject& object,
                            std::initializer_list<std::string_view> members) {
  Result<void> checked = codec::CheckMembers(object, members);
  if (!checked) return std::move(checked.error()).WithContext(where);
  return {};
}

Result<std::uint64_t> CountAt(const JsonObject& object, std::string_view name) {
  TRY(const std::int64_t value, codec::IntAt(object, name));
  if (value < 0) return InvalidArgument(std::string(name) + ": must not be negative");
  return static_cast<std::uint64_t>(value);
}

// One of two names.
template <typename Choice>
Result<Choice> ChoiceAt(const JsonObject& object, std::string_view name, std::string_view first,
                        Choice if_first, std::string_view second, Choice if_second) {
  TRY(const std::string_view text, codec::StringAt(object, name));
  if (text == first) return if_first;
  if (text == second) return if_second;
  return InvalidArgument(std::string(name) + ": must be " + std::string(first) + " or " +
                         std::string(second));
}

// A fraction has one text: N, or N/D in lowest terms with D over 1.
Result<void> ReadEpsilon(std::string_view text, DapNoise& noise) {
  const Error bad = InvalidArgument(
      "epsilon: must be a fraction in lowest terms as \"1/2\", or a whole number as \"1\"");
  const std::size_t slash = text.find('/');
  const std::string_view parts[] = {text.substr(0, slash),
                                    slash == text.npos ? "1" : text.substr(slash + 1)};
  std::uint64_t* const numbers[] = {&noise.epsilon_numerator, &noise.epsilon_denominator};
  for (std::size_t i = 0; i < 2; ++i) {
    const char* const end = parts[i].data() + parts[i].size();
    const auto [stop, error] = std::from_chars(parts[i].data(), end, *numbers[i]);
    if (error != std::errc() || stop != end || parts[i].front() == '0') return bad;
  }
  if (slash != text.npos && noise.epsilon_denominator == 1) return bad;
  return {};
}

std::string EpsilonText(const DapNoise& noise) {
  std::string text = std::to_string(noise.epsilon_numerator);
  if (noise.epsilon_denominator != 1) text += "/" + std::to_string(noise.epsilon_denominator);
  return text;
}

Result<DapStatistic> ReadStatistic(const JsonObject& object, bool is_histogram) {
  DapStatistic statistic;
  if (is_histogram) {
    TRY(statistic.bucket_width, CountAt(object, "bucket_width"));
  }
  TRY(statistic.name, codec::StringAt(object, "name"));
  TRY(statistic.unit, codec::StringAt(object, "unit"));
  TRY(statistic.offset, codec::IntAt(object, "offset"));
  return statistic;
}

Result<DapNoise> ReadNoise(const JsonObject& object) {
  DapNoise noise;
  TRY(noise.mechanism,
      ChoiceAt(object, "mechanism", kLaplace, DapNoise::Mechanism::kDiscreteLaplace, kGaussian,
               DapNoise::Mechanism::kDiscreteGaussian));
  TRY(const std::string_view epsilon, codec::StringAt(object, "epsilon"));
  TRY_VOID(ReadEpsilon(epsilon, noise));
  TRY(noise.sensitivity, CountAt(object, "sensitivity"));
  return noise;
}

// A border of the task's time, in the unit of DapInterval.
Result<std::uint64_t> ReadBorder(std::string_view name, std::string_view text,
                                 const DapTaskParameters& task) {
  const Result<Timestamp> time = codec::ParseRfc3339(text);
  if (!time) return Within(name, time.error());
  const std::int64_t millis = ToUnixMillis(*time);
  const auto precision_ms = static_cast<std::int64_t>(task.time_precision_s) * 1000;
  if (millis < 0 || millis % precision_ms != 0) {
    return InvalidArgument(std::string(name) + ": must be a multiple of time_precision_s");
  }
  return static_cast<std::uint64_t>(millis /
                                    (task.version == DapVersion::k18 ? precision_ms : 1000));
}

Result<std::optional<DapInterval>> ReadInterval(const JsonObject& object,
                                                const DapTaskParameters& task) {
  TRY(const auto start_text, codec::OptionalStringAt(object, "start"));
  TRY(const auto end_text, codec::OptionalStringAt(object, "end"));
  if (!start_text && !end_text) return std::optional<DapInterval>();
  if (!start_text || !end_text) return InvalidArgument("start, end: must be both there, or none");
  // The unit must be sound before anything is divided by it.
  if (task.time_precision_s < 1 || task.time_precision_s > 366u * 86400) {
    return InvalidArgument("time_precision_s: must be 1 second to 366 days");
  }
  TRY(const std::uint64_t start, ReadBorder("start", *start_text, task));
  TRY(const std::uint64_t end, ReadBorder("end", *end_text, task));
  if (end <= start) return InvalidArgument("end: must be after start");
  return std::optional(DapInterval{.start = start, .duration = end - start});
}

std::string BorderText(const DapTask& task, std::uint64_t time) {
  const std::optional<std::uint64_t> seconds = task.UnixSeconds(time);
  CHECK(seconds);  // DapTask::Create saw to it
  return codec::FormatRfc3339(FromUnixMillis(static_cast<std::int64_t>(*seconds) * 1000));
}

JsonObject StatisticJson(const DapTaskParameters& task) {
  JsonObject object;
  object["name"] = task.statistic.name;
  object["unit"] = task.statistic.unit;
  object["offset"] = task.statistic.offset;
  if (task.vdaf.circuit == Circuit::kHistogram) {
    object["bucket_width"] = task.statistic.bucket_width;
  }
  return object;
}

JsonObject NoiseJson(const DapNoise& noise) {
  JsonObject object;
  object["mechanism"] =
      noise.mechanism == DapNoise::Mechanism::kDiscreteLaplace ? kLaplace : kGaussian;
  object["epsilon"] = EpsilonText(noise);
  object["sensitivity"] = noise.sensitivity;
  return object;
}

// What has members of its own, or may be missing.
Result<void> ReadParts(const JsonObject& object, DapTaskParameters& task) {
  TRY(const JsonObject* vdaf, codec::ObjectAt(object, "vdaf"));
  Result<VdafInstance> instance = VdafFromJson(*vdaf, ProfileOf(task.version), 2);
  if (!instance) return Within("vdaf", std::move(instance.error()));
  task.vdaf = *instance;
  TRY(const JsonObject* statistic, codec::ObjectAt(object, "statistic"));
  const bool is_histogram = task.vdaf.circuit == Circuit::kHistogram;
  if (is_histogram) {
    TRY_VOID(CheckMembersOf("statistic", *statistic, {"name", "unit", "offset", "bucket_width"}));
  } else {
    TRY_VOID(CheckMembersOf("statistic", *statistic, {"name", "unit", "offset"}));
  }
  auto read = ReadStatistic(*statistic, is_histogram);
  if (!read) return Within("statistic", std::move(read.error()));
  task.statistic = *std::move(read);
  TRY(const JsonObject* noise, codec::OptionalObjectAt(object, "noise"));
  if (noise != nullptr) {
    TRY_VOID(CheckMembersOf("noise", *noise, {"mechanism", "epsilon", "sensitivity"}));
    Result<DapNoise> option = ReadNoise(*noise);
    if (!option) return Within("noise", std::move(option.error()));
    task.noise = *option;
  }
  TRY(const auto task_info, codec::OptionalStringAt(object, "task_info"));
  if (task_info) {
    Result<Bytes> bytes = codec::Base64UrlDecode(*task_info);
    if (!bytes) return Within("task_info", std::move(bytes.error()));
    if (bytes->empty()) return InvalidArgument("task_info: must not be empty; leave it out");
    task.task_info = *std::move(bytes);
  }
  return {};
}

}  // namespace

Result<DapTaskParameters> DapTaskFromJson(std::string_view text) {
  TRY(const codec::Json json, codec::ParseJson(text));
  TRY(const JsonObject* object, codec::AsObject(json, "task"));
  TRY_VOID(CheckMembersOf(
      "task", *object,
      {"version", "id", "leader", "helper", "batch_mode", "time_precision_s", "min_batch_size",
       "vdaf", "start", "end", "purpose", "statistic", "noise", "task_info"}));
  DapTaskParameters task;
  TRY(task.version, ChoiceAt(*object, "version", VersionTag(DapVersion::k18), DapVersion::k18,
                             VersionTag(DapVersion::k09), DapVersion::k09));
  TRY(const std::string_view id, codec::StringAt(*object, "id"));
  TRY(task.id, TaskId::Parse(id));
  TRY(task.leader_url, codec::StringAt(*object, "leader"));
  TRY(task.helper_url, codec::StringAt(*object, "helper"));
  TRY(task.batch_mode, ChoiceAt(*object, "batch_mode", kTimeInterval, BatchMode::kTimeInterval,
                                kLeaderSelected, BatchMode::kLeaderSelected));
  TRY(task.time_precision_s, CountAt(*object, "time_precision_s"));
  TRY(task.min_batch_size, CountAt(*object, "min_batch_size"));
  TRY(task.interval, ReadInterval(*object, task));
  TRY(task.purpose, codec::StringAt(*object, "purpose"));
  TRY_VOID(ReadParts(*object, task));
  return task;
}

std::string DapTaskToJson(const DapTask& task) {
  const DapTaskParameters& from = task.parameters();
  JsonObject object;
  object["version"] = VersionTag(from.version);
  object["id"] = from.id.ToText();
  object["leader"] = from.leader_url;
  object["helper"] = from.helper_url;
  object["batch_mode"] =
      from.batch_mode == BatchMode::kTimeInterval ? kTimeInterval : kLeaderSelected;
  object["time_precision_s"] = from.time_precision_s;
  object["min_batch_size"] = from.min_batch_size;
  object["vdaf"] = VdafToJson(from.vdaf);
  if (from.interval) {
    object["start"] = BorderText(task, from.interval->start);
    object["end"] = BorderText(task, from.interval->start + from.interval->duration);
  }
  object["purpose"] = from.purpose;
  object["statistic"] = StatisticJson(from);
  if (from.noise) object["noise"] = NoiseJson(*from.noise);
  if (!from.task_info.empty()) object["task_info"] = codec::Base64UrlEncode(from.task_info);
  return codec::WriteJson(object);
}

codec::Json PromiseJson(const DapTaskParameters& task) {
  JsonObject object;
  object["purpose"] = task.purpose;
  object["statistic"] = StatisticJson(task);
  if (task.noise) object["noise"] = NoiseJson(*task.noise);
  return object;
}

}  // namespace salus::aggregate
