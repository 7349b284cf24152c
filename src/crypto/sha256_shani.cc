// SHA-256 compression with the x86 SHA extensions, one to three independent messages at a time. The
// only file built with -msha: nothing in it runs before ShaNiDetected() has said yes.
#include "crypto/sha256_engine.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#include "base/check.h"

namespace salus::crypto {

#if defined(__x86_64__)

namespace {

// FIPS 180-4 section 4.2.2.
alignas(16) constexpr std::uint32_t kRound[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

inline __m128i LoadWords(const void* from) {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}

// The instructions want the eight words as ABEF and CDGH.
struct Pair {
  __m128i abef, cdgh;
};

inline Pair LoadState(const std::uint32_t* state) {
  const __m128i abcd = _mm_shuffle_epi32(LoadWords(state), 0xb1);      // CDAB
  const __m128i efgh = _mm_shuffle_epi32(LoadWords(state + 4), 0x1b);  // EFGH
  return {_mm_alignr_epi8(abcd, efgh, 8), _mm_blend_epi16(efgh, abcd, 0xf0)};
}

inline void StoreState(std::uint32_t* state, const Pair& pair) {
  const __m128i feba = _mm_shuffle_epi32(pair.abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(pair.cdgh, 0xb1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state), _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

// The lanes do not depend on each other, so that the latency of one lane's instruction (4 cycles)
// is filled by the others.
template <int kLanes>
inline void Compress(std::uint32_t* const* states, const std::uint8_t* const* blocks,
                     std::size_t block_count) {
  const __m128i to_big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  Pair pair[kLanes];
#pragma GCC unroll 3
  for (int l = 0; l < kLanes; ++l) pair[l] = LoadState(states[l]);

  for (std::size_t b = 0; b < block_count; ++b) {
    Pair before[kLanes];
    __m128i words[kLanes][4];
#pragma GCC unroll 3
    for (int l = 0; l < kLanes; ++l) {
      before[l] = pair[l];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        words[l][i] = _mm_shuffle_epi8(LoadWords(blocks[l] + b * 64 + i * 16), to_big_endian);
      }
    }
#pragma GCC unroll 16
    for (int r = 0; r < 16; ++r) {
      const __m128i constants = LoadWords(&kRound[r * 4]);
#pragma GCC unroll 3
      for (int l = 0; l < kLanes; ++l) {
        __m128i(&w)[4] = words[l];
        const __m128i sum = _mm_add_epi32(w[r % 4], constants);
        pair[l].cdgh = _mm_sha256rnds2_epu32(pair[l].cdgh, pair[l].abef, sum);
        pair[l].abef =
            _mm_sha256rnds2_epu32(pair[l].abef, pair[l].cdgh, _mm_shuffle_epi32(sum, 0x0e));
        if (r < 12) {
          const __m128i partial = _mm_add_epi32(_mm_sha256msg1_epu32(w[r % 4], w[(r + 1) % 4]),
                                                _mm_alignr_epi8(w[(r + 3) % 4], w[(r + 2) % 4], 4));
          w[r % 4] = _mm_sha256msg2_epu32(partial, w[(r + 3) % 4]);
        }
      }
    }
#pragma GCC unroll 3
    for (int l = 0; l < kLanes; ++l) {
      pair[l].abef = _mm_add_epi32(pair[l].abef, before[l].abef);
      pair[l].cdgh = _mm_add_epi32(pair[l].cdgh, before[l].cdgh);
    }
  }
#pragma GCC unroll 3
  for (int l = 0; l < kLanes; ++l) StoreState(states[l], pair[l]);
}

}  // namespace

bool ShaNiDetected() {
  // Asked once: under a hypervisor each CPUID instruction costs microseconds.
  static const bool detected = [] {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0) return false;
    const bool ssse3 = (c & (1u << 9)) != 0;
    const bool sse41 = (c & (1u << 19)) != 0;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
    return ssse3 && sse41 && (b & (1u << 29)) != 0;
  }();
  return detected;
}

void ShaNiCompress1(std::uint32_t* state, const std::uint8_t* blocks, std::size_t block_count) {
  Compress<1>(&state, &blocks, block_count);
}
void ShaNiCompress2(std::uint32_t* const* states, const std::uint8_t* const* blocks,
                    std::size_t block_count) {
  Compress<2>(states, blocks, block_count);
}
void ShaNiCompress3(std::uint32_t* const* states, const std::uint8_t* const* blocks,
                    std::size_t block_count) {
  Compress<3>(states, blocks, block_count);
}

#else

bool ShaNiDetected() { return false; }
void ShaNiCompress1(std::uint32_t*, const std::uint8_t*, std::size_t) { CHECK(false); }
void ShaNiCompress2(std::uint32_t* const*, const std::uint8_t* const*, std::size_t) {
  CHECK(false);
}
void ShaNiCompress3(std::uint32_t* const*, const std::uint8_t* const*, std::size_t) {
  CHECK(false);
}

#endif

}  // namespace salus::crypto
