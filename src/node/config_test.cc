#include "node/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

namespace salus::node {
namespace {

using testing::HasSubstr;

// A verifier key of C2SP's own documents.
constexpr std::string_view kWitness =
    "witness w witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN";

std::string WithLog(std::string_view lines) {
  return "[log]\norigin = \"hospital.example/2026\"\n" + std::string(lines);
}

TEST(ConfigTest, WhatItWritesItReads) {
  Config config;
  config.origin = "hospital.example/2026";
  config.machine_port = 9999;
  config.followers = {"urn:salus:hospital.example/2026:witness:a"};
  const auto read = Config::Parse(config.ToToml());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->origin, config.origin);
  EXPECT_EQ(read->machine_port, 9999);
  EXPECT_EQ(read->followers, config.followers);
  EXPECT_EQ(read->policy, "quorum none\n");
}

TEST(ConfigTest, HasEveryRoleOfAnAggregator) {
  for (const auto& [role, is_leader, is_helper] :
       {std::tuple("none", false, false), std::tuple("leader", true, false),
        std::tuple("helper", false, true), std::tuple("both", true, true)}) {
    const auto config =
        Config::Parse(WithLog(std::string("[aggregate]\nrole = \"") + role + "\"\n"));
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->aggregate.is_leader, is_leader) << role;
    EXPECT_EQ(config->aggregate.is_helper, is_helper) << role;
    const auto again = Config::Parse(config->ToToml());
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->aggregate.is_leader, is_leader) << role;
    EXPECT_EQ(again->aggregate.is_helper, is_helper) << role;
    EXPECT_EQ(again->aggregate.late, std::chrono::minutes(5)) << role;
    EXPECT_EQ(again->aggregate.key_days, 28u) << role;
    EXPECT_EQ(again->aggregate.keep_days, 90u) << role;
  }
}

TEST(ConfigTest, NamesTheLineAndTheKeyThatIsWrong) {
  for (const auto& [lines, expected] :
       {std::pair("publik_entries = true\n", "log.publik_entries: is not a known key"),
        std::pair("public_entries = 1\n", "line 3: log.public_entries: must be true or false"),
        std::pair("interval_quiet_ms = 0\n", "must be a whole number from 1 to"),
        std::pair("[server]\nmachine_port = 70000\n", "must be a whole number from 0 to 65535"),
        std::pair("followers = [1]\n", "must be a list of strings"),
        std::pair("[aggregate]\nrole = \"boss\"\n", "must be none, leader, helper or both"),
        std::pair("[aggregate]\nlate_ms = -1\n", "must be a whole number from 1 to 86400000"),
        std::pair("[aggregate]\nthreads = 0\n", "must be a whole number from 1 to 256"),
        std::pair("[aggregate]\nkey_days = -1\n", "must be a whole number from 0 to 3650"),
        std::pair("[aggregate]\nkeep_days = 0\n", "must be a whole number from 1 to 36500")}) {
    const auto read = Config::Parse(WithLog(lines));
    ASSERT_FALSE(read) << lines;
    EXPECT_THAT(read.error().message, HasSubstr(expected));
  }
}

TEST(ConfigTest, RefusesWhatIsNoToml) {
  for (const char* text : {"[|og]\n", "[", "a", "=", "[log]\n|origin = 'x'\n", "\x80"}) {
    EXPECT_FALSE(Config::Parse(text)) << text;
  }
}

TEST(ConfigTest, AdmitsWitnessesOnly) {
  for (const char* key : {"followers", "map_verifiers"}) {
    for (const auto& [identity, found] :
         {std::pair("urn:salus:hospital.example/2026:source:ehr-1", "is of the role source"),
          std::pair("urn:salus:hospital.example/2026:auditor:a", "is of the role auditor"),
          std::pair("urn:salus:elsewhere.example:witness:w", "is an identity of another origin"),
          std::pair("witness w", "is no identity")}) {
      const auto read = Config::Parse(
          WithLog(std::string(key) + " = [\"urn:salus:hospital.example/2026:witness:w\", \"" +
                  identity + "\"]\n"));
      ASSERT_FALSE(read) << identity;
      EXPECT_THAT(read.error().message, HasSubstr(std::string("log.") + key + "[1]: " + found));
    }
  }
}

TEST(ConfigTest, NeedsAnOriginAndAReadablePolicy) {
  EXPECT_FALSE(Config::Parse(""));
  const auto read = Config::Parse(WithLog("policy = \"quorum nobody\\n\"\n"));
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("log.policy"));
}

TEST(ConfigTest, RefusesAQuorumThatNobodyWouldReach) {
  const std::string policy = "policy = \"" + std::string(kWitness) + "\\nquorum w\\n\"\n";
  const auto read = Config::Parse(WithLog(policy));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kFailedPrecondition);
  const std::string named = "policy = \"" + std::string(kWitness) + "\\nquorum none\\n\"\n";
  EXPECT_TRUE(Config::Parse(WithLog(named)));
}

}  // namespace
}  // namespace salus::node
