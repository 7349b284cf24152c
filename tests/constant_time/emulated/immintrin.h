// The AVX-512 operations that our code uses, lane by lane in plain C++: valgrind does not run the
// real ones. It stands before the compiler's own header in the tests of constant time, so that the
// same source is followed there; that both compute the same is what the unit tests show.
#pragma once

#include <unistd.h>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>

#pragma GCC diagnostic ignored "-Wpsabi"

// NOLINTBEGIN: the names are the compiler's
typedef unsigned long long __m512i __attribute__((vector_size(64), may_alias));
typedef unsigned char __mmask8;

namespace salus::testing {

// A program in which no lane was loaded has tested something else.
struct LaneUse {
  std::size_t loads = 0;
  ~LaneUse() {
    if (loads > 0) return;
    std::fputs("no lane was used\n", stderr);
    ::_exit(3);
  }
};
inline LaneUse lane_use;

inline __m512i LoadLanes(const void* from, __mmask8 mask) {
  ++lane_use.loads;
  __m512i out = {};
  for (int i = 0; i < 8; ++i) {
    unsigned long long word = 0;
    if ((mask >> i & 1) != 0) std::memcpy(&word, static_cast<const char*>(from) + 8 * i, 8);
    out[i] = word;
  }
  return out;
}

inline void StoreLanes(void* to, __mmask8 mask, __m512i x) {
  for (int i = 0; i < 8; ++i) {
    const unsigned long long word = x[i];
    if ((mask >> i & 1) != 0) std::memcpy(static_cast<char*>(to) + 8 * i, &word, 8);
  }
}

// One of three truth tables' bits for each bit of a, b and c.
inline unsigned long long Ternary(unsigned long long a, unsigned long long b, unsigned long long c,
                                  int table) {
  unsigned long long out = 0;
  for (int i = 0; i < 8; ++i) {
    if ((table >> i & 1) == 0) continue;
    out |= ((i & 4) != 0 ? a : ~a) & ((i & 2) != 0 ? b : ~b) & ((i & 1) != 0 ? c : ~c);
  }
  return out;
}

inline unsigned __int128 Product52(unsigned long long x, unsigned long long y) {
  constexpr unsigned long long kMask = (1ull << 52) - 1;
  return static_cast<unsigned __int128>(x & kMask) * (y & kMask);
}

}  // namespace salus::testing

inline __m512i _mm512_set1_epi64(long long x) {
  const auto u = static_cast<unsigned long long>(x);
  return __m512i{u, u, u, u, u, u, u, u};
}
inline __m512i _mm512_setzero_si512() { return __m512i{}; }
inline __m512i _mm512_set_epi64(unsigned long long h, unsigned long long g, unsigned long long f,
                                unsigned long long e, unsigned long long d, unsigned long long c,
                                unsigned long long b, unsigned long long a) {
  return __m512i{a, b, c, d, e, f, g, h};
}
inline __m512i _mm512_add_epi64(__m512i x, __m512i y) { return x + y; }
inline __m512i _mm512_sub_epi64(__m512i x, __m512i y) { return x - y; }
inline __m512i _mm512_and_si512(__m512i x, __m512i y) { return x & y; }
inline __m512i _mm512_or_si512(__m512i x, __m512i y) { return x | y; }
inline __m512i _mm512_xor_si512(__m512i x, __m512i y) { return x ^ y; }
inline __m512i _mm512_srli_epi64(__m512i x, unsigned bits) { return x >> bits; }
inline __m512i _mm512_slli_epi64(__m512i x, unsigned bits) { return x << bits; }
inline __m512i _mm512_rol_epi64(__m512i x, int bits) {
  return bits == 0 ? x : x << bits | x >> (64 - bits);
}
inline __m512i _mm512_madd52lo_epu64(__m512i sum, __m512i x, __m512i y) {
  constexpr unsigned long long kMask = (1ull << 52) - 1;
  for (int i = 0; i < 8; ++i) {
    sum[i] += static_cast<unsigned long long>(salus::testing::Product52(x[i], y[i])) & kMask;
  }
  return sum;
}
inline __m512i _mm512_madd52hi_epu64(__m512i sum, __m512i x, __m512i y) {
  for (int i = 0; i < 8; ++i) {
    sum[i] += static_cast<unsigned long long>(salus::testing::Product52(x[i], y[i]) >> 52);
  }
  return sum;
}
inline __m512i _mm512_ternarylogic_epi64(__m512i a, __m512i b, __m512i c, int table) {
  for (int i = 0; i < 8; ++i) a[i] = salus::testing::Ternary(a[i], b[i], c[i], table);
  return a;
}
inline __m512i _mm512_unpacklo_epi64(__m512i x, __m512i y) {
  return __m512i{x[0], y[0], x[2], y[2], x[4], y[4], x[6], y[6]};
}
inline __m512i _mm512_unpackhi_epi64(__m512i x, __m512i y) {
  return __m512i{x[1], y[1], x[3], y[3], x[5], y[5], x[7], y[7]};
}
inline __m512i _mm512_shuffle_i64x2(__m512i x, __m512i y, int control) {
  __m512i out = {};
  for (int quarter = 0; quarter < 4; ++quarter) {
    const int from = 2 * (control >> (2 * quarter) & 3);
    const __m512i& source = quarter < 2 ? x : y;
    out[2 * quarter] = source[from];
    out[2 * quarter + 1] = source[from + 1];
  }
  return out;
}
// Places are read as an address each: whoever makes them of a secret is found.
inline __m512i _mm512_permutex2var_epi64(__m512i x, __m512i places, __m512i y) {
  unsigned long long both[16];
  salus::testing::StoreLanes(both, 0xff, x);
  salus::testing::StoreLanes(both + 8, 0xff, y);
  __m512i out = {};
  for (int i = 0; i < 8; ++i) out[i] = both[places[i] & 15];
  return out;
}
inline __m512i _mm512_mask_i64gather_epi64(__m512i otherwise, __mmask8 mask, __m512i places,
                                           const void* from, int scale) {
  ++salus::testing::lane_use.loads;
  for (int i = 0; i < 8; ++i) {
    unsigned long long word = otherwise[i];
    if ((mask >> i & 1) != 0) {
      const auto at = static_cast<std::ptrdiff_t>(places[i]) * scale;
      std::memcpy(&word, static_cast<const char*>(from) + at, 8);
    }
    otherwise[i] = word;
  }
  return otherwise;
}
inline __m512i _mm512_mask_blend_epi64(__mmask8 mask, __m512i x, __m512i y) {
  for (int i = 0; i < 8; ++i) {
    if ((mask >> i & 1) != 0) x[i] = y[i];
  }
  return x;
}
inline __m512i _mm512_load_si512(const void* from) { return salus::testing::LoadLanes(from, 0xff); }
inline __m512i _mm512_maskz_loadu_epi64(__mmask8 mask, const void* from) {
  return salus::testing::LoadLanes(from, mask);
}
inline void _mm512_store_si512(void* to, __m512i x) { salus::testing::StoreLanes(to, 0xff, x); }
inline void _mm512_mask_storeu_epi64(void* to, __mmask8 mask, __m512i x) {
  salus::testing::StoreLanes(to, mask, x);
}
// NOLINTEND
