#include "audit/verified_readers.h"

#include <gtest/gtest.h>

#include "audit/directory.h"

namespace salus::audit {
namespace {

class VerifiedReadersTest : public testing::Test {
 protected:
  VerifiedEntry Policy(EventType type, Bytes content) {
    return {.index = {next_++},
            .kind = tlog::EntryKind::kPolicy,
            .logged = {},
            .type = type,
            .plaintext = std::move(content),
            .grant = std::nullopt};
  }
  void AddMandate(const std::string& auditor, std::uint32_t from, std::optional<Day> until,
                  bool is_removed = false) {
    history_.others.push_back(
        Policy(EventType::kMandateSet, EncodeMandateNotice({.auditor = auditor,
                                                            .auditor_name = "A",
                                                            .from = FromUnixDay(from),
                                                            .until = until,
                                                            .purpose = "review",
                                                            .mandate_tag = {},
                                                            .mandate_proof = {},
                                                            .is_removed = is_removed,
                                                            .key = key_.public_key()})));
  }
  void AddGrant(std::uint32_t day, const std::string& auditor) {
    VerifiedEntry entry = Policy({}, {});
    entry.kind = tlog::EntryKind::kGrant;
    entry.grant.emplace();
    entry.grant->day = day;
    entry.grant->readers = {Subject{SubjectKind::kPatient, "", "p"},
                            Subject{SubjectKind::kAuditor, "", auditor}, std::nullopt};
    history_.others.push_back(std::move(entry));
  }
  ErrorCode Verdict() {
    const auto readers = VerifiedReaders(history_);
    EXPECT_FALSE(readers.has_value());
    return readers ? ErrorCode::kInternal : readers.error().code;
  }

