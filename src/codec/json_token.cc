#include "codec/json_token.h"

#include <cstdint>

namespace salus::codec {

namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The code unit of the four digits at p; -1 where there are none.
int CodeUnit(const char* p, const char* end) {
  if (end - p < 4) return -1;
  int value = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = HexValue(p[i]);
    if (digit < 0) return -1;
    value = value << 4 | digit;
  }
  return value;
}

void AppendUtf8(std::uint32_t code_point, std::string& out) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xc0 | code_point >> 6);
    put(0x80 | (code_point & 63));
  } else if (code_point < 0x10000) {
    put(0xe0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 63));
    put(0x80 | (code_point & 63));
  } else {
    put(0xf0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 63));
    put(0x80 | (code_point >> 6 & 63));
    put(0x80 | (code_point & 63));
  }
}

// Appends the character of the \u escape whose digits begin at p; returns the first character
// behind it, or nullptr for bad digits and lone surrogates.
const char* UnescapeUnicode(const char* p, const char* end, std::string& out) {
  const int unit = CodeUnit(p, end);
  if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff)) return nullptr;
  p += 4;
  auto code_point = static_cast<std::uint32_t>(unit);
  if (unit >= 0xd800 && unit <= 0xdbff) {
    if (end - p < 6 || p[0] != '\\' || p[1] != 'u') return nullptr;
    const int low = CodeUnit(p + 2, end);
    if (low < 0xdc00 || low > 0xdfff) return nullptr;
    code_point =
        0x10000 + ((code_point - 0xd800) << 10) + (static_cast<std::uint32_t>(low) - 0xdc00);
    p += 6;
  }
  AppendUtf8(code_point, out);
  return p;
}

// The end of the number at p by the grammar of RFC 8259 section 6, nullptr where there is none.
// plain says that it is an integer which fits int64 for certain.
const char* NumberEnd(const char* p, const char* end, bool& plain) {
  if (p < end && *p == '-') ++p;
  const char* const first = p;
  while (p < end && IsDigit(*p)) ++p;
  if (p == first || (*first == '0' && p - first > 1)) return nullptr;
  plain = p - first <= 18;
  if (p < end && *p == '.') {
    const char* const fraction = ++p;
    while (p < end && IsDigit(*p)) ++p;
    if (p == fraction) return nullptr;
    plain = false;
  }
  if (p < end && (*p == 'e' || *p == 'E')) {
    ++p;
    if (p < end && (*p == '+' || *p == '-')) ++p;
    const char* const exponent = p;
    while (p < end && IsDigit(*p)) ++p;
    if (p == exponent) return nullptr;
    plain = false;
  }
  return p;
}

}  // namespace

bool UnescapeJson(std::string_view text, std::string& out) {
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p < end) {
    if (*p != '\\') {
      out += *p++;
      continue;
    }
    if (end - p < 2) return false;
    const char c = p[1];
    p += 2;
    switch (c) {
      case '"':
      case '\\':
      case '/':
        out += c;
        break;
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'u':
        p = UnescapeUnicode(p, end, out);
        if (p == nullptr) return false;
        break;
      default:
        return false;
    }
  }
  return true;
}

JsonNumber ClassifyJsonNumber(std::string_view text) {
  bool plain = false;
  const char* const end = text.data() + text.size();
  if (NumberEnd(text.data(), end, plain) != end) return JsonNumber::kNone;
  return plain ? JsonNumber::kPlainInteger : JsonNumber::kOther;
}

}  // namespace salus::codec
