#include "pki/identity.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace salus::pki {
namespace {

// Written by hand from RFC 3986 and the format's own text.
struct Example {
  const char* origin;
  Role role;
  const char* id;
  const char* uri;
};
constexpr Example kExamples[] = {
    {"salus.example/hospital/2026", Role::kPatient, "p-1",
     "urn:salus:salus.example/hospital/2026:patient:p-1"},
    {"localhost:9443/h", Role::kServer, "node 1", "urn:salus:localhost%3A9443/h:server:node%201"},
    {"a~b_c.d-e", Role::kOfficer, "urn:oid:1.2/3",
     "urn:salus:a~b_c.d-e:officer:urn%3Aoid%3A1.2%2F3"},
    {"\xE4\xB8\xAD\xF0\x9F\x8F\xA5", Role::kWitness, "~",
     "urn:salus:%E4%B8%AD%F0%9F%8F%A5:witness:~"},
    {"klinik-m\xC3\xBCnchen.example", Role::kClinician, "J\xC3\xBCrgen %41",
     "urn:salus:klinik-m%C3%BCnchen.example:clinician:J%C3%BCrgen%20%2541"},
};

TEST(IdentityTest, FormatsAndParsesTheExamples) {
  for (const Example& example : kExamples) {
    auto identity = Identity::Create(example.origin, example.role, example.id);
    ASSERT_TRUE(identity.has_value()) << example.uri;
    EXPECT_EQ(identity->ToUri().value(), example.uri);
    auto parsed = Identity::Parse(example.uri);
    ASSERT_TRUE(parsed.has_value()) << example.uri << ": " << parsed.error().message;
    EXPECT_EQ(*parsed, *identity);
  }
}

TEST(IdentityTest, RefusesWhatIsNotCanonical) {
  for (const char* uri : {
           "",
           "urn:salus:",
           "urn:salus:a:patient",
           "urn:salus:a:patient:",
           "urn:salus::patient:x",
           "urn:salus:a:Patient:x",
           "urn:salus:a:nurse:x",
           "URN:salus:a:patient:x",
           "urn:SALUS:a:patient:x",
           "urn:salus:a:patient:x:y",          // the id's colon must be encoded
           "urn:salus:a:patient:x/y",          // so must its slash
           "urn:salus:a%2Fb:patient:x",        // the origin's slash must not be
           "urn:salus:a:patient:%78",          // encodes what needs no encoding
           "urn:salus:a:patient:%c3%bc",       // lower-case hex
           "urn:salus:a:patient:%C3",          // not UTF-8
           "urn:salus:a:patient:%",            // cut
           "urn:salus:a:patient:%4",           // cut
           "urn:salus:a:patient:%00",          // control character
           "urn:salus:a:patient:%0A",          // control character
           "urn:salus:a:patient:x y",          // not encoded
           "urn:salus:a:patient:x?y",          // not encoded
           "urn:salus:a:patient:x#y",          // not encoded
           "urn:salus:a:patient:\xC3\xBC",     // not encoded
           "urn:salus:a%20b:patient:x",        // a space in an origin
           "urn:salus:a%2Bb:patient:x",        // a plus in an origin
           "urn:salus:a%C2%A0b:patient:x",     // a no-break space in an origin
           "urn:salus:a%E2%80%8Bb:patient:x",  // a zero-width space in an origin
           "urn:salus:a%E2%80%AEb:patient:x",  // right-to-left override in an origin
           "urn:salus:a%E3%80%80b:patient:x",  // ideographic space in an origin
           "urn:salus:a%EF%BB%BFb:patient:x",  // byte order mark in an origin
           "urn:salus:a%C2%85b:patient:x",     // C1 control in an origin
           "urn:salus:/a:patient:x",
           "urn:salus:a/:patient:x",
           "urn:salus:a//b:patient:x",
           " urn:salus:a:patient:x",
           "urn:salus:a:patient:x ",
       }) {
    EXPECT_FALSE(Identity::Parse(uri).has_value()) << uri;
  }
  using namespace std::literals;
  EXPECT_FALSE(Identity::Parse("urn:salus:a:patient:x\0y"sv).has_value());
}

TEST(IdentityTest, LimitsLengths) {
  EXPECT_TRUE(Identity::Create(std::string(255, 'o'), Role::kPatient, std::string(128, 'i')));
  EXPECT_FALSE(Identity::Create(std::string(256, 'o'), Role::kPatient, "i"));
  EXPECT_FALSE(Identity::Create("o", Role::kPatient, std::string(129, 'i')));
  EXPECT_FALSE(Identity::Parse(std::string(100'000, 'u')).has_value());
  // The longest of all: each byte takes three.
  auto longest = Identity::Create(std::string(255, ':'), Role::kPharmacist, std::string(128, '%'));
  ASSERT_TRUE(longest.has_value());
  EXPECT_EQ(Identity::Parse(longest->ToUri().value()).value(), *longest);
}

TEST(IdentityTest, DoesNotFormatWhatItWouldNotParse) {
  EXPECT_FALSE((Identity{"", Role::kPatient, "x"}).ToUri().has_value());
  EXPECT_FALSE((Identity{"a", Role::kPatient, ""}).ToUri().has_value());
  EXPECT_FALSE((Identity{"a", Role::kPatient, "\x01"}).ToUri().has_value());
}

TEST(IdentityTest, RolesHaveOneNameEach) {
  for (Role role : kAllRoles) EXPECT_EQ(ParseRole(RoleName(role)).value(), role);
  EXPECT_FALSE(ParseRole("").has_value());
  EXPECT_FALSE(ParseRole("patients").has_value());
}

TEST(IdentityTest, RandomIdsComeBack) {
  SeededRandom random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string id;
    for (std::uint64_t n = 1 + random.Below(20); n > 0; --n) {
      id.push_back(static_cast<char>(0x20 + random.Below(0x5f)));
    }
    auto identity = Identity::Create("host/org/2026", Role::kSource, id);
    ASSERT_TRUE(identity.has_value());
    EXPECT_EQ(Identity::Parse(identity->ToUri().value()).value(), *identity);
  }
}

}  // namespace
}  // namespace salus::pki
