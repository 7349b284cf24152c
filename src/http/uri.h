// Request targets: percent-encoding and queries.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace salus::http {

// PercentDecode undoes %XX, leaving '+' alone.
//
// Source: RFC 3986 section 2.1.
// Shape:  the result is UTF-8 without NUL.
// Errors: InvalidArgument for a broken escape, a NUL, or bytes that are not UTF-8.
Result<std::string> PercentDecode(std::string_view text);

// PercentEncode escapes all but the unreserved characters.
std::string PercentEncode(std::string_view text);

// Query is the decoded parameters of a target, in order. '+' stands for a space, as browsers
// send forms.
class Query {
 public:
  // Errors: InvalidArgument as PercentDecode; more than 64 parameters.
  static Result<Query> Parse(std::string_view text);

  // Find is the value of the first parameter of that name, nullptr when there is none.
  const std::string* Find(std::string_view name) const;
  std::size_t Count(std::string_view name) const;
  auto begin() const { return parameters_.begin(); }
  auto end() const { return parameters_.end(); }

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

}  // namespace salus::http
