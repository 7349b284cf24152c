#include "aggregate/task_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aggregate/dap_hpke_key.h"
#include "aggregate/share_access.h"

namespace salus::aggregate {
namespace {

using testing::HasSubstr;

constexpr char kRoot[] = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";

DapTask Heights(bool has_noise) {
  DapTaskParameters task;
  task.id = TaskId({1, 2, 3});
  task.leader_url = "https://hospital.example/dap";
  task.helper_url = "https://regulator.example/dap";
  task.vdaf = {.circuit = Circuit::kSum, .max_measurement = 242};
  task.purpose = "How tall adults are";
  task.statistic = {.name = "body height", .unit = "cm", .offset = 30};
  if (has_noise) task.noise = DapNoise{.sensitivity = 242};
  return *DapTask::Create(task);
}

TaskFile FileOf(TaskParty party, bool has_noise = true) {
  SeededRandom random(1);
  const DapHpkeKey collector = DapHpkeKey::Generate(1, random);
  TaskFile file{.party = party,
                .task = Heights(has_noise),
                .leader_root = kRoot,
                .helper_root = std::string(kRoot) + "# other\n"};
  if (party == TaskParty::kClient) return file;
  file.collector_config = collector.config();
  if (party == TaskParty::kCollector) {
    file.leader_machine_url = "https://hospital.example:9443";
    file.collector_token = NewToken(random);
    file.collector_key = collector.private_key();
    return file;
  }
  file.verify_key = SecretBytes(random.Array<32>());
  file.aggregator_token = NewToken(random);
  if (has_noise) file.study = TaskStudy{.name = "heights", .budget = Rational(2)};
  if (party == TaskParty::kLeader) {
    file.helper_machine_url = "https://regulator.example:9443";
    file.collector_token = NewToken(random);
  }
  return file;
}

std::string TextOf(const TaskFile& file) {
  const SecretBytes text = file.ToText();
  return std::string(AsText(text.view(ShareAccess::Token())));
}

std::string ErrorOf(std::string_view text) {
  const auto file = TaskFile::Parse(SecretBytes(AsBytes(text)));
  return file ? "" : file.error().message;
}

std::string Replaced(std::string text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), with);
}

constexpr TaskParty kParties[] = {TaskParty::kClient, TaskParty::kLeader, TaskParty::kHelper,
                                  TaskParty::kCollector};

TEST(TaskFile, ComesBackFromItsText) {
  for (const TaskParty party : kParties) {
    const TaskFile file = FileOf(party);
    const auto again = TaskFile::Parse(file.ToText());
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->party, party);
    EXPECT_EQ(again->task.parameters(), file.task.parameters());
    EXPECT_EQ(again->study, file.study);
    EXPECT_EQ(TextOf(*again), TextOf(file));
  }
}

TEST(TaskFile, HoldsTheSecretsOfItsPartyOnly) {
  const struct {
    TaskParty party;
    std::vector<std::string_view> has, has_not;
  } cases[] = {
      {TaskParty::kClient,
       {},
       {"verify_key", "aggregator_token", "collector_token", "collector_key", "study"}},
      {TaskParty::kLeader,
       {"verify_key", "aggregator_token", "collector_token"},
       {"collector_key"}},
      {TaskParty::kHelper,
       {"verify_key", "aggregator_token"},
       {"collector_token", "collector_key"}},
      {TaskParty::kCollector,
       {"collector_token", "collector_key"},
       {"verify_key", "aggregator_token", "study"}},
  };
  for (const auto& one : cases) {
    const std::string text = TextOf(FileOf(one.party));
    for (const auto name : one.has) {
      EXPECT_THAT(text, HasSubstr("\"" + std::string(name) + "\":"));
      EXPECT_NE(ErrorOf(Replaced(text, "\"" + std::string(name) + "\":", "\"x\":")), "");
    }
    for (const auto name : one.has_not) {
      EXPECT_EQ(text.find("\"" + std::string(name) + "\":"), std::string::npos);
      const std::string more = Replaced(text, "{", "{\"" + std::string(name) + "\":\"AA\",");
      EXPECT_THAT(ErrorOf(more), HasSubstr("unknown member"));
    }
  }
}

TEST(TaskFile, SaysWhatIsWrongAndNotTheSecret) {
  const std::string text = TextOf(FileOf(TaskParty::kLeader));
  EXPECT_THAT(ErrorOf("[]"), HasSubstr("the task file"));
  EXPECT_THAT(ErrorOf(Replaced(text, "\"leader\"", "\"reader\"")), HasSubstr("party"));
  EXPECT_THAT(ErrorOf(Replaced(text, "How tall adults are", "")), HasSubstr("task"));
  EXPECT_THAT(ErrorOf(Replaced(text, "\"aggregator_token\":\"", "\"aggregator_token\":\" ")),
              HasSubstr("aggregator_token"));
  const std::string error =
      ErrorOf(Replaced(text, "\"verify_key\":\"", "\"verify_key\":\"secret!"));
  EXPECT_THAT(error, HasSubstr("verify_key"));
  EXPECT_EQ(error.find("secret"), std::string::npos);
  EXPECT_THAT(ErrorOf(Replaced(text, "\"budget\":\"2\"", "\"budget\":\"4/2\"")),
              HasSubstr("budget"));
  EXPECT_THAT(ErrorOf(std::string(70'000, ' ')), HasSubstr("64 KiB"));
  // Noise without a budget, or a budget without noise, promises something else.
  EXPECT_THAT(ErrorOf(Replaced(text,
                               ",\"study\":{\"name\":\"heights\",\"measure\":\"epsilon\","
                               "\"budget\":\"2\"}",
                               "")),
              HasSubstr("study"));
}

TEST(TaskFile, GivesAnAggregatorItsTask) {
  const auto leader = FileOf(TaskParty::kLeader).ToAggregatorTask();
  ASSERT_TRUE(leader);
  EXPECT_EQ(leader->role, DapRole::kLeader);
  const auto helper = FileOf(TaskParty::kHelper).ToAggregatorTask();
  ASSERT_TRUE(helper);
  EXPECT_EQ(helper->role, DapRole::kHelper);
  EXPECT_TRUE(helper->collector_token.empty());
  EXPECT_FALSE(FileOf(TaskParty::kClient).ToAggregatorTask());
  EXPECT_FALSE(FileOf(TaskParty::kCollector).ToAggregatorTask());
}

TEST(TaskFile, TokensDiffer) {
  SystemRandom random;
  const SecretBytes one = NewToken(random);
  const SecretBytes other = NewToken(random);
  EXPECT_EQ(one.size(), 43u);
  EXPECT_FALSE(ConstantTimeEqual(one.view(ShareAccess::Token()), other.view(ShareAccess::Token())));
}

}  // namespace
}  // namespace salus::aggregate
