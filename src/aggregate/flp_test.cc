// The proof system against the slow one of the draft's text, and what it must refuse.
#include "aggregate/flp.h"

#include <gtest/gtest.h>

#include "aggregate/circuit_count.h"
#include "aggregate/circuit_histogram.h"
#include "aggregate/circuit_moments.h"
#include "aggregate/circuit_multihot.h"
#include "aggregate/circuit_sum.h"
#include "aggregate/circuit_sum_vec.h"
#include "aggregate/coset_products.h"
#include "aggregate/cubic_circuit.h"
#include "aggregate/field128.h"
#include "aggregate/field128_ifma.h"
#include "aggregate/field64.h"
#include "aggregate/reference_flp.h"
#include "base/random.h"

namespace salus::aggregate {
namespace {

using testing::Gadget;
using testing::Number;
using testing::Numbers;
using testing::ReferenceCircuit;
using testing::ReferenceField;
using testing::ReferenceFlp;

template <class F>
F RandomElement(SeededRandom& random) {
  while (true) {
    std::uint8_t bytes[F::kEncodedBytes];
    random.Fill(bytes);
    F element;
    if (F::Decode(bytes, element)) return element;
  }
}
template <class F>
std::vector<F> RandomElements(SeededRandom& random, std::size_t length) {
  std::vector<F> out;
  for (std::size_t i = 0; i < length; ++i) out.push_back(RandomElement<F>(random));
  return out;
}
template <class F>
Numbers ToNumbers(std::span<const F> elements) {
  Numbers out;
  for (const F& element : elements) out.push_back(element.ToInteger());
  return out;
}

// Compare runs both on shares that add up to `measurement`, and expects equal bytes and `valid`.
template <class C>
void Compare(const Flp<C>& flp, const ReferenceFlp& slow,
             const std::vector<typename C::Field>& measurement, bool valid, SeededRandom& random) {
  using F = typename C::Field;
  const auto prove_rand = RandomElements<F>(random, flp.prove_rand_length());
  const auto query_rand = RandomElements<F>(random, flp.query_rand_length());
  const auto joint_rand = RandomElements<F>(random, flp.joint_rand_length());
  std::vector<F> proof(flp.proof_length());
  flp.Prove(measurement, prove_rand, joint_rand, proof);
  EXPECT_EQ(ToNumbers<F>(proof), slow.Prove(ToNumbers<F>(measurement), ToNumbers<F>(prove_rand),
                                            ToNumbers<F>(joint_rand)));

  constexpr std::uint64_t kShares = 3;
  const F shares_inverse = F::FromUint64(kShares).Inverse();
  std::vector<F> sum(flp.verifier_length());
  std::vector<F> rest_measurement = measurement, rest_proof = proof;
  for (std::uint64_t i = 0; i < kShares; ++i) {
    auto measurement_share = RandomElements<F>(random, measurement.size());
    auto proof_share = RandomElements<F>(random, proof.size());
    if (i + 1 == kShares) measurement_share = rest_measurement, proof_share = rest_proof;
    SubtractElements<F>(rest_measurement, measurement_share);
    SubtractElements<F>(rest_proof, proof_share);
    std::vector<F> verifier(flp.verifier_length());
    ASSERT_TRUE(flp.Query(measurement_share, proof_share, query_rand, joint_rand, shares_inverse,
                          verifier));
    EXPECT_EQ(
        ToNumbers<F>(verifier),
        slow.Query(ToNumbers<F>(measurement_share), ToNumbers<F>(proof_share),
                   ToNumbers<F>(query_rand), ToNumbers<F>(joint_rand), shares_inverse.ToInteger()));
    AddElements<F>(sum, verifier);
  }
  EXPECT_EQ(flp.Decide(sum), valid);
  EXPECT_EQ(slow.Decide(ToNumbers<F>(sum)), valid);
}

// CompareAll encodes valid numbers, then tampers with each element of their encoding in turn.
template <class C>
void CompareAll(C circuit, const ReferenceField& field, const ReferenceCircuit& literal,
                const std::vector<std::uint64_t>& numbers) {
  using F = typename C::Field;
  const Flp<C> flp(std::move(circuit));
  const ReferenceFlp slow{field, literal};
  SeededRandom random(numbers.size() + literal.calls);
  std::vector<F> measurement(flp.circuit().measurement_length());
  ASSERT_TRUE(flp.circuit().Encode(numbers, measurement));
  Compare(flp, slow, measurement, true, random);
  for (std::size_t i = 0; i < std::min<std::size_t>(measurement.size(), 4); ++i) {
    auto tampered = measurement;
    tampered[random.Below(tampered.size())] += RandomElement<F>(random);
    Compare(flp, slow, tampered, false, random);
  }
}

Gadget Mul(const ReferenceField& f) {
  return [f](const Numbers& in) { return f.Multiply(in[0], in[1]); };
}
Gadget ParallelMul(const ReferenceField& f) {
  return [f](const Numbers& in) {
    Number sum = 0;
    for (std::size_t i = 0; i < in.size(); i += 2) sum = f.Add(sum, f.Multiply(in[i], in[i + 1]));
    return sum;
  };
}
Number Weighted(const ReferenceField& f, const Numbers& bits, std::size_t from, std::size_t count,
                std::uint64_t maximum) {
  Number sum = 0, rest = maximum;
  for (std::size_t i = 0; i < count; ++i) {
    const Number weight = i + 1 < count ? Number{1} << i : rest;
    rest -= weight;
    sum = f.Add(sum, f.Multiply(weight, bits[from + i]));
  }
  return sum;
}
Number RangeCheck(const ReferenceField& f, const Numbers& measurement, const Numbers& joint_rand,
                  Number shares_inverse, std::size_t chunk_length, const Gadget& gadget) {
  Number out = 0;
  for (std::size_t i = 0; i < joint_rand.size(); ++i) {
    Number r_power = joint_rand[i];
    Numbers inputs(2 * chunk_length);
    for (std::size_t j = 0; j < chunk_length; ++j) {
      const std::size_t index = i * chunk_length + j;
      const Number element = index < measurement.size() ? measurement[index] : 0;
      inputs[j * 2] = f.Multiply(r_power, element);
      inputs[j * 2 + 1] = f.Subtract(element, shares_inverse);
      r_power = f.Multiply(r_power, joint_rand[i]);
    }
    out = f.Add(out, gadget(inputs));
  }
  return out;
}

TEST(Flp, CountIsTheDraftsToTheBit) {
  const ReferenceField f = testing::ReferenceField64();
  const ReferenceCircuit literal{
      2, 2, 1, 1, Mul(f), [f](const Numbers& m, const Numbers&, Number, const Gadget& gadget) {
        return Numbers{f.Subtract(gadget({m[0], m[0]}), m[0])};
      }};
  for (const std::uint64_t bit : {0, 1}) CompareAll(CountCircuit<Field64>(), f, literal, {bit});
}

template <class F>
void CompareSum(const ReferenceField& f, std::uint64_t maximum, std::size_t bits,
                std::uint64_t value) {
  const ReferenceCircuit literal{
      1,
      2,
      bits,
      bits,
      [f](const Numbers& in) { return f.Subtract(f.Multiply(in[0], in[0]), in[0]); },
      [](const Numbers& m, const Numbers&, Number, const Gadget& gadget) {
        Numbers out;
        for (const Number bit : m) out.push_back(gadget({bit}));
        return out;
      }};
  CompareAll(SumCircuit<F>(maximum), f, literal, {value});
}

TEST(Flp, SumIsTheDraftsToTheBitInBothFields) {
  CompareSum<Field64>(testing::ReferenceField64(), 1, 1, 1);
  CompareSum<Field64>(testing::ReferenceField64(), 250, 8, 182);
  CompareSum<Field64>(testing::ReferenceField64(), 1000, 10, 1000);
  CompareSum<Field128>(testing::ReferenceField128(), 250, 8, 0);
}

TEST(Flp, SumVecIsTheDraftsToTheBit) {
  const ReferenceField f = testing::ReferenceField128();
  for (const std::size_t chunk : {1, 4, 5, 12}) {
    const std::size_t calls = (12 + chunk - 1) / chunk;
    const ReferenceCircuit literal{
        2 * chunk,
        2,
        calls,
        1,
        ParallelMul(f),
        [=](const Numbers& m, const Numbers& r, Number inverse, const Gadget& gadget) {
          return Numbers{RangeCheck(f, m, r, inverse, chunk, gadget)};
        }};
    CompareAll(SumVecCircuit<Field128>(3, 11, chunk), f, literal, {11, 0, 5});
  }
}

TEST(Flp, HistogramIsTheDraftsToTheBit) {
  const ReferenceField f = testing::ReferenceField128();
  const ReferenceCircuit literal{
      6,
      2,
      4,
      2,
      ParallelMul(f),
      [=](const Numbers& m, const Numbers& r, Number inverse, const Gadget& gadget) {
        Number sum = f.Subtract(0, inverse);
        for (const Number bucket : m) sum = f.Add(sum, bucket);
        return Numbers{RangeCheck(f, m, r, inverse, 3, gadget), sum};
      }};
  CompareAll(HistogramCircuit<Field128>(11, 3), f, literal, {10});
}

TEST(Flp, MultihotIsTheDraftsToTheBit) {
  const ReferenceField f = testing::ReferenceField128();
  const ReferenceCircuit literal{
      6,
      2,
      4,
      2,
      ParallelMul(f),
      [=](const Numbers& m, const Numbers& r, Number inverse, const Gadget& gadget) {
        Number sum = 0;
        for (std::size_t i = 0; i < 8; ++i) sum = f.Add(sum, m[i]);
        return Numbers{RangeCheck(f, m, r, inverse, 3, gadget),
                       f.Subtract(sum, Weighted(f, m, 8, 3, 5))};
      }};
  CompareAll(MultihotCircuit<Field128>(8, 5, 3), f, literal, {1, 0, 1, 0, 0, 1, 1, 1});
}

TEST(Flp, MomentsTieEachProductToItsNumbers) {
  const ReferenceField f = testing::ReferenceField128();
  // Two numbers of 0 to 5: 3 bits each, then 3 products.
  const ReferenceCircuit literal{
      2, 2, 9, 9, Mul(f), [=](const Numbers& m, const Numbers&, Number, const Gadget& gadget) {
        Numbers out;
        for (std::size_t i = 0; i < 6; ++i) out.push_back(f.Subtract(gadget({m[i], m[i]}), m[i]));
        const Number a = Weighted(f, m, 0, 3, 5), b = Weighted(f, m, 3, 3, 5);
        out.push_back(f.Subtract(gadget({a, a}), m[6]));
        out.push_back(f.Subtract(gadget({a, b}), m[7]));
        out.push_back(f.Subtract(gadget({b, b}), m[8]));
        return out;
      }};
  CompareAll(MomentsCircuit<Field128>(2, 5), f, literal, {5, 2});

  const Flp<MomentsCircuit<Field128>> flp(MomentsCircuit<Field128>(2, 5));
  std::vector<Field128> measurement(9), output(5);
  ASSERT_TRUE(flp.circuit().Encode(std::vector<std::uint64_t>{5, 2}, measurement));
  flp.circuit().Truncate(measurement, output);
  EXPECT_EQ(ToNumbers<Field128>(output), (Numbers{5, 2, 25, 10, 4}));
  // A square 10^9 too large, and nothing else, is found out.
  measurement[6] += Field128::FromUint64(1'000'000'000);
  SeededRandom random(1);
  Compare(flp, ReferenceFlp{f, literal}, measurement, false, random);
}

TEST(Flp, AGadgetOfDegreeThreeLeavesOutMoreThanOneValue) {
  const ReferenceField f = testing::ReferenceField64();
  for (const std::size_t calls : {1, 3, 6}) {
    const ReferenceCircuit literal{
        1,
        3,
        calls,
        calls,
        [f](const Numbers& in) {
          return f.Multiply(in[0], f.Multiply(f.Subtract(in[0], 1), f.Subtract(in[0], 2)));
        },
        [](const Numbers& m, const Numbers&, Number, const Gadget& gadget) {
          Numbers out;
          for (const Number number : m) out.push_back(gadget({number}));
          return out;
        }};
    CompareAll(testing::CubicCircuit<Field64>(calls), f, literal,
               std::vector<std::uint64_t>(calls, 2));
  }
}

TEST(Flp, RefusesATestPointThatWouldTellTheShares) {
  const Flp<SumCircuit<Field64>> flp(SumCircuit<Field64>(250));
  std::vector<Field64> query_rand(flp.query_rand_length());
  std::vector<Field64> verifier(flp.verifier_length());
  const std::vector<Field64> measurement(8), proof(flp.proof_length());
  query_rand.back() = Field64::PrincipalRoot(4);
  EXPECT_FALSE(flp.Query(measurement, proof, query_rand, {}, Field64::One(), verifier));
  query_rand.back() = Field64::PrincipalRoot(5);
  EXPECT_TRUE(flp.Query(measurement, proof, query_rand, {}, Field64::One(), verifier));
}

TEST(Flp, EightSideBySideGiveTheSameProof) {
  if (!IfmaDetected()) GTEST_SKIP() << "skipped: this CPU has no AVX-512 IFMA";
  SeededRandom random(9);
  for (const auto& [length, chunk] : {std::pair<std::size_t, std::size_t>{5, 5},
                                      {4, 4},
                                      {40, 7},
                                      {100, 8},
                                      {300, 9},
                                      {1000, 16},
                                      {1100, 33},
                                      {1001, 52},
                                      {4000, 4}}) {
    const Flp<HistogramCircuit<Field128>> flp(HistogramCircuit<Field128>(length, chunk));
    auto measurement = RandomElements<Field128>(random, length);
    measurement[0] = Field128::Zero();
    measurement[1] = -Field128::One();
    const auto prove_rand = RandomElements<Field128>(random, flp.prove_rand_length());
    const auto joint_rand = RandomElements<Field128>(random, flp.joint_rand_length());
    std::vector<Field128> fast(flp.proof_length()), portable(flp.proof_length());
    flp.Prove(measurement, prove_rand, joint_rand, fast);
    SetIfmaEnabled(false);
    flp.Prove(measurement, prove_rand, joint_rand, portable);
    SetIfmaEnabled(true);
    EXPECT_EQ(fast, portable) << length << " in chunks of " << chunk;

    const auto query_rand = RandomElements<Field128>(random, flp.query_rand_length());
    const Field128 inverse = Field128::FromUint64(3).Inverse();
    std::vector<Field128> verifier(flp.verifier_length()), wanted(flp.verifier_length());
    ASSERT_TRUE(flp.Query(measurement, fast, query_rand, joint_rand, inverse, verifier));
    SetIfmaEnabled(false);
    ASSERT_TRUE(flp.Query(measurement, fast, query_rand, joint_rand, inverse, wanted));
    SetIfmaEnabled(true);
    EXPECT_EQ(verifier, wanted) << length << " in chunks of " << chunk;
  }
}

TEST(Flp, EightSideBySideTakeTheLargestNumbers) {
  if (!IfmaDetected()) GTEST_SKIP() << "skipped: this CPU has no AVX-512 IFMA";
  for (const int log2_points : {1, 5, 12}) {
    const Ntt<Field128> ntt(log2_points);
    std::vector<Field128> fast(ntt.size()), twists(ntt.size(), -Field128::One());
    // Stored as p - 1, the largest there is.
    Field128 largest = -Field128::FromUint64(1);
    for (int i = 0; i < 4; ++i) largest *= Field128::FromUint64(std::uint64_t{1} << 32).Inverse();
    const std::vector<Field128> wires(ntt.size() * 16, largest);
    ASSERT_TRUE(CosetProducts(ntt, wires, 16, twists, fast));
    std::vector<Field128> one(ntt.size(), largest);
    ntt.ToCoefficients(one, 1);
    for (Field128& element : one) element = -element;
    ntt.ToValues(one, 1);
    for (std::size_t k = 0; k < ntt.size(); ++k) {
      EXPECT_EQ(fast[k], Field128::FromUint64(8) * one[k] * one[k]);
    }
  }
}

template <class F>
void CompareArithmetic(const ReferenceField& f) {
  SeededRandom random(5);
  std::vector<F> elements = RandomElements<F>(random, 20);
  for (const std::uint64_t small : {0, 1, 2}) {
    elements.push_back(F::FromUint64(small));
    elements.push_back(-F::FromUint64(small + 1));
  }
  elements.push_back(F::FromUint64(UINT64_MAX));
  EXPECT_EQ(F::FromUint64(UINT64_MAX).ToInteger(), UINT64_MAX % f.modulus);
  for (const F& a : elements) {
    for (const F& b : elements) {
      const Number x = a.ToInteger(), y = b.ToInteger();
      EXPECT_EQ((a + b).ToInteger(), f.Add(x, y));
      EXPECT_EQ((a - b).ToInteger(), f.Subtract(x, y));
      EXPECT_EQ((a * b).ToInteger(), f.Multiply(x, y));
      typename F::Sum sum;
      for (int i = 0; i < 70; ++i) sum.Add(a, b);
      EXPECT_EQ(sum.Reduced().ToInteger(), f.Multiply(70, f.Multiply(x, y)));
    }
    EXPECT_EQ(a.Inverse().ToInteger(), f.Power(a.ToInteger(), f.modulus - 2));
    std::uint8_t bytes[F::kEncodedBytes];
    a.Encode(bytes);
    F back;
    EXPECT_TRUE(F::Decode(bytes, back));
    EXPECT_EQ(back, a);
  }
}

TEST(Fields, AreTheIntegersModuloTheirPrimes) {
  CompareArithmetic<Field64>(testing::ReferenceField64());
  CompareArithmetic<Field128>(testing::ReferenceField128());
}

TEST(Fields, ElementsNotBelowTheModulusAreRefused) {
  const std::uint64_t modulus64 = Field64::kModulus;
  Bytes bytes(16);
  std::memcpy(&bytes[8], &modulus64, 8);
  std::vector<Field64> two(2);
  EXPECT_FALSE(DecodeElements<Field64>(bytes, two));
  const unsigned __int128 modulus128 = Field128::kModulus;
  std::memcpy(bytes.data(), &modulus128, 16);
  std::vector<Field128> one(1);
  EXPECT_FALSE(DecodeElements<Field128>(bytes, one));
  bytes.assign(16, 0xff);
  EXPECT_FALSE(DecodeElements<Field128>(bytes, one));
}

}  // namespace
}  // namespace salus::aggregate
