#include "client/reconcile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/endian.h"
#include "client/answer_check.h"
#include "client/test_log.h"

namespace salus::client {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using Kind = ReceiptFinding::Kind;
using FilingOfEntry = decltype(ReconcileOptions::filing_of);

class ReconcileTest : public ::testing::Test {
 protected:
  ReconcileTest() {
    const std::string batch = EventLine("e1", "p1") + EventLine("e2", "p2") + EventLine("e3", "p1");
    KnownTags tags;
    AnswerCheck check(pinned_, "ehr", tags, random_);
    receipt_ = check.Check(batch, log_.Answer(batch, "ehr")).value().receipts.at(0);
    leaves_ = log_.leaves();
    for (const auto& event : receipt_.events) {
      chains_[event.tag].push_back(event.index.value);
      AddStep(event.index.value, event.tag);
    }
  }
  // The chain steps as protocol.md P5.3 has them.
  void AddStep(std::uint64_t index, const audit::SubjectTag& tag) {
    Bytes step;
    AppendBe(step, index);
    Append(step, tag.span());
    steps_.Append(merkle::HashLeaf(step));
  }
  // CloseMap ends the log in a map root entry over the steps.
  void CloseMap() {
    map_.size = leaves_.size();
    map_.time = TestLog::Now();
    map_.updates = steps_.Root();
    leaves_.push_back(merkle::HashLeaf(map_.Encode()));
  }
  tlog::UpdateProof FilingOf(std::uint64_t position) const {
    return {{map_.size},
            map_.Encode(),
            position,
            steps_.size(),
            merkle::ProveInclusion({position}, steps_.size(), steps_).value()};
  }
  // HonestFilings is what a server proves that filed each event as it said.
  FilingOfEntry HonestFilings() {
    return [this](merkle::LeafIndex index) -> Result<std::optional<tlog::UpdateProof>> {
      return std::optional(FilingOf(index.value));
    };
  }
  PublishedTree Open() {
    LogFiles files = log_.Publish(leaves_);
    if (failure_) {
      files.tile = [this](const merkle::TileId&) -> Result<Bytes> { return *failure_; };
    }
    return PublishedTree::Open(std::move(files), pinned_, std::nullopt).value();
  }
  std::vector<Kind> Find(const std::string& line, Timestamp now = TestLog::Now()) {
    ReconcileOptions options;
    options.chain_of = [this](const audit::SubjectTag& tag) -> Result<std::vector<std::uint64_t>> {
      return chains_[tag];
    };
    return Find(line, std::move(options), now);
  }
  std::vector<Kind> Find(const std::string& line, ReconcileOptions options,
                         Timestamp now = TestLog::Now()) {
    std::vector<Kind> kinds;
    const PublishedTree tree = Open();
    Reconciler reconciler(
        pinned_, tree, now, [&](const ReceiptFinding& finding) { kinds.push_back(finding.kind); },
        std::move(options));
    EXPECT_TRUE(reconciler.Add(line).has_value());
    report_ = reconciler.report();
    return kinds;
  }
  // FindAt is Find where a server is asked where the events were filed.
  std::vector<Kind> FindAt(FilingOfEntry filing_of) {
    ReconcileOptions options;
    options.filing_of = std::move(filing_of);
    return Find(receipt_.ToLine(), std::move(options));
  }

