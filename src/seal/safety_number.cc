#include "seal/safety_number.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "crypto/sha512.h"

namespace salus::seal {
namespace {

constexpr int kIterations = 5200;
constexpr std::array<std::uint8_t, 2> kVersion = {0, 0};

std::string Half(const SafetyParty& party) {
  crypto::Hash64 hash = crypto::Sha512({kVersion, party.key, AsBytes(party.identifier), party.key});
  for (int i = 1; i < kIterations; ++i) hash = crypto::Sha512({hash, party.key});
  std::string digits;
  for (std::size_t at = 0; at < 30; at += 5) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 5; ++i) value = value << 8 | hash[at + i];
    const std::string five = std::to_string(value % 100'000);
    digits.append(5 - five.size(), '0').append(five);
  }
  return digits;
}

}  // namespace

std::string SafetyNumber(const SafetyParty& a, const SafetyParty& b) {
  const std::string one = Half(a);
  const std::string two = Half(b);
  return std::min(one, two) + std::max(one, two);
}

std::string GroupDigits(std::string_view digits) {
  std::string out;
  for (std::size_t at = 0; at < digits.size(); at += 5) {
    if (at > 0) out += ' ';
    out += digits.substr(at, 5);
  }
  return out;
}

}  // namespace salus::seal
