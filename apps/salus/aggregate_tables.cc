#include "apps/salus/aggregate_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "aggregate/batch_noise.h"
#include "aggregate/histogram_statistics.h"
#include "aggregate/linear_regression.h"
#include "aggregate/moments.h"
#include "aggregate/vdaf_json.h"
#include "codec/rfc3339.h"

namespace salus::cli {

namespace {

using aggregate::Circuit;
using aggregate::CollectedBatch;
using aggregate::DapTask;
using aggregate::Int128;

constexpr std::size_t kBarWidth = 40;

std::string Decimal(double value) { return fmt::format("{:.6g}", value); }

// Figure is one row of a table, and one member of the JSON.
struct Figure {
  std::string name;    // as people read it
  std::string member;  // of the JSON
  codec::Json value;
  std::string unit;
};

// What is larger than JSON's integers is a text, and not rounded.
codec::Json JsonOf(Int128 value) {
  if (value >= std::numeric_limits<std::int64_t>::min() &&
      value <= std::numeric_limits<std::int64_t>::max()) {
    return static_cast<std::int64_t>(value);
  }
  return codec::Json(fmt::format("{}", value));
}

std::string TextOf(const codec::Json& value) {
  if (value.is_double()) return Decimal(value.as_double());
  if (value.is_string()) return std::string(value.as_string());
  return codec::WriteJson(value);
}

// Figures collects what one batch says.
class Figures {
 public:
  Figures(const DapTask& task, const CollectedBatch& batch)
      : task_(task), batch_(batch), unit_(task.parameters().statistic.unit) {
    Add("reports", "reports", codec::Json(batch.report_count), "");
  }

  Result<void> Compute() {
    switch (task_.vdaf().circuit) {
      case Circuit::kCount:
        Add("count", "count", JsonOf(batch_.sums.at(0)), "");
        return {};
      case Circuit::kSum:
        return AddSum();
      case Circuit::kMeanVar:
        return AddMoments();
      case Circuit::kHistogram:
        return AddHistogram();
      case Circuit::kLinReg:
        return AddRegression();
      case Circuit::kSumVec:
      case Circuit::kMultihotCountVec:
        AddVector();
        return {};
    }
    return {};
  }

  void AddRest() {
    Add("from", "from", codec::Json(codec::FormatRfc3339(batch_.begin)), "");
    Add("to", "to", codec::Json(codec::FormatRfc3339(batch_.end)), "");
    if (batch_.batch_id) Add("batch", "batch", codec::Json(batch_.batch_id->ToText()), "");
    const auto noise = aggregate::MechanismOf(task_);
    // Both aggregators add their own.
    if (noise && *noise) {
      constexpr double kSqrtTwo = 1.4142135623730951;
      Add("noise, standard deviation", "noise_deviation",
          codec::Json((*noise)->Deviation() * kSqrtTwo), "");
    }
  }

  const std::vector<Figure>& rows() const { return rows_; }

 private:
  void Add(std::string name, std::string member, codec::Json value, const std::string& unit) {
    rows_.push_back({std::move(name), std::move(member), std::move(value), unit});
  }
  void AddNumber(std::string name, std::string member, const Result<double>& value,
                 const std::string& unit) {
    if (value) Add(std::move(name), std::move(member), codec::Json(*value), unit);
  }
  Int128 offset() const { return task_.parameters().statistic.offset; }
  Int128 WithOffset(Int128 sum) const {
    return sum + static_cast<Int128>(batch_.report_count) * offset();
  }

  Result<void> AddSum() {
    const Int128 sum = WithOffset(batch_.sums.at(0));
    Add("sum", "sum", JsonOf(sum), unit_);
    TRY(const double mean, aggregate::Moments::MeanOf(batch_.report_count, sum));
    Add("mean", "mean", codec::Json(mean), unit_);
    return {};
  }

  // The spread does not depend on the offset.
  Result<void> AddMoments() {
    const Int128 sum = batch_.sums.at(0);
    Add("sum", "sum", JsonOf(WithOffset(sum)), unit_);
    TRY(const aggregate::Moments moments,
        aggregate::Moments::Of(batch_.report_count, sum, batch_.sums.at(1)));
    Add("mean", "mean", codec::Json(moments.mean() + static_cast<double>(offset())), unit_);
    const std::string square = unit_.empty() ? "" : unit_ + "^2";
    AddNumber("variance", "variance", moments.SampleVariance(), square);
    AddNumber("standard deviation", "standard_deviation", moments.SampleDeviation(), unit_);
    return {};
  }

