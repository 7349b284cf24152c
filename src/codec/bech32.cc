#include "codec/bech32.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace salus::codec {

namespace {

constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t kChecksumSize = 6;
constexpr std::uint8_t kNone = 0xff;

constexpr bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
constexpr char Lower(char c) { return IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr char Upper(char c) { return IsLower(c) ? static_cast<char>(c - 'a' + 'A') : c; }

constexpr std::array<std::uint8_t, 128> DigitValues() {
  std::array<std::uint8_t, 128> values;
  values.fill(kNone);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<std::size_t>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
    values[static_cast<std::size_t>(Upper(kAlphabet[i]))] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr auto kDigitValues = DigitValues();

std::uint8_t DigitValue(char c) {
  const auto index = static_cast<std::uint8_t>(c);
  return index < kDigitValues.size() ? kDigitValues[index] : kNone;
}

// Checksum is the BCH code of BIP 173 over the prefix and then the digits.
class Checksum {
 public:
  explicit Checksum(std::string_view prefix) {
    for (const char c : prefix) Add(static_cast<std::uint32_t>(Lower(c)) >> 5);
    Add(0);
    for (const char c : prefix) Add(static_cast<std::uint32_t>(Lower(c)) & 31);
  }
  void Add(std::uint32_t digit) {
    constexpr std::uint32_t kGenerator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                            0x2a1462b3};
    const std::uint32_t top = state_ >> 25;
    state_ = (state_ & 0x1ffffff) << 5 ^ digit;
    for (std::size_t i = 0; i < std::size(kGenerator); ++i) {
      if ((top >> i & 1) != 0) state_ ^= kGenerator[i];
    }
  }
  bool is_right() const { return state_ == 1; }
  // The digits that make it right.
  std::array<std::uint8_t, kChecksumSize> Close() {
    for (std::size_t i = 0; i < kChecksumSize; ++i) Add(0);
    const std::uint32_t rest = state_ ^ 1;
    std::array<std::uint8_t, kChecksumSize> digits;
    for (std::size_t i = 0; i < kChecksumSize; ++i) {
      digits[i] = static_cast<std::uint8_t>(rest >> (5 * (kChecksumSize - 1 - i)) & 31);
    }
    return digits;
  }

 private:
  std::uint32_t state_ = 1;
};

// Parts are the text before and behind the separator; the digits still have their checksum.
struct Parts {
  std::string_view prefix;
  std::string_view digits;
};

Result<Parts> Split(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), IsUpper) &&
      std::any_of(text.begin(), text.end(), IsLower)) {
    return InvalidArgument("bech32: upper and lower case are mixed");
  }
  const std::size_t separator = text.rfind('1');
  if (separator == std::string_view::npos || separator == 0) {
    return InvalidArgument("bech32: no prefix and '1' in front of the data");
  }
  const Parts parts{text.substr(0, separator), text.substr(separator + 1)};
  if (std::any_of(parts.prefix.begin(), parts.prefix.end(),
                  [](char c) { return c < 33 || c > 126; })) {
    return InvalidArgument("bech32: a character of the prefix can't be printed");
  }
  if (parts.digits.size() < kChecksumSize) return InvalidArgument("bech32: it is cut off");
  return parts;
}

constexpr std::size_t DecodedSize(const Parts& parts) {
  return (parts.digits.size() - kChecksumSize) * 5 / 8;
}

// Writes DecodedSize bytes at out.
Result<void> DecodeDigits(const Parts& parts, std::uint8_t* out) {
  Checksum checksum(parts.prefix);
  const std::size_t count = parts.digits.size() - kChecksumSize;
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (std::size_t i = 0; i < parts.digits.size(); ++i) {
    const std::uint8_t digit = DigitValue(parts.digits[i]);
    if (digit == kNone) {
      return InvalidArgument("bech32: character " + std::to_string(i + 1) +
                             " of the data is not of the alphabet");
    }
    checksum.Add(digit);
    if (i >= count) continue;
    group = (group << 5 | digit) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      *out++ = static_cast<std::uint8_t>(group >> bits);
    }
  }
  if (!checksum.is_right()) {
    return InvalidArgument("bech32: the checksum is wrong: a character was mistyped or lost");
  }
  if (bits >= 5 || (group & ((1u << bits) - 1)) != 0) {
    return InvalidArgument("bech32: the data are not whole bytes");
  }
  return {};
}

}  // namespace

std::string Bech32Encode(std::string_view prefix, ByteSpan bytes) {
  std::string out(Bech32Size(prefix.size(), bytes.size()), '\0');
  Bech32EncodeInto(prefix, bytes, {reinterpret_cast<std::uint8_t*>(out.data()), out.size()});
  return out;
}

void Bech32EncodeInto(std::string_view prefix, ByteSpan bytes, MutableByteSpan out) {
  CHECK(out.size() == Bech32Size(prefix.size(), bytes.size()));
  const bool is_upper = std::any_of(prefix.begin(), prefix.end(), IsUpper);
  CHECK(!is_upper || std::none_of(prefix.begin(), prefix.end(), IsLower));
  Checksum checksum(prefix);
  std::copy(prefix.begin(), prefix.end(), out.begin());
  out[prefix.size()] = '1';
  std::size_t at = prefix.size() + 1;
  const auto put = [&](std::uint32_t digit) {
    const char c = kAlphabet[digit];
    out[at++] = static_cast<std::uint8_t>(is_upper ? Upper(c) : c);
  };
  const auto add = [&](std::uint32_t digit) {
    checksum.Add(digit);
    put(digit);
  };
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (const std::uint8_t byte : bytes) {
    group = (group << 8 | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) add(group >> (bits - 5) & 31);
  }
  if (bits > 0) add(group << (5 - bits) & 31);
  for (const std::uint8_t digit : checksum.Close()) put(digit);
}

Result<Bech32Text> Bech32Decode(std::string_view text) {
  TRY(const Parts parts, Split(text));
  Bech32Text out;
  for (const char c : parts.prefix) out.prefix += Lower(c);
  out.bytes.resize(DecodedSize(parts));
  TRY_VOID(DecodeDigits(parts, out.bytes.data()));
  return out;
}

Result<std::size_t> Bech32DecodeInto(std::string_view prefix, std::string_view text,
                                     MutableByteSpan out) {
  TRY(const Parts parts, Split(text));
  if (!std::equal(prefix.begin(), prefix.end(), parts.prefix.begin(), parts.prefix.end(),
                  [](char wanted, char got) { return wanted == Lower(got); })) {
    return InvalidArgument("bech32: another prefix than " + std::string(prefix));
  }
  const std::size_t size = DecodedSize(parts);
  if (size > out.size()) return InvalidArgument("bech32: longer than the value may be");
  TRY_VOID(DecodeDigits(parts, out.data()));
  return size;
}

}  // namespace salus::codec
