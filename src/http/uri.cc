#include "http/uri.h"

#include "base/utf8.h"

namespace salus::http {
namespace {

constexpr std::size_t kMaxQueryParameters = 64;

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> Decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? HexValue(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexValue(text[i + 2]) : -1;
      if (high < 0 || low < 0) return InvalidArgument("a percent escape in the URL is broken");
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (c == '\0') return InvalidArgument("the URL holds a NUL");
    out += c;
  }
  if (!IsValidUtf8(out)) return InvalidArgument("the URL is not UTF-8");
  return out;
}

}  // namespace

Result<std::string> PercentDecode(std::string_view text) { return Decode(text, false); }

std::string PercentEncode(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    const bool is_unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                               (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
                               c == '~';
    if (is_unreserved) {
      out += c;
    } else {
      out += '%';
      out += kDigits[u >> 4];
      out += kDigits[u & 15];
    }
  }
  return out;
}

Result<Query> Query::Parse(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    if (query.parameters_.size() == kMaxQueryParameters) {
      return InvalidArgument("the query has more than 64 parameters");
    }
    const std::size_t equals = std::min(pair.find('='), pair.size());
    TRY(std::string name, Decode(pair.substr(0, equals), true));
    TRY(std::string value, Decode(pair.substr(std::min(equals + 1, pair.size())), true));
    query.parameters_.emplace_back(std::move(name), std::move(value));
  }
  return query;
}

const std::string* Query::Find(std::string_view name) const {
  for (const auto& [parameter, value] : parameters_) {
    if (parameter == name) return &value;
  }
  return nullptr;
}

std::size_t Query::Count(std::string_view name) const {
  std::size_t count = 0;
  for (const auto& [parameter, value] : parameters_) count += parameter == name ? 1 : 0;
  return count;
}

}  // namespace salus::http
