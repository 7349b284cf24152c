#pragma once

#include <cstddef>
#include <cstdint>

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

// An entry bundle's length field has 16 bits (C2SP tlog-tiles).
inline constexpr std::size_t kMaxEntryBytes = 65'535;

}  // namespace salus::tlog
