#include "tlog/update_proof.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "merkle/hash.h"
#include "tlog/log_fixture.h"
#include "tlog/update_prover.h"

namespace salus::tlog {
namespace {

class UpdateProofTest : public testing::Test, public LogFixture {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Create(fs));
    log = *Open(fs);
  }

  LeafIndex Log1(std::uint64_t subject) {
    auto done = log->SubmitAndWait(Event(*log, subject, ++events));
    EXPECT_TRUE(done->status) << done->status.error().message;
    tags[done->outcomes[0].index.value] = TagOf(subject);
    return done->outcomes[0].index;
  }
  // A commit of several entries at once.
  void LogMany(std::uint64_t subject, int count) {
    auto all = Event(*log, subject, ++events);
    for (int i = 1; i < count; ++i) {
      NewEntry entry = all->entries[0];
      entry.repeat = KeyOf(++events, 0);
      all->entries.push_back(std::move(entry));
    }
    const auto done = log->SubmitAndWait(std::move(all));
    ASSERT_TRUE(done->status);
    for (const Outcome& outcome : done->outcomes) tags[outcome.index.value] = TagOf(subject);
  }
  UpdateProof Prove(const UpdateProver& prover, std::uint64_t index) {
    auto proof = prover.Prove(LeafIndex{index});
    EXPECT_TRUE(proof.has_value()) << proof.error().message;
    EXPECT_TRUE(proof->has_value()) << index;
    return proof.has_value() && *proof ? **proof : UpdateProof();
  }

  storage::MemoryFileSystem fs;
  std::unique_ptr<Log> log;
  std::uint64_t events = 0;
  std::map<std::uint64_t, SubjectTag> tags;  // of the events
};

// The map root entry is the sequencer's, made as it stepped the chains.
TEST_F(UpdateProofTest, EveryStepIsStatedByTheNextMapRoot) {
  const UpdateProver prover(*log);
  for (int block = 0; block < 12; ++block) {
    Log1(1);
    LogMany(2 + block % 3, 1 + block * 3);
    Log1(1);
    const LeafIndex last = Log1(7);
    EXPECT_EQ(prover.Prove(last).error().code, ErrorCode::kNotFound);
    ASSERT_TRUE(log->MakeCheckpoint());
  }
  ASSERT_TRUE(log->MakeCheckpoint());  // one that states nothing
  std::vector<std::uint64_t> order;
  for (const auto& [index, tag] : tags) order.push_back(index);
  const auto check_all = [&] {
    for (const std::uint64_t index : order) {
      const UpdateProof proof = Prove(prover, index);
      EXPECT_TRUE(proof.Verify(LeafIndex{index}, tags[index])) << index;
      const auto entry = log->ReadEntry(proof.map_root);
      ASSERT_TRUE(entry.has_value());
      EXPECT_EQ(entry->entry, proof.map_entry);
      // The first one behind it.
      EXPECT_TRUE(log->Scan(index, proof.map_root.value, [](const storage::RecordView& record) {
        EXPECT_NE(KindOf(record.payload), EntryKind::kMapRoot);
        return Result<void>();
      }));
    }
  };
  check_all();
  std::reverse(order.begin(), order.end());  // across more blocks than are kept
  check_all();
}

TEST_F(UpdateProofTest, WhatStepsNoChainHasNone) {
  Log1(1);
  ASSERT_TRUE(log->MakeCheckpoint());
  const UpdateProver prover(*log);
  for (const std::uint64_t index : {std::uint64_t{0}, log->record_count() - 1}) {
    const auto proof = prover.Prove(LeafIndex{index});
    ASSERT_TRUE(proof.has_value()) << proof.error().message;
    EXPECT_FALSE(proof->has_value());
  }
  EXPECT_EQ(prover.Prove(LeafIndex{log->record_count()}).error().code, ErrorCode::kNotFound);
}

// What a server could show for an entry that it filed under another subject.
class UpdateLieTest : public UpdateProofTest {
 protected:
  void SetUp() override {
    UpdateProofTest::SetUp();
    Log1(3);
    ASSERT_TRUE(log->MakeCheckpoint());
    LogMany(1, 5);
    index = Log1(2);
    Log1(4);
    ASSERT_TRUE(log->MakeCheckpoint());
    proof = Prove(UpdateProver(*log), index.value);
    ASSERT_TRUE(proof.Verify(index, TagOf(2)));
  }
  void ExpectRefused(const UpdateProof& lie) {
    const auto verified = lie.Verify(index, TagOf(2));
    ASSERT_FALSE(verified.has_value());
    EXPECT_EQ(verified.error().code, ErrorCode::kVerificationFailed);
  }
  void SetPath(UpdateProof& lie, std::vector<merkle::NodeHash> hashes) {
    lie.path = merkle::InclusionProof::FromHashes(std::move(hashes)).value();
  }

  LeafIndex index;
  UpdateProof proof;
};

TEST_F(UpdateLieTest, AnotherTagOrIndexIsNotStated) {
  EXPECT_EQ(proof.Verify(index, TagOf(1)).error().code, ErrorCode::kVerificationFailed);
  for (const auto& [other, tag] : tags) {
    if (other == index.value) continue;
    EXPECT_FALSE(proof.Verify(LeafIndex{other}, TagOf(2)));
    ExpectRefused(Prove(UpdateProver(*log), other));
  }
}

TEST_F(UpdateLieTest, AMapRootMustBeOneAtItsPlaceAndBehindTheEntry) {
  UpdateProof lie = proof;
  lie.map_root.value += 1;
  ExpectRefused(lie);
  lie = proof;
  lie.map_entry.back() ^= 1;
  ExpectRefused(lie);
  lie.map_entry = ToBytes("\x82\x03");
  ExpectRefused(lie);
  lie.map_entry.clear();
  ExpectRefused(lie);
  // One before the entry that states it: the server wrote it before it filed the entry.
  MapRootEntry early = *MapRootEntry::Parse(proof.map_entry);
  early.size = index.value - 1;
  lie = proof;
  lie.map_root = LeafIndex{early.size};
  lie.map_entry = early.Encode();
  ExpectRefused(lie);
  early.size = index.value;
  lie.map_root = index;
  lie.map_entry = early.Encode();
  ExpectRefused(lie);
}

TEST_F(UpdateLieTest, APathOfAnotherLengthOrShapeLeadsNowhere) {
  const std::vector<merkle::NodeHash>& hashes = proof.path.hashes();
  ASSERT_GE(hashes.size(), 2u);
  UpdateProof lie = proof;
  SetPath(lie, {hashes.begin(), hashes.end() - 1});
  ExpectRefused(lie);
  SetPath(lie, {hashes.begin() + 1, hashes.end()});
  ExpectRefused(lie);
  SetPath(lie, {});
  ExpectRefused(lie);
  std::vector<merkle::NodeHash> longer = hashes;
  longer.push_back(hashes.front());
  SetPath(lie, longer);
  ExpectRefused(lie);
  // The numbers that would make the shorter and the longer path the right length.
  for (std::uint64_t steps = 0; steps < 64; ++steps) {
    for (std::uint64_t position = 0; position <= steps; ++position) {
      lie.steps = TreeSize{steps};
      lie.position = position;
      for (const auto& path : {std::vector(hashes.begin(), hashes.end() - 1), longer}) {
        SetPath(lie, path);
        ExpectRefused(lie);
      }
    }
  }
}

}  // namespace
}  // namespace salus::tlog
