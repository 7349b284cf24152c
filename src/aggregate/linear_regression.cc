#include "aggregate/linear_regression.h"

#include <fmt/format.h>

#include "aggregate/big_fraction.h"

namespace salus::aggregate {

namespace {

using Row = std::vector<BigInteger>;

Result<void> CheckLengths(const RegressionSums& sums) {
  const std::size_t inputs = sums.x.size();
  if (inputs == 0 || inputs > LinearRegression::kMaxInputs) {
    return InvalidArgument(
        fmt::format("a regression has 1 to {} inputs", LinearRegression::kMaxInputs));
  }
  if (sums.xx.size() != inputs * (inputs + 1) / 2 || sums.xt.size() != inputs) {
    return InvalidArgument(
        fmt::format("a regression over {} inputs has {} sums of products of two inputs and {} of "
                    "an input and the output",
                    inputs, inputs * (inputs + 1) / 2, inputs));
  }
  if (sums.count == 0) return FailedPrecondition("there are no reports: nothing to fit");
  return {};
}

// count^2 times a covariance.
BigInteger Covariance(std::uint64_t count, Int128 products, Int128 a, Int128 b) {
  return BigInteger(count) * BigInteger(products) - BigInteger(a) * BigInteger(b);
}

// One row an input: its covariances with all inputs, and at the end with t.
std::vector<Row> NormalEquations(const RegressionSums& sums) {
  const std::size_t inputs = sums.x.size();
  std::vector<Row> rows(inputs, Row(inputs + 1));
  std::size_t at = 0;
  for (std::size_t i = 0; i < inputs; ++i) {
    for (std::size_t j = i; j < inputs; ++j, ++at) {
      rows[i][j] = Covariance(sums.count, sums.xx[at], sums.x[i], sums.x[j]);
      rows[j][i] = rows[i][j];
    }
    rows[i][inputs] = Covariance(sums.count, sums.xt[i], sums.x[i], sums.t);
  }
  return rows;
}

Error NotDefinite(std::size_t input, const BigInteger& minor) {
  if (minor == 0) {
    return FailedPrecondition(fmt::format(
        "input {} is the same in every report, or the inputs before it determine it: the line is "
        "not unique; leave that input out, or collect more reports",
        input + 1));
  }
  return FailedPrecondition(fmt::format(
      "no points have these sums (from input {} on), which only noise can do: take a larger "
      "epsilon, or more reports",
      input + 1));
}

// Eliminates without fractions (Bareiss 1968, each division is exact), below and above the
// diagonal, until every diagonal element is the determinant. The k-th pivot is the leading minor of
// order k + 1: the matrix is a covariance of independent inputs exactly when all are above 0.
Result<BigInteger> Eliminate(std::vector<Row>& rows) {
  BigInteger previous = 1;
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const BigInteger pivot = rows[k][k];
    if (pivot <= 0) return NotDefinite(k, pivot);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i == k) continue;
      const BigInteger factor = rows[i][k];
      for (std::size_t j = 0; j < rows[i].size(); ++j) {
        rows[i][j] = (rows[i][j] * pivot - factor * rows[k][j]) / previous;
      }
    }
    previous = pivot;
  }
  return previous;
}

std::optional<double> ShareExplained(const RegressionSums& sums, const std::vector<Row>& solved,
                                     const BigInteger& determinant) {
  if (!sums.tt) return std::nullopt;
  const BigInteger spread = Covariance(sums.count, *sums.tt, sums.t, sums.t);
  BigInteger explained = 0;
  for (std::size_t i = 0; i < solved.size(); ++i) {
    explained += solved[i].back() * Covariance(sums.count, sums.xt[i], sums.x[i], sums.t);
  }
  const BigInteger all = determinant * spread;
  if (all <= 0 || explained < 0 || explained > all) return std::nullopt;
  return NearestDouble(explained, all);
}

}  // namespace

Result<LinearRegression> LinearRegression::Fit(const RegressionSums& sums) {
  TRY_VOID(CheckLengths(sums));
  std::vector<Row> rows = NormalEquations(sums);
  TRY(const BigInteger determinant, Eliminate(rows));
  LinearRegression line;
  BigInteger intercept = determinant * BigInteger(sums.t);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const BigInteger& slope = rows[i].back();  // times the determinant
    line.slopes_.push_back(NearestDouble(slope, determinant));
    intercept -= slope * BigInteger(sums.x[i]);
  }
  line.intercept_ = NearestDouble(intercept, determinant * sums.count);
  line.r_squared_ = ShareExplained(sums, rows, determinant);
  return line;
}

}  // namespace salus::aggregate
