// Keccak-p[1600, 12] written once, for one state in 64-bit words and for several side by side in
// vector registers; internal to the module.
//
// Source: FIPS 202 sections 3.2 and 3.3 (the step mappings), RFC 9861 section 2.2 (twelve rounds,
//         with the last twelve constants of the 24).
#pragma once

#include <cstddef>
#include <cstdint>

namespace salus::crypto {

inline constexpr std::size_t kKeccakWords = 25;

// KeccakRoundConstants are those of rounds 12 to 23.
inline constexpr std::uint64_t kKeccakRoundConstants[12] = {
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};

// KeccakRounds is the permutation over Words, which has a type Word and the static functions Xor,
// Xor5, Chi(a, b, c) = a ^ (~b & c), RotateLeft<n> and XorConstant. Each source file has a Words of
// its own in an anonymous namespace: code built for one CPU is then never merged with another's.
template <typename Words>
class KeccakRounds {
 public:
  using Word = typename Words::Word;

  // Word x + 5y is the lane (x, y).
  [[gnu::always_inline]] static void Run(Word (&a)[kKeccakWords]) {
    Word e[kKeccakWords];
    for (std::size_t round = 0; round < 12; round += 2) {
      Round(a, e, kKeccakRoundConstants[round]);
      Round(e, a, kKeccakRoundConstants[round + 1]);
    }
  }

 private:
  template <int kBits>
  [[gnu::always_inline]] static Word Turned(Word a, Word d) {
    return Words::template RotateLeft<kBits>(Words::Xor(a, d));
  }

  [[gnu::always_inline]] static Word Parity(const Word (&a)[kKeccakWords], std::size_t x) {
    return Words::Xor5(a[x], a[x + 5], a[x + 10], a[x + 15], a[x + 20]);
  }

  [[gnu::always_inline]] static void ChiRow(Word* e, Word b0, Word b1, Word b2, Word b3, Word b4) {
    e[0] = Words::Chi(b0, b1, b2);
    e[1] = Words::Chi(b1, b2, b3);
    e[2] = Words::Chi(b2, b3, b4);
    e[3] = Words::Chi(b3, b4, b0);
    e[4] = Words::Chi(b4, b0, b1);
  }

  // Round writes to e what one round makes of a. The second half of theta, rho and pi together say
  // which five lanes make a row of chi, so that each row is finished on its own.
  [[gnu::always_inline]] static void Round(const Word (&a)[kKeccakWords], Word (&e)[kKeccakWords],
                                           std::uint64_t constant) {
    const Word c0 = Parity(a, 0);
    const Word c1 = Parity(a, 1);
    const Word c2 = Parity(a, 2);
    const Word c3 = Parity(a, 3);
    const Word c4 = Parity(a, 4);
    const Word d0 = Words::Xor(c4, Words::template RotateLeft<1>(c1));
    const Word d1 = Words::Xor(c0, Words::template RotateLeft<1>(c2));
    const Word d2 = Words::Xor(c1, Words::template RotateLeft<1>(c3));
    const Word d3 = Words::Xor(c2, Words::template RotateLeft<1>(c4));
    const Word d4 = Words::Xor(c3, Words::template RotateLeft<1>(c0));

    ChiRow(e + 0, Words::Xor(a[0], d0), Turned<44>(a[6], d1), Turned<43>(a[12], d2),
           Turned<21>(a[18], d3), Turned<14>(a[24], d4));
    e[0] = Words::XorConstant(e[0], constant);
    ChiRow(e + 5, Turned<28>(a[3], d3), Turned<20>(a[9], d4), Turned<3>(a[10], d0),
           Turned<45>(a[16], d1), Turned<61>(a[22], d2));
    ChiRow(e + 10, Turned<1>(a[1], d1), Turned<6>(a[7], d2), Turned<25>(a[13], d3),
           Turned<8>(a[19], d4), Turned<18>(a[20], d0));
    ChiRow(e + 15, Turned<27>(a[4], d4), Turned<36>(a[5], d0), Turned<10>(a[11], d1),
           Turned<15>(a[17], d2), Turned<56>(a[23], d3));
    ChiRow(e + 20, Turned<62>(a[2], d2), Turned<55>(a[8], d3), Turned<39>(a[14], d4),
           Turned<41>(a[15], d0), Turned<2>(a[21], d1));
  }
};

}  // namespace salus::crypto
