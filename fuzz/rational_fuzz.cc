// A fraction that is taken has one text, which reads back as the same value and is its own text;
// it lies between its whole part and the next; adding it and taking it away again changes nothing.
#include <cstdint>
#include <string>
#include <string_view>

#include "aggregate/rational.h"
#include "base/check.h"

namespace salus::aggregate {
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = Rational::Parse(text);
  if (!value) return 0;
  const std::string normal = value->ToText();
  const auto back = Rational::Parse(normal);
  CHECK(back.has_value() && *back == *value && back->ToText() == normal);
  const Rational whole(value->numerator() / value->denominator());
  CHECK(whole <= *value);
  const auto part = value->Minus(whole);
  CHECK(part.has_value() && *part < Rational(1));
  CHECK(part->Plus(whole).value() == *value);
  CHECK((part->is_zero()) == (normal.find('/') == std::string::npos));
  return 0;
}

}  // namespace salus::aggregate
