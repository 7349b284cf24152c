#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "codec/json.h"

namespace salus::codec {

namespace {

// RFC 8785 sorts by UTF-16 code units. Against the order of UTF-8 bytes that differs in one place:
// code points over U+FFFF (lead byte F0 to F4) are surrogates, which come before U+E000 to U+FFFF
// (lead byte EE or EF).
bool Utf16Less(std::string_view a, std::string_view b) {
  const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (y == b.end()) return false;
  if (x == a.end()) return true;
  const auto left = static_cast<unsigned char>(*x);
  const auto right = static_cast<unsigned char>(*y);
  if (left >= 0xee && right >= 0xee && (left >= 0xf0) != (right >= 0xf0)) return left >= 0xf0;
  return left < right;
}

// AppendNumber writes the shortest digits that read back as value, laid out as ECMAScript's
// Number::toString (ECMA-262 section 6.1.6.1.20). keep_kind adds ".0" to what would read back as
// an integer.
void AppendNumber(double value, bool keep_kind, std::string& out) {
  CHECK(std::isfinite(value));
  if (value == 0) {
    out += !keep_kind ? "0" : std::signbit(value) ? "-0.0" : "0.0";
    return;
  }
  if (value < 0) out += '-';
  char buffer[40];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, std::fabs(value), std::chars_format::scientific)
          .ptr;
  const char* const e = std::find(buffer, end, 'e');
  std::string digits;
  std::copy_if(static_cast<const char*>(buffer), e, std::back_inserter(digits),
               [](char c) { return c != '.'; });
  int exponent = 0;
  std::from_chars(e[1] == '+' ? e + 2 : e + 1, end, exponent);
  const int k = static_cast<int>(digits.size());
  const int n = exponent + 1;  // where the decimal point stands, counted from the first digit
  const auto at = static_cast<std::size_t>(n);
  if (k <= n && n <= 21) {
    out.append(digits).append(static_cast<std::size_t>(n - k), '0');
    if (keep_kind) out += ".0";
  } else if (0 < n && n <= 21) {
    out.append(digits, 0, at).append(".").append(digits, at);
  } else if (-6 < n && n <= 0) {
    out.append("0.").append(static_cast<std::size_t>(-n), '0').append(digits);
  } else {
    out += digits[0];
    if (k > 1) out.append(".").append(digits, 1);
    out += n > 0 ? "e+" : "e-";
    out += std::to_string(std::abs(n - 1));
  }
}

template <typename Integer>
void AppendInteger(Integer value, std::string& out) {
  char buffer[24];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

class Writer {
 public:
  enum class Form { kCompact, kPretty, kCanonical };

  Writer(Form form, std::string& out) : form_(form), out_(out) {}

  // False where the canonical form has no text for a number.
  bool Write(const Json& value) {
    switch (value.kind()) {
      case boost::json::kind::null:
        out_ += "null";
        return true;
      case boost::json::kind::bool_:
        out_ += value.get_bool() ? "true" : "false";
        return true;
      case boost::json::kind::int64:
        return WriteInteger(value.get_int64());
      case boost::json::kind::uint64:
        return WriteInteger(value.get_uint64());
      case boost::json::kind::double_:
        AppendNumber(value.get_double(), form_ != Form::kCanonical, out_);
        return true;
      case boost::json::kind::string:
        AppendJsonString(value.get_string(), out_);
        return true;
      case boost::json::kind::array:
        return WriteArray(value.get_array());
      case boost::json::kind::object:
        return WriteObject(value.get_object());
    }
    return false;
  }

 private:
  template <typename Integer>
  bool WriteInteger(Integer value) {
    if (form_ == Form::kCanonical) {
      // RFC 8785 knows doubles only: what a double would write otherwise has no canonical text.
      std::string digits;
      AppendInteger(value, digits);
      const std::size_t start = out_.size();
      AppendNumber(static_cast<double>(value), false, out_);
      return std::string_view(out_).substr(start) == digits;
    }
    AppendInteger(value, out_);
    return true;
  }

  bool WriteArray(const JsonArray& array) {
    out_ += '[';
    ++indent_;
    bool first = true;
    for (const Json& value : array) {
      Separate(first);
      if (!Write(value)) return false;
    }
    Close(first, ']');
    return true;
  }

  bool WriteObject(const JsonObject& object) {
    out_ += '{';
    ++indent_;
    bool first = true;
    const auto member = [&](const auto& m) {
      Separate(first);
      AppendJsonString(m.key(), out_);
      out_ += form_ == Form::kPretty ? ": " : ":";
      return Write(m.value());
    };
    if (form_ == Form::kCanonical) {
      std::vector<const boost::json::key_value_pair*> sorted;
      sorted.reserve(object.size());
      for (const auto& m : object) sorted.push_back(&m);
      std::ranges::sort(sorted, [](auto* a, auto* b) { return Utf16Less(a->key(), b->key()); });
      if (!std::ranges::all_of(sorted, [&](auto* m) { return member(*m); })) return false;
    } else if (!std::ranges::all_of(object, member)) {
      return false;
    }
    Close(first, '}');
    return true;
  }

  void Separate(bool& first) {
    if (!first) out_ += ',';
    first = false;
    NewLine();
  }

  void Close(bool empty, char bracket) {
    --indent_;
    if (!empty) NewLine();
    out_ += bracket;
  }

  void NewLine() {
    if (form_ != Form::kPretty) return;
    out_ += '\n';
    out_.append(2 * indent_, ' ');
  }

  Form form_;
  std::string& out_;
  std::size_t indent_ = 0;
};

}  // namespace

void AppendJsonString(std::string_view text, std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += '"';
  std::size_t run = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, run, i - run);
    run = i + 1;
    out += '\\';
    switch (c) {
      case '\b':
        out += 'b';
        break;
      case '\f':
        out += 'f';
        break;
      case '\n':
        out += 'n';
        break;
      case '\r':
        out += 'r';
        break;
      case '\t':
        out += 't';
        break;
      case '"':
      case '\\':
        out += static_cast<char>(c);
        break;
      default:
        out += "u00";
        out += kDigits[c >> 4];
        out += kDigits[c & 15];
    }
  }
  out.append(text, run);
  out += '"';
}

void AppendJson(const Json& value, std::string& out) {
  CHECK(Writer(Writer::Form::kCompact, out).Write(value));
}

std::string WriteJson(const Json& value) {
  std::string out;
  AppendJson(value, out);
  return out;
}

std::string WriteJsonPretty(const Json& value) {
  std::string out;
  CHECK(Writer(Writer::Form::kPretty, out).Write(value));
  out += '\n';
  return out;
}

Result<std::string> CanonicalJson(const Json& value) {
  std::string out;
  if (!Writer(Writer::Form::kCanonical, out).Write(value)) {
    return InvalidArgument("json: an integer over 2^53 has no canonical form; send it as a string");
  }
  return out;
}

}  // namespace salus::codec
