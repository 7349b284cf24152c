#include "client/reconcile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "client/answer_check.h"
#include "client/test_log.h"

namespace salus::client {
namespace {

using ::testing::ElementsAre;
using Kind = ReceiptFinding::Kind;

class ListedLog final : public LogReader {
 public:
  Result<merkle::TreeSize> Size() override { return merkle::TreeSize{size}; }
  Result<LogEntry> Read(merkle::LeafIndex index) override {
    if (failure) return *failure;
    const auto found = entries.find(index.value);
    if (found == entries.end()) return NotFound("none");
    return found->second;
  }
  std::map<std::uint64_t, LogEntry> entries;
  std::uint64_t size = 0;
  std::optional<Error> failure;
};

class ReconcileTest : public ::testing::Test {
 protected:
  ReconcileTest() {
    const std::string batch = EventLine("e1", "p1") + EventLine("e2", "p2") + EventLine("e3", "p1");
    KnownTags tags;
    AnswerCheck check(pinned_, "ehr", tags, random_);
    receipt_ = check.Check(batch, log_.Answer(batch, "ehr")).value().receipts.at(0);
    for (const auto& event : receipt_.events) {
      reader_.entries[event.index.value] = {event.leaf, event.tag};
    }
    reader_.size = 4;
  }
  std::vector<Kind> Find(const std::string& line, Timestamp now = TestLog::Now()) {
    std::vector<Kind> kinds;
    Reconciler reconciler(pinned_, reader_, now,
                          [&](const ReceiptFinding& finding) { kinds.push_back(finding.kind); });
    EXPECT_TRUE(reconciler.Add(line).has_value());
    report_ = reconciler.report();
    return kinds;
  }

  TestLog log_;
  const audit::PinnedLog pinned_ = log_.pinned();
  SystemRandom random_;
  KeptReceipt receipt_;
  ListedLog reader_;
  ReconcileReport report_;
};

TEST_F(ReconcileTest, FindsNothingInAnHonestLog) {
  EXPECT_TRUE(Find(receipt_.ToLine()).empty());
  EXPECT_EQ(report_.matching, 3u);
  EXPECT_EQ(report_.wrong, 0u);
}

TEST_F(ReconcileTest, TellsMissingAlteredAndMisfiled) {
  reader_.entries.erase(0);
  reader_.entries[1].leaf.data()[0] ^= 1;
  reader_.entries[2].tag = receipt_.events[1].tag;
  EXPECT_THAT(Find(receipt_.ToLine()),
              ElementsAre(Kind::kMissing, Kind::kAltered, Kind::kMisfiled));
  EXPECT_EQ(report_.wrong, 3u);
}

TEST_F(ReconcileTest, WaitsForACheckpointOnlySoLong) {
  reader_.size = 2;
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
  reader_.failure = Unavailable("away");
  Reconciler reconciler(pinned_, reader_, TestLog::Now(), {});
  EXPECT_EQ(reconciler.Add(receipt_.ToLine()).error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace salus::client
