// AddressFlag is ADDRESS:PORT as a person types it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace salus::cli {

// Source: our own; addresses as http::ParseSocketAddress takes them.
// Shape:  ADDR:PORT, [v6]:PORT or localhost:PORT, port 0 to 65,535; a name is no address.
struct AddressFlag {
  std::string address;
  std::uint16_t port = 0;

  // Parse gives nothing for any other text.
  static std::optional<AddressFlag> Parse(const std::string& text);
};

}  // namespace salus::cli
