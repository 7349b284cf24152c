#include "aggregate/linear_regression.h"

#include <fmt/format.h>

#include "aggregate/big_fraction.h"

namespace salus::aggregate {

namespace {

using Row = std::vector<BigInteger>;

// The numbers of a report, its output among them, of which there are so many sums.
Result<std::size_t> NumbersOf(std::size_t sums) {
  for (std::size_t inputs = 1; inputs <= LinearRegression::kMaxInputs; ++inputs) {
    const std::size_t numbers = inputs + 1;
    if (sums == numbers + numbers * (numbers + 1) / 2) return numbers;
  }
  return InvalidArgument(fmt::format("{} sums are not those of a regression over 1 to {} inputs",
                                     sums, LinearRegression::kMaxInputs));
}

// One row a number: count^2 times its covariances with all numbers.
std::vector<Row> Covariances(std::uint64_t count, std::size_t numbers,
                             std::span<const Int128> sums) {
  std::vector<Row> rows(numbers, Row(numbers));
  std::size_t at = numbers;
  for (std::size_t i = 0; i < numbers; ++i) {
    for (std::size_t j = i; j < numbers; ++j, ++at) {
      rows[i][j] =
          BigInteger(count) * BigInteger(sums[at]) - BigInteger(sums[i]) * BigInteger(sums[j]);
      rows[j][i] = rows[i][j];
    }
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

// with_output are the covariances of the output: with each input, and last with itself.
std::optional<double> ShareExplained(const std::vector<Row>& solved, const Row& with_output,
                                     const BigInteger& determinant) {
  BigInteger explained = 0;
  for (std::size_t i = 0; i < solved.size(); ++i) explained += solved[i].back() * with_output[i];
  const BigInteger all = determinant * with_output.back();
  if (all <= 0 || explained < 0 || explained > all) return std::nullopt;
  return NearestDouble(explained, all);
}

}  // namespace

Result<LinearRegression> LinearRegression::Fit(std::uint64_t count, std::span<const Int128> sums) {
  TRY(const std::size_t numbers, NumbersOf(sums.size()));
  if (count == 0) return FailedPrecondition("there are no reports: nothing to fit");
  // Without the output's own row these are the normal equations, their right side in the last
  // column.
  std::vector<Row> rows = Covariances(count, numbers, sums);
  const Row with_output = std::move(rows.back());
  rows.pop_back();
  TRY(const BigInteger determinant, Eliminate(rows));
  LinearRegression line;
  BigInteger intercept = determinant * BigInteger(sums[rows.size()]);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const BigInteger& slope = rows[i].back();  // times the determinant
    line.slopes_.push_back(NearestDouble(slope, determinant));
    intercept -= slope * BigInteger(sums[i]);
  }
  line.intercept_ = NearestDouble(intercept, determinant * count);
  line.r_squared_ = ShareExplained(rows, with_output, determinant);
  return line;
}

}  // namespace salus::aggregate
