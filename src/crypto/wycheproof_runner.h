// Runs Wycheproof files against our own policy; test code only.
//
// A case that Wycheproof calls valid must be accepted, one that it calls invalid or acceptable must
// be refused. Each exception, and each acceptable case that is decided on purpose, is a rule of
// testdata/wycheproof_policy.json with its reason and the number of cases that it decides; another
// number fails, and so does a field that no handler reads.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "crypto/vector_files.h"

namespace salus::crypto::testing {

// Outcome of one case: kWrong is an accepted input with another output than the vector's.
enum class Outcome { kRefused, kAccepted, kWrong };

inline Outcome AcceptedIf(bool equal) { return equal ? Outcome::kAccepted : Outcome::kWrong; }

// PolicyRule overrides the expectation for the cases of some files.
struct PolicyRule {
  std::map<std::string, int> files;                  // and how many cases of each it decides
  std::map<std::string, std::int64_t> group_values;  // e.g. keySize 192; all must match
  std::set<std::int64_t> group_not;                  // values that "group_not_field" may not have
  std::string group_not_field;
  std::string flag;  // empty: any
  std::set<std::int64_t> test_ids;
  bool accept = false;
  std::string reason;
};

class WycheproofPolicy {
 public:
  static const WycheproofPolicy& Get();

  const std::map<std::string, std::string>& unread_files() const { return unread_files_; }
  const std::vector<PolicyRule>& rules() const { return rules_; }

 private:
  std::map<std::string, std::string> unread_files_;
  std::vector<PolicyRule> rules_;
};

// WycheproofGroup is one test group of a file; a handler reads its fields and judges its cases.
class WycheproofGroup {
 public:
  WycheproofGroup(std::string file, const boost::json::object& group)
      : file_(std::move(file)), fields_(group) {}

  Fields& fields() { return fields_; }

  // Each runs judge on all cases and compares with the policy. judge reads all fields but tcId,
  // comment, flags and result.
  void Each(const std::function<Outcome(Fields&)>& judge);
  int case_count() const { return case_count_; }
  const std::map<std::size_t, int>& decided_by_rule() const { return decided_by_rule_; }

 private:
  const PolicyRule* RuleFor(const boost::json::object& test, std::size_t* index);

  std::string file_;
  Fields fields_;
  int case_count_ = 0;
  std::map<std::size_t, int> decided_by_rule_;
};

using WycheproofHandler = void (*)(WycheproofGroup&);
using WycheproofHandlers = std::map<std::string, WycheproofHandler>;

WycheproofHandlers SymmetricHandlers();
WycheproofHandlers CurveHandlers();
WycheproofHandlers RsaHandlers();

}  // namespace salus::crypto::testing
