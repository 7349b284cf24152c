// SshReader takes the fields of an SSH key apart. Not a public header.
//
// Source: RFC 4251 section 5. Deviation: of its integers only positive ones are read.
// Shape:  a uint32 is big-endian; a string is a uint32 and that many bytes; an mpint is a string of
//         two's complement with no byte more than it needs.
#pragma once

#include "base/bytes.h"
#include "base/endian.h"
#include "base/result.h"

namespace salus::seal {

class SshReader {
 public:
  explicit SshReader(ByteSpan bytes) : rest_(bytes) {}

  // Errors: InvalidArgument when the field is not there whole, or an integer is not positive or not
  // in its one form.
  Result<std::uint32_t> Number() {
    if (rest_.size() < 4) return CutOff();
    const auto value = LoadBe<std::uint32_t>(rest_.data());
    rest_ = rest_.subspan(4);
    return value;
  }
  Result<ByteSpan> String() {
    TRY(const std::uint32_t size, Number());
    if (size > rest_.size()) return CutOff();
    const ByteSpan out = rest_.first(size);
    rest_ = rest_.subspan(size);
    return out;
  }
  // The bytes of the integer without the one that only holds its sign.
  Result<ByteSpan> PositiveInteger() {
    TRY(const ByteSpan bytes, String());
    const bool is_positive = !bytes.empty() && bytes[0] < 0x80;
    if (!is_positive || (bytes[0] == 0 && (bytes.size() == 1 || bytes[1] < 0x80))) {
      return InvalidArgument("a number of the SSH key is not a positive integer in its one form");
    }
    return bytes[0] == 0 ? bytes.subspan(1) : bytes;
  }
  ByteSpan rest() const { return rest_; }

 private:
  static Error CutOff() { return InvalidArgument("the SSH key is cut off or garbled"); }

  ByteSpan rest_;
};

inline void AppendSshString(Bytes& out, ByteSpan bytes) {
  AppendBe(out, static_cast<std::uint32_t>(bytes.size()));
  Append(out, bytes);
}

// magnitude is big-endian without leading zero bytes.
inline void AppendSshInteger(Bytes& out, ByteSpan magnitude) {
  const bool needs_sign = !magnitude.empty() && magnitude[0] >= 0x80;
  AppendBe(out, static_cast<std::uint32_t>(magnitude.size() + (needs_sign ? 1 : 0)));
  if (needs_sign) out.push_back(0);
  Append(out, magnitude);
}

}  // namespace salus::seal
