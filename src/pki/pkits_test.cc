// NIST's Public Key Interoperability Test Suite, version 2011 (SHA-256, RSA 2048), run against
// ValidatePathUnder. The certificates know nothing of Salus, so the leaf's profile and the depth
// limit are set aside; keys, signatures and everything of RFC 5280 section 6 are as in production.
//
// A file's name says what must come out; where the suite's document asks for other inputs
// (sections 4.8, 4.10 and 4.12) they stand in kPolicyCases.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "pki/path_policy.h"

namespace salus::pki {
namespace {

namespace fs = std::filesystem;

// Noon of a day inside the suite's validity, 2010 to 2030.
constexpr Timestamp kSuiteTime = std::chrono::sys_days(std::chrono::year(2020) / 6 / 1);

// What differs from the suite's answer, and why.
const std::map<std::string, std::string> kRefused = {
    {"ValidDSASignaturesTest4", "4.1.4: DSA is refused"},
    {"ValidDSAParameterInheritanceTest5", "4.1.5: DSA is refused"},
    {"ValidcRLIssuerTest30",
     "4.14.30: the list that covers its own issuer's certificate; OpenSSL does not follow an "
     "indirect list's path that far, and production takes no indirect lists"},
};

struct PolicyCase {
  const char* section;
  const char* leaf;
  std::vector<int> policies;  // NIST-test-policy numbers; empty is any-policy
  bool is_explicit;
  bool inhibits_mapping;
  bool inhibits_any;
  bool is_valid;
};

const PolicyCase kPolicyCases[] = {
    {"4.8.1 (1)", "ValidCertificatePathTest1", {}, true, false, false, true},
    {"4.8.1 (2)", "ValidCertificatePathTest1", {1}, true, false, false, true},
    {"4.8.1 (3)", "ValidCertificatePathTest1", {2}, true, false, false, false},
    {"4.8.1 (4)", "ValidCertificatePathTest1", {1, 2}, true, false, false, true},
    {"4.8.2 (1)", "AllCertificatesNoPoliciesTest2", {}, false, false, false, true},
    {"4.8.2 (2)", "AllCertificatesNoPoliciesTest2", {}, true, false, false, false},
    {"4.8.3 (1)", "DifferentPoliciesTest3", {}, false, false, false, true},
    {"4.8.3 (2)", "DifferentPoliciesTest3", {}, true, false, false, false},
    {"4.8.3 (3)", "DifferentPoliciesTest3", {1, 2}, true, false, false, false},
    {"4.8.4", "DifferentPoliciesTest4", {}, false, false, false, false},
    {"4.8.5", "DifferentPoliciesTest5", {}, false, false, false, false},
    {"4.8.6 (1)", "OverlappingPoliciesTest6", {}, false, false, false, true},
    {"4.8.6 (2)", "OverlappingPoliciesTest6", {1}, false, false, false, true},
    {"4.8.6 (3)", "OverlappingPoliciesTest6", {2}, false, false, false, false},
    {"4.8.7", "DifferentPoliciesTest7", {}, false, false, false, false},
    {"4.8.8", "DifferentPoliciesTest8", {}, false, false, false, false},
    {"4.8.9", "DifferentPoliciesTest9", {}, false, false, false, false},
    {"4.8.10 (1)", "AllCertificatesSamePoliciesTest10", {}, false, false, false, true},
    {"4.8.10 (2)", "AllCertificatesSamePoliciesTest10", {1}, false, false, false, true},
    {"4.8.10 (3)", "AllCertificatesSamePoliciesTest10", {2}, false, false, false, true},
    {"4.8.11 (1)", "AllCertificatesanyPolicyTest11", {}, false, false, false, true},
    {"4.8.11 (2)", "AllCertificatesanyPolicyTest11", {1}, false, false, false, true},
    {"4.8.12", "DifferentPoliciesTest12", {}, false, false, false, false},
    {"4.8.13 (1)", "AllCertificatesSamePoliciesTest13", {1}, false, false, false, true},
    {"4.8.13 (2)", "AllCertificatesSamePoliciesTest13", {2}, false, false, false, true},
    {"4.8.13 (3)", "AllCertificatesSamePoliciesTest13", {3}, false, false, false, true},
    {"4.8.14 (1)", "AnyPolicyTest14", {1}, false, false, false, true},
    {"4.8.14 (2)", "AnyPolicyTest14", {2}, false, false, false, false},
    {"4.8.15", "UserNoticeQualifierTest15", {}, false, false, false, true},
    {"4.8.16", "UserNoticeQualifierTest16", {}, false, false, false, true},
    {"4.8.17", "UserNoticeQualifierTest17", {}, false, false, false, true},
    {"4.8.18 (1)", "UserNoticeQualifierTest18", {1}, false, false, false, true},
    {"4.8.18 (2)", "UserNoticeQualifierTest18", {2}, false, false, false, true},
    {"4.8.19", "UserNoticeQualifierTest19", {}, false, false, false, true},
    {"4.8.20", "CPSPointerQualifierTest20", {}, false, false, false, true},
    {"4.10.1 (1)", "ValidPolicyMappingTest1", {1}, false, false, false, true},
    {"4.10.1 (2)", "ValidPolicyMappingTest1", {2}, false, false, false, false},
    {"4.10.1 (3)", "ValidPolicyMappingTest1", {}, false, true, false, false},
    {"4.10.2 (1)", "InvalidPolicyMappingTest2", {}, false, false, false, false},
    {"4.10.2 (2)", "InvalidPolicyMappingTest2", {}, false, true, false, false},
    {"4.10.3 (1)", "ValidPolicyMappingTest3", {1}, false, false, false, false},
    {"4.10.3 (2)", "ValidPolicyMappingTest3", {2}, false, false, false, true},
    {"4.10.5 (1)", "ValidPolicyMappingTest5", {1}, false, false, false, true},
    {"4.10.5 (2)", "ValidPolicyMappingTest5", {6}, false, false, false, false},
    {"4.10.6 (1)", "ValidPolicyMappingTest6", {1}, false, false, false, true},
    {"4.10.6 (2)", "ValidPolicyMappingTest6", {6}, false, false, false, false},
    {"4.10.12 (1)", "ValidPolicyMappingTest12", {1}, false, false, false, true},
    {"4.10.12 (2)", "ValidPolicyMappingTest12", {2}, false, false, false, true},
    {"4.12.3 (1)", "inhibitAnyPolicyTest3", {}, false, false, false, true},
    {"4.12.3 (2)", "inhibitAnyPolicyTest3", {}, false, false, true, false},
};

fs::path SuiteFolder() {
  const char* from_env = std::getenv("SALUS_VECTORS");
  return fs::path(from_env != nullptr ? from_env : SALUS_VECTORS_DEFAULT) / "parsers" / "pkits";
}

Bytes ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

// Section 4.3 varies case and spaces of names; picking helper certificates must not depend on them.
std::string Folded(const std::string& name) {
  std::string out;
  for (char c : name) {
    if (c != ' ' && c != '\\') out.push_back(static_cast<char>(std::tolower(c)));
  }
  return out;
}

class PkitsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::is_directory(SuiteFolder() / "certs")) GTEST_SKIP() << "skipped: vectors not found";
    for (const auto& entry : fs::directory_iterator(SuiteFolder() / "certs")) {
      std::string name = entry.path().stem().string();
      auto parsed = Certificate::FromDer(ReadFile(entry.path()));
      ASSERT_TRUE(parsed.has_value()) << name << ": " << parsed.error().message;
      if (name.ends_with("EE")) {
        leaves_.emplace(name.substr(0, name.size() - 2), *std::move(parsed));
      } else {
        authorities_.emplace(name, *std::move(parsed));
      }
    }
    std::vector<RevocationList> lists;
    for (const auto& entry : fs::directory_iterator(SuiteFolder() / "crls")) {
      auto parsed = RevocationList::FromDer(ReadFile(entry.path()));
      ASSERT_TRUE(parsed.has_value()) << entry.path() << parsed.error().message;
      lists.push_back(*std::move(parsed));
    }
    trust_.emplace(
        TrustStore::Create({{authorities_.at("TrustAnchorRootCertificate")}}, lists).value());
  }

  // ChainFor adds every authority whose name is an issuer's, and those that sign revocation lists
  // for others.
  std::vector<Certificate> ChainFor(const Certificate& leaf) {
    std::vector<Certificate> chain = {leaf};
    std::set<std::string> used;
    for (std::size_t at = 0; at < chain.size(); ++at) {
      for (const auto& [name, authority] : authorities_) {
        bool is_indirect = chain[0].issuer().find("indirectCRL") != std::string::npos &&
                           name.starts_with("indirectCRL");
        if ((Folded(authority.subject()) == Folded(chain[at].issuer()) || is_indirect) &&
            name != "TrustAnchorRootCertificate" && used.insert(name).second) {
          chain.push_back(authority);
        }
      }
    }
    return chain;
  }

  Result<Certificate> Run(const Certificate& leaf, PathPolicy policy) {
    policy.max_authorities = 10;
    policy.requires_leaf_profile = false;
    policy.is_strict = false;
    policy.allows_extended_revocation = true;
    return ValidatePathUnder(policy, ChainFor(leaf), *trust_, kSuiteTime, Purpose::kClient,
                             std::nullopt);
  }

  std::map<std::string, Certificate> leaves_;
  std::map<std::string, Certificate> authorities_;
  std::optional<TrustStore> trust_;
};

