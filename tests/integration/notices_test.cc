// Notices to everybody: who may publish them, what a reader verifies of them, and what becomes of
// them when somebody changed control.db.

#include <gtest/gtest.h>

#include <thread>

#include "api_fixture.h"
#include "client/connection.h"
#include "client/notices.h"
#include "client/pinned_server.h"
#include "codec/hex.h"
#include "pki/certificate.h"
#include "storage/database.h"

namespace salus {
namespace {

class NoticesTest : public ApiTest {
 protected:
  client::Connection Open(pki::Role role, const std::string& id) {
    return *client::Connection::Open(Pin(), &Identity(role, id));
  }

  static audit::TaskNotice Heights() {
    audit::TaskNotice notice;
    notice.task_id = Bytes(16, 0x5a);
    notice.title = "Heights";
    notice.purpose = "the mean height of those who take part";
    notice.statistic = "sum of heights, 30 to 272 cm";
    notice.min_participants = 3;
    notice.from = FromUnixMillis(1'000);
    notice.until = FromUnixMillis(2'000);
    return notice;
  }
  static audit::ResultNotice Sum() {
    audit::ResultNotice notice;
    notice.task_id = Bytes(16, 0x5a);
    notice.participants = 3;
    notice.result = "sum 516, mean 172";
    notice.time = FromUnixMillis(2'000);
    return notice;
  }

  // Everybody's view: no identity, the pinned key, the newest tree that has `entry`.
  Result<std::vector<client::LoggedTask>> Fetch(std::uint64_t entry) {
    TRY(client::Connection everybody, client::Connection::Open(Pin(), nullptr));
    const client::LogFiles files{
        .checkpoint = [&everybody] { return everybody.Checkpoint(); },
        .tile = [&everybody](const merkle::TileId& id) { return everybody.Tile(id); }};
    while (!node_->log().published() || node_->log().published()->size.value <= entry) {
      std::this_thread::yield();
    }
    TRY(const client::PublishedTree tree,
        client::PublishedTree::Open(files, node_->pinned(), std::nullopt));
    return client::FetchNotices(everybody, tree);
  }
};

TEST_F(NoticesTest, EverybodySeesWhatDataIsAddedUpForAndWhatCameOfIt) {
  client::Connection researcher = Open(pki::Role::kResearcher, "registry");
  const auto announced = researcher.OpenTask(Heights());
  ASSERT_TRUE(announced) << announced.error().message;
  const auto released = researcher.ReleaseResult(Sum());
  ASSERT_TRUE(released) << released.error().message;

  const auto tasks = Fetch(*released);
  ASSERT_TRUE(tasks) << tasks.error().message;
  ASSERT_EQ(tasks->size(), 1u);
  const client::LoggedTask& task = tasks->front();
  EXPECT_EQ(task.entry, *announced);
  EXPECT_EQ(task.task.purpose, "the mean height of those who take part");
  EXPECT_EQ(task.task.publisher, "researcher:registry");
  ASSERT_EQ(task.results.size(), 1u);
  EXPECT_EQ(task.results[0].entry, *released);
  EXPECT_EQ(task.results[0].result.result, "sum 516, mean 172");
}

TEST_F(NoticesTest, WhatWasAnnouncedIsNeverChanged) {
  client::Connection researcher = Open(pki::Role::kResearcher, "registry");
  EXPECT_EQ(researcher.ReleaseResult(Sum()).error().code, ErrorCode::kConflict);  // 409
  const auto first = researcher.OpenTask(Heights());
  ASSERT_TRUE(first);
  EXPECT_EQ(researcher.OpenTask(Heights()).value(), *first);
  audit::TaskNotice other = Heights();
  other.purpose = "advertising";
  EXPECT_EQ(researcher.OpenTask(other).error().code, ErrorCode::kConflict);
  ASSERT_TRUE(researcher.ReleaseResult(Sum()));
  audit::ResultNotice another = Sum();
  another.result = "sum 517";
  EXPECT_EQ(researcher.ReleaseResult(another).error().code, ErrorCode::kConflict);
  another.batch = "2";
  EXPECT_TRUE(researcher.ReleaseResult(another));
}

// Or one researcher could put words into another's study.
TEST_F(NoticesTest, OnlyWhoAnnouncedSaysTheResult) {
  client::Connection researcher = Open(pki::Role::kResearcher, "registry");
  client::Connection other = Open(pki::Role::kResearcher, "other");
  ASSERT_TRUE(researcher.OpenTask(Heights()));
  const auto refused = other.ReleaseResult(Sum());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);  // 409
  EXPECT_NE(refused.error().message.find("told by who announced it: researcher:registry"),
            std::string::npos)
      << refused.error().message;
  EXPECT_TRUE(researcher.ReleaseResult(Sum()));
}

// Or whoever saw a roster or a task first could keep its host from saying what it is for.
TEST_F(NoticesTest, NobodysNoticeStandsInTheWayOfAnothers) {
  client::Connection researcher = Open(pki::Role::kResearcher, "registry");
  client::Connection other = Open(pki::Role::kResearcher, "other");
  const auto others_task = other.OpenTask(Heights());
  ASSERT_TRUE(others_task);
  audit::ResultNotice lie = Sum();
  lie.result = "sum 900, mean 300";
  const auto others_result = other.ReleaseResult(lie);
  ASSERT_TRUE(others_result);
  const auto task = researcher.OpenTask(Heights());
  ASSERT_TRUE(task) << task.error().message;
  EXPECT_NE(*task, *others_task);
  const auto result = researcher.ReleaseResult(Sum());
  ASSERT_TRUE(result) << result.error().message;

  const auto tasks = Fetch(*result);
  ASSERT_TRUE(tasks) << tasks.error().message;
  ASSERT_EQ(tasks->size(), 2u);
  EXPECT_EQ((*tasks)[0].task.publisher, "researcher:other");
  ASSERT_EQ((*tasks)[0].results.size(), 1u);
  EXPECT_EQ((*tasks)[0].results[0].entry, *others_result);
  EXPECT_EQ((*tasks)[1].task.publisher, "researcher:registry");
  ASSERT_EQ((*tasks)[1].results.size(), 1u);
  EXPECT_EQ((*tasks)[1].results[0].result.result, "sum 516, mean 172");
}

// Earlier builds filed a notice without its publisher.
TEST_F(NoticesTest, ARowUnderTheOldKeyIsTheSameNotice) {
  client::Connection researcher = Open(pki::Role::kResearcher, "registry");
  const auto index = researcher.OpenTask(Heights());
  ASSERT_TRUE(index);
  ASSERT_TRUE(researcher.ReleaseResult(Sum()));
  StopServer();
  {
    auto database = storage::Database::Open((root_ / "data" / "control.db").string(),
                                            storage::DatabaseAccess::kReadWrite);
    ASSERT_TRUE(database) << database.error().message;
    const auto shorter = database->Execute(
        "UPDATE rows SET key = substr(key, 1, length(key) - length(char(31) || "
        "'researcher:registry')) WHERE kind = 8");
    ASSERT_TRUE(shorter) << shorter.error().message;
  }
  StartServer();
  EXPECT_EQ(node_->directory().notices().size(), 2u);
  EXPECT_EQ(Open(pki::Role::kResearcher, "registry").OpenTask(Heights()).value(), *index);
  EXPECT_TRUE(Open(pki::Role::kResearcher, "other").OpenTask(Heights()));
}

TEST_F(NoticesTest, OnlyWhoConductsStudiesMayPublish) {
  for (const pki::Role role : {pki::Role::kPatient, pki::Role::kSource, pki::Role::kAuditor}) {
    client::Connection connection = Open(role, kPatientId);
    EXPECT_EQ(connection.OpenTask(Heights()).error().code, ErrorCode::kPermissionDenied);
  }
  client::Connection researcher = Open(pki::Role::kResearcher, "registry");
  audit::TaskNotice nameless = Heights();
  nameless.purpose.clear();
  EXPECT_EQ(researcher.OpenTask(nameless).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(NoticesTest, ARestartKeepsThemAndAChangedRowStopsTheStart) {
  const auto index = Open(pki::Role::kResearcher, "registry").OpenTask(Heights());
  ASSERT_TRUE(index);
  StopServer();
  StartServer();
  ASSERT_EQ(node_->directory().notices().size(), 1u);
  EXPECT_EQ(node_->directory().notices()[0].origin.entry_index, *index);
  StopServer();
  {
    auto database = storage::Database::Open((root_ / "data" / "control.db").string(),
                                            storage::DatabaseAccess::kReadWrite);
    ASSERT_TRUE(database) << database.error().message;
    ASSERT_TRUE(database->Execute("UPDATE rows SET entry_index = 0 WHERE kind = 8"));
  }
  const auto opened =
      node::Node::Open((root_ / "data").string(), node::NodeAccess::kReadWrite, clock_, random_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorruption);
}

}  // namespace
}  // namespace salus
