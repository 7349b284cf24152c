#include "http/problem.h"

#include <fmt/format.h>

#include <iterator>

namespace salus::http {
namespace {

void AppendString(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (u < 0x20 || u >= 0x7f) {
      // Titles and details are our own ASCII text; anything else is not worth a failure here.
      out += u == '\n' || u == '\t' ? ' ' : '?';
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

std::string ProblemJson(int status, std::string_view title, std::string_view detail) {
  std::string out = R"({"type":"about:blank","title":)";
  AppendString(out, title.empty() ? ReasonPhrase(status) : title);
  fmt::format_to(std::back_inserter(out), R"(,"status":{})", status);
  if (!detail.empty()) {
    out += R"(,"detail":)";
    AppendString(out, detail);
  }
  out += '}';
  return out;
}

Response Problem(int status, std::string_view title, std::string_view detail) {
  return {
      status, {{"Content-Type", "application/problem+json"}}, ProblemJson(status, title, detail)};
}

}  // namespace salus::http
