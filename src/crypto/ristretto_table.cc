#include "crypto/ristretto_table.h"

#include "base/check.h"
#include "base/secret.h"
#include "crypto/secret_mint.h"

namespace salus::crypto {

namespace {

constexpr int kBitsInDigit = 4;

RistrettoPoint Doubled(RistrettoPoint point, int times) {
  for (int i = 0; i < times; ++i) point.Add(point);
  return point;
}

// With 8 added to each digit, carries over included, digits from 0 to 15 stand for -8 to 7.
void RaiseDigits(ByteSpan factor, MutableByteSpan out) {
  unsigned carry = 0;
  for (std::size_t i = 0; i < factor.size(); ++i) {
    const unsigned sum = factor[i] + 0x88u + carry;
    out[i] = static_cast<std::uint8_t>(sum);
    carry = sum >> 8;
  }
  out[factor.size()] = static_cast<std::uint8_t>(8 + carry);
}

}  // namespace

RistrettoTable::RistrettoTable(const RistrettoPoint& point, std::size_t factor_bytes)
    : factor_bytes_(factor_bytes), rows_((digits() + kDigitsInRow - 1) / kDigitsInRow) {
  RistrettoPoint power = point;
  for (Row& row : rows_) {
    RistrettoPoint multiple = power;
    for (RistrettoPoint::Addend& entry : row) {
      entry = multiple.AsAddend();
      multiple.Add(power);
    }
    power = Doubled(power, kBitsInDigit * kDigitsInRow);
  }
}

RistrettoPoint::Addend RistrettoTable::Pick(const Row& row, std::uint64_t digit) {
  const Mask is_negative = MaskOf((digit >> 3) ^ 1);
  const std::uint64_t size = ((digit - 8) ^ is_negative) - is_negative;
  const RistrettoPoint::Addend nothing;
  RistrettoPoint::Addend out{{}, {}, {}, {}};
  const auto gather = [&](const RistrettoPoint::Addend& from, std::uint64_t at) {
    const Mask is_here = IsZeroWord(size ^ at);
    out.y_plus_x.Gather(is_here, from.y_plus_x);
    out.y_minus_x.Gather(is_here, from.y_minus_x);
    out.twice_z.Gather(is_here, from.twice_z);
    out.twice_d_t.Gather(is_here, from.twice_d_t);
  };
  gather(nothing, 0);
  for (std::size_t i = 0; i < kMultiples; ++i) gather(row[i], i + 1);
  return {Field25519::Select(is_negative, out.y_minus_x, out.y_plus_x),
          Field25519::Select(is_negative, out.y_plus_x, out.y_minus_x), out.twice_z,
          Field25519::Select(is_negative, Field25519() - out.twice_d_t, out.twice_d_t)};
}

RistrettoPoint RistrettoTable::SumOf(std::span<const Term> terms) {
  const auto token = CryptoSecrets::Token();
  std::vector<SecretBytes> raised;
  for (const Term& term : terms) {
    CHECK(term.factor.size() == term.table->factor_bytes_);
    raised.emplace_back(term.factor.size() + 1);
    RaiseDigits(term.factor, raised.back().mutable_view(token));
  }
  RistrettoPoint sum;
  for (std::size_t place = kDigitsInRow; place-- > 0;) {
    sum = Doubled(sum, kBitsInDigit);
    for (std::size_t i = 0; i < terms.size(); ++i) {
      const RistrettoTable& table = *terms[i].table;
      const ByteSpan bytes = raised[i].view(token);
      for (std::size_t at = place; at < table.digits(); at += kDigitsInRow) {
        const std::uint64_t digit = bytes[at / 2] >> (kBitsInDigit * (at % 2)) & 15;
        sum.Add(Pick(table.rows_[at / kDigitsInRow], digit));
      }
    }
  }
  return sum;
}

}  // namespace salus::crypto
