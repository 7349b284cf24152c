#include "aggregate/random_bits.h"

#include <bit>
#include <vector>

#include "base/check.h"
#include "base/secret.h"

namespace salus::aggregate {

namespace {

constexpr unsigned kWordBits = 32;

}  // namespace

RandomBits::~RandomBits() { WipeMemory(block_.data(), block_.size()); }

std::uint32_t RandomBits::Word() {
  if (used_ == kBlockSize) {
    source_.Fill(block_);
    used_ = 0;
  }
  std::uint8_t* at = block_.data() + used_;
  std::uint32_t word = 0;
  for (std::size_t i = sizeof(word); i-- > 0;) word = word << 8 | at[i];
  WipeMemory(at, sizeof(word));
  used_ += sizeof(word);
  return word;
}

std::uint64_t RandomBits::Words(unsigned bits) {
  if (bits <= kWordBits) return Word() >> (kWordBits - bits);
  const std::uint64_t low = Word();
  const std::uint64_t high = Word() >> (2 * kWordBits - bits);
  return high << kWordBits | low;
}

std::uint64_t RandomBits::Below(std::uint64_t bound) {
  CHECK(bound > 0);
  const auto bits = static_cast<unsigned>(std::bit_width(bound));
  std::uint64_t drawn;
  do {
    drawn = Words(bits);
  } while (drawn >= bound);
  return drawn;
}

BigInteger RandomBits::Below(const BigInteger& bound) {
  CHECK(bound > 0);
  const auto bits = static_cast<unsigned>(msb(bound)) + 1;
  if (bits <= 64) return Below(bound.convert_to<std::uint64_t>());
  std::vector<std::uint32_t> words((bits + kWordBits - 1) / kWordBits);
  BigInteger drawn;
  do {
    for (std::uint32_t& word : words) word = Word();
    if (bits % kWordBits != 0) words.back() >>= kWordBits - bits % kWordBits;
    import_bits(drawn, words.begin(), words.end(), kWordBits, false);
  } while (drawn >= bound);
  WipeMemory(words.data(), words.size() * sizeof(words[0]));
  return drawn;
}

}  // namespace salus::aggregate
