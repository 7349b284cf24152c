#include "aggregate/share_decoder.h"

#include <utility>

#include "base/check.h"

namespace salus::aggregate {

namespace {

using F = Field128;
using Row = std::vector<F>;

F Dot(std::span<const F> a, std::span<const F> b) {
  F::Sum sum;
  for (std::size_t i = 0; i < a.size(); ++i) sum.Add(a[i], b[i]);
  return sum.Reduced();
}

F Evaluate(std::span<const F> coefficients, F x) {
  F value = F::Zero();
  for (std::size_t i = coefficients.size(); i-- > 0;) value = value * x + coefficients[i];
  return value;
}

// Solves rows of coefficients with the constant last; free unknowns become zero; nothing where the
// equations contradict each other.
std::optional<std::vector<F>> Solve(std::vector<Row> rows, std::size_t unknowns) {
  std::vector<std::size_t> pivots;
  for (std::size_t column = 0; column < unknowns && pivots.size() < rows.size(); ++column) {
    const std::size_t top = pivots.size();
    std::size_t pivot = top;
    while (pivot < rows.size() && rows[pivot][column] == F::Zero()) ++pivot;
    if (pivot == rows.size()) continue;
    std::swap(rows[top], rows[pivot]);
    const F scale = rows[top][column].Inverse();
    for (F& element : rows[top]) element *= scale;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i == top) continue;
      const F factor = rows[i][column];
      for (std::size_t j = column; j <= unknowns; ++j) rows[i][j] -= factor * rows[top][j];
    }
    pivots.push_back(column);
  }
  for (std::size_t i = pivots.size(); i < rows.size(); ++i) {
    if (rows[i][unknowns] != F::Zero()) return std::nullopt;
  }
  std::vector<F> out(unknowns, F::Zero());
  for (std::size_t i = 0; i < pivots.size(); ++i) out[pivots[i]] = rows[i][unknowns];
  return out;
}

// The quotient of two polynomials, the lower one monic; nothing where something is left.
std::optional<std::vector<F>> Divide(std::vector<F> above, const std::vector<F>& below) {
  CHECK(above.size() >= below.size());
  std::vector<F> quotient(above.size() - below.size() + 1, F::Zero());
  for (std::size_t i = quotient.size(); i-- > 0;) {
    quotient[i] = above[i + below.size() - 1];
    for (std::size_t j = 0; j < below.size(); ++j) above[i + j] -= quotient[i] * below[j];
  }
  for (const F& rest : above) {
    if (rest != F::Zero()) return std::nullopt;
  }
  return quotient;
}

}  // namespace

ShareDecoder::ShareDecoder(std::size_t degree, std::vector<std::size_t> positions)
    : degree_(degree), positions_(std::move(positions)) {
  CHECK(positions_.size() > degree_);
  for (const std::size_t position : positions_) points_.push_back(F::FromUint64(position + 1));
  for (std::size_t i = 0; i <= degree_; ++i) {
    F weight = F::One();
    for (std::size_t j = 0; j <= degree_; ++j) {
      if (j != i) weight *= points_[i] - points_[j];
    }
    weights_.push_back(weight.Inverse());
  }
  for (std::size_t i = degree_ + 1; i < points_.size(); ++i) others_.push_back(BasisAt(points_[i]));
  zero_ = BasisAt(F::Zero());
}

std::vector<Field128> ShareDecoder::BasisAt(Field128 x) const {
  std::vector<F> out = weights_;
  for (std::size_t i = 0; i <= degree_; ++i) {
    for (std::size_t j = 0; j <= degree_; ++j) {
      if (j != i) out[i] *= x - points_[j];
    }
  }
  return out;
}

std::optional<Field128> ShareDecoder::AtZero(std::span<const Field128> values) const {
  CHECK(values.size() == points_.size());
  const auto first = values.first(degree_ + 1);
  for (std::size_t i = 0; i < others_.size(); ++i) {
    if (Dot(others_[i], first) != values[degree_ + 1 + i]) return std::nullopt;
  }
  return Dot(zero_, first);
}

// With e errors there are E, monic of degree e and zero where they are, and Q = P * E, so that
// Q(x) = y * E(x) at every point.
std::optional<ShareDecoder::Decoded> ShareDecoder::Decode(std::span<const Field128> values) const {
  if (const auto all = AtZero(values)) return Decoded{*all, {}};
  const std::size_t errors = (points_.size() - degree_ - 1) / 2;
  if (errors == 0) return std::nullopt;
  const std::size_t above = degree_ + errors + 1;  // coefficients of Q
  std::vector<Row> rows;
  for (std::size_t i = 0; i < points_.size(); ++i) {
    Row row;
    F power = F::One();
    for (std::size_t k = 0; k < above; ++k, power *= points_[i]) row.push_back(power);
    power = values[i];
    for (std::size_t k = 0; k < errors; ++k, power *= points_[i]) row.push_back(-power);
    row.push_back(power);
    rows.push_back(std::move(row));
  }
  const auto solved = Solve(std::move(rows), above + errors);
  if (!solved) return std::nullopt;
  const auto split = solved->begin() + static_cast<std::ptrdiff_t>(above);
  std::vector<F> locator(split, solved->end());
  locator.push_back(F::One());
  const auto polynomial = Divide({solved->begin(), split}, locator);
  if (!polynomial) return std::nullopt;
  Decoded out{polynomial->front(), {}};
  for (std::size_t i = 0; i < points_.size(); ++i) {
    if (Evaluate(*polynomial, points_[i]) != values[i]) out.wrong.push_back(positions_[i]);
  }
  if (out.wrong.size() > errors) return std::nullopt;
  return out;
}

}  // namespace salus::aggregate
