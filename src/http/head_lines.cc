#include "http/head_lines.h"

#include <algorithm>

#include "http/message.h"

namespace salus::http {

std::optional<Refusal> CheckHeadLines(std::string_view head, const HeadLimits& limits) {
  std::size_t lines = 0;
  std::size_t start = 0;
  while (start < head.size()) {
    const std::size_t lf = head.find('\n', start);
    if (lf == std::string_view::npos || lf == start || head[lf - 1] != '\r') {
      return Refusal{400, "a line does not end in CR LF"};
    }
    const std::string_view line = head.substr(start, lf - 1 - start);
    if (line.find('\r') != std::string_view::npos || line.find('\0') != std::string_view::npos) {
      return Refusal{400, "a line holds a CR or NUL"};
    }
    if (lines == 0) {
      if (line.size() > limits.target_bytes + kMaxLineOverhead)
        return Refusal{414, "the target is too long"};
    } else if (!line.empty()) {
      if (line[0] == ' ' || line[0] == '\t') return Refusal{400, "a header line is folded"};
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos || colon == 0 ||
          !IsValidField(line.substr(0, colon), line.substr(colon + 1))) {
        return Refusal{400, "a header field is malformed"};
      }
      if (lines > limits.header_count) return Refusal{431, "there are too many header fields"};
    }
    ++lines;
    start = lf + 1;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> ParseContentLength(std::string_view value) {
  if (value.empty() || value.size() > 18) return std::nullopt;
  std::uint64_t out = 0;
  for (const char c : value) {
    if (c < '0' || c > '9') return std::nullopt;
    out = out * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return out;
}

bool HasToken(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view item = list.substr(0, comma);
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
    if (EqualIgnoreCase(item, word)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

}  // namespace salus::http
