// Arithmetic, transforms and proofs against what the draft's reference code gives.
#include <gtest/gtest.h>

#include "aggregate/circuit_count.h"
#include "aggregate/circuit_histogram.h"
#include "aggregate/circuit_multihot.h"
#include "aggregate/circuit_sum.h"
#include "aggregate/circuit_sum_vec.h"
#include "aggregate/field128.h"
#include "aggregate/field64.h"
#include "aggregate/flp.h"
#include "crypto/vector_files.h"

namespace salus::aggregate {
namespace {

using crypto::testing::Fields;
using crypto::testing::Hex;
using crypto::testing::Unhex;

constexpr const char* kFile = "research/field_flp_poc20.json";

boost::json::value ReadFile() {
  return crypto::testing::ReadJsonFile(crypto::testing::VectorFolder() / kFile);
}

template <class F>
std::vector<F> Elements(const Bytes& bytes) {
  std::vector<F> out(bytes.size() / F::kEncodedBytes);
  EXPECT_EQ(bytes.size() % F::kEncodedBytes, 0u);
  EXPECT_TRUE(DecodeElements<F>(bytes, out));
  return out;
}
template <class F>
std::string HexOf(std::span<const F> elements) {
  Bytes out(elements.size() * F::kEncodedBytes);
  EncodeElements<F>(elements, out);
  return Hex(out);
}

// EachOf runs `test` with the field that each item names.
template <class Test>
void EachOf(std::string_view section, Test test) {
  const auto json = ReadFile();
  for (const auto& item : json.as_object().at(section).as_array()) {
    Fields fields(item.as_object());
    const std::string field = fields.Text("field");
    SCOPED_TRACE(std::string(section) + " " + field);
    if (field == "Field64") {
      test.template operator()<Field64>(fields);
    } else {
      ASSERT_EQ(field, "Field128");
      test.template operator()<Field128>(fields);
    }
    fields.ExpectAllRead(std::string(section));
  }
}

TEST(FieldVectors, Arithmetic) {
  SKIP_WITHOUT_VECTORS(kFile);
  EachOf("field", []<class F>(Fields& fields) {
    const auto element = [&](std::string_view name) {
      return Elements<F>(fields.HexBytes(name)).at(0);
    };
    const F a = element("a"), b = element("b");
    EXPECT_EQ(a + b, element("add"));
    EXPECT_EQ(a - b, element("sub"));
    EXPECT_EQ(a * b, element("mul"));
    EXPECT_EQ(-a, element("neg_a"));
    const auto& inverse = fields.At("inv_a");
    if (inverse.is_null()) {
      EXPECT_EQ(a, F::Zero());
    } else {
      EXPECT_EQ(a.Inverse(), element("inv_a"));
    }
    typename F::Sum sum;
    for (int i = 0; i < 1000; ++i) sum.Add(a, b);
    EXPECT_EQ(sum.Reduced(), F::FromUint64(1000) * element("mul"));
  });
}

// Ntt keeps coefficients in bit-reversed order, and leaves them n times too large.
template <class F>
std::vector<F> Reordered(const Ntt<F>& ntt, std::span<const F> from) {
  std::vector<F> out(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) out[ntt.RowOfPower(i)] = from[i];
  return out;
}

TEST(FieldVectors, Transforms) {
  SKIP_WITHOUT_VECTORS(kFile);
  EachOf("ntt", []<class F>(Fields& fields) {
    const auto coefficients = Elements<F>(fields.HexBytes("coeffs"));
    const auto n = static_cast<std::size_t>(fields.Number("n"));
    const Ntt<F> ntt(Log2Ceiling(n)), twice(Log2Ceiling(2 * n));
    ASSERT_EQ(coefficients.size(), n);
    // The reference code's nth_root takes the logarithm, and the file gave it n.
    EXPECT_EQ(n <= F::kRootOrderLog2 ? F::PrincipalRoot(static_cast<int>(n)) : F::One(),
              Elements<F>(fields.HexBytes("nth_root")).at(0));

    auto values = Reordered<F>(ntt, coefficients);
    ntt.ToValues(values, 1);
    EXPECT_EQ(HexOf<F>(values), fields.Text("ntt"));

    auto shifted = coefficients;
    for (std::size_t i = 0; i < n; ++i) shifted[i] *= twice.power(i);
    shifted = Reordered<F>(ntt, shifted);
    ntt.ToValues(shifted, 1);
    EXPECT_EQ(HexOf<F>(shifted), fields.Text("ntt_set_s"));

    auto back = coefficients;
    ntt.ToCoefficients(back, 1);
    back = Reordered<F>(ntt, back);
    for (F& element : back) element *= ntt.size_inverse();
    EXPECT_EQ(HexOf<F>(back), fields.Text("inv_ntt_of_coeffs"));
  });
}

TEST(FieldVectors, LagrangeBasis) {
  SKIP_WITHOUT_VECTORS(kFile);
  EachOf("lagrange", []<class F>(Fields& fields) {
    const auto n = static_cast<std::size_t>(fields.Number("n"));
    const auto p = Elements<F>(fields.HexBytes("p")), q = Elements<F>(fields.HexBytes("q"));
    const F t = Elements<F>(fields.HexBytes("t")).at(0);
    const Ntt<F> ntt(Log2Ceiling(n)), twice(Log2Ceiling(2 * n));
    std::vector<F> basis(n);
    ntt.LagrangeBasis(t, basis);
    F at_t = F::Zero();
    for (std::size_t i = 0; i < n; ++i) at_t += basis[i] * p[i];
    EXPECT_EQ(at_t, Elements<F>(fields.HexBytes("p_at_t")).at(0));

    // Two columns at once, to values at twice as many points.
    std::vector<F> both(2 * n), product(2 * n);
    for (std::size_t i = 0; i < n; ++i) both[2 * i] = p[i], both[2 * i + 1] = q[i];
    for (std::size_t i = 0; i < n; ++i) product[2 * i] = p[i] * q[i];
    ntt.ToCoefficients(both, 2);
    for (std::size_t power = 0; power < n; ++power) {
      for (std::size_t c = 0; c < 2; ++c) {
        both[2 * ntt.RowOfPower(power) + c] *= ntt.size_inverse() * twice.power(power);
      }
    }
    ntt.ToValues(both, 2);
    for (std::size_t i = 0; i < n; ++i) product[2 * i + 1] = both[2 * i] * both[2 * i + 1];
    EXPECT_EQ(HexOf<F>(product), fields.Text("p_times_q_2n"));
  });
}

template <class C>
void CheckProof(Fields& fields, C circuit, std::vector<std::uint64_t> numbers) {
  using F = typename C::Field;
  const Flp<C> flp(std::move(circuit));
  const auto length = [&](std::string_view name) {
    return static_cast<std::size_t>(fields.Number(name));
  };
  EXPECT_EQ(flp.circuit().measurement_length(), length("MEAS_LEN"));
  EXPECT_EQ(flp.proof_length(), length("PROOF_LEN"));
  EXPECT_EQ(flp.verifier_length(), length("VERIFIER_LEN"));
  EXPECT_EQ(flp.joint_rand_length(), length("JOINT_RAND_LEN"));
  EXPECT_EQ(flp.prove_rand_length(), length("PROVE_RAND_LEN"));
  EXPECT_EQ(flp.query_rand_length(), length("QUERY_RAND_LEN"));

  const auto measurement = Elements<F>(fields.HexBytes("meas"));
  std::vector<F> encoded(measurement.size());
  EXPECT_TRUE(flp.circuit().Encode(numbers, encoded));
  if (fields.At("tampered_plus_1e9").as_bool()) {
    EXPECT_NE(HexOf<F>(encoded), HexOf<F>(measurement));
  } else {
    EXPECT_EQ(HexOf<F>(encoded), HexOf<F>(measurement));
  }

  const auto joint_rand = Elements<F>(fields.HexBytes("joint_rand"));
  const auto query_rand = Elements<F>(fields.HexBytes("query_rand"));
  std::vector<F> proof(flp.proof_length());
  flp.Prove(measurement, Elements<F>(fields.HexBytes("prove_rand")), joint_rand, proof);
  EXPECT_EQ(HexOf<F>(proof), fields.Text("proof"));
  std::vector<F> verifier(flp.verifier_length()), sum(flp.verifier_length());
  ASSERT_TRUE(flp.Query(measurement, proof, query_rand, joint_rand, F::One(), verifier));
  EXPECT_EQ(HexOf<F>(verifier), fields.Text("verifier_single"));
  const bool decision = fields.At("decide").as_bool();
  EXPECT_EQ(flp.Decide(verifier), decision);

  const auto& measurements = fields.At("meas_shares").as_array();
  const auto& proofs = fields.At("proof_shares").as_array();
  const auto& verifiers = fields.At("verifier_shares").as_array();
  ASSERT_EQ(measurements.size(), 2u);
  const F half = F::FromUint64(2).Inverse();
  for (std::size_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(flp.Query(Elements<F>(Unhex(measurements[i].as_string())),
                          Elements<F>(Unhex(proofs[i].as_string())), query_rand, joint_rand, half,
                          verifier));
    EXPECT_EQ(HexOf<F>(verifier), verifiers[i].as_string());
    AddElements<F>(sum, verifier);
  }
  EXPECT_EQ(flp.Decide(sum), decision);
}

TEST(FieldVectors, ProofsAndTheLieOfABillion) {
  SKIP_WITHOUT_VECTORS(kFile);
  EachOf("flp", []<class F>(Fields& fields) {
    const std::string algorithm = fields.Text("alg");
    Fields parameters(fields.At("params").as_object());
    const auto parameter = [&](std::string_view name) {
      return static_cast<std::uint64_t>(parameters.Number(name));
    };
    std::vector<std::uint64_t> numbers;
    const auto& measurement = fields.At("measurement");
    if (measurement.is_array()) {
      for (const auto& n : measurement.as_array()) {
        numbers.push_back(n.is_bool() ? n.as_bool() : n.to_number<std::uint64_t>());
      }
    } else {
      numbers.push_back(measurement.to_number<std::uint64_t>());
    }
    if (algorithm == "Prio3Count") {
      CheckProof(fields, CountCircuit<F>(), numbers);
    } else if (algorithm == "Prio3Sum") {
      CheckProof(fields, SumCircuit<F>(parameter("max_measurement")), numbers);
    } else if (algorithm == "Prio3SumVec") {
      CheckProof(fields,
                 SumVecCircuit<F>(parameter("length"), parameter("max_measurement"),
                                  parameter("chunk_length")),
                 numbers);
    } else if (algorithm == "Prio3Histogram") {
      CheckProof(fields, HistogramCircuit<F>(parameter("length"), parameter("chunk_length")),
                 numbers);
    } else {
      ASSERT_EQ(algorithm, "Prio3MultihotCountVec");
      CheckProof(fields,
                 MultihotCircuit<F>(parameter("length"), parameter("max_weight"),
                                    parameter("chunk_length")),
                 numbers);
    }
    parameters.ExpectAllRead(algorithm);
  });
}

}  // namespace
}  // namespace salus::aggregate