  std::uint64_t next_ = 1;
  crypto::P256PrivateKey key_ = crypto::P256PrivateKey::Generate();
  VerifiedHistory history_;
};

TEST_F(VerifiedReadersTest, TheNewestMandateOfEachCounts) {
  EXPECT_TRUE(VerifiedReaders(history_).value().empty());
  AddMandate("b", 100, std::nullopt);
  AddMandate("a", 100, std::nullopt);
  AddMandate("b", 101, FromUnixDay(103));
  AddMandate("a", 102, std::nullopt, true);
  history_.others.push_back(
      Policy(EventType::kDaysShared,
             EncodeSharedDaysNotice({"a", FromUnixDay(1), FromUnixDay(2), "jwe"})));
  const auto readers = VerifiedReaders(history_).value();
  ASSERT_EQ(readers.size(), 2u);
  EXPECT_EQ(readers[0].auditor, "a");
  EXPECT_FALSE(readers[0].has_mandate);
  ASSERT_EQ(readers[0].shared.size(), 1u);
  EXPECT_EQ(readers[0].shared[0].to, FromUnixDay(2));
  EXPECT_EQ(readers[1].auditor, "b");
  EXPECT_TRUE(readers[1].has_mandate);
  EXPECT_EQ(readers[1].from, FromUnixDay(101));
  EXPECT_EQ(readers[1].until, FromUnixDay(103));
  EXPECT_EQ(readers[1].entry.value, 3u);
  EXPECT_TRUE(*readers[1].key == key_.public_key());
}

TEST_F(VerifiedReadersTest, WhoeverWasGivenKeysStays) {
  AddMandate("a", 100, FromUnixDay(200));
  AddGrant(100, "a");
  AddGrant(102, "a");
  AddMandate("a", 103, std::nullopt, true);
  AddMandate("b", 100, FromUnixDay(101));
  AddMandate("b", 103, std::nullopt, true);
  const auto readers = VerifiedReaders(history_).value();
  ASSERT_EQ(readers.size(), 2u);
  EXPECT_FALSE(readers[0].has_mandate);
  EXPECT_EQ(readers[0].from, FromUnixDay(100));
  EXPECT_EQ(readers[0].until, FromUnixDay(103));
  EXPECT_EQ(readers[0].keys, std::pair(FromUnixDay(100), FromUnixDay(102)));
  EXPECT_EQ(readers[1].until, FromUnixDay(101));
  EXPECT_FALSE(readers[1].keys);
}

TEST_F(VerifiedReadersTest, CustodiansHeldTheKeyUntilThePatientHadOne) {
  history_.others.push_back(Policy(EventType::kCustodyShare, {}));
  history_.others.push_back(Policy(EventType::kCustodyShare, {}));
  history_.others.push_back(Policy(EventType::kPatientRegistered, {}));
  auto readers = VerifiedReaders(history_).value();
  ASSERT_EQ(readers.size(), 1u);
  EXPECT_EQ(readers[0].auditor, "");
  EXPECT_FALSE(readers[0].until);
  AddGrant(107, "p");
  history_.others.back().grant->readers.resize(1);
  PatientRow row;
  row.subject = {SubjectKind::kPatient, "", "p"};
  row.key = key_.public_key();
  history_.others.push_back(Policy(EventType::kPatientRegistered, EncodeRow(row)));
  AddGrant(108, "p");
  history_.others.back().grant->readers.resize(1);
  readers = VerifiedReaders(history_).value();
  ASSERT_EQ(readers.size(), 1u);
  EXPECT_EQ(readers[0].until, FromUnixDay(107));
}

TEST_F(VerifiedReadersTest, AKeyIsGivenOnlyUnderAMandate) {
  AddMandate("a", 100, FromUnixDay(102));
  AddGrant(100, "a");
  AddGrant(102, "a");
  EXPECT_TRUE(VerifiedReaders(history_).has_value());
  AddGrant(103, "a");
  EXPECT_EQ(Verdict(), ErrorCode::kVerificationFailed);
  history_.others.pop_back();
  AddGrant(101, "stranger");
  EXPECT_EQ(Verdict(), ErrorCode::kVerificationFailed);
  history_.others.pop_back();
  AddMandate("a", 101, std::nullopt, true);
  AddGrant(101, "a");
  EXPECT_EQ(Verdict(), ErrorCode::kVerificationFailed);
}

TEST_F(VerifiedReadersTest, AMandateFromBeforeThePatientsKeyCantBeJudged) {
  history_.others.push_back(Policy(EventType::kMandateSet, {}));
  AddGrant(101, "a");
  const auto readers = VerifiedReaders(history_);
  ASSERT_TRUE(readers.has_value());
  ASSERT_EQ(readers->size(), 1u);
  EXPECT_TRUE(readers->front().has_mandate);
  EXPECT_EQ(readers->front().from, FromUnixDay(101));
  EXPECT_FALSE(readers->front().key.has_value());
}

TEST_F(VerifiedReadersTest, RefusesWhatIsNoNotice) {
  history_.others.push_back(Policy(EventType::kMandateSet, Bytes{1}));
  EXPECT_EQ(Verdict(), ErrorCode::kVerificationFailed);
  history_.others.back().type = EventType::kDaysShared;
  EXPECT_EQ(Verdict(), ErrorCode::kVerificationFailed);
}

TEST_F(VerifiedReadersTest, AnAuditorSeesWhichKeyThePatientWasTold) {
  const crypto::P256PrivateKey other = crypto::P256PrivateKey::Generate();
  ReaderKeys keys;
  keys.reader = {SubjectKind::kAuditor, "", "a"};
  keys.own_key = &other;
  AddMandate("b", 100, std::nullopt);
  EXPECT_FALSE(OtherKeyTold(history_, keys).has_value());
  AddMandate("a", 100, std::nullopt);
  EXPECT_EQ(OtherKeyTold(history_, keys), merkle::LeafIndex{2});
  keys.own_key = &key_;
  EXPECT_FALSE(OtherKeyTold(history_, keys).has_value());
}

}  // namespace
}  // namespace salus::audit
