#include "node/notice_log.h"

#include <fmt/format.h>

#include "aggregate/dap_task.h"
#include "aggregate/vdaf_json.h"
#include "codec/hex.h"
#include "codec/rfc3339.h"
#include "crypto/sha256.h"
#include "node/node.h"

namespace salus::node {

namespace {

using aggregate::Circuit;
using aggregate::DapNoise;
using aggregate::DapTask;

constexpr Timestamp kEndOfTime{std::chrono::milliseconds(253'402'300'799'000)};  // year 9999

// With the range that a value has by the circuit: what is outside can't be sent.
std::string StatisticText(const DapTask& task) {
  const auto& statistic = task.parameters().statistic;
  const auto& vdaf = task.vdaf();
  std::string text = fmt::format("{} of {}", aggregate::CircuitName(vdaf.circuit), statistic.name);
  if (!statistic.unit.empty()) text += fmt::format(" in {}", statistic.unit);
  const auto end = [&](std::uint64_t steps) {
    return static_cast<__int128>(statistic.offset) + static_cast<__int128>(steps);
  };
  switch (vdaf.circuit) {
    case Circuit::kSum:
    case Circuit::kMeanVar:
    case Circuit::kSumVec:
      return fmt::format("{}, each from {} to {}", text, statistic.offset,
                         end(vdaf.max_measurement));
    case Circuit::kLinReg:
      return fmt::format("{}, each from 0 to {}", text, vdaf.max_measurement);
    case Circuit::kHistogram:
      return fmt::format("{}, {} buckets of {} from {} on", text, vdaf.length,
                         statistic.bucket_width, statistic.offset);
    default:
      return text;
  }
}

std::string NoiseText(const DapTask& task) {
  const auto& noise = task.parameters().noise;
  if (!noise) return "";
  return fmt::format("{} of each aggregator, epsilon {}/{}, sensitivity {}",
                     noise->mechanism == DapNoise::Mechanism::kDiscreteLaplace
                         ? "discrete Laplace"
                         : "discrete Gaussian",
                     noise->epsilon_numerator, noise->epsilon_denominator, noise->sensitivity);
}

Timestamp TimeAt(const DapTask& task, std::uint64_t time) {
  const auto seconds = task.UnixSeconds(time);
  return seconds ? FromUnixMillis(static_cast<std::int64_t>(*seconds) * 1000) : kEndOfTime;
}

std::string BatchName(const DapTask& task, const aggregate::DapBatchSelector& selector) {
  if (task.batch_mode() == aggregate::BatchMode::kLeaderSelected) return selector.batch_id.ToText();
  const auto& interval = selector.interval;
  return codec::FormatRfc3339(TimeAt(task, interval.start)) + "/" +
         codec::FormatRfc3339(TimeAt(task, interval.start + interval.duration));
}

}  // namespace

audit::TaskNotice NoticeOf(const aggregate::AggregatorTask& config, const std::string& origin) {
  const DapTask& task = config.task;
  audit::TaskNotice notice;
  notice.task_id = ToBytes(task.id().span());
  notice.title = task.parameters().statistic.name;
  notice.purpose = task.parameters().purpose;
  notice.statistic = StatisticText(task);
  notice.publisher = "server:" + origin;
  notice.min_participants = task.min_batch_size();
  const auto& interval = task.interval();
  notice.until = interval ? TimeAt(task, interval->start + interval->duration) : kEndOfTime;
  if (interval) notice.from = TimeAt(task, interval->start);
  notice.noise = NoiseText(task);
  notice.definition = crypto::Sha256(AsBytes(task.ToJson()));
  return notice;
}

Result<void> NoticeLog::TaskCreated(const aggregate::AggregatorTask& task) {
  TRY_VOID(node_.OpenTask(NoticeOf(task, node_.origin())));
  return {};
}

// After a crash the same batch comes again, later: the entry that is there says all of it.
Result<void> NoticeLog::BatchCollected(const aggregate::AggregatorTask& task,
                                       const aggregate::LoggedBatch& batch) {
  audit::ResultNotice notice;
  notice.task_id = ToBytes(task.task.id().span());
  notice.batch = BatchName(task.task, batch.selector);
  notice.participants = batch.report_count;
  notice.publisher = "server:" + node_.origin();
  notice.evidence = batch.answer_sha256;
  const auto logged = node_.directory().FindNotice({.task_id = codec::HexEncode(notice.task_id),
                                                    .publisher = notice.publisher,
                                                    .is_result = true,
                                                    .batch = notice.batch});
  if (logged) {
    TRY(const audit::ResultNotice before, audit::DecodeResultNotice(logged->content));
    if (before.participants == notice.participants && before.evidence == notice.evidence) return {};
    return Conflict("the log has another result of this batch: none is released");
  }
  notice.time = node_.clock().Now();
  TRY_VOID(node_.ReleaseResult(notice));
  return {};
}

}  // namespace salus::node
