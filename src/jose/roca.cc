#include "jose/roca.h"

#include <array>
#include <cstdint>

namespace salus::jose {
namespace {

// The primes that divide the generator's modulus for every key size.
constexpr std::array<std::uint32_t, 38> kPrimes = {
    3,  5,  7,  11, 13, 17,  19,  23,  29,  31,  37,  41,  43,  47,  53,  59,  61,  67,  71,
    73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};

bool IsPowerOf65537(std::uint32_t residue, std::uint32_t prime) {
  const std::uint32_t generator = 65537 % prime;
  std::uint32_t power = 1;
  do {
    if (power == residue) return true;
    power = power * generator % prime;
  } while (power != 1);
  return false;
}

}  // namespace

bool HasRocaWeakness(ByteSpan modulus) {
  for (const std::uint32_t prime : kPrimes) {
    std::uint32_t residue = 0;
    for (const std::uint8_t byte : modulus) residue = (residue * 256 + byte) % prime;
    if (!IsPowerOf65537(residue, prime)) return false;
  }
  return true;
}

}  // namespace salus::jose