  TestLog log_;
  const audit::PinnedLog pinned_ = log_.pinned();
  SystemRandom random_;
  KeptReceipt receipt_;
  std::vector<merkle::LeafHash> leaves_;
  std::map<audit::SubjectTag, std::vector<std::uint64_t>> chains_;
  merkle::MemoryTree steps_;
  tlog::MapRootEntry map_;
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

TEST_F(ReconcileTest, AServerProvesWhereItFiledEachEvent) {
  CloseMap();
  EXPECT_TRUE(FindAt(HonestFilings()).empty());
  EXPECT_EQ(report_.matching, 3u);
  EXPECT_EQ(report_.filing_unknown, 0u);
}

TEST_F(ReconcileTest, SaysWhatNobodyWasAskedAbout) {
  CloseMap();
  EXPECT_TRUE(Find(receipt_.ToLine(), ReconcileOptions()).empty());
  EXPECT_EQ(report_.matching, 3u);
  EXPECT_EQ(report_.filing_unknown, 3u);
}

TEST_F(ReconcileTest, SeesWhatAServerFiledUnderAnotherPatient) {
  steps_ = {};
  for (const auto& event : receipt_.events) AddStep(event.index.value, receipt_.events[0].tag);
  CloseMap();  // e2 is about p2, and stands in the chain of p1
  EXPECT_THAT(FindAt(HonestFilings()), ElementsAre(Kind::kMisfiled));
  EXPECT_EQ(report_.matching, 2u);
  EXPECT_EQ(report_.wrong, 1u);
}

TEST_F(ReconcileTest, AnEventWithoutAProofIsMisfiled) {
  CloseMap();
  const auto none = [](merkle::LeafIndex) -> Result<std::optional<tlog::UpdateProof>> {
    return std::optional<tlog::UpdateProof>();
  };
  EXPECT_THAT(FindAt(none), ElementsAre(Kind::kMisfiled, Kind::kMisfiled, Kind::kMisfiled));
}

TEST_F(ReconcileTest, AMapRootThatIsNotInTheLogProvesNothing) {
  CloseMap();
  const auto with = [this](const tlog::MapRootEntry& map) {
    return FindAt([this, map](merkle::LeafIndex index) {
      tlog::UpdateProof lie = FilingOf(index.value);
      lie.map_root = {map.size};
      lie.map_entry = map.Encode();
      return Result<std::optional<tlog::UpdateProof>>(lie);
    });
  };
  EXPECT_TRUE(with(map_).empty());
  // Made for this question: it says all that is wanted, and the log has another one.
  tlog::MapRootEntry made = map_;
  made.subjects += 1;
  EXPECT_THAT(with(made), Each(Kind::kMisfiled));
  EXPECT_EQ(report_.wrong, 3u);
  // Behind the checkpoint in hand.
  made = map_;
  made.size += 1;
  EXPECT_THAT(with(made), Each(Kind::kMisfiled));
  EXPECT_EQ(report_.wrong, 3u);
}

TEST_F(ReconcileTest, ARefusalToProveIsNoVerdict) {
  CloseMap();
  for (const Error& refusal : {PermissionDenied("not permitted"), NotFound("none"),
                               Unavailable("away"), VerificationFailed("another server")}) {
    const auto from_the_second = [this, refusal](merkle::LeafIndex index) {
      return index.value == 0 ? Result<std::optional<tlog::UpdateProof>>(FilingOf(0))
                              : Result<std::optional<tlog::UpdateProof>>(refusal);
    };
    EXPECT_THAT(FindAt(from_the_second), ElementsAre(Kind::kUnreadable, Kind::kUnreadable));
    EXPECT_EQ(report_.matching, 1u);
    EXPECT_EQ(report_.wrong, 0u);
    EXPECT_EQ(report_.unreadable, 2u);
  }
}

TEST_F(ReconcileTest, ComparesWhatIsDrawnOnly) {
  leaves_[0].data()[0] ^= 1;
  leaves_[1].data()[0] ^= 1;
  ReconcileOptions options;
  options.is_drawn = [n = 0]() mutable { return n++ % 2 == 1; };
  EXPECT_THAT(Find(receipt_.ToLine(), std::move(options)), ElementsAre(Kind::kAltered));
  EXPECT_EQ(report_.events, 3u);
  EXPECT_EQ(report_.drawn, 1u);
  EXPECT_EQ(report_.matching, 0u);
}

TEST_F(ReconcileTest, SaysNothingWhenTheServerIsAway) {
  failure_ = Unavailable("away");
  const PublishedTree tree = Open();
  Reconciler reconciler(pinned_, tree, TestLog::Now(), {});
  EXPECT_EQ(reconciler.Add(receipt_.ToLine()).error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace salus::client
