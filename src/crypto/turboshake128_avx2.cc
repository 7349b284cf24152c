// Keccak-p[1600, 12] for one state with BMI2 and for four side by side with AVX2. Built with
// -mavx2, -mbmi and -mbmi2: nothing in it runs before KeccakEngineDetected() has said that it may.
#include "crypto/turboshake128_engine.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/check.h"

namespace salus::crypto {

#if defined(__x86_64__)

namespace {

// As PlainWords, and not shared with it: a function of both could be linked from this file, whose
// instructions older CPUs don't have.
struct Bmi2Words {
  using Word = std::uint64_t;
  static Word Xor(Word a, Word b) { return a ^ b; }
  static Word Xor5(Word a, Word b, Word c, Word d, Word e) { return a ^ b ^ c ^ d ^ e; }
  static Word Chi(Word a, Word b, Word c) { return a ^ (~b & c); }
  static Word XorConstant(Word a, std::uint64_t constant) { return a ^ constant; }
  template <int kBits>
  static Word RotateLeft(Word a) {
    return a << kBits | a >> (64 - kBits);
  }
};

struct Avx2Words {
  using Word = __m256i;
  static Word Xor(Word a, Word b) { return _mm256_xor_si256(a, b); }
  static Word Xor5(Word a, Word b, Word c, Word d, Word e) {
    return Xor(Xor(Xor(a, b), Xor(c, d)), e);
  }
  static Word Chi(Word a, Word b, Word c) { return Xor(a, _mm256_andnot_si256(b, c)); }
  static Word XorConstant(Word a, std::uint64_t constant) {
    return Xor(a, _mm256_set1_epi64x(static_cast<long long>(constant)));
  }
  template <int kBits>
  static Word RotateLeft(Word a) {
    return _mm256_or_si256(_mm256_slli_epi64(a, kBits), _mm256_srli_epi64(a, 64 - kBits));
  }
};

using Words4 = __m256i[kKeccakWords];

void LoadStates(const KeccakLanes& states, std::size_t first, Words4& a) {
  for (std::size_t i = 0; i < kKeccakWords; ++i) {
    a[i] = _mm256_load_si256(reinterpret_cast<const __m256i*>(&states.words[i][first]));
  }
}

void StoreStates(const Words4& a, KeccakLanes& states, std::size_t first) {
  for (std::size_t i = 0; i < kKeccakWords; ++i) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(&states.words[i][first]), a[i]);
  }
}

// Transpose turns four words of each of four lanes into four vectors of one word each, and back.
inline void Transpose(__m256i (&v)[4]) {
  const __m256i t0 = _mm256_unpacklo_epi64(v[0], v[1]);
  const __m256i t1 = _mm256_unpackhi_epi64(v[0], v[1]);
  const __m256i t2 = _mm256_unpacklo_epi64(v[2], v[3]);
  const __m256i t3 = _mm256_unpackhi_epi64(v[2], v[3]);
  v[0] = _mm256_permute2x128_si256(t0, t2, 0x20);
  v[1] = _mm256_permute2x128_si256(t1, t3, 0x20);
  v[2] = _mm256_permute2x128_si256(t0, t2, 0x31);
  v[3] = _mm256_permute2x128_si256(t1, t3, 0x31);
}

inline __m256i Load(const std::uint8_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}
inline void Store(std::uint8_t* to, __m256i value) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), value);
}

// A block is 21 words: five groups of four, and one.
void XorBlock(Words4& a, const std::uint8_t* const (&in)[4], std::size_t at) {
#pragma GCC unroll 5
  for (std::size_t g = 0; g < 20; g += 4) {
    __m256i v[4] = {Load(in[0] + at + g * 8), Load(in[1] + at + g * 8), Load(in[2] + at + g * 8),
                    Load(in[3] + at + g * 8)};
    Transpose(v);
    for (std::size_t i = 0; i < 4; ++i) a[g + i] = Avx2Words::Xor(a[g + i], v[i]);
  }
  long long last[4];
  for (std::size_t l = 0; l < 4; ++l) __builtin_memcpy(&last[l], in[l] + at + 160, 8);
  a[20] = Avx2Words::Xor(a[20], _mm256_set_epi64x(last[3], last[2], last[1], last[0]));
}

void WriteBlock(const Words4& a, std::uint8_t* const* out, std::size_t count, std::size_t at) {
#pragma GCC unroll 5
  for (std::size_t g = 0; g < 20; g += 4) {
    __m256i v[4] = {a[g], a[g + 1], a[g + 2], a[g + 3]};
    Transpose(v);
    for (std::size_t l = 0; l < count; ++l) Store(out[l] + at + g * 8, v[l]);
  }
  alignas(32) std::uint64_t last[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(last), a[20]);
  for (std::size_t l = 0; l < count; ++l) __builtin_memcpy(out[l] + at + 160, &last[l], 8);
}

}  // namespace

void KeccakPermuteBmi2(std::uint64_t* state) {
  std::uint64_t words[kKeccakWords];
  __builtin_memcpy(words, state, sizeof words);
  KeccakRounds<Bmi2Words>::Run(words);
  __builtin_memcpy(state, words, sizeof words);
}

void KeccakPermuteAvx2(KeccakLanes& states, std::size_t first) {
  Words4 a;
  LoadStates(states, first, a);
  KeccakRounds<Avx2Words>::Run(a);
  StoreStates(a, states, first);
}

void KeccakAbsorbAvx2(KeccakLanes& states, std::size_t first, std::size_t lanes,
                      const std::uint8_t* const* in, std::size_t block_count) {
  // A lane that is not used absorbs what the last one does.
  const std::uint8_t* from[4];
  for (std::size_t l = 0; l < 4; ++l) from[l] = in[first + l < lanes ? first + l : lanes - 1];
  Words4 a;
  LoadStates(states, first, a);
  for (std::size_t b = 0; b < block_count; ++b) {
    XorBlock(a, from, b * kKeccakRate);
    KeccakRounds<Avx2Words>::Run(a);
  }
  StoreStates(a, states, first);
}

void KeccakSqueezeAvx2(KeccakLanes& states, std::size_t first, std::size_t lanes,
                       std::uint8_t* const* out, std::size_t block_count) {
  const std::size_t count = lanes - first < 4 ? lanes - first : 4;
  Words4 a;
  LoadStates(states, first, a);
  for (std::size_t b = 0; b < block_count; ++b) {
    KeccakRounds<Avx2Words>::Run(a);
    WriteBlock(a, out + first, count, b * kKeccakRate);
  }
  StoreStates(a, states, first);
}

#else

void KeccakPermuteBmi2(std::uint64_t*) { CHECK(false); }
void KeccakPermuteAvx2(KeccakLanes&, std::size_t) { CHECK(false); }
void KeccakAbsorbAvx2(KeccakLanes&, std::size_t, std::size_t, const std::uint8_t* const*,
                      std::size_t) {
  CHECK(false);
}
void KeccakSqueezeAvx2(KeccakLanes&, std::size_t, std::size_t, std::uint8_t* const*, std::size_t) {
  CHECK(false);
}

#endif

}  // namespace salus::crypto
