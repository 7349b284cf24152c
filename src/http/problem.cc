#include "http/problem.h"

#include "base/utf8.h"
#include "codec/json.h"

namespace salus::http {

std::string ProblemJson(int status, std::string_view title, std::string_view detail) {
  codec::JsonObject problem;
  problem["type"] = "about:blank";
  problem["title"] = title.empty() || !IsValidUtf8(title) ? ReasonPhrase(status) : title;
  problem["status"] = status;
  // Bytes that are not UTF-8 can't be in JSON, and are never our own words.
  if (!detail.empty() && IsValidUtf8(detail)) problem["detail"] = detail;
  return codec::WriteJson(problem);
}

Response Problem(int status, std::string_view title, std::string_view detail) {
  return {
      status, {{"Content-Type", "application/problem+json"}}, ProblemJson(status, title, detail)};
}

}  // namespace salus::http