  Result<void> AddHistogram() {
    const auto& statistic = task_.parameters().statistic;
    codec::JsonArray buckets;
    Int128 most = 1;
    for (const Int128 count : batch_.sums) most = std::max(most, count);
    for (std::size_t i = 0; i < batch_.sums.size(); ++i) {
      const Int128 count = batch_.sums[i];
      const std::int64_t from =
          statistic.offset + static_cast<std::int64_t>(i * statistic.bucket_width);
      const std::int64_t to = from + static_cast<std::int64_t>(statistic.bucket_width) - 1;
      buckets.push_back(codec::JsonObject{{"from", from}, {"to", to}, {"count", JsonOf(count)}});
      const std::size_t length =
          count <= 0 ? 0 : static_cast<std::size_t>(count * Int128{kBarWidth} / most);
      rows_.push_back({from == to ? fmt::format("{}", from) : fmt::format("{} to {}", from, to), "",
                       JsonOf(count), std::string(length, '#')});
    }
    rows_.push_back({"", "buckets", std::move(buckets), ""});
    const auto all = aggregate::HistogramStatistics::OfValues(
        statistic.offset, statistic.bucket_width, batch_.sums, aggregate::NegativeCounts::kAsZero);
    if (!all || all->count() == 0) return {};
    // Of wider buckets only the lower edge is known of each value.
    if (statistic.bucket_width > 1) return {};
    AddNumber("smallest", "smallest", all->Smallest(), unit_);
    AddNumber("median", "median", all->Median(), unit_);
    AddNumber("largest", "largest", all->Largest(), unit_);
    AddNumber("mean", "mean", all->Mean(), unit_);
    return {};
  }

  Result<void> AddRegression() {
    TRY(const auto line, aggregate::LinearRegression::Fit(batch_.report_count, batch_.sums));
    codec::JsonArray slopes;
    for (std::size_t i = 0; i < line.slopes().size(); ++i) {
      slopes.emplace_back(line.slopes()[i]);
      rows_.push_back(
          {fmt::format("coefficient {}", i + 1), "", codec::Json(line.slopes()[i]), ""});
    }
    rows_.push_back({"", "coefficients", std::move(slopes), ""});
    Add("constant", "constant", codec::Json(line.intercept()), unit_);
    if (line.r_squared()) Add("r squared", "r_squared", codec::Json(*line.r_squared()), "");
    return {};
  }

  void AddVector() {
    const bool is_sum = task_.vdaf().circuit == Circuit::kSumVec;
    codec::JsonArray sums;
    for (std::size_t i = 0; i < batch_.sums.size(); ++i) {
      const Int128 sum = is_sum ? WithOffset(batch_.sums[i]) : batch_.sums[i];
      sums.push_back(JsonOf(sum));
      rows_.push_back({fmt::format("{} {}", is_sum ? "sum" : "answer", i + 1), "", JsonOf(sum),
                       is_sum ? unit_ : ""});
    }
    rows_.push_back({"", is_sum ? "sums" : "counts", std::move(sums), ""});
  }

  const DapTask& task_;
  const CollectedBatch& batch_;
  const std::string unit_;
  std::vector<Figure> rows_;
};

}  // namespace

Result<void> WriteBatch(Session& session, OutputFormat format, const DapTask& task,
                        const CollectedBatch& batch) {
  Figures figures(task, batch);
  TRY_VOID(figures.Compute());
  figures.AddRest();
  ResultWriter writer(session.terminal(), format, {"figure", "value", "unit"});
  if (format == OutputFormat::kTable || format == OutputFormat::kCsv) {
    for (const Figure& one : figures.rows()) {
      if (one.name.empty()) continue;
      writer.Row({{"figure", one.name}, {"value", TextOf(one.value)}, {"unit", one.unit}});
    }
    return {};
  }
  codec::JsonObject object;
  object["task"] = task.id().ToText();
  object["title"] = task.parameters().statistic.name;
  object["statistic"] = aggregate::CircuitName(task.vdaf().circuit);
  object["unit"] = task.parameters().statistic.unit;
  for (const Figure& one : figures.rows()) {
    if (!one.member.empty()) object[one.member] = one.value;
  }
  writer.Row(std::move(object));
  return {};
}

}  // namespace salus::cli
