#include "pki/pem.h"

#include "codec/base64.h"

namespace salus::pki {
namespace {

std::string_view SkipBlank(std::string_view text) {
  std::size_t at = text.find_first_not_of(" \t\r\n");
  return at == std::string_view::npos ? std::string_view() : text.substr(at);
}

}  // namespace

std::string PemEncode(std::string_view label, ByteSpan der) {
  constexpr std::size_t kLine = 64;
  std::string body = codec::Base64Encode(der);
  std::string out = "-----BEGIN " + std::string(label) + "-----\n";
  for (std::size_t at = 0; at < body.size(); at += kLine) {
    out.append(body, at, kLine);
    out.push_back('\n');
  }
  out += "-----END " + std::string(label) + "-----\n";
  return out;
}

Result<std::vector<Bytes>> PemDecode(std::string_view label, std::string_view text,
                                     std::size_t max_blocks) {
  const std::string begin = "-----BEGIN " + std::string(label) + "-----";
  const std::string end = "-----END " + std::string(label) + "-----";
  std::vector<Bytes> out;
  for (text = SkipBlank(text); !text.empty(); text = SkipBlank(text)) {
    if (out.size() == max_blocks) return InvalidArgument("PEM: too many blocks");
    if (!text.starts_with(begin)) {
      return InvalidArgument("PEM: expected a line " + begin +
                             " and nothing else beside the blocks");
    }
    text.remove_prefix(begin.size());
    std::size_t stop = text.find(end);
    if (stop == std::string_view::npos) return InvalidArgument("PEM: no line " + end);
    std::string body;
    body.reserve(stop);
    for (char c : text.substr(0, stop)) {
      if (c != '\n' && c != '\r') body.push_back(c);
    }
    auto der = codec::Base64Decode(body);
    if (!der.has_value()) return std::move(der).error().WithContext("PEM");
    out.push_back(*std::move(der));
    text.remove_prefix(stop + end.size());
  }
  if (out.empty()) return InvalidArgument("PEM: no " + std::string(label) + " block");
  return out;
}

std::string PemBlocks(std::string_view label, std::string_view text) {
  const std::string begin = "-----BEGIN " + std::string(label) + "-----";
  const std::string end = "-----END " + std::string(label) + "-----";
  std::string out;
  for (std::size_t at = text.find(begin); at != std::string_view::npos; at = text.find(begin, at)) {
    const std::size_t found = text.find(end, at);
    const std::size_t stop = found == std::string_view::npos ? text.size() : found + end.size();
    out.append(text.substr(at, stop - at)).push_back('\n');
    at = stop;
  }
  return out;
}

}  // namespace salus::pki
