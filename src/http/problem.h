// Errors as RFC 9457 application/problem+json.
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"

namespace salus::http {

// ProblemJson is the body {"type":"about:blank","title":...,"status":...,"detail":...}. An empty
// title becomes the reason phrase; an empty detail is left out.
//
// Source: RFC 9457 section 3.1.
std::string ProblemJson(int status, std::string_view title, std::string_view detail);

// Problem is ProblemJson as a response.
Response Problem(int status, std::string_view title, std::string_view detail);

}  // namespace salus::http
