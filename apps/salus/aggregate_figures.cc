// What the verbs of `salus aggregate` have in common: rosters and identities in, figures out.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "apps/salus/aggregate_commands.h"
#include "codec/hex.h"

namespace salus::cli {

namespace {

using aggregate::PeerResult;
using aggregate::PeerRoster;

constexpr std::size_t kMaxRosterBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxQuantiles = 100;

// Figure is one row of a table, and one member of the JSON object.
struct Figure {
  std::string name;
  codec::Json value;
  std::string unit;
  std::string note = {};  // for people: how far it is to be believed; empty: exact

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
         const std::string& unit, const char* note = "") {
  if (value) figures.push_back({name, *value, unit, note});
}

void AddSpread(std::vector<Figure>& figures, const aggregate::Moments& moments,
               const std::string& unit) {
  Add(figures, "variance", moments.population_variance(), unit.empty() ? "" : unit + "^2");
  Add(figures, "standard deviation", moments.population_deviation(), unit);
}

// Of a bucket of several values nobody knows where in it a value lies.
bool IsCoarse(const PeerRoster& roster) { return roster.fields().bucket > 1; }

void AddQuantiles(std::vector<Figure>& figures, const aggregate::HistogramStatistics& all,
                  const Quantiles& quantiles, const std::string& unit, const char* note) {
  if (quantiles.empty()) {
    Add(figures, "lower quartile", all.Quantile(0.25), unit, note);
    Add(figures, "median", all.Median(), unit, note);
    Add(figures, "upper quartile", all.Quantile(0.75), unit, note);
    return;
  }
  for (const double share : quantiles) {
    Add(figures, fmt::format("quantile {:.6g}", share).c_str(), all.Quantile(share), unit, note);
  }
}

void AddDistribution(std::vector<Figure>& figures, const PeerRoster& roster,
                     const PeerResult& result, const Quantiles& quantiles) {
  const std::string& unit = roster.fields().unit;
  const aggregate::HistogramStatistics& all = *result.distribution;
  const bool is_coarse = IsCoarse(roster);
  const char* const note = is_coarse ? "approximate" : "";
  Add(figures, "mean", all.Mean(), unit, note);
  if (const auto moments = all.MomentsOfValues()) AddSpread(figures, *moments, unit);
  const auto has_values = [](const aggregate::PeerBucket& bucket) { return bucket.count > 0; };
  const auto first = std::ranges::find_if(result.buckets, has_values);
  if (first == result.buckets.end()) return;
  const auto last = std::find_if(result.buckets.rbegin(), result.buckets.rend(), has_values);
  figures.push_back({"smallest", first->from, unit, is_coarse ? "at least" : ""});
  AddQuantiles(figures, all, quantiles, unit, note);
  figures.push_back({"largest", last->to, unit, is_coarse ? "at most" : ""});
}

std::vector<Figure> FiguresOf(const PeerRoster& roster, const PeerResult& result,
                              const Quantiles& quantiles) {
  const std::string& unit = roster.fields().unit;
  std::vector<Figure> out;
  out.push_back({"count", result.count, ""});
  if (result.sum) out.push_back({"sum", *result.sum, unit});
  if (result.mean) Add(out, "mean", *result.mean, unit);
  if (result.moments) AddSpread(out, *result.moments, unit);
  if (result.distribution) AddDistribution(out, roster, result, quantiles);
  if (result.regression) {
    Add(out, "intercept", result.regression->intercept(), unit);
    const std::optional<double> explained = result.regression->r_squared();
    if (explained) Add(out, "r squared", *explained, "");
  }
  return out;
}

// 0.1, or 10%: a bare 10 could be meant as either.
std::optional<double> ShareOf(std::string_view text) {
  const bool is_percentage = text.ends_with('%');
  if (is_percentage) text.remove_suffix(1);
  double value = 0;
  const char* const last = text.data() + text.size();
  const auto [end, failed] = std::from_chars(text.data(), last, value, std::chars_format::fixed);
  if (failed != std::errc() || end != last) return std::nullopt;
  if (is_percentage) value /= 100;
  if (!(value >= 0 && value <= 1)) return std::nullopt;
  return value;
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

Result<Quantiles> QuantilesOf(Session& session, const PeerRoster& roster) {
  Quantiles out;
  if (!session.arguments().Has("--quantile")) return out;
  if (roster.fields().statistic != aggregate::PeerStatistic::kHistogram) {
    return session.Usage("--quantile: only a histogram says it, and this roster asks for another");
  }
  for (const std::string& list : session.arguments().List("--quantile")) {
    std::string_view rest = list;
    for (bool is_last = false; !is_last;) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      const std::optional<double> share = ShareOf(rest.substr(0, comma));
      if (!share) {
        return session.Usage("--quantile: shares from 0 to 1, or percentages, such as 0.1,0.5,90%");
      }
      out.push_back(*share);
      is_last = comma == rest.size();
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  if (out.size() > kMaxQuantiles) {
    return session.Usage(fmt::format("--quantile: at most {} of them", kMaxQuantiles));
  }
  return out;
}

codec::JsonObject FiguresJson(const PeerRoster& roster, const PeerResult& result,
                              const Quantiles& quantiles, codec::JsonObject more) {
  const aggregate::PeerRosterFields& fields = roster.fields();
  codec::JsonObject out = std::move(more);
  out["session"] = codec::HexEncode(fields.session);
  out["title"] = fields.title;
  out["statistic"] = PeerStatisticName(fields.statistic);
  out["unit"] = fields.unit;
  codec::JsonArray approximate;
  for (const Figure& figure : FiguresOf(roster, result, quantiles)) {
    out[figure.Member()] = figure.value;
    if (!figure.note.empty()) approximate.emplace_back(figure.Member());
  }
  if (result.distribution) out["approximate"] = std::move(approximate);
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
                  const PeerResult& result, const Quantiles& quantiles, codec::JsonObject more) {
  ResultWriter writer(session.terminal(), format, {"figure", "value", "unit"});
  if (format != OutputFormat::kTable && format != OutputFormat::kCsv) {
    writer.Row(FiguresJson(roster, result, quantiles, std::move(more)));
    return;
  }
  const auto row = [&](const Figure& figure) {
    const std::string note = figure.note.empty() ? "" : fmt::format(" ({})", figure.note);
    writer.Row({{"figure", figure.name + note}, {"value", figure.Shown()}, {"unit", figure.unit}});
  };
  for (const Figure& figure : FiguresOf(roster, result, quantiles)) row(figure);
  for (const aggregate::PeerBucket& bucket : result.buckets) {
    const bool is_one_value = bucket.from == bucket.to;
    row({is_one_value ? fmt::format("{}", bucket.from)
                      : fmt::format("{} to {}", bucket.from, bucket.to),
         bucket.count, "values"});
  }
  if (!result.regression) return;
  const std::vector<double>& slopes = result.regression->slopes();
  for (std::size_t i = 0; i < slopes.size(); ++i) {
    row({fmt::format("slope {}", i + 1), slopes[i], ""});
  }
}

}  // namespace salus::cli
