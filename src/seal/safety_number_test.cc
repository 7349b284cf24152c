#include "seal/safety_number.h"

#include <gtest/gtest.h>

#include "codec/hex.h"

namespace salus::seal {
namespace {

SafetyParty Party(std::string_view key, std::string identifier) {
  return {codec::HexDecode(key).value(), std::move(identifier)};
}
SafetyParty Alice() {
  return Party("0506863bc66d02b40d27b8d49ca7c09e9239236f9d7d25d6fcca5ce13c7064d868",
               "+14152222222");
}
SafetyParty Bob() {
  return Party("05f781b6fb32fed9ba1cf2de978d4d5da28dc34046ae814402b5c0dbd96fda907b",
               "+14153333333");
}

// The one vector that libsignal publishes for the displayed form (its fingerprint tests).
TEST(SafetyNumberTest, SignalsVector) {
  constexpr char kPublished[] = "300354477692869396892869876765458257569162576843440918079131";
  EXPECT_EQ(SafetyNumber(Alice(), Bob()), kPublished);
  EXPECT_EQ(SafetyNumber(Bob(), Alice()), kPublished);
  EXPECT_EQ(GroupDigits(kPublished),
            "30035 44776 92869 39689 28698 76765 45825 75691 62576 84344 09180 79131");
}

TEST(SafetyNumberTest, EachPartOfAPartyChangesIt) {
  const std::string number = SafetyNumber(Alice(), Bob());
  SafetyParty other_name = Alice();
  other_name.identifier.back() = '3';
  SafetyParty other_key = Alice();
  other_key.key.back() ^= 1;
  for (const SafetyParty& changed : {other_name, other_key}) {
    const std::string other = SafetyNumber(changed, Bob());
    EXPECT_NE(other, number);
    // Bob's half stays.
    EXPECT_TRUE(other.substr(0, 30) == number.substr(0, 30) ||
                other.substr(0, 30) == number.substr(30) ||
                other.substr(30) == number.substr(0, 30) || other.substr(30) == number.substr(30));
  }
}

}  // namespace
}  // namespace salus::seal
