// SafetyNumber is what two people read to each other, to know that each has the other's real key.
//
// Source: Signal's numeric fingerprint, version 0, as libsignal computes it: SHA-512 iterated 5,200
//         times over version, key and identifier; 30 digits a party; the smaller half first.
// Shape:  60 decimal digits.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace salus::seal {

// SafetyParty is one of the two. Both sides must use the same bytes for the same party.
struct SafetyParty {
  Bytes key;               // public
  std::string identifier;  // stable over the life of the key; may be empty
};

// SafetyNumber does not depend on the order of the parties.
std::string SafetyNumber(const SafetyParty& a, const SafetyParty& b);

// GroupDigits puts a blank between groups of five.
std::string GroupDigits(std::string_view digits);

}  // namespace salus::seal
