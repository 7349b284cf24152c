// What the verbs of `salus aggregate` have in common: rosters and identities in, figures out.

#include <fmt/format.h>

#include "apps/salus/aggregate_commands.h"
#include "codec/hex.h"

namespace salus::cli {

namespace {

using aggregate::PeerResult;
using aggregate::PeerRoster;

constexpr std::size_t kMaxRosterBytes = std::size_t{1} << 20;

// Figure is one row of a table, and one member of the JSON object.
struct Figure {
  std::string name;
  codec::Json value;
  std::string unit;

  std::string Member() const {
    std::string out = name;
    for (char& c : out) c = c == ' ' ? '_' : c;
    return out;
  }
  std::string Shown() const {
    return value.is_double() ? fmt::format("{:.6g}", value.get_double()) : codec::WriteJson(value);
  }
};

// What a statistic can't say of these values is left out.
void Add(std::vector<Figure>& figures, const char* name, const Result<double>& value,
         const std::string& unit) {
  if (value) figures.push_back({name, *value, unit});
}

void AddSpread(std::vector<Figure>& figures, const aggregate::Moments& moments,
               const std::string& unit) {
  Add(figures, "variance", moments.population_variance(), unit.empty() ? "" : unit + "^2");
  Add(figures, "standard deviation", moments.population_deviation(), unit);
}

std::vector<Figure> FiguresOf(const PeerRoster& roster, const PeerResult& result) {
  const std::string& unit = roster.fields().unit;
  std::vector<Figure> out;
  out.push_back({"count", result.count, ""});
  if (result.sum) out.push_back({"sum", *result.sum, unit});
  if (result.mean) Add(out, "mean", *result.mean, unit);
  if (result.moments) AddSpread(out, *result.moments, unit);
  if (result.distribution) {
    const aggregate::HistogramStatistics& all = *result.distribution;
    Add(out, "mean", all.Mean(), unit);
    if (const auto moments = all.MomentsOfValues()) AddSpread(out, *moments, unit);
    Add(out, "smallest", all.Smallest(), unit);
    Add(out, "lower quartile", all.Quantile(0.25), unit);
    Add(out, "median", all.Median(), unit);
    Add(out, "upper quartile", all.Quantile(0.75), unit);
    Add(out, "largest", all.Largest(), unit);
  }
  if (result.regression) {
    Add(out, "intercept", result.regression->intercept(), unit);
    const std::optional<double> explained = result.regression->r_squared();
    if (explained) Add(out, "r squared", *explained, "");
  }
  return out;
}

std::string_view StatisticWords(aggregate::PeerStatistic statistic) {
  switch (statistic) {
    case aggregate::PeerStatistic::kSum:
      return "sum and mean";
    case aggregate::PeerStatistic::kVariance:
      return "sum, mean, variance and standard deviation";
    case aggregate::PeerStatistic::kHistogram:
      return "how many values are in each range";
    case aggregate::PeerStatistic::kRegression:
      return "a line through the values (least squares)";
  }
  return "unknown";
}

}  // namespace

Result<PeerRoster> ReadRosterFile(const std::string& path) {
  TRY(std::string text, ReadTextFile(path, kMaxRosterBytes));
  if (text.ends_with('\n')) text.pop_back();
  Result<PeerRoster> roster = PeerRoster::Parse(text);
  if (!roster) {
    return std::move(roster.error())
        .WithContext(path + ": is not as `salus aggregate roster` wrote it");
  }
  return roster;
}

Result<aggregate::PeerOwner> OwnerOf(Session& session) {
  TRY(const pki::IdentityDirectory* const identity, session.Identity());
  if (identity->chain().empty()) {
    return FailedPrecondition(identity->path().string() +
                              " has no certificate yet: salus identity certify, or make one with "
                              "salus identity new --self-signed");
  }
  return aggregate::PeerOwner{identity->chain().front(), identity->signing_key().Clone()};
}

std::string QuestionOf(const PeerRoster& roster) {
  const aggregate::PeerRosterFields& fields = roster.fields();
  return fmt::format("{}; of each party {} from {} to {}{}{}", StatisticWords(fields.statistic),
                     Counted(roster.values(), "number", "numbers"), fields.minimum, fields.maximum,
                     fields.unit.empty() ? "" : " ", fields.unit);
}

codec::JsonObject FiguresJson(const PeerRoster& roster, const PeerResult& result,
                              codec::JsonObject more) {
  const aggregate::PeerRosterFields& fields = roster.fields();
  codec::JsonObject out = std::move(more);
  out["session"] = codec::HexEncode(fields.session);
  out["title"] = fields.title;
  out["statistic"] = PeerStatisticName(fields.statistic);
  out["unit"] = fields.unit;
  for (const Figure& figure : FiguresOf(roster, result)) out[figure.Member()] = figure.value;
  codec::JsonArray buckets;
  for (const aggregate::PeerBucket& bucket : result.buckets) {
    buckets.push_back(
        codec::JsonObject{{"from", bucket.from}, {"to", bucket.to}, {"count", bucket.count}});
  }
  if (!buckets.empty()) out["buckets"] = std::move(buckets);
  if (result.regression) {
    const std::vector<double>& slopes = result.regression->slopes();
    out["slopes"] = codec::JsonArray(slopes.begin(), slopes.end());
  }
  return out;
}

void WriteFigures(Session& session, OutputFormat format, const PeerRoster& roster,
                  const PeerResult& result, codec::JsonObject more) {
  ResultWriter writer(session.terminal(), format, {"figure", "value", "unit"});
  if (format != OutputFormat::kTable && format != OutputFormat::kCsv) {
    writer.Row(FiguresJson(roster, result, std::move(more)));
    return;
  }
  const auto row = [&](const Figure& figure) {
    writer.Row({{"figure", figure.name}, {"value", figure.Shown()}, {"unit", figure.unit}});
  };
  for (const Figure& figure : FiguresOf(roster, result)) row(figure);
  for (const aggregate::PeerBucket& bucket : result.buckets) {
    row({fmt::format("{} to {}", bucket.from, bucket.to), bucket.count, "values"});
  }
  if (!result.regression) return;
  const std::vector<double>& slopes = result.regression->slopes();
  for (std::size_t i = 0; i < slopes.size(); ++i) {
    row({fmt::format("slope {}", i + 1), slopes[i], ""});
  }
}

}  // namespace salus::cli
