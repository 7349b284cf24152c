#include "apps/salus/address_flag.h"

#include <charconv>

#include "http/listening_socket.h"

namespace salus::cli {

std::optional<AddressFlag> AddressFlag::Parse(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  AddressFlag out;
  out.address = text.substr(0, colon);
  if (out.address == "localhost") out.address = "127.0.0.1";
  if (out.address.starts_with('[') && out.address.ends_with(']')) {
    out.address = out.address.substr(1, out.address.size() - 2);
  }
  const char* const first = text.data() + colon + 1;
  const char* const last = text.data() + text.size();
  const auto [end, failed] = std::from_chars(first, last, out.port);
  if (failed != std::errc() || end != last) return std::nullopt;
  if (!http::ParseSocketAddress(out.address, out.port)) return std::nullopt;
  return out;
}

}  // namespace salus::cli
