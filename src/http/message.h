// The values of HTTP: methods, header fields, responses. Nothing here does I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace salus::http {

// Method is the closed set of methods that a route can have. Any other token is answered 501, or,
// by who only passes requests on, taken as kOther.
enum class Method { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kOther };

// MethodName is the token on the wire ("GET"), "OTHER" for kOther; ParseMethod reads it,
// case-sensitively, and never as kOther.
std::string_view MethodName(Method method);
std::optional<Method> ParseMethod(std::string_view token);

// ReasonPhrase is the text of a status code, "Unknown" for one that we never send.
std::string_view ReasonPhrase(int status);

// EqualIgnoreCase compares ASCII text as HTTP compares field names.
bool EqualIgnoreCase(std::string_view a, std::string_view b);

// Headers is an ordered list of header fields; names compare without case.
//
// Source: RFC 9110 section 5.
// Shape:  names are tokens, values hold no CR, LF or NUL. IsValidField tells;
//        a response with a field that is not valid is answered 500 instead, never split.
class Headers {
 public:
  using Field = std::pair<std::string, std::string>;

  Headers() = default;
  Headers(std::initializer_list<Field> fields) : fields_(fields) {}

  void Add(std::string name, std::string value);
  // Set replaces all fields of that name.
  void Set(std::string_view name, std::string value);
  // Find is the value of the first field of that name.
  std::optional<std::string_view> Find(std::string_view name) const;

  std::size_t size() const { return fields_.size(); }
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

 private:
  std::vector<Field> fields_;
};

bool IsValidField(std::string_view name, std::string_view value);

// Response is a whole answer. Content-Length, Date and Connection are the server's business and
// may not be set here.
struct Response {
  int status = 200;
  Headers headers;
  std::string body;

  static Response Text(int status, std::string body);
  static Response Json(int status, std::string body);
};

}  // namespace salus::http