TEST_F(PkitsTest, EveryFileNamedValidOrInvalid) {
  int valid = 0;
  int invalid = 0;
  std::set<std::string> has_own_case;
  for (const PolicyCase& one : kPolicyCases) {
    // The plain run of these needs other inputs than the suite's defaults.
    if (!one.policies.empty()) has_own_case.insert(one.leaf);
  }
  has_own_case.erase("ValidCertificatePathTest1");
  for (const auto& [name, leaf] : leaves_) {
    if (has_own_case.contains(name)) continue;
    auto outcome = Run(leaf, {});
    if (name.starts_with("Invalid")) {
      ++invalid;
      EXPECT_FALSE(outcome.has_value()) << name << " was accepted";
    } else if (name.starts_with("Valid")) {
      ++valid;
      bool expected = !kRefused.contains(name);
      EXPECT_EQ(outcome.has_value(), expected)
          << name << ": " << (outcome.has_value() ? "accepted" : outcome.error().message);
    }
  }
  EXPECT_EQ(leaves_.size(), 223U);
  // 88 and 115 files, less the five of section 4.10 that have cases of their own.
  EXPECT_EQ(valid, 83);
  EXPECT_EQ(invalid, 115);
}

TEST_F(PkitsTest, PolicyInputs) {
  for (const PolicyCase& one : kPolicyCases) {
    PathPolicy policy;
    for (int number : one.policies) {
      policy.initial_policies.push_back("2.16.840.1.101.3.2.1.48." + std::to_string(number));
    }
    policy.requires_explicit_policy = one.is_explicit;
    policy.inhibits_policy_mapping = one.inhibits_mapping;
    policy.inhibits_any_policy = one.inhibits_any;
    ASSERT_TRUE(leaves_.contains(one.leaf)) << one.leaf;
    auto outcome = Run(leaves_.at(one.leaf), policy);
    EXPECT_EQ(outcome.has_value(), one.is_valid)
        << one.section << " " << one.leaf << ": "
        << (outcome.has_value() ? "accepted" : outcome.error().message);
  }
}

