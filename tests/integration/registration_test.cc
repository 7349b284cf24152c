// Who is registered, when two register at once, when a crash comes between an entry and its row,
// and when somebody changed control.db.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <future>

#include "node_fixture.h"
#include "storage/database.h"

namespace salus::integration {
namespace {

using audit::PatientRow;
using audit::Subject;

class RegistrationTest : public testing::Test {
 protected:
  static constexpr int kPatients = 3;

  // Change runs SQL on control.db, as somebody with the disk could, and opens the node again.
  void Change(const std::string& sql) {
    fixture_.Close();
    ChangeClosed(sql);
    fixture_.Open();
  }
  void ChangeClosed(const std::string& sql) {
    auto database = storage::Database::Open(fixture_.directory + "/control.db",
                                            storage::DatabaseAccess::kReadWrite);
    ASSERT_TRUE(database) << database.error().message;
    const Result<void> changed = database->Execute(sql);
    ASSERT_TRUE(changed) << changed.error().message;
  }
  std::optional<PatientRow> Row(int i) {
    return fixture_.node->directory().FindPatient(NodeFixture::Patient(i));
  }
  PatientRow WithKey(int i) {
    PatientRow row;
    row.subject = NodeFixture::Patient(i);
    row.key = crypto::P256PrivateKey::Generate().public_key();
    return row;
  }

  // Patient 0's events are refused, with what to do, patient 1's go on; nobody registers patient 0
  // without a key.
  void ExpectOnlyPatient0IsRefused() {
    EXPECT_FALSE(Row(0));
    auto batch = fixture_.Send(fixture_.Line(0, next_) + fixture_.Line(1, next_ + 1));
    next_ += 2;
    ASSERT_TRUE(batch) << batch.error().message;
    ASSERT_EQ(batch->lines.size(), 2u);
    ASSERT_FALSE(batch->lines[0].outcome);
    EXPECT_EQ(batch->lines[0].outcome.error().message,
              "the registration row of a patient is missing or altered: salus audit verify --data; "
              "restore control.db");
    EXPECT_TRUE(batch->lines[1].outcome);
    PatientRow without_key;
    without_key.subject = NodeFixture::Patient(0);
    EXPECT_FALSE(fixture_.node->PutPatient(without_key));
    EXPECT_FALSE(Row(0));
    EXPECT_TRUE(fixture_.node->directory().SharesOf(NodeFixture::Patient(0)).empty());
  }

  NodeFixture fixture_{kPatients};
  std::uint64_t next_ = 1000;
};

constexpr char kPatient0[] = "kind = 1 AND key LIKE '%patient-0'";

TEST_F(RegistrationTest, AKeyIsNotLostToASourceThatNamesThePatientFirst) {
  for (int round = 0; round < Rounds(60, 1000); ++round) {
    const int patient = kPatients + round;
    const PatientRow row = WithKey(patient);
    auto put = std::async(std::launch::async, [&] { return fixture_.node->PutPatient(row); });
    const auto batch = fixture_.Send(fixture_.Line(patient, next_++));
    ASSERT_TRUE(put.get());
    ASSERT_TRUE(batch && batch->lines.at(0).outcome);
    const auto found = Row(patient);
    ASSERT_TRUE(found && found->key) << "round " << round;
    EXPECT_EQ(*found->key, *row.key);
    // Whoever came second kept what the first one brought.
    const bool is_in_custody = found->custody_key.has_value();
    EXPECT_EQ(fixture_.node->directory().SharesOf(row.subject).size(), is_in_custody ? 2u : 0u);
  }
}

TEST_F(RegistrationTest, ADeletedRowIsNoNewPatient) {
  Change(fmt::format("DELETE FROM rows WHERE {}", kPatient0));
  ExpectOnlyPatient0IsRefused();
}

TEST_F(RegistrationTest, AnAlteredRowIsNoNewPatient) {
  Change(fmt::format("UPDATE rows SET content = zeroblob(20) WHERE {}", kPatient0));
  ExpectOnlyPatient0IsRefused();
}

TEST_F(RegistrationTest, AnOldRowIsNotUsed) {
  fixture_.Close();
  ChangeClosed(fmt::format("CREATE TABLE old AS SELECT * FROM rows WHERE {}", kPatient0));
  fixture_.Open();
  ASSERT_TRUE(fixture_.node->PutPatient(WithKey(0)));
  Change(fmt::format("DELETE FROM rows WHERE {}; INSERT INTO rows SELECT * FROM old", kPatient0));
  ExpectOnlyPatient0IsRefused();
}

TEST_F(RegistrationTest, ARowFromBeforeAMandateIsOld) {
  fixture_.Close();
  ChangeClosed(fmt::format("CREATE TABLE old AS SELECT * FROM rows WHERE {}", kPatient0));
  fixture_.Open();
  ASSERT_TRUE(
      fixture_.node->PutMandate("auditor-a", std::vector{NodeFixture::Patient(0)}, "q", {}, {}));
  ASSERT_TRUE(Row(0));
  Change(fmt::format("DELETE FROM rows WHERE {}; INSERT INTO rows SELECT * FROM old", kPatient0));
  ExpectOnlyPatient0IsRefused();
}

// The state that a crash between an entry and its row leaves: the row is still an intent.
TEST_F(RegistrationTest, ACrashBetweenEntryAndRowLosesNothing) {
  const auto before = Row(0);
  ASSERT_TRUE(before);
  ASSERT_TRUE(fixture_.Send(fixture_.Line(kPatients, next_++)));  // into custody
  Change("INSERT INTO intents SELECT kind, key, content, 0, salt FROM rows; DELETE FROM rows");
  const auto after = Row(0);
  ASSERT_TRUE(after && after->key);
  EXPECT_EQ(*after->key, *before->key);
  EXPECT_EQ(after->origin.entry_index, before->origin.entry_index);
  EXPECT_EQ(fixture_.node->directory().SharesOf(NodeFixture::Patient(kPatients)).size(), 2u);
  EXPECT_TRUE(fixture_.node->directory().FindMandate("auditor-b"));
  EXPECT_TRUE(fixture_.node->directory().FindSource(NodeFixture::kSource));
  // They are rows now: nothing is left to be found.
  fixture_.Open();
  EXPECT_TRUE(Row(0));
}

TEST_F(RegistrationTest, AnIntentWithoutAnEntryIsDropped) {
  Change(
      fmt::format("INSERT INTO intents SELECT kind, 'new' || key, content, 0, zeroblob(16) FROM "
                  "rows WHERE {}",
                  kPatient0));
  EXPECT_TRUE(Row(0));
  EXPECT_EQ(fixture_.node->directory().patients().size(), std::size_t{kPatients});
}

TEST_F(RegistrationTest, WhatIsNotSentStays) {
  PatientRow row = WithKey(0);
  row.name = "Ana";
  row.certificate_fingerprint = "aa";
  ASSERT_TRUE(fixture_.node->PutPatient(row));
  PatientRow renamed;
  renamed.subject = row.subject;
  renamed.name = "Ana Reyes";
  ASSERT_TRUE(fixture_.node->PutPatient(renamed));
  EXPECT_EQ(Row(0)->certificate_fingerprint, "aa");
  EXPECT_EQ(*Row(0)->key, *row.key);
  PatientRow rekeyed = WithKey(0);
  ASSERT_TRUE(fixture_.node->PutPatient(rekeyed));
  EXPECT_EQ(Row(0)->name, "Ana Reyes");
  EXPECT_EQ(Row(0)->certificate_fingerprint, "");  // it is not the new key's
}

}  // namespace
}  // namespace salus::integration
