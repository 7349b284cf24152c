// The engines behind turboshake128.h and turboshake128_lanes.h; internal to the module.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "crypto/keccak_round.h"

namespace salus::crypto {

inline constexpr std::size_t kKeccakRate = 168;
inline constexpr std::size_t kKeccakLanes = 8;

// KeccakEngine orders what a CPU may have: each includes those before it. kAvx2 also takes the
// scalar code that is built for BMI2.
enum class KeccakEngine { kPortable, kAvx2, kAvx512 };

// KeccakEngineDetected asks the CPU. KeccakEngineInUse is that answer, unless a test or benchmark
// asked for less with SetKeccakEngine.
KeccakEngine KeccakEngineDetected();
KeccakEngine KeccakEngineInUse();
void SetKeccakEngine(KeccakEngine engine);

// KeccakLanes is eight states side by side: words[i][l] is word i of state l.
struct alignas(64) KeccakLanes {
  std::uint64_t words[kKeccakWords][kKeccakLanes];
};

// KeccakPermute runs the permutation over one state of 25 words.
void KeccakPermute(std::uint64_t* state);
// KeccakPermuteLanes runs it over the first `lanes` states; the others are left undefined.
void KeccakPermuteLanes(KeccakLanes& states, std::size_t lanes);
// KeccakAbsorbLanes takes blocks of 168 bytes from each lane's input: xor, then permute.
void KeccakAbsorbLanes(KeccakLanes& states, std::size_t lanes, const std::uint8_t* const* in,
                       std::size_t block_count);
// KeccakSqueezeLanes writes blocks of 168 bytes to each lane's output: permute, then copy.
void KeccakSqueezeLanes(KeccakLanes& states, std::size_t lanes, std::uint8_t* const* out,
                        std::size_t block_count);

// What the files built for one CPU offer. Nothing in them runs before KeccakEngineDetected() has
// said that it may. The Avx2 lanes are four: of the lanes from `first` on.
void KeccakPermuteBmi2(std::uint64_t* state);
void KeccakAbsorbAvx2(KeccakLanes& states, std::size_t first, std::size_t lanes,
                      const std::uint8_t* const* in, std::size_t block_count);
void KeccakSqueezeAvx2(KeccakLanes& states, std::size_t first, std::size_t lanes,
                       std::uint8_t* const* out, std::size_t block_count);
void KeccakPermuteAvx2(KeccakLanes& states, std::size_t first);
void KeccakAbsorbAvx512(KeccakLanes& states, std::size_t lanes, const std::uint8_t* const* in,
                        std::size_t block_count);
void KeccakSqueezeAvx512(KeccakLanes& states, std::size_t lanes, std::uint8_t* const* out,
                         std::size_t block_count);
void KeccakPermuteAvx512(KeccakLanes& states);

inline std::uint64_t LittleEndianWord(std::uint64_t word) {
  return std::endian::native == std::endian::little ? word : __builtin_bswap64(word);
}

// PartialWord is up to seven bytes as the low bytes of a word.
inline std::uint64_t PartialWord(ByteSpan bytes) {
  std::uint64_t word = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) word = word << 8 | bytes[i];
  return word;
}

// XorIntoState xors data into a state from byte `offset` on; word i stands at words[i * kStride].
template <std::size_t kStride>
void XorIntoState(std::uint64_t* words, std::size_t offset, ByteSpan data) {
  words += offset / 8 * kStride;
  if (const std::size_t shift = offset % 8; shift > 0) {
    const std::size_t take = data.size() < 8 - shift ? data.size() : 8 - shift;
    *words ^= PartialWord(data.first(take)) << (8 * shift);
    words += kStride;
    data = data.subspan(take);
  }
  for (; data.size() >= 8; data = data.subspan(8), words += kStride) {
    std::uint64_t word;
    std::memcpy(&word, data.data(), 8);
    *words ^= LittleEndianWord(word);
  }
  if (!data.empty()) *words ^= PartialWord(data);
}

// CopyFromState is the other direction.
template <std::size_t kStride>
void CopyFromState(const std::uint64_t* words, std::size_t offset, MutableByteSpan out) {
  const auto partial = [&out](std::uint64_t word, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(word >> (8 * i));
    out = out.subspan(size);
  };
  words += offset / 8 * kStride;
  if (const std::size_t shift = offset % 8; shift > 0) {
    partial(*words >> (8 * shift), out.size() < 8 - shift ? out.size() : 8 - shift);
    words += kStride;
  }
  for (; out.size() >= 8; out = out.subspan(8), words += kStride) {
    const std::uint64_t word = LittleEndianWord(*words);
    std::memcpy(out.data(), &word, 8);
  }
  if (!out.empty()) partial(*words, out.size());
}

}  // namespace salus::crypto
