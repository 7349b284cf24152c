// The lexical parts of JSON that FlatJsonParser reads itself.
#pragma once

#include <string>
#include <string_view>

namespace salus::codec {

// UnescapeJson appends the content of a JSON string, without its quotes, to out. The result is
// never longer than text. False for a malformed escape or a lone surrogate; out then has a part of
// it.
//
// Source: RFC 8259 section 7.
// Shape:  text is UTF-8 without control characters and bare quotes.
bool UnescapeJson(std::string_view text, std::string& out);

// JsonNumber says what text is: no number, an integer of at most 18 digits, which fits int64 for
// certain, or any other number.
enum class JsonNumber { kNone, kPlainInteger, kOther };

// ClassifyJsonNumber checks text against the grammar.
//
// Source: RFC 8259 section 6.
// Shape:  the digits alone, without blanks around them.
JsonNumber ClassifyJsonNumber(std::string_view text);

}  // namespace salus::codec