// The reason is part of what a user sees: the fault that each file is made of must be the one
// named.
TEST_F(PkitsTest, ReasonsAreTheRightOnes) {
  const std::pair<const char*, const char*> kReasons[] = {
      {"InvalidEESignatureTest3", "the certificate has a signature that does not verify"},
      {"InvalidCASignatureTest2", "at depth 1 has a signature that does not verify"},
      {"InvalidEEnotAfterDateTest6", "the certificate expired"},
      {"InvalidCAnotAfterDateTest5", "at depth 1 expired"},
      {"InvalidEEnotBeforeDateTest2", "the certificate is not yet valid"},
      {"InvalidRevokedEETest3", "the certificate was revoked"},
      {"InvalidRevokedCATest2", "at depth 1 was revoked"},
      {"InvalidMissingCRLTest1", "no revocation list"},
      {"InvalidOldCRLnextUpdateTest11", "outdated revocation list"},
      {"InvalidpathLenConstraintTest5", "path length"},
      {"InvalidcAFalseTest2", "may not issue certificates"},
      {"InvalidDNnameConstraintsTest2", "a name that its issuer may not certify"},
      {"InvalidUnknownCriticalCertificateExtensionTest2", "unknown critical extension"},
  };
  for (const auto& [leaf, reason] : kReasons) {
    auto outcome = Run(leaves_.at(leaf), {});
    ASSERT_FALSE(outcome.has_value()) << leaf;
    EXPECT_THAT(outcome.error().message, ::testing::HasSubstr(reason)) << leaf;
  }
}

// With nothing set aside every leaf of the suite is refused: none is a Salus identity.
TEST_F(PkitsTest, ProductionAcceptsNone) {
  for (const auto& [name, leaf] : leaves_) {
    EXPECT_FALSE(ValidatePath(ChainFor(leaf), *trust_, kSuiteTime, Purpose::kClient).has_value())
        << name;
  }
}

}  // namespace
}  // namespace salus::pki
