// What a commit wrote is read back and opened, whatever kind its entries are, before anybody is
// told that it is there.
#include "audit/read_back.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "audit/audit_fixture.h"
#include "audit/grant.h"
#include "base/check.h"
#include "merkle/hash.h"

namespace salus::audit {
namespace {

constexpr char kStops[] = "does not read back as it was written";
// BASE64URL({"enc":"A256GCM"}): stands in each grant and in nothing else.
constexpr std::string_view kGrantHeader = "eyJlbmMiOiJBMjU2R0NNIn0";
// A frame ends in its hash, its last record in a hash of its own; before them the entry's bytes.
constexpr std::size_t kBehindLastEntry = 32 + 16 + 40;

enum class Flip { kLastEntry, kGrant };

// ReadBackTest flips one bit of what the next commit wrote, when it is read for the first time.
class ReadBackTest : public AuditFixture, public testing::Test {
 protected:
  ReadBackTest() {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    Register(anna);
  }

  void FlipWhenRead(Flip where) {
    before_ = fs.Content(Segment());
    disk.OnCall([this, where](storage::FileOperation operation, std::uint64_t) {
      if (operation != storage::FileOperation::kRead || is_flipped_) return;
      Bytes now = fs.Content(Segment());
      if (now == before_) return;
      is_flipped_ = true;
      FlipIn(now, where);
      fs.SetContent(Segment(), now);
    });
  }

  const Person anna = MakePatient("anna");

 private:
  std::string Segment() { return "log/segments/" + (*fs.List("log/segments"))[0]; }

  void FlipIn(Bytes& now, Flip where) const {
    const auto first = std::mismatch(now.begin(), now.end(), before_.begin(), before_.end()).first;
    if (where == Flip::kGrant) {
      const auto header = std::search(first, now.end(), kGrantHeader.begin(), kGrantHeader.end());
      CHECK(header != now.end());
      *(header + 200) ^= 1;
      return;
    }
    auto last = now.end();
    while (*(last - 1) == 0) --last;
    *(last - kBehindLastEntry) ^= 1;
  }

  Bytes before_;
  bool is_flipped_ = false;
};

TEST_F(ReadBackTest, AnEventThatReadsBackOtherwiseStopsTheProcess) {
  Events(anna.subject, 1);
  EXPECT_DEATH(
      {
        FlipWhenRead(Flip::kLastEntry);
        Events(anna.subject, 1);
      },
      kStops);
}

TEST_F(ReadBackTest, ASealedPolicyThatReadsBackOtherwiseStopsTheProcess) {
  EXPECT_DEATH(
      {
        FlipWhenRead(Flip::kLastEntry);
        Register(anna);
      },
      kStops);
}

TEST_F(ReadBackTest, AnEntryInClearThatReadsBackOtherwiseStopsTheProcess) {
  EXPECT_DEATH(
      {
        FlipWhenRead(Flip::kLastEntry);
        const Bytes clear(120, 0x00);  // CBOR: 0; the rest makes it no item, and nobody minds
        (void)recorder->RecordClear(tlog::EntryKind::kCertificate, EventType::kCertificateIssued,
                                    clear);
      },
      kStops);
}

TEST_F(ReadBackTest, AQueryThatReadsBackOtherwiseStopsTheProcess) {
  EXPECT_DEATH(
      {
        FlipWhenRead(Flip::kLastEntry);
        (void)recorder->RecordQuery({anna.subject, anna.subject, "own", clock.Now(), clock.Now()});
      },
      kStops);
}

TEST_F(ReadBackTest, AGrantThatReadsBackOtherwiseStopsTheProcess) {
  // Of an event's commit, and of a policy entry's.
  EXPECT_DEATH(
      {
        recorder->ForgetSubject(anna.subject);
        FlipWhenRead(Flip::kGrant);
        Events(anna.subject, 1);
      },
      kStops);
  EXPECT_DEATH(
      {
        FlipWhenRead(Flip::kGrant);
        Register(anna);
      },
      kStops);
}

// As it reads back, a submission is right; that it opens is for `open` and `check` to say.
TEST_F(ReadBackTest, WhatDoesNotOpenIsAnErrorAlthoughItsBytesAreRight) {
  auto grant = std::make_shared<tlog::PendingGrant>();
  grant->entry = ToBytes("\x82\x02grant");
  grant->leaf_hash = merkle::HashLeaf(grant->entry);
  grant->subject = log->subjects().Register(recorder->TagOf(anna.subject).tag);
  grant->policy_index = log->subjects().at(grant->subject).last_policy;
  int opened = 0;
  bool is_good = true;
  grant->check = [&](ByteSpan) {
    return is_good ? Result<void>() : Result<void>(VerificationFailed("does not open"));
  };
  auto submission = std::make_unique<tlog::Submission>();
  submission->arena = EncodeOther(tlog::EntryKind::kPolicy, {.type = EventType::kCustodyShare,
                                                             .about_subject = true,
                                                             .row_digest = std::nullopt,
                                                             .sealed = std::nullopt,
                                                             .clear = Bytes{0xa0}});
  tlog::NewEntry entry;
  entry.size = submission->arena.size();
  entry.leaf_hash = merkle::HashLeaf(submission->arena);
  entry.subject = grant->subject;
  entry.grant = grant.get();
  submission->grants.push_back(grant);
  submission->entries.push_back(entry);
  submission = log->SubmitAndWait(std::move(submission));
  ASSERT_TRUE(submission->status);
  const auto open = [&](std::size_t, const EntryView& read) -> Result<void> {
    ++opened;
    return read.other ? Result<void>() : Result<void>(Corruption("another kind"));
  };
  EXPECT_TRUE(ReadBack(*log, *submission, open));
  EXPECT_EQ(opened, 1);
  is_good = false;
  EXPECT_FALSE(ReadBack(*log, *submission, open));
  is_good = true;
  submission->arena.back() ^= 1;
  EXPECT_FALSE(ReadBack(*log, *submission, open));
}

TEST_F(ReadBackTest, AGrantOpensWithItsContentKeyAlone) {
  SecretArray<32> key;
  const SubjectTag tag = recorder->TagOf(anna.subject).tag;
  const auto sealed = SealGrant(origin, GrantType::kEpochKey, key, tag, DayOf(clock.Now()),
                                anna.subject, anna.key.public_key(), {}, 7, random);
  ASSERT_TRUE(sealed);
  const auto view = ParseEntry(sealed->entry);
  ASSERT_TRUE(view);
  const auto opened = OpenGrantContent(origin, *view->grant, tag, sealed->content_key);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->policy_index, 7u);
  EXPECT_FALSE(OpenGrantContent(origin, *view->grant, tag, SecretArray<32>()));
}

}  // namespace
}  // namespace salus::audit
