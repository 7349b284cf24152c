#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace salus::tlog {

// EntryKind is the first element of every entry. The values are stored.
//
// Source: protocol.md P2.1.
enum class EntryKind : std::uint8_t {
  kGenesis = 0,
  kSealedEvent = 1,
  kGrant = 2,
  kMapRoot = 3,
  kPolicy = 4,  // key, policy or mandate event
  kCertificate = 5,
  kQuery = 6,
  kNotice = 7,
};

// KindOf is what an entry says it is: [kind, body] begins with the byte of a two-element array,
// then the small number itself. Nothing else of the entry is looked at.
inline std::optional<EntryKind> KindOf(ByteSpan entry) {
  if (entry.size() < 2 || entry[0] != 0x82 || entry[1] > 7) return std::nullopt;
  return static_cast<EntryKind>(entry[1]);
}

// An entry bundle's length field has 16 bits (C2SP tlog-tiles).
inline constexpr std::size_t kMaxEntryBytes = 65'535;

}  // namespace salus::tlog
