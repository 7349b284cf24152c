// Keccak-p[1600, 12] for eight states side by side with AVX-512. Built with -mavx512f: nothing in
// it runs before KeccakEngineDetected() has said that it may.
#include "crypto/turboshake128_engine.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/check.h"

namespace salus::crypto {

#if defined(__x86_64__)

namespace {

// The constants of the three-input operations are their truth tables: 0x96 is a ^ b ^ c, 0xd2 is
// a ^ (~b & c).
struct Avx512Words {
  using Word = __m512i;
  static Word Xor(Word a, Word b) { return _mm512_xor_si512(a, b); }
  static Word Xor5(Word a, Word b, Word c, Word d, Word e) {
    return _mm512_ternarylogic_epi64(_mm512_ternarylogic_epi64(a, b, c, 0x96), d, e, 0x96);
  }
  static Word Chi(Word a, Word b, Word c) { return _mm512_ternarylogic_epi64(a, b, c, 0xd2); }
  static Word XorConstant(Word a, std::uint64_t constant) {
    return Xor(a, _mm512_set1_epi64(static_cast<long long>(constant)));
  }
  template <int kBits>
  static Word RotateLeft(Word a) {
    return _mm512_rol_epi64(a, kBits);
  }
};

using Words8 = __m512i[kKeccakWords];

void LoadStates(const KeccakLanes& states, Words8& a) {
  for (std::size_t i = 0; i < kKeccakWords; ++i) a[i] = _mm512_load_si512(states.words[i]);
}

void StoreStates(const Words8& a, KeccakLanes& states) {
  for (std::size_t i = 0; i < kKeccakWords; ++i) _mm512_store_si512(states.words[i], a[i]);
}

// Transpose turns eight words of each of eight lanes into eight vectors of one word each, and back.
inline void Transpose(__m512i (&v)[8]) {
  __m512i t[8], u[8];
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 8; i += 2) {
    t[i] = _mm512_unpacklo_epi64(v[i], v[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi64(v[i], v[i + 1]);
  }
#pragma GCC unroll 2
  for (std::size_t i = 0; i < 8; i += 4) {
    u[i] = _mm512_shuffle_i64x2(t[i], t[i + 2], 0x88);
    u[i + 1] = _mm512_shuffle_i64x2(t[i + 1], t[i + 3], 0x88);
    u[i + 2] = _mm512_shuffle_i64x2(t[i], t[i + 2], 0xdd);
    u[i + 3] = _mm512_shuffle_i64x2(t[i + 1], t[i + 3], 0xdd);
  }
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) {
    v[i] = _mm512_shuffle_i64x2(u[i], u[i + 4], 0x88);
    v[i + 4] = _mm512_shuffle_i64x2(u[i], u[i + 4], 0xdd);
  }
}

// A block is 21 words: two groups of eight, and five.
constexpr std::size_t GroupSize(std::size_t group) { return group < 16 ? 8 : 5; }
constexpr __mmask8 GroupMask(std::size_t group) { return group < 16 ? 0xff : 0x1f; }

void XorBlock(Words8& a, const std::uint8_t* const (&in)[kKeccakLanes], std::size_t at) {
#pragma GCC unroll 3
  for (std::size_t g = 0; g < 24; g += 8) {
    __m512i v[8];
#pragma GCC unroll 8
    for (std::size_t l = 0; l < 8; ++l) {
      v[l] = _mm512_maskz_loadu_epi64(GroupMask(g), in[l] + at + g * 8);
    }
    Transpose(v);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < GroupSize(g); ++i) a[g + i] = Avx512Words::Xor(a[g + i], v[i]);
  }
}

void WriteBlock(const Words8& a, std::uint8_t* const* out, std::size_t lanes, std::size_t at) {
#pragma GCC unroll 3
  for (std::size_t g = 0; g < 24; g += 8) {
    __m512i v[8] = {};
#pragma GCC unroll 8
    for (std::size_t i = 0; i < GroupSize(g); ++i) v[i] = a[g + i];
    Transpose(v);
    for (std::size_t l = 0; l < lanes; ++l) {
      _mm512_mask_storeu_epi64(out[l] + at + g * 8, GroupMask(g), v[l]);
    }
  }
}

}  // namespace

void KeccakPermuteAvx512(KeccakLanes& states) {
  Words8 a;
  LoadStates(states, a);
  KeccakRounds<Avx512Words>::Run(a);
  StoreStates(a, states);
}

void KeccakAbsorbAvx512(KeccakLanes& states, std::size_t lanes, const std::uint8_t* const* in,
                        std::size_t block_count) {
  // A lane that is not used absorbs what the last one does.
  const std::uint8_t* from[kKeccakLanes];
  for (std::size_t l = 0; l < kKeccakLanes; ++l) from[l] = in[l < lanes ? l : lanes - 1];
  Words8 a;
  LoadStates(states, a);
  for (std::size_t b = 0; b < block_count; ++b) {
    XorBlock(a, from, b * kKeccakRate);
    KeccakRounds<Avx512Words>::Run(a);
  }
  StoreStates(a, states);
}

void KeccakSqueezeAvx512(KeccakLanes& states, std::size_t lanes, std::uint8_t* const* out,
                         std::size_t block_count) {
  Words8 a;
  LoadStates(states, a);
  for (std::size_t b = 0; b < block_count; ++b) {
    KeccakRounds<Avx512Words>::Run(a);
    WriteBlock(a, out, lanes, b * kKeccakRate);
  }
  StoreStates(a, states);
}

#else

void KeccakPermuteAvx512(KeccakLanes&) { CHECK(false); }
void KeccakAbsorbAvx512(KeccakLanes&, std::size_t, const std::uint8_t* const*, std::size_t) {
  CHECK(false);
}
void KeccakSqueezeAvx512(KeccakLanes&, std::size_t, std::uint8_t* const*, std::size_t) {
  CHECK(false);
}

#endif

}  // namespace salus::crypto
