#include "crypto/turboshake128_engine.h"

#include <algorithm>
#include <atomic>

namespace salus::crypto {

namespace {

struct PlainWords {
  using Word = std::uint64_t;
  static Word Xor(Word a, Word b) { return a ^ b; }
  static Word Xor5(Word a, Word b, Word c, Word d, Word e) { return a ^ b ^ c ^ d ^ e; }
  static Word Chi(Word a, Word b, Word c) { return a ^ (~b & c); }
  static Word XorConstant(Word a, std::uint64_t constant) { return a ^ constant; }
  template <int kBits>
  static Word RotateLeft(Word a) {
    return std::rotl(a, kBits);
  }
};

void PermutePortable(std::uint64_t* state) {
  std::uint64_t words[kKeccakWords];
  std::memcpy(words, state, sizeof words);
  KeccakRounds<PlainWords>::Run(words);
  std::memcpy(state, words, sizeof words);
}

KeccakEngine Detect() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") ||
      !__builtin_cpu_supports("bmi2")) {
    return KeccakEngine::kPortable;
  }
  return __builtin_cpu_supports("avx512f") ? KeccakEngine::kAvx512 : KeccakEngine::kAvx2;
#else
  return KeccakEngine::kPortable;
#endif
}

// Before this is initialised it reads kPortable, which is right everywhere.
std::atomic<KeccakEngine> engine_in_use{KeccakEngineDetected()};

void PermutePortableLanes(KeccakLanes& states, std::size_t lanes) {
  for (std::size_t l = 0; l < lanes; ++l) {
    std::uint64_t state[kKeccakWords];
    for (std::size_t i = 0; i < kKeccakWords; ++i) state[i] = states.words[i][l];
    KeccakPermute(state);
    for (std::size_t i = 0; i < kKeccakWords; ++i) states.words[i][l] = state[i];
  }
}

}  // namespace

KeccakEngine KeccakEngineDetected() {
  static const KeccakEngine detected = Detect();
  return detected;
}

KeccakEngine KeccakEngineInUse() { return engine_in_use.load(std::memory_order_relaxed); }

void SetKeccakEngine(KeccakEngine engine) {
  engine_in_use = std::min(engine, KeccakEngineDetected());
}

void KeccakPermute(std::uint64_t* state) {
  if (KeccakEngineInUse() == KeccakEngine::kPortable) return PermutePortable(state);
  KeccakPermuteBmi2(state);
}

void KeccakPermuteLanes(KeccakLanes& states, std::size_t lanes) {
  switch (KeccakEngineInUse()) {
    case KeccakEngine::kAvx512:
      return KeccakPermuteAvx512(states);
    case KeccakEngine::kAvx2:
      for (std::size_t first = 0; first < lanes; first += 4) KeccakPermuteAvx2(states, first);
      return;
    case KeccakEngine::kPortable:
      return PermutePortableLanes(states, lanes);
  }
}

void KeccakAbsorbLanes(KeccakLanes& states, std::size_t lanes, const std::uint8_t* const* in,
                       std::size_t block_count) {
  switch (KeccakEngineInUse()) {
    case KeccakEngine::kAvx512:
      return KeccakAbsorbAvx512(states, lanes, in, block_count);
    case KeccakEngine::kAvx2:
      for (std::size_t first = 0; first < lanes; first += 4) {
        KeccakAbsorbAvx2(states, first, lanes, in, block_count);
      }
      return;
    case KeccakEngine::kPortable:
      for (std::size_t b = 0; b < block_count; ++b) {
        for (std::size_t l = 0; l < lanes; ++l) {
          XorIntoState<kKeccakLanes>(&states.words[0][l], 0,
                                     {in[l] + b * kKeccakRate, kKeccakRate});
        }
        PermutePortableLanes(states, lanes);
      }
      return;
  }
}

void KeccakSqueezeLanes(KeccakLanes& states, std::size_t lanes, std::uint8_t* const* out,
                        std::size_t block_count) {
  switch (KeccakEngineInUse()) {
    case KeccakEngine::kAvx512:
      return KeccakSqueezeAvx512(states, lanes, out, block_count);
    case KeccakEngine::kAvx2:
      for (std::size_t first = 0; first < lanes; first += 4) {
        KeccakSqueezeAvx2(states, first, lanes, out, block_count);
      }
      return;
    case KeccakEngine::kPortable:
      for (std::size_t b = 0; b < block_count; ++b) {
        PermutePortableLanes(states, lanes);
        for (std::size_t l = 0; l < lanes; ++l) {
          CopyFromState<kKeccakLanes>(&states.words[0][l], 0,
                                      {out[l] + b * kKeccakRate, kKeccakRate});
        }
      }
      return;
  }
}

}  // namespace salus::crypto
