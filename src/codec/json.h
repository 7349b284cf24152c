// JSON, strictly: parse to a tree, read typed members, write.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace salus::codec {

using Json = boost::json::value;
using JsonObject = boost::json::object;
using JsonArray = boost::json::array;

struct JsonLimits {
  std::size_t max_depth = 32;
  std::size_t max_size_bytes = 64u << 20;
};

// ParseJson reads one JSON text.
//
// Source: RFC 8259, and I-JSON (RFC 7493): no duplicate members, no lone surrogates. Integers must
//         fit int64 or uint64; other numbers must be finite doubles, and are read exactly rounded.
//         No byte order mark.
// Shape:  at most limits.max_depth levels of arrays and objects, UTF-8.
// Errors: InvalidArgument with the byte offset; the text itself is never quoted.
Result<Json> ParseJson(std::string_view text, const JsonLimits& limits = {});

// WriteJson writes without white space, members in the order they were put in. Strings must be
// UTF-8 (all that ParseJson took are) and doubles finite: CHECK. ParseJson reads the same value
// back.
std::string WriteJson(const Json& value);
// AppendJson is WriteJson at the end of out.
void AppendJson(const Json& value, std::string& out);
// WriteJsonPretty indents by two blanks and ends with a line feed.
std::string WriteJsonPretty(const Json& value);

// CanonicalJson is the one text of a value that is signed.
//
// Source: RFC 8785: members sorted by UTF-16 code units, numbers as ECMAScript writes them.
// ParseJson
//         reads it back but for doubles from 2^64 to 10^21, which stand there as long integers.
// Errors: InvalidArgument for an integer over 2^53 that a double would write with other digits.
Result<std::string> CanonicalJson(const Json& value);

// AppendJsonString writes text as a JSON string with its quotes; text must be UTF-8.
void AppendJsonString(std::string_view text, std::string& out);

// Within puts a step of the path in front of an accessor's message, on the way up:
// "value: must be a string" becomes "agent[0].value: must be a string" by Within("agent[0]", e).
Error Within(std::string_view step, Error error);
Error Within(std::string_view array, std::size_t index, Error error);

// The accessors read one member of an object by its type.
//
// Errors: InvalidArgument "NAME: is missing" or "NAME: must be a ...", and for IntAt "NAME: must be
// a whole number"; Optional... return nullopt or nullptr where the member is absent (null is
// present). Ownership: views and pointers into object.
Result<std::string_view> StringAt(const JsonObject& object, std::string_view name);
Result<std::optional<std::string_view>> OptionalStringAt(const JsonObject& object,
                                                         std::string_view name);
Result<std::int64_t> IntAt(const JsonObject& object, std::string_view name);
Result<std::optional<std::int64_t>> OptionalIntAt(const JsonObject& object, std::string_view name);
Result<bool> BoolAt(const JsonObject& object, std::string_view name);
Result<std::optional<bool>> OptionalBoolAt(const JsonObject& object, std::string_view name);
Result<const JsonArray*> ArrayAt(const JsonObject& object, std::string_view name);
Result<const JsonArray*> OptionalArrayAt(const JsonObject& object, std::string_view name);
Result<const JsonObject*> ObjectAt(const JsonObject& object, std::string_view name);
Result<const JsonObject*> OptionalObjectAt(const JsonObject& object, std::string_view name);
// AsObject is the value itself as an object; name is what the message calls it.
Result<const JsonObject*> AsObject(const Json& value, std::string_view name);

// CheckMembers refuses an object that has other members than these.
//
// Errors: InvalidArgument; it names the members that there are, never the one that came.
Result<void> CheckMembers(const JsonObject& object, std::span<const std::string_view> members);
inline Result<void> CheckMembers(const JsonObject& object,
                                 std::initializer_list<std::string_view> members) {
  return CheckMembers(object, std::span(members.begin(), members.size()));
}

// WipedMembers overwrites, when it goes, the texts of these members of an object: the tree that the
// parser made holds secrets as text.
//
// Ownership: value and names outlive it.
class WipedMembers {
 public:
  WipedMembers(Json& value, std::span<const std::string_view> names)
      : value_(value), names_(names) {}
  WipedMembers(const WipedMembers&) = delete;
  WipedMembers& operator=(const WipedMembers&) = delete;
  ~WipedMembers();

 private:
  Json& value_;
  const std::span<const std::string_view> names_;
};

}  // namespace salus::codec
