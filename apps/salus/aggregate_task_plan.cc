// What is measured, when, and under which promise, from flags.

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "aggregate/prio3.h"
#include "aggregate/sensitivity.h"
#include "apps/salus/aggregate_task_new.h"
#include "apps/salus/dap_commands.h"
#include "codec/rfc3339.h"

namespace salus::cli {

namespace {

using aggregate::BatchMode;
using aggregate::Circuit;
using aggregate::DapNoise;
using aggregate::DapTaskParameters;
using aggregate::DapVersion;
using aggregate::Rational;

constexpr std::int64_t kMaxValue = 1LL << 40;
constexpr std::uint64_t kDefaultDays = 365;

struct ValueRange {
  std::int64_t low = 0;
  std::int64_t high = 0;
  std::uint64_t span() const { return static_cast<std::uint64_t>(high - low); }
};

Result<ValueRange> RangeOf(Session& session) {
  TRY(const std::string text, session.Required("--range"));
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) return session.Usage("--range: LOW:HIGH, such as 30:272");
  const auto low = ReadWhole(std::string_view(text).substr(0, colon), -kMaxValue, kMaxValue);
  const auto high = ReadWhole(std::string_view(text).substr(colon + 1), -kMaxValue, kMaxValue);
  if (!low || !high || *high <= *low) {
    return session.Usage("--range: LOW:HIGH, whole numbers, the second larger");
  }
  return ValueRange{*low, *high};
}

Result<std::int64_t> NumberOf(Session& session, const std::string& flag, std::int64_t missing,
                              std::int64_t high) {
  if (!session.arguments().Has(flag)) return missing;
  const auto value = ReadWhole(session.arguments().Text(flag), 1, high);
  if (!value) return session.Usage(flag + ": " + value.error().message);
  return *value;
}

// A proof is shortest where chunks are as long as there are chunks.
std::uint32_t ChunkOf(std::uint64_t elements) {
  return static_cast<std::uint32_t>(
      std::max(1.0, std::round(std::sqrt(static_cast<double>(elements)))));
}

// Draft-08 has sums up to 2^bits - 1 only: what lies between is allowed by the proof too.
std::uint64_t MaxOf(std::uint64_t span, DapVersion version) {
  if (version == DapVersion::k18) return span;
  return std::bit_ceil(span + 1) - 1;
}

Result<void> PlanHistogram(Session& session, DapTaskParameters& task) {
  TRY(const ValueRange range, RangeOf(session));
  const auto values = static_cast<std::int64_t>(range.span()) + 1;
  TRY(const std::int64_t buckets, NumberOf(session, "--buckets", values, 1 << 20));
  if (buckets > values) return session.Usage("--buckets: more than there are values");
  const std::int64_t width = (values + buckets - 1) / buckets;
  task.statistic.offset = range.low;
  task.statistic.bucket_width = static_cast<std::uint64_t>(width);
  task.vdaf.circuit = Circuit::kHistogram;
  task.vdaf.length = static_cast<std::uint32_t>((values + width - 1) / width);
  task.vdaf.chunk_length = ChunkOf(task.vdaf.length);
  return {};
}

Result<void> PlanVector(Session& session, DapTaskParameters& task) {
  TRY(const ValueRange range, RangeOf(session));
  TRY(const std::int64_t length, NumberOf(session, "--length", 0, 1 << 20));
  if (length == 0) return session.Usage("--length is required: how many numbers each sends");
  task.statistic.offset = range.low;
  task.vdaf.circuit = Circuit::kSumVec;
  task.vdaf.max_measurement = MaxOf(range.span(), task.version);
  task.vdaf.length = static_cast<std::uint32_t>(length);
  task.vdaf.chunk_length =
      ChunkOf(static_cast<std::uint64_t>(length) * std::bit_width(task.vdaf.max_measurement));
  return {};
}

Result<void> PlanMultihot(Session& session, DapTaskParameters& task) {
  TRY(const std::int64_t length, NumberOf(session, "--length", 0, 1 << 20));
  if (length == 0) return session.Usage("--length is required: how many answers there are");
  TRY(const std::int64_t weight, NumberOf(session, "--max-weight", length, length));
  task.vdaf.circuit = Circuit::kMultihotCountVec;
  task.vdaf.length = static_cast<std::uint32_t>(length);
  task.vdaf.max_weight = static_cast<std::uint32_t>(weight);
  task.vdaf.chunk_length = ChunkOf(task.vdaf.length);
  return {};
}

Result<void> PlanRegression(Session& session, DapTaskParameters& task) {
  TRY(const ValueRange range, RangeOf(session));
  if (range.low != 0) return session.Usage("--range: a regression's begins at 0");
  TRY(const std::int64_t inputs, NumberOf(session, "--length", 1, 32));
  task.vdaf.circuit = Circuit::kLinReg;
  task.vdaf.length = static_cast<std::uint32_t>(inputs);
  task.vdaf.max_measurement = range.span();
  return {};
}

Result<void> PlanStatistic(Session& session, DapTaskParameters& task) {
  TRY(const std::string statistic, session.Required("--statistic"));
  task.vdaf.profile = aggregate::ProfileOf(task.version);
  if (statistic == "count") {
    task.vdaf.circuit = Circuit::kCount;
    return {};
  }
  if (statistic == "histogram") return PlanHistogram(session, task);
  if (statistic == "vector") return PlanVector(session, task);
  if (statistic == "multihot") return PlanMultihot(session, task);
  if (statistic == "regression") return PlanRegression(session, task);
  const bool is_variance = statistic == "variance";
  if (!is_variance && statistic != "sum" && statistic != "mean") {
    return session.Usage(
        "--statistic: sum, mean, histogram, vector, count, multihot, variance or regression");
  }
  TRY(const ValueRange range, RangeOf(session));
  task.vdaf.circuit = is_variance ? Circuit::kMeanVar : Circuit::kSum;
  task.vdaf.max_measurement = MaxOf(range.span(), task.version);
  task.statistic.offset = range.low;
  return {};
}

Result<void> PlanBatches(Session& session, DapTaskParameters& task) {
  const std::string batch =
      session.arguments().Has("--batch") ? session.arguments().Text("--batch") : "time-interval:1h";
  const std::size_t colon = std::min(batch.find(':'), batch.size() - 1);
  const std::string_view kind = std::string_view(batch).substr(0, colon);
  const std::string_view size = std::string_view(batch).substr(colon + 1);
  TRY(const std::int64_t least, NumberOf(session, "--min-batch", 100, 1'000'000'000));
  task.min_batch_size = static_cast<std::uint64_t>(least);
  if (kind == "time-interval") {
    task.batch_mode = BatchMode::kTimeInterval;
    const auto seconds = ReadSeconds(size);
    if (!seconds) return session.Usage("--batch: " + seconds.error().message);
    task.time_precision_s = *seconds;
    return {};
  }
  const auto reports = ReadWhole(size, 1, 1'000'000'000);
  if (kind != "fixed" || !reports) {
    return session.Usage("--batch: time-interval:1h, or fixed:1000");
  }
  if (session.arguments().Has("--min-batch") && least != *reports) {
    return session.Usage("--min-batch is the number of --batch fixed:N itself");
  }
  task.batch_mode = BatchMode::kLeaderSelected;
  task.min_batch_size = static_cast<std::uint64_t>(*reports);
  return {};
}

Result<void> PlanInterval(Session& session, DapTaskParameters& task) {
  const Arguments& given = session.arguments();
  const std::int64_t now_s = ToUnixMillis(session.clock().Now()) / 1000;
  std::int64_t end_s = now_s + static_cast<std::int64_t>(kDefaultDays * 86'400);
  if (given.Has("--expires")) {
    const std::string text = given.Text("--expires");
    if (const auto span = ReadSeconds(text)) {
      end_s = now_s + static_cast<std::int64_t>(*span);
    } else {
      const auto day = codec::ParseDay(text);
      if (!day) return session.Usage("--expires: a day YYYY-MM-DD, or a span such as 90d");
      end_s = static_cast<std::int64_t>(ToUnixDay(*day)) * 86'400;
    }
  }
  if (end_s <= now_s) return session.Usage("--expires: is over");
  const auto precision = static_cast<std::int64_t>(task.time_precision_s);
  const std::int64_t first = now_s / precision;
  const std::int64_t last = (end_s + precision - 1) / precision;
  const std::int64_t unit = task.version == DapVersion::k18 ? 1 : precision;
  task.interval =
      aggregate::DapInterval{.start = static_cast<std::uint64_t>(first * unit),
                             .duration = static_cast<std::uint64_t>((last - first) * unit)};
  return {};
}

Result<void> PlanNoise(Session& session, TaskPlan& plan) {
  const Arguments& given = session.arguments();
  if (!given.Has("--noise")) {
    if (!given.Has("--budget") && !given.Has("--study")) return {};
    return session.Usage("--study and --budget are for a task with --noise");
  }
  const std::string text = given.Text("--noise");
  const std::size_t colon = std::min(text.find(':'), text.size() - 1);
  const std::string_view kind = std::string_view(text).substr(0, colon);
  if (kind != "laplace" && kind != "gaussian") {
    return session.Usage("--noise: laplace:EPSILON or gaussian:EPSILON, such as laplace:0.5");
  }
  const auto epsilon = Rational::Parse(std::string_view(text).substr(colon + 1));
  constexpr aggregate::Uint128 kMost = 1'000'000'000;
  if (!epsilon || epsilon->is_zero() || epsilon->numerator() > kMost ||
      epsilon->denominator() > kMost) {
    return session.Usage("--noise: epsilon is above 0, as 0.5 or 1/2");
  }
  // How many reports there are is told with every result: what has to be hidden is which value a
  // report had, not whether there was one.
  TRY(const aggregate::Sensitivity one,
      aggregate::SensitivityOf(plan.task.vdaf, aggregate::NeighbourModel::kReplace));
  if (one.l1 > std::numeric_limits<std::uint64_t>::max()) {
    return session.Usage("--noise: one report could move the result too far");
  }
  plan.task.noise =
      DapNoise{.mechanism = kind == "laplace" ? DapNoise::Mechanism::kDiscreteLaplace
                                              : DapNoise::Mechanism::kDiscreteGaussian,
               .epsilon_numerator = static_cast<std::uint64_t>(epsilon->numerator()),
               .epsilon_denominator = static_cast<std::uint64_t>(epsilon->denominator()),
               .sensitivity = static_cast<std::uint64_t>(one.l1)};
  TRY(const std::string study, session.Required("--study"));
  TRY(const std::string budget, session.Required("--budget"));
  const auto amount = Rational::Parse(budget);
  if (!amount || amount->is_zero()) return session.Usage("--budget: above 0, as 2 or 5/2");
  plan.study =
      aggregate::TaskStudy{.name = study,
                           .measure = kind == "laplace" ? aggregate::PrivacyMeasure::kEpsilon
                                                        : aggregate::PrivacyMeasure::kRho,
                           .budget = *amount};
  return {};
}

}  // namespace

Result<TaskPlan> PlanTask(Session& session) {
  TaskPlan plan;
  const std::string version = session.arguments().Text("--version");
  if (!version.empty() && version != "18" && version != "09") {
    return session.Usage("--version: 18 or 09");
  }
  plan.task.version = version == "09" ? DapVersion::k09 : DapVersion::k18;
  TRY(plan.task.statistic.name, session.Required("--title"));
  TRY(plan.task.purpose, session.Required("--purpose"));
  plan.task.statistic.unit = session.arguments().Text("--unit");
  TRY_VOID(PlanStatistic(session, plan.task));
  TRY_VOID(PlanBatches(session, plan.task));
  TRY_VOID(PlanInterval(session, plan.task));
  TRY_VOID(PlanNoise(session, plan));
  // What no circuit can be is said before anything is written.
  if (const auto possible = aggregate::Prio3::Create(plan.task.vdaf); !possible) {
    return session.Usage(possible.error().message);
  }
  return plan;
}

}  // namespace salus::cli
