#include "client/published_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/entry.h"
#include "base/endian.h"
#include "client/test_log.h"
#include "codec/cbor.h"
#include "merkle/compact_range.h"
#include "merkle/map.h"
#include "tlog/map_root_entry.h"

namespace salus::client {
namespace {

using testing::HasSubstr;
using tlog::EntryKind;

constexpr char kOrigin[] = "test.example/log";

// A log of its entries and of who each is filed under; its map roots are literally P4.2 and P5.3.
class PublishedCheckTest : public testing::Test {
 protected:
  struct Subject {
    merkle::SubjectTag tag;
    merkle::MapValue value;
  };

  PublishedCheckTest() {
    const audit::PinnedLog log = log_.pinned();
    entries_.push_back(audit::EncodeGenesis({.origin = log.origin,
                                             .log_key = log.log_vkey,
                                             .receipt_key = log.receipt_vkey,
                                             .vrf_key = log.vrf_key.bytes(),
                                             .predecessor = {},
                                             .predecessor_checkpoint = {},
                                             .index_check = {}}));
    filed_.push_back(std::nullopt);
    for (std::uint8_t i = 0; i < 2; ++i) {
      subjects_[i].tag.data()[0] = static_cast<std::uint8_t>(i + 1);
      subjects_[i].value.head = merkle::ChainHead0(kOrigin, subjects_[i].tag);
    }
    for (const int subject : {0, 1, 0}) Add(subject);
    Close();
    for (const int subject : {1, 1}) Add(subject);
    Close();
  }

  void Step(Subject& subject, std::uint64_t index, const merkle::LeafHash& leaf) {
    if (subject.value.count++ == 0) ++with_steps_;
    subject.value.head = merkle::ChainStep(subject.value.head, {index}, leaf);
    map_.Apply({{{merkle::PositionOf(subject.tag), subject.value}}});
    Bytes update;
    AppendBe(update, index);
    Append(update, subject.tag.span());
    updates_.push_back(merkle::HashLeaf(update));
  }

  void Add(int subject) {
    Bytes entry;
    const audit::EpochKey key = audit::EpochKey::Generate(random_);
    sealer_.SealEvent(key, audit::SealingAad(kOrigin, subjects_[subject].tag), Bytes(256, 7),
                      entry);
    Step(subjects_[subject], entries_.size(), merkle::HashLeaf(entry));
    entries_.push_back(entry);
    filed_.push_back(subjects_[subject].tag);
  }

  void Close() {
    const tlog::MapRootEntry map{.size = entries_.size(),
                                 .time = TestLog::Now() + std::chrono::seconds(entries_.size()),
                                 .map_root = map_.root(),
                                 .subjects = with_steps_,
                                 .updates = merkle::RootOf(updates_)};
    entries_.push_back(map.Encode());
    filed_.push_back(std::nullopt);
    updates_.clear();
  }

  Result<PublishedReport> Check() {
    std::vector<merkle::LeafHash> leaves;
    for (const Bytes& entry : entries_) leaves.push_back(merkle::HashLeaf(entry));
    const LogFiles files = log_.Publish(leaves);
    const audit::PinnedLog pinned = log_.pinned();
    TRY(const PublishedTree tree, PublishedTree::Open(files, pinned, std::nullopt));
    PublishedFiles shown;
    shown.tile = files.tile;
    shown.bundle = [&](const merkle::TileId& id) -> Result<Bytes> {
      if (!shows_entries_) return PermissionDenied("no");
      Bytes bundle;
      for (std::size_t i = 0; i < id.width; ++i) {
        TRY_VOID(merkle::AppendBundleEntry(bundle, shown_[i]));
      }
      return bundle;
    };
    shown.updates = [&](std::uint64_t first, std::uint64_t last) -> Result<Bytes> {
      if (!shows_steps_) return PermissionDenied("no");
      return Updates(first, last);
    };
    if (shown_.empty()) shown_ = entries_;
    return CheckPublished(shown, pinned, tree, [](std::uint64_t) {});
  }

  Bytes Updates(std::uint64_t first, std::uint64_t last) const {
    Bytes bytes;
    for (std::uint64_t i = first; i <= last; ++i) {
      if (!filed_[i]) continue;
      codec::CborWriter writer(bytes);
      writer.Array(2);
      writer.Uint(i);
      writer.ByteString(filed_[i]->span());
    }
    return bytes;
  }

  void ExpectTampered(const char* text) {
    const auto report = Check();
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, ErrorCode::kVerificationFailed);
    EXPECT_THAT(report.error().message, HasSubstr(text));
  }

