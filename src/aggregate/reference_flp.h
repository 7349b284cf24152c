// The proof system as the draft's pseudo code has it, slow and literal; test code only.
//
// Source: VDAF draft-20 sections 6.1, 7.3 and 7.4. Numbers are integers modulo p, multiplied by
// doubling and adding; polynomials are interpolated by Lagrange's formula.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <tuple>
#include <vector>

namespace salus::aggregate::testing {

using Number = unsigned __int128;
using Numbers = std::vector<Number>;

struct ReferenceField {
  Number modulus;
  Number generator;
  int log2_order;

  Number Add(Number a, Number b) const { return a >= modulus - b ? a - (modulus - b) : a + b; }
  Number Subtract(Number a, Number b) const { return Add(a, b == 0 ? 0 : modulus - b); }
  Number Multiply(Number a, Number b) const {
    Number product = 0;
    for (int bit = 127; bit >= 0; --bit) {
      product = Add(product, product);
      if ((b >> bit & 1) != 0) product = Add(product, a);
    }
    return product;
  }
  Number Power(Number base, Number exponent) const {
    Number result = 1;
    for (; exponent != 0; exponent >>= 1) {
      if ((exponent & 1) != 0) result = Multiply(result, base);
      base = Multiply(base, base);
    }
    return result;
  }
  Number Inverse(Number a) const { return Power(a, modulus - 2); }
  // RootPower is w^i for the principal n-th root w.
  Number RootPower(std::size_t n, std::size_t i) const {
    return Power(Power(generator, (Number{1} << log2_order) / n), i);
  }

  // Interpolate gives p(x) for the polynomial of less than values.size() coefficients that has
  // these values at the first powers of the principal n-th root.
  Number Interpolate(const Numbers& values, std::size_t n, Number x) const {
    const Numbers& basis = Basis(values.size(), n, x);
    Number sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      sum = Add(sum, Multiply(values[i], basis[i]));
    }
    return sum;
  }

  // Basis is kept for the next polynomial over the same points.
  const Numbers& Basis(std::size_t count, std::size_t n, Number x) const {
    static std::map<std::tuple<Number, std::size_t, std::size_t, Number>, Numbers> known;
    Numbers& basis = known[{modulus, count, n, x}];
    if (!basis.empty()) return basis;
    Numbers points = {1};
    while (points.size() < count) points.push_back(Multiply(points.back(), RootPower(n, 1)));
    for (std::size_t i = 0; i < count; ++i) {
      Number above = 1, below = 1;
      for (std::size_t j = 0; j < count; ++j) {
        if (j == i) continue;
        above = Multiply(above, Subtract(x, points[j]));
        below = Multiply(below, Subtract(points[i], points[j]));
      }
      basis.push_back(Multiply(above, Inverse(below)));
    }
    return basis;
  }
};

inline ReferenceField ReferenceField64() {
  ReferenceField field{(Number{1} << 32) * 4294967295u + 1, 0, 32};
  field.generator = field.Power(7, 4294967295u);
  return field;
}
inline ReferenceField ReferenceField128() {
  ReferenceField field{(Number{1} << 66) * 4611686018427387897u + 1, 0, 66};
  field.generator = field.Power(7, 4611686018427387897u);
  return field;
}

using Gadget = std::function<Number(const Numbers& inputs)>;

struct ReferenceCircuit {
  std::size_t arity, degree, calls, outputs;
  Gadget gadget;
  std::function<Numbers(const Numbers& measurement, const Numbers& joint_rand,
                        Number shares_inverse, const Gadget& gadget)>
      eval;
};

struct ReferenceFlp {
  ReferenceField field;
  ReferenceCircuit circuit;

  static std::size_t PowerOfTwo(std::size_t least) {
    std::size_t n = 1;
    while (n < least) n *= 2;
    return n;
  }
  std::size_t points() const { return PowerOfTwo(1 + circuit.calls); }
  std::size_t polynomial_length() const { return circuit.degree * (points() - 1) + 1; }
  std::size_t polynomial_points() const { return PowerOfTwo(polynomial_length()); }

  // Wires are wires[j][k], the j-th input of call k; call 0 is the seeds.
  std::vector<Numbers> EmptyWires(const Numbers& seeds) const {
    std::vector<Numbers> wires;
    for (std::size_t j = 0; j < circuit.arity; ++j) {
      wires.emplace_back(points());
      wires[j][0] = seeds[j];
    }
    return wires;
  }

  Numbers Prove(const Numbers& measurement, const Numbers& prove_rand,
                const Numbers& joint_rand) const {
    std::vector<Numbers> wires = EmptyWires(prove_rand);
    std::size_t call = 0;
    circuit.eval(measurement, joint_rand, 1, [&](const Numbers& inputs) {
      ++call;
      for (std::size_t j = 0; j < inputs.size(); ++j) wires[j][call] = inputs[j];
      return circuit.gadget(inputs);
    });
    Numbers proof(prove_rand.begin(), prove_rand.begin() + static_cast<long>(circuit.arity));
    for (std::size_t i = 0; i < polynomial_length(); ++i) {
      const Number x = field.RootPower(polynomial_points(), i);
      Numbers inputs;
      for (const Numbers& wire : wires) inputs.push_back(field.Interpolate(wire, points(), x));
      proof.push_back(circuit.gadget(inputs));
    }
    return proof;
  }

  Numbers Query(const Numbers& measurement, const Numbers& proof, const Numbers& query_rand,
                const Numbers& joint_rand, Number shares_inverse) const {
    std::vector<Numbers> wires = EmptyWires(proof);
    const Numbers polynomial(proof.begin() + static_cast<long>(circuit.arity), proof.end());
    std::size_t call = 0;
    const Numbers out =
        circuit.eval(measurement, joint_rand, shares_inverse, [&](const Numbers& inputs) {
          ++call;
          for (std::size_t j = 0; j < inputs.size(); ++j) wires[j][call] = inputs[j];
          return field.Interpolate(polynomial, polynomial_points(),
                                   field.RootPower(points(), call));
        });
    Numbers verifier(1);
    std::size_t used = 0;
    if (circuit.outputs == 1) verifier[0] = out[0];
    for (; circuit.outputs > 1 && used < out.size(); ++used) {
      verifier[0] = field.Add(verifier[0], field.Multiply(query_rand[used], out[used]));
    }
    const Number t = query_rand[used];
    for (const Numbers& wire : wires) verifier.push_back(field.Interpolate(wire, points(), t));
    verifier.push_back(field.Interpolate(polynomial, polynomial_points(), t));
    return verifier;
  }

  bool Decide(const Numbers& verifier) const {
    const Numbers inputs(verifier.begin() + 1, verifier.end() - 1);
    return verifier.front() == 0 && circuit.gadget(inputs) == verifier.back();
  }
};

}  // namespace salus::aggregate::testing
