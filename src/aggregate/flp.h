// Flp proves that a circuit accepts an encoded measurement, to verifiers that hold shares of it.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "aggregate/coset_products.h"
#include "aggregate/element_vector.h"
#include "aggregate/field128.h"
#include "aggregate/gadget.h"
#include "aggregate/ntt.h"
#include "aggregate/wire_tester.h"

namespace salus::aggregate {

// PolynomialBasis says how a proof holds the gadget polynomial: as values at the first powers of
// the root, or as coefficients.
enum class PolynomialBasis { kLagrange, kMonomial };

// Flp is the proof system for circuits with one gadget. A circuit C has
//   Field, Gadget                                       types
//   gadget(), gadget_calls(), measurement_length(), joint_rand_length(), eval_output_length(),
//   output_length()
//   Eval(measurement, joint_rand, shares_inverse, calls, out), which for each call of the gadget
//       fills calls.inputs() and then takes calls.Output()
//   Encode(numbers, measurement), Truncate(measurement, out)
// Prove takes secrets, and so does Query; what a Query gives is one share of the verifier, and all
// are added up for Decide. With shares that do not add up but are points of a polynomial (Shamir),
// shares_inverse is 1 and verifiers are interpolated like any other share: everything is linear.
//
// Source:  VDAF draft-20 section 7.3; with coefficients, draft-08 section 7.3.
// Shape:   spans of exactly the lengths that the accessors tell.
// Threads: immutable, safe to share.
template <class C, PolynomialBasis kBasis = PolynomialBasis::kLagrange>
class Flp {
 public:
  using F = typename C::Field;
  using Gadget = typename C::Gadget;

  explicit Flp(C circuit)
      : circuit_(std::move(circuit)),
        gadget_(circuit_.gadget()),
        arity_(gadget_.arity()),
        wire_ntt_(Log2Ceiling(1 + circuit_.gadget_calls())),
        polynomial_length_(Gadget::kDegree * (wire_ntt_.size() - 1) + 1),
        polynomial_ntt_(Log2Ceiling(polynomial_length_)),
        step_(polynomial_ntt_.size() / wire_ntt_.size()) {
    FillTwists();
    FillExtension();
  }

  const C& circuit() const { return circuit_; }
  std::size_t prove_rand_length() const { return arity_; }
  std::size_t query_rand_length() const {
    return 1 + (circuit_.eval_output_length() > 1 ? circuit_.eval_output_length() : 0);
  }
  std::size_t joint_rand_length() const { return circuit_.joint_rand_length(); }
  std::size_t proof_length() const { return arity_ + polynomial_length_; }
  std::size_t verifier_length() const { return arity_ + 2; }

  void Prove(std::span<const F> measurement, std::span<const F> prove_rand,
             std::span<const F> joint_rand, std::span<F> proof) const {
    CHECK(measurement.size() == circuit_.measurement_length() && prove_rand.size() == arity_);
    CHECK(joint_rand.size() == joint_rand_length() && proof.size() == proof_length());
    const std::size_t points = wire_ntt_.size();
    ElementVector<F> wires(points * arity_);
    std::ranges::copy(prove_rand, wires.all().begin());
    std::ranges::copy(prove_rand, proof.begin());
    ElementVector<F> out(circuit_.eval_output_length());
    Recorder recorder(*this, wires.all());
    circuit_.Eval(measurement, joint_rand, F::One(), recorder, out.all());

    ElementVector<F> values(polynomial_ntt_.size());
    for (std::size_t k = 0; k < points; ++k) {
      values.all()[k * step_] = gadget_.Eval(&wires.all()[k * arity_]);
    }
    FillCosets(wires.all(), values.all());
    PutPolynomial(values.all(), proof.subspan(arity_));
  }

  // Query is false when the random point is one where the wires have values: its answer would tell
  // them. The point is public, and no honest key gives one that is.
  [[nodiscard]] bool Query(std::span<const F> measurement, std::span<const F> proof,
                           std::span<const F> query_rand, std::span<const F> joint_rand,
                           const F& shares_inverse, std::span<F> verifier) const {
    CHECK(measurement.size() == circuit_.measurement_length() && proof.size() == proof_length());
    CHECK(query_rand.size() == query_rand_length() && verifier.size() == verifier_length());
    CHECK(joint_rand.size() == joint_rand_length());
    const F& point = query_rand.back();
    if (point.Power(wire_ntt_.size()) == F::One()) return false;

    ElementVector<F> wire_basis(wire_ntt_.size());
    wire_ntt_.LagrangeBasis(point, wire_basis.all());
    const ElementVector<F> polynomial = AllValues(proof.subspan(arity_));
    WireTester<F, Gadget> tester(step_, proof.first(arity_), polynomial.all(), wire_basis.all(),
                                 shares_inverse);
    ElementVector<F> out(circuit_.eval_output_length());
    circuit_.Eval(measurement, joint_rand, shares_inverse, tester, out.all());

    verifier[0] = out.size() == 1 ? out.all()[0] : Dot(query_rand.first(out.size()), out.all());
    tester.Wires(verifier.subspan(1, arity_));
    ElementVector<F> basis(polynomial_ntt_.size());
    polynomial_ntt_.LagrangeBasis(point, basis.all());
    verifier.back() = Dot(basis.all(), polynomial.all());
    return true;
  }

  bool Decide(std::span<const F> verifier) const {
    CHECK(verifier.size() == verifier_length());
    return verifier[0] == F::Zero() && gadget_.Eval(&verifier[1]) == verifier.back();
  }

 private:
  static constexpr bool kHasLanes = std::is_same_v<Gadget, ParallelMulGadget<Field128>>;