  TestLog log_;
  SystemRandom random_;
  audit::Sealer sealer_{random_};
  std::array<Subject, 2> subjects_;
  merkle::MapTree map_;
  std::uint64_t with_steps_ = 0;
  std::vector<merkle::LeafHash> updates_;
  std::vector<Bytes> entries_;  // as signed
  std::vector<Bytes> shown_;    // as shown; empty: as signed
  std::vector<std::optional<merkle::SubjectTag>> filed_;
  bool shows_entries_ = true;
  bool shows_steps_ = true;
};

TEST_F(PublishedCheckTest, ReplaysTheMap) {
  const auto report = Check();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->entries, entries_.size());
  EXPECT_EQ(report->map_roots, 2u);
  EXPECT_EQ(report->subjects, 2u);
}

TEST_F(PublishedCheckTest, SaysWhatIsNotShown) {
  shows_steps_ = false;
  const auto entries = Check();
  ASSERT_TRUE(entries) << entries.error().message;
  EXPECT_TRUE(entries->shows_entries);
  EXPECT_FALSE(entries->shows_steps);
  EXPECT_EQ(entries->map_roots, 0u);
  shows_entries_ = false;
  const auto hashes = Check();
  ASSERT_TRUE(hashes) << hashes.error().message;
  EXPECT_FALSE(hashes->shows_entries);
  EXPECT_EQ(hashes->entries, 0u);
}

TEST_F(PublishedCheckTest, SeesAnEntryFiledUnderAnother) {
  filed_[2] = subjects_[0].tag;
  ExpectTampered("the map root in entry 4");
}

TEST_F(PublishedCheckTest, SeesAnEntryFiledUnderNobody) {
  filed_[2] = std::nullopt;
  ExpectTampered("entry 2 is about a subject, and is filed under none");
}

TEST_F(PublishedCheckTest, SeesAMapRootThatIsFiled) {
  filed_[4] = subjects_[0].tag;
  ExpectTampered("entry 4 is filed under a subject, and is about none");
}

TEST_F(PublishedCheckTest, SeesAnotherEntryThanTheSignedOne) {
  shown_ = entries_;
  shown_[5].back() ^= 1;
  ExpectTampered("entry 5 is not the one that was signed");
}

TEST_F(PublishedCheckTest, SeesAMapThatWasReset) {
  map_ = merkle::MapTree();
  subjects_[1].value = {0, merkle::ChainHead0(kOrigin, subjects_[1].tag)};
  Add(1);
  Close();
  ExpectTampered("a subject's count or head was set otherwise");
}

TEST_F(PublishedCheckTest, SeesAMapRootOfAnEarlierTime) {
  entries_.pop_back();
  entries_.push_back(tlog::MapRootEntry{
      .size = entries_.size(),
      .time = TestLog::Now(),
      .map_root = map_.root(),
      .subjects = 2,
      .updates = {}}.Encode());
  ExpectTampered("older than the one before it");
}

TEST_F(PublishedCheckTest, SeesALogThatIsNotThePinnedOne) {
  entries_[0] = audit::EncodeGenesis({.origin = kOrigin,
                                      .log_key = TestLog().pinned().log_vkey,
                                      .receipt_key = log_.pinned().receipt_vkey,
                                      .vrf_key = log_.pinned().vrf_key.bytes(),
                                      .predecessor = {},
                                      .predecessor_checkpoint = {},
                                      .index_check = {}});
  ExpectTampered("does not name the origin and the keys that are pinned");
}

TEST_F(PublishedCheckTest, TheFirstEntryIsTheTreesAndThePinnedLogs) {
  const audit::PinnedLog pinned = log_.pinned();
  const auto tree = PublishedTree::Open(
      log_.Publish({merkle::HashLeaf(entries_[0]), merkle::HashLeaf(entries_[1])}), pinned,
      std::nullopt);
  ASSERT_TRUE(tree);
  EXPECT_TRUE(CheckFirstEntry(*tree, pinned, entries_[0]));
  EXPECT_FALSE(CheckFirstEntry(*tree, pinned, entries_[1]));
  audit::PinnedLog other = pinned;
  other.vrf_key = TestLog().pinned().vrf_key;
  EXPECT_EQ(CheckFirstEntry(*tree, other, entries_[0]).error().code,
            ErrorCode::kVerificationFailed);
}

TEST_F(PublishedCheckTest, ChainStepsRiseWithinTheirRange) {
  const Bytes bytes = Updates(1, 6);
  ASSERT_TRUE(ParseUpdates(bytes, 1, 6));
  EXPECT_EQ(ParseUpdates(bytes, 1, 6)->size(), 5u);
  EXPECT_FALSE(ParseUpdates(bytes, 2, 6));
  EXPECT_FALSE(ParseUpdates(bytes, 1, 5));
  EXPECT_FALSE(ParseUpdates(ByteSpan(bytes).first(bytes.size() - 1), 1, 6));
  Bytes twice = Updates(1, 1);
  Append(twice, Updates(1, 1));
  EXPECT_FALSE(ParseUpdates(twice, 1, 6));
  EXPECT_TRUE(ParseUpdates({}, 1, 6)->empty());
}

}  // namespace
}  // namespace salus::client
