#include "client/reconcile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "client/answer_check.h"
#include "client/test_log.h"

namespace salus::client {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using Kind = ReceiptFinding::Kind;

class ReconcileTest : public ::testing::Test {
 protected:
  ReconcileTest() {
    const std::string batch = EventLine("e1", "p1") + EventLine("e2", "p2") + EventLine("e3", "p1");
    KnownTags tags;
    AnswerCheck check(pinned_, "ehr", tags, random_);
    receipt_ = check.Check(batch, log_.Answer(batch, "ehr")).value().receipts.at(0);
    leaves_ = log_.leaves();
    for (const auto& event : receipt_.events) chains_[event.tag].push_back(event.index.value);
  }
  PublishedTree Open() {
    LogFiles files = log_.Publish(leaves_);
    if (failure_) {
      files.tile = [this](const merkle::TileId&) -> Result<Bytes> { return *failure_; };
    }
    return PublishedTree::Open(std::move(files), pinned_, std::nullopt).value();
  }
  std::vector<Kind> Find(const std::string& line, Timestamp now = TestLog::Now()) {
    std::vector<Kind> kinds;
    const PublishedTree tree = Open();
    Reconciler reconciler(
        pinned_, tree, now, [&](const ReceiptFinding& finding) { kinds.push_back(finding.kind); },
        [this](const audit::SubjectTag& tag) -> Result<std::vector<std::uint64_t>> {
          return chains_[tag];
        });
    EXPECT_TRUE(reconciler.Add(line).has_value());
    report_ = reconciler.report();
    return kinds;
  }

  TestLog log_;
  const audit::PinnedLog pinned_ = log_.pinned();
  SystemRandom random_;
  KeptReceipt receipt_;
  std::vector<merkle::LeafHash> leaves_;
  std::map<audit::SubjectTag, std::vector<std::uint64_t>> chains_;
  std::optional<Error> failure_;
  ReconcileReport report_;
};

TEST_F(ReconcileTest, FindsNothingInAnHonestLog) {
  EXPECT_TRUE(Find(receipt_.ToLine()).empty());
  EXPECT_EQ(report_.matching, 3u);
  EXPECT_EQ(report_.wrong, 0u);
}

TEST_F(ReconcileTest, TellsAlteredAndMisfiled) {
  leaves_[1].data()[0] ^= 1;
  chains_[receipt_.events[2].tag] = {receipt_.events[0].index.value};
  EXPECT_THAT(Find(receipt_.ToLine()), ElementsAre(Kind::kAltered, Kind::kMisfiled));
  EXPECT_EQ(report_.wrong, 2u);
  EXPECT_EQ(report_.matching, 1u);
}

TEST_F(ReconcileTest, TellsWhatIsWithheldOrNotInTheTree) {
  failure_ = NotFound("none");
  EXPECT_THAT(Find(receipt_.ToLine()), Each(Kind::kMissing));
  EXPECT_EQ(report_.wrong, 3u);
  failure_ = Corruption("short");
  EXPECT_THAT(Find(receipt_.ToLine()), Each(Kind::kAltered));
  EXPECT_EQ(report_.wrong, 3u);
}

TEST_F(ReconcileTest, WaitsForACheckpointOnlySoLong) {
  leaves_.pop_back();
  EXPECT_THAT(Find(receipt_.ToLine()), ElementsAre(Kind::kPending));
  EXPECT_EQ(report_.wrong, 0u);
  EXPECT_THAT(Find(receipt_.ToLine(), TestLog::Now() + std::chrono::hours(1)),
              ElementsAre(Kind::kMissing));
}

TEST_F(ReconcileTest, RefusesAChangedReceipt) {
  KeptReceipt changed = receipt_;
  changed.events[0].index.value += 1;
  EXPECT_THAT(Find(changed.ToLine()), ElementsAre(Kind::kBadReceipt));
  EXPECT_THAT(Find("rubbish"), ElementsAre(Kind::kBadReceipt));
  KeptReceipt shorter = receipt_;
  shorter.events.pop_back();
  EXPECT_THAT(Find(shorter.ToLine()), ElementsAre(Kind::kBadReceipt));
}

TEST_F(ReconcileTest, SaysNothingWhenTheServerIsAway) {
  failure_ = Unavailable("away");
  const PublishedTree tree = Open();
  Reconciler reconciler(pinned_, tree, TestLog::Now(), {});
  EXPECT_EQ(reconciler.Add(receipt_.ToLine()).error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace salus::client
