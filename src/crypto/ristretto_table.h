// RistrettoTable is a point's multiples, made once, so that sums of multiples of such points are
// quick: of a factor of 32 bytes 65 additions are left. libsodium does three times the work, and
// decodes and encodes each term besides.
//
// Source:  Bernstein, Duif, Lange, Schwabe, Yang: High-speed high-security signatures (2011),
//          section 4: signed digits in base 16, each looked up among eight multiples, of every
//          fourth power of 16; the powers between come of doublings that all terms share.
// Shape:   factors little-endian, of a length that is no secret. A row is 1.3 KB, of four digits.
// Secrets: the factors; no branch and no address depends on them.
// Threads: immutable, safe to share.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "crypto/ristretto_point.h"

namespace salus::crypto {

class RistrettoTable {
 public:
  struct Term {
    const RistrettoTable* table;
    ByteSpan factor;  // of its table's length
  };

  RistrettoTable(const RistrettoPoint& point, std::size_t factor_bytes);

  static RistrettoPoint SumOf(std::span<const Term> terms);

 private:
  static constexpr std::size_t kMultiples = 8;
  static constexpr std::size_t kDigitsInRow = 4;
  using Row = std::array<RistrettoPoint::Addend, kMultiples>;

  // A digit more than the factor has, for the carry of signed ones.
  std::size_t digits() const { return 2 * factor_bytes_ + 1; }
  // Pick is digit - 8 times the point of a row, for a digit from 0 to 15.
  static RistrettoPoint::Addend Pick(const Row& row, std::uint64_t digit);

  std::size_t factor_bytes_;
  std::vector<Row> rows_;  // times 16^(4 row)
};

}  // namespace salus::crypto