  // Recorder keeps what goes into each call of the gadget.
  class Recorder {
   public:
    Recorder(const Flp& flp, std::span<F> wires) : flp_(flp), wires_(wires) {}
    F* inputs() { return &wires_[call_ * flp_.arity_]; }
    bool TakeChunk(std::span<const F>, const F&, F&) { return false; }
    F Output() { return flp_.gadget_.Eval(&wires_[call_++ * flp_.arity_]); }

   private:
    const Flp& flp_;
    std::span<F> wires_;
    std::size_t call_ = 1;
  };

  static F Dot(std::span<const F> a, std::span<const F> b) {
    typename F::Sum sum;
    for (std::size_t i = 0; i < a.size(); ++i) sum.Add(a[i], b[i]);
    return sum.Reduced();
  }

  // FillCosets evaluates the gadget at the points between those where the wires have values.
  void FillCosets(std::span<F> wires, std::span<F> values) const {
    const std::size_t points = wire_ntt_.size();
    ElementVector<F> turned(wires.size()), coset_values(points);
    bool has_coefficients = false;
    for (std::size_t coset = 1; coset < step_; ++coset) {
      const std::span<const F> twists =
          std::span<const F>(twists_).subspan((coset - 1) * points, points);
      if (!FastCoset(wires, twists, coset_values.all())) {
        if (!has_coefficients) wire_ntt_.ToCoefficients(wires, arity_);
        has_coefficients = true;
        for (std::size_t i = 0; i < wires.size(); ++i) {
          turned.all()[i] = wires[i] * twists[i / arity_];
        }
        wire_ntt_.ToValues(turned.all(), arity_);
        for (std::size_t k = 0; k < points; ++k) {
          coset_values.all()[k] = gadget_.Eval(&turned.all()[k * arity_]);
        }
      }
      for (std::size_t k = 0; k < points; ++k) values[k * step_ + coset] = coset_values.all()[k];
    }
  }

  bool FastCoset(std::span<const F> wires, std::span<const F> twists, std::span<F> out) const {
    if constexpr (kHasLanes) {
      return CosetProducts(wire_ntt_, wires, arity_, twists, out);
    } else {
      return false;
    }
  }

  void PutPolynomial(std::span<F> values, std::span<F> out) const {
    if constexpr (kBasis == PolynomialBasis::kLagrange) {
      std::ranges::copy(values.first(out.size()), out.begin());
    } else {
      polynomial_ntt_.ToCoefficients(values, 1);
      for (std::size_t power = 0; power < out.size(); ++power) {
        out[power] = values[polynomial_ntt_.RowOfPower(power)] * polynomial_ntt_.size_inverse();
      }
    }
  }

  // AllValues of a polynomial are those of the proof and the ones that it leaves out, because the
  // others tell them.
  ElementVector<F> AllValues(std::span<const F> polynomial) const {
    ElementVector<F> all(polynomial_ntt_.size());
    if constexpr (kBasis == PolynomialBasis::kLagrange) {
      std::ranges::copy(polynomial, all.all().begin());
      for (std::size_t at = polynomial.size(); at < all.size(); ++at) {
        const std::span<const F> row(extension_);
        all.all()[at] =
            Dot(row.subspan((at - polynomial.size()) * polynomial.size(), polynomial.size()),
                polynomial);
      }
    } else {
      for (std::size_t power = 0; power < polynomial.size(); ++power) {
        all.all()[polynomial_ntt_.RowOfPower(power)] = polynomial[power];
      }
      polynomial_ntt_.ToValues(all.all(), 1);
    }
    return all;
  }

  // twists_ turns coefficients of p(x) into those of p(v^coset * x), v the root of the larger size.
  void FillTwists() {
    const std::size_t points = wire_ntt_.size();
    twists_.resize((step_ - 1) * points);
    for (std::size_t coset = 1; coset < step_; ++coset) {
      for (std::size_t power = 0; power < points; ++power) {
        twists_[(coset - 1) * points + wire_ntt_.RowOfPower(power)] =
            wire_ntt_.size_inverse() * polynomial_ntt_.power(coset * power);
      }
    }
  }

  // A polynomial of less than L coefficients is known by its first L values. Where only the last of
  // n = L + 1 is missing (degree 2), the coefficient of x^L is 1/n * sum of w^i * v[i], and zero.
  // Otherwise these are the Lagrange polynomials over the first L points.
  void FillExtension() {
    const std::size_t known = polynomial_length_, all = polynomial_ntt_.size();
    extension_.resize((all - known) * known);
    if (all == known + 1) {
      for (std::size_t i = 0; i < known; ++i) extension_[i] = -polynomial_ntt_.power(i + 1);
      return;
    }
    for (std::size_t i = 0; i < known; ++i) {
      F scale = F::One();
      for (std::size_t l = 0; l < known; ++l) {
        if (l != i) scale *= polynomial_ntt_.power(i) - polynomial_ntt_.power(l);
      }
      scale = scale.Inverse();
      for (std::size_t at = known; at < all; ++at) {
        F product = scale;
        for (std::size_t l = 0; l < known; ++l) {
          if (l != i) product *= polynomial_ntt_.power(at) - polynomial_ntt_.power(l);
        }
        extension_[(at - known) * known + i] = product;
      }
    }
  }

  C circuit_;
  Gadget gadget_;
  std::size_t arity_;
  Ntt<F> wire_ntt_;
  std::size_t polynomial_length_;
  Ntt<F> polynomial_ntt_;
  std::size_t step_;
  std::vector<F> twists_;
  std::vector<F> extension_;
};

}  // namespace salus::aggregate
