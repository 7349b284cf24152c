#include <gtest/gtest.h>

#include "crypto/wycheproof_runner.h"

namespace salus::crypto::testing {

namespace {

std::set<std::int64_t> Numbers(const boost::json::value& value) {
  std::set<std::int64_t> out;
  for (const auto& item : value.as_array()) out.insert(item.as_int64());
  return out;
}

PolicyRule ParseRule(const boost::json::object& object) {
  Fields fields(object);
  PolicyRule rule;
  for (const auto& file : fields.At("files").as_object()) {
    rule.files[std::string(file.key())] = static_cast<int>(file.value().as_int64());
  }
  if (fields.Has("group")) {
    for (const auto& member : fields.At("group").as_object()) {
      rule.group_values[std::string(member.key())] = member.value().as_int64();
    }
  }
  if (fields.Has("group_other_than")) {
    for (const auto& member : fields.At("group_other_than").as_object()) {
      rule.group_not_field = member.key();
      rule.group_not = Numbers(member.value());
    }
  }
  if (fields.Has("flag")) rule.flag = fields.Text("flag");
  if (fields.Has("tcIds")) rule.test_ids = Numbers(fields.At("tcIds"));
  const std::string expect = fields.Text("expect");
  if (expect != "accept" && expect != "refuse") throw std::runtime_error("expect: " + expect);
  rule.accept = expect == "accept";
  rule.reason = fields.Text("reason");
  if (rule.reason.size() < 10) throw std::runtime_error("a rule without a reason");
  fields.ExpectAllRead("wycheproof_policy.json");
  return rule;
}

bool HasFlag(const boost::json::object& test, const std::string& flag) {
  for (const auto& item : test.at("flags").as_array()) {
    if (item.as_string() == flag) return true;
  }
  return false;
}

const WycheproofHandlers& Handlers() {
  static const WycheproofHandlers handlers = [] {
    WycheproofHandlers all = SymmetricHandlers();
    all.merge(CurveHandlers());
    all.merge(RsaHandlers());
    return all;
  }();
  return handlers;
}

std::vector<std::string> HandledFiles() {
  std::vector<std::string> names;
  for (const auto& [name, handler] : Handlers()) names.push_back(name);
  return names;
}

}  // namespace

const WycheproofPolicy& WycheproofPolicy::Get() {
  static const WycheproofPolicy policy = [] {
    const auto file = ReadJsonFile(SALUS_TESTDATA "/wycheproof_policy.json");
    WycheproofPolicy out;
    for (const auto& member : file.at("unread_files").as_object()) {
      out.unread_files_[member.key()] = member.value().as_string();
    }
    for (const auto& rule : file.at("rules").as_array()) {
      out.rules_.push_back(ParseRule(rule.as_object()));
    }
    return out;
  }();
  return policy;
}

const PolicyRule* WycheproofGroup::RuleFor(const boost::json::object& test, std::size_t* index) {
  const auto& rules = WycheproofPolicy::Get().rules();
  for (*index = 0; *index < rules.size(); ++*index) {
    const PolicyRule& rule = rules[*index];
    if (!rule.files.contains(file_)) continue;
    bool matches = rule.flag.empty() || HasFlag(test, rule.flag);
    for (const auto& [name, value] : rule.group_values) {
      matches = matches && fields_.At(name).as_int64() == value;
    }
    if (!rule.group_not_field.empty()) {
      matches = matches && !rule.group_not.contains(fields_.At(rule.group_not_field).as_int64());
    }
    if (!rule.test_ids.empty()) {
      matches = matches && rule.test_ids.contains(test.at("tcId").as_int64());
    }
    if (matches) return &rule;
  }
  return nullptr;
}

void WycheproofGroup::Each(const std::function<Outcome(Fields&)>& judge) {
  for (const auto& item : fields_.At("tests").as_array()) {
    ++case_count_;
    Fields test(item.as_object());
    const std::string where = file_ + " tcId " + std::to_string(test.Number("tcId")) + " (" +
                              test.Text("comment") + ") " +
                              boost::json::serialize(test.At("flags"));
    const std::string result = test.Text("result");
    const Outcome outcome = judge(test);
    std::size_t index = 0;
    const PolicyRule* const rule = RuleFor(item.as_object(), &index);
    bool accept = result == "valid";
    if (rule != nullptr) {
      if (rule->accept != accept || result == "acceptable") ++decided_by_rule_[index];
      accept = rule->accept;
    }
    EXPECT_EQ(outcome == Outcome::kAccepted, accept)
        << where << " is " << result << (rule != nullptr ? ", rule: " + rule->reason : "")
        << (outcome == Outcome::kWrong ? ", other output" : "");
    EXPECT_TRUE(accept || outcome != Outcome::kWrong) << where << ": accepted with other output";
    test.ExpectAllRead(where);
  }
}

namespace {

class WycheproofTest : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Files, WycheproofTest, ::testing::ValuesIn(HandledFiles()),
                         [](const auto& param_info) {
                           return param_info.param.substr(0, param_info.param.find('.'));
                         });

TEST_P(WycheproofTest, AgreesWithPolicy) {
  SKIP_WITHOUT_VECTORS("wycheproof");
  const auto json = ReadJsonFile(VectorFolder() / "wycheproof" / GetParam());
  Fields file(json.as_object());
  file.Ignore({"algorithm", "schema", "header", "notes"});
  std::int64_t cases = 0;
  std::map<std::size_t, int> decided;
  for (const auto& item : file.At("testGroups").as_array()) {
    WycheproofGroup group(GetParam(), item.as_object());
    group.fields().Ignore({"source", "type"});
    Handlers().at(GetParam())(group);
    group.fields().ExpectAllRead(GetParam());
    cases += group.case_count();
    for (const auto& [rule, count] : group.decided_by_rule()) decided[rule] += count;
  }
  EXPECT_EQ(cases, file.Number("numberOfTests"));
  EXPECT_GT(cases, 0);
  file.ExpectAllRead(GetParam());
  const auto& rules = WycheproofPolicy::Get().rules();
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto stated = rules[i].files.find(GetParam());
    if (stated == rules[i].files.end()) continue;
    EXPECT_EQ(stated->second, decided[i]) << "cases decided by the rule: " << rules[i].reason;
  }
}

TEST(WycheproofFolderTest, EveryFileIsReadOrListed) {
  SKIP_WITHOUT_VECTORS("wycheproof");
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(VectorFolder() / "wycheproof")) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() != ".json") continue;
    found.insert(name);
    EXPECT_NE(Handlers().contains(name), WycheproofPolicy::Get().unread_files().contains(name))
        << name << " must either have a handler or stand in wycheproof_policy.json";
  }
  for (const auto& [name, handler] : Handlers()) EXPECT_TRUE(found.contains(name)) << name;
  for (const auto& [name, reason] : WycheproofPolicy::Get().unread_files()) {
    EXPECT_TRUE(found.contains(name)) << name;
  }
  for (const PolicyRule& rule : WycheproofPolicy::Get().rules()) {
    for (const auto& [file, count] : rule.files) EXPECT_TRUE(Handlers().contains(file)) << file;
  }
}

}  // namespace
}  // namespace salus::crypto::testing
