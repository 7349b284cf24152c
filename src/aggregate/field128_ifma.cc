// The loops of Field128 on AVX-512 IFMA, built with -mavx512ifma: nothing in it runs before
// IfmaDetected() has said that it may, and no inline function of other headers is used in it.
#include "aggregate/field128_ifma.h"

#if defined(__x86_64__)
#include <immintrin.h>

namespace salus::aggregate {

namespace {

// Lanes is eight numbers of three limbs. The limbs of a factor are below 2^52; a sum's are brought
// back there by Carried. Numbers may grow to 2^148, far above the modulus p: a product is
// below a * b / 2^156 + p.
struct Lanes {
  __m512i a, b, c;
};

inline __m512i Constant(std::uint64_t value) {
  return _mm512_set1_epi64(static_cast<long long>(value));
}
inline __m512i LimbMask() { return Constant((std::uint64_t{1} << 52) - 1); }
inline __m512i Low(__m512i sum, __m512i x, __m512i y) { return _mm512_madd52lo_epu64(sum, x, y); }
inline __m512i High(__m512i sum, __m512i x, __m512i y) { return _mm512_madd52hi_epu64(sum, x, y); }

inline Lanes Carried(Lanes x) {
  x.b = _mm512_add_epi64(x.b, _mm512_srli_epi64(x.a, 52));
  x.c = _mm512_add_epi64(x.c, _mm512_srli_epi64(x.b, 52));
  return {_mm512_and_si512(x.a, LimbMask()), _mm512_and_si512(x.b, LimbMask()), x.c};
}

inline Lanes Plus(const Lanes& x, const Lanes& y) {
  return {_mm512_add_epi64(x.a, y.a), _mm512_add_epi64(x.b, y.b), _mm512_add_epi64(x.c, y.c)};
}
inline Lanes Add(const Lanes& x, const Lanes& y) { return Carried(Plus(x, y)); }

// The limbs of p = 2^128 - 7 * 2^66 + 1.
constexpr std::uint64_t kP1 = (std::uint64_t{1} << 52) - (7u << 14);
constexpr std::uint64_t kP2 = (1u << 24) - 1;

// Subtract adds p * 2^16 first, with a unit of each limb but the lowest lent to the one below, so
// that no limb is negative: y is below 2^141.
inline Lanes Subtract(const Lanes& x, const Lanes& y) {
  constexpr std::uint64_t kUnit = std::uint64_t{1} << 52;
  constexpr unsigned __int128 kMiddle = static_cast<unsigned __int128>(kP1) << 16;
  const Lanes multiple = {Constant((1u << 16) + kUnit),
                          Constant((static_cast<std::uint64_t>(kMiddle) & (kUnit - 1)) + kUnit - 1),
                          Constant((kP2 << 16) + static_cast<std::uint64_t>(kMiddle >> 52) - 1)};
  const Lanes sum = Plus(x, multiple);
  return Carried(
      {_mm512_sub_epi64(sum.a, y.a), _mm512_sub_epi64(sum.b, y.b), _mm512_sub_epi64(sum.c, y.c)});
}

// Step makes the lowest limb zero by adding a multiple of p, whose lowest limb is 1.
inline void Step(__m512i low, __m512i& next, __m512i& above, __m512i& top) {
  const __m512i zero = _mm512_setzero_si512();
  const __m512i p1 = Constant(kP1), p2 = Constant(kP2);
  const __m512i times = _mm512_and_si512(_mm512_sub_epi64(zero, low), LimbMask());
  next = _mm512_add_epi64(next, _mm512_srli_epi64(_mm512_add_epi64(low, times), 52));
  next = Low(next, times, p1);
  above = Low(High(above, times, p1), times, p2);
  top = High(top, times, p2);
}

// Sums is products that are added up; up to 512 of them fit.
struct Sums {
  __m512i r0, r1, r2, r3, r4, r5;
};
inline void AddProduct(Sums& s, const Lanes& x, const Lanes& y) {
  s.r0 = Low(s.r0, x.a, y.a);
  s.r1 = Low(Low(High(s.r1, x.a, y.a), x.a, y.b), x.b, y.a);
  s.r2 = Low(Low(Low(s.r2, x.a, y.c), x.b, y.b), x.c, y.a);
  s.r2 = High(High(s.r2, x.a, y.b), x.b, y.a);
  s.r3 = Low(Low(s.r3, x.b, y.c), x.c, y.b);
  s.r3 = High(High(High(s.r3, x.a, y.c), x.b, y.b), x.c, y.a);
  s.r4 = Low(High(High(s.r4, x.b, y.c), x.c, y.b), x.c, y.c);
  s.r5 = High(s.r5, x.c, y.c);
}

// Reduced is the sums / 2^156 modulo p.
inline Lanes Reduced(Sums s) {
  Step(s.r0, s.r1, s.r2, s.r3);
  Step(s.r1, s.r2, s.r3, s.r4);
  Step(s.r2, s.r3, s.r4, s.r5);
  return Carried({s.r3, s.r4, s.r5});
}

inline Lanes Multiply(const Lanes& x, const Lanes& y) {
  const __m512i zero = _mm512_setzero_si512();
  Sums product = {zero, zero, zero, zero, zero, zero};
  AddProduct(product, x, y);
  return Reduced(product);
}

inline Lanes Load(const LimbLanes& from) {
  return {_mm512_load_si512(from.limb[0]), _mm512_load_si512(from.limb[1]),
          _mm512_load_si512(from.limb[2])};
}
inline void Store(const Lanes& x, LimbLanes& to) {
  _mm512_store_si512(to.limb[0], x.a);
  _mm512_store_si512(to.limb[1], x.b);
  _mm512_store_si512(to.limb[2], x.c);
}
inline Lanes All(const Limbs& number) {
  return {Constant(number.limb[0]), Constant(number.limb[1]), Constant(number.limb[2])};
}

// LoadWords reads one element of each of up to eight pairs; absent ones are zero.
inline Lanes LoadWords(const std::uint64_t* words, __mmask8 present) {
  const __m512i offsets = _mm512_set_epi64(28, 24, 20, 16, 12, 8, 4, 0);
  const __m512i zero = _mm512_setzero_si512();
  const __m512i low = _mm512_mask_i64gather_epi64(zero, present, offsets, words, 8);
  const __m512i high = _mm512_mask_i64gather_epi64(zero, present, offsets, words + 1, 8);
  const __m512i middle = _mm512_or_si512(_mm512_srli_epi64(low, 52), _mm512_slli_epi64(high, 12));
  return {_mm512_and_si512(low, LimbMask()), _mm512_and_si512(middle, LimbMask()),
          _mm512_srli_epi64(high, 40)};
}

// The transforms are those of Ntt, for the two numbers of a point.
void ToCoefficients(LimbLanes* rows, std::size_t points, const Limbs* inverse_powers) {
  for (std::size_t half = points / 2; half > 0; half /= 2) {
    const std::size_t step = points / (2 * half);
    for (std::size_t i = 0; i < half; ++i) {
      const Lanes twiddle = All(inverse_powers[i * step]);
      for (std::size_t upper = 2 * i; upper < 2 * points; upper += 4 * half) {
        for (std::size_t at = upper; at < upper + 2; ++at) {
          const Lanes x = Load(rows[at]), y = Load(rows[at + 2 * half]);
          Store(Add(x, y), rows[at]);
          Store(Multiply(Subtract(x, y), twiddle), rows[at + 2 * half]);
        }
      }
    }
  }
}

void ToValues(LimbLanes* rows, std::size_t points, const Limbs* powers) {
  for (std::size_t half = 1; half < points; half *= 2) {
    const std::size_t step = points / (2 * half);
    for (std::size_t i = 0; i < half; ++i) {
      const Lanes twiddle = All(powers[i * step]);
      for (std::size_t upper = 2 * i; upper < 2 * points; upper += 4 * half) {
        for (std::size_t at = upper; at < upper + 2; ++at) {
          const Lanes x = Load(rows[at]), y = Multiply(Load(rows[at + 2 * half]), twiddle);
          Store(Add(x, y), rows[at]);
          Store(Subtract(x, y), rows[at + 2 * half]);
        }
      }
    }
  }
}

}  // namespace

void IfmaCosetProducts(const IfmaCosetJob& job) {
  const std::size_t points = std::size_t{1} << job.log2_points;
  for (std::size_t first = 0; first < job.pairs; first += 8) {
    const std::size_t count = job.pairs - first < 8 ? job.pairs - first : 8;
    const auto present = static_cast<__mmask8>((1u << count) - 1);
    for (std::size_t row = 0; row < points; ++row) {
      const std::uint64_t* words = job.wires + (row * job.pairs + first) * 4;
      Store(LoadWords(words, present), job.rows[2 * row]);
      Store(LoadWords(words + 2, present), job.rows[2 * row + 1]);
    }
    ToCoefficients(job.rows, points, job.inverse_powers);
    for (std::size_t row = 0; row < points; ++row) {
      const Lanes twist = All(job.twists[row]);
      Store(Multiply(Load(job.rows[2 * row]), twist), job.rows[2 * row]);
      Store(Multiply(Load(job.rows[2 * row + 1]), twist), job.rows[2 * row + 1]);
    }
    ToValues(job.rows, points, job.powers);
    for (std::size_t row = 0; row < points; ++row) {
      const Lanes product = Multiply(Load(job.rows[2 * row]), Load(job.rows[2 * row + 1]));
      Store(Add(Load(job.sums[row]), product), job.sums[row]);
    }
  }
}

namespace {

inline Lanes Chosen(__mmask8 mask, const Lanes& no, const Lanes& yes) {
  return {_mm512_mask_blend_epi64(mask, no.a, yes.a), _mm512_mask_blend_epi64(mask, no.b, yes.b),
          _mm512_mask_blend_epi64(mask, no.c, yes.c)};
}

inline Sums LoadSums(const LimbSums& from) {
  return {_mm512_load_si512(from.limb[0]), _mm512_load_si512(from.limb[1]),
          _mm512_load_si512(from.limb[2]), _mm512_load_si512(from.limb[3]),
          _mm512_load_si512(from.limb[4]), _mm512_load_si512(from.limb[5])};
}
inline void StoreSums(const Sums& s, LimbSums& to) {
  _mm512_store_si512(to.limb[0], s.r0);
  _mm512_store_si512(to.limb[1], s.r1);
  _mm512_store_si512(to.limb[2], s.r2);
  _mm512_store_si512(to.limb[3], s.r3);
  _mm512_store_si512(to.limb[4], s.r4);
  _mm512_store_si512(to.limb[5], s.r5);
}

// LoadElements reads up to eight elements that follow each other.
inline Lanes LoadElements(const std::uint64_t* words, std::size_t count) {
  const auto first = static_cast<__mmask8>((1u << (count < 4 ? 2 * count : 8)) - 1);
  const auto second = static_cast<__mmask8>((1u << (count < 4 ? 0 : 2 * (count - 4))) - 1);
  const __m512i low_half = _mm512_maskz_loadu_epi64(first, words);
  const __m512i high_half = _mm512_maskz_loadu_epi64(second, words + 8);
  const __m512i evens = _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0);
  const __m512i odds = _mm512_set_epi64(15, 13, 11, 9, 7, 5, 3, 1);
  const __m512i low = _mm512_permutex2var_epi64(low_half, evens, high_half);
  const __m512i high = _mm512_permutex2var_epi64(low_half, odds, high_half);
  const __m512i middle = _mm512_or_si512(_mm512_srli_epi64(low, 52), _mm512_slli_epi64(high, 12));
  return {_mm512_and_si512(low, LimbMask()), _mm512_and_si512(middle, LimbMask()),
          _mm512_srli_epi64(high, 40)};
}

}  // namespace

void IfmaAddChunk(const IfmaChunkJob& job) {
  // Lane l starts with weight * r^(l+1).
  const Lanes weight = All(job.weight), r = All(job.r);
  const Lanes r2 = Multiply(r, r), r4 = Multiply(r2, r2), r8 = Multiply(r4, r4);
  Lanes power = Multiply(weight, r);
  power = Chosen(0xaa, power, Multiply(power, r));
  power = Chosen(0xcc, power, Multiply(power, r2));
  power = Chosen(0xf0, power, Multiply(power, r4));
  for (std::size_t from = 0; from < job.count; from += 8) {
    const std::size_t count = job.count - from < 8 ? job.count - from : 8;
    const Lanes elements = LoadElements(job.elements + 2 * from, count);
    Sums even = LoadSums(job.even[from / 8]), odd = LoadSums(job.odd[from / 8]);
    AddProduct(even, elements, power);
    AddProduct(odd, elements, weight);
    StoreSums(even, job.even[from / 8]);
    StoreSums(odd, job.odd[from / 8]);
    power = Multiply(power, r8);
  }
}

void IfmaReduce(const LimbSums& sums, LimbLanes& out) { Store(Reduced(LoadSums(sums)), out); }

}  // namespace salus::aggregate
#endif
