#include "aggregate/privacy_ledger.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "base/test_folder.h"

namespace salus::aggregate {
namespace {

using ::testing::HasSubstr;

Rational Parsed(std::string_view text) { return Rational::Parse(text).value(); }

PrivacySpend SpendOf(std::string_view amount, std::uint8_t batch, std::uint8_t task = 1) {
  return {.study = "heights-2026",
          .task = Bytes(32, task),
          .batch = Bytes(32, batch),
          .amount = Parsed(amount)};
}

class PrivacyLedgerTest : public ::testing::Test {
 protected:
  PrivacyLedgerTest() {
    ledger_ = PrivacyLedger::Create(path_).value();
    EXPECT_TRUE(ledger_->OpenStudy("heights-2026", PrivacyMeasure::kEpsilon, Rational(1)));
  }
  void Reopen() {
    ledger_.reset();
    ledger_ = PrivacyLedger::Open(path_).value();
  }
  Rational Spent() { return ledger_->Account("heights-2026").value().spent; }
  ErrorCode CodeOf(const PrivacySpend& spend) { return ledger_->Spend(spend).error().code; }

  TestFolder folder_;
  const std::string path_ = folder_ / "privacy.db";
  std::unique_ptr<PrivacyLedger> ledger_;
};

TEST_F(PrivacyLedgerTest, IsMadeOnPurposeOnly) {
  EXPECT_EQ(PrivacyLedger::Open(folder_ / "other.db").error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "other.db"));
  EXPECT_EQ(PrivacyLedger::Create(path_).error().code, ErrorCode::kAlreadyExists);
}

TEST_F(PrivacyLedgerTest, TenTenthsAreOneAndNoMore) {
  for (std::uint8_t batch = 0; batch < 10; ++batch) {
    EXPECT_EQ(ledger_->Spend(SpendOf("0.1", batch)).value(), SpendOutcome::kSpent);
  }
  EXPECT_EQ(Spent(), Rational(1));
  const Result<SpendOutcome> over = ledger_->Spend(SpendOf("1/1000000", 10));
  EXPECT_EQ(over.error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(over.error().message,
            "study heights-2026 has spent 1 of its privacy budget of 1 epsilon, and this batch "
            "needs 1/1000000: no more of its results may be released with that much");
  EXPECT_EQ(Spent(), Rational(1));
}

TEST_F(PrivacyLedgerTest, RefusesOnlyWhatIsTooMuch) {
  EXPECT_TRUE(ledger_->Spend(SpendOf("2/3", 1)));
  EXPECT_EQ(CodeOf(SpendOf("0.3334", 2)), ErrorCode::kPermissionDenied);
  EXPECT_TRUE(ledger_->Spend(SpendOf("1/3", 2)));
}

TEST_F(PrivacyLedgerTest, TakesABatchOnce) {
  EXPECT_EQ(ledger_->Spend(SpendOf("0.6", 1)).value(), SpendOutcome::kSpent);
  EXPECT_EQ(ledger_->Spend(SpendOf("0.6", 1)).value(), SpendOutcome::kSpentBefore);
  EXPECT_EQ(ledger_->Spend(SpendOf("3/5", 1)).value(), SpendOutcome::kSpentBefore);
  Reopen();
  EXPECT_EQ(ledger_->Spend(SpendOf("0.6", 1)).value(), SpendOutcome::kSpentBefore);
  EXPECT_EQ(Spent(), Parsed("0.6"));
  EXPECT_EQ(CodeOf(SpendOf("0.1", 1)), ErrorCode::kConflict);
  EXPECT_EQ(ledger_->Spend(SpendOf("0.4", 1, 2)).value(), SpendOutcome::kSpent);
}

TEST_F(PrivacyLedgerTest, ABatchIsOfOneStudy) {
  ASSERT_TRUE(ledger_->OpenStudy("other", PrivacyMeasure::kEpsilon, Rational(100)));
  ASSERT_TRUE(ledger_->Spend(SpendOf("0.6", 1)));
  PrivacySpend elsewhere = SpendOf("0.6", 1);
  elsewhere.study = "other";
  EXPECT_EQ(CodeOf(elsewhere), ErrorCode::kConflict);
  elsewhere.batch = Bytes(16, 2);
  EXPECT_TRUE(ledger_->Spend(elsewhere));
  EXPECT_EQ(Spent(), Parsed("0.6"));
}

TEST_F(PrivacyLedgerTest, ABudgetStaysAsItBegan) {
  EXPECT_TRUE(ledger_->OpenStudy("heights-2026", PrivacyMeasure::kEpsilon, Parsed("2/2")));
  const Result<void> more =
      ledger_->OpenStudy("heights-2026", PrivacyMeasure::kEpsilon, Rational(2));
  EXPECT_EQ(more.error().code, ErrorCode::kConflict);
  EXPECT_THAT(more.error().message, HasSubstr("open another study"));
  EXPECT_EQ(ledger_->OpenStudy("heights-2026", PrivacyMeasure::kRho, Rational(1)).error().code,
            ErrorCode::kConflict);
  Reopen();
  const StudyAccount account = ledger_->Account("heights-2026").value();
  EXPECT_EQ(account.budget, Rational(1));
  EXPECT_EQ(account.measure, PrivacyMeasure::kEpsilon);
  EXPECT_EQ(account.batches, 0u);
}

TEST_F(PrivacyLedgerTest, ListsWhatWasSpentInItsOrder) {
  ASSERT_TRUE(ledger_->Spend(SpendOf("0.2", 9)));
  ASSERT_TRUE(ledger_->Spend(SpendOf("1/7", 3)));
  Reopen();
  const auto spends = ledger_->Spends("heights-2026").value();
  EXPECT_EQ(spends, (std::vector<PrivacySpend>{SpendOf("0.2", 9), SpendOf("1/7", 3)}));
  EXPECT_EQ(ledger_->Account("heights-2026").value().batches, 2u);
}

TEST_F(PrivacyLedgerTest, RefusesWhatHasNoShape) {
  PrivacySpend spend = SpendOf("0.1", 1);
  spend.amount = Rational();
  EXPECT_EQ(CodeOf(spend), ErrorCode::kInvalidArgument);
  for (const std::size_t size : {0, 65}) {
    spend = SpendOf("0.1", 1);
    spend.task = Bytes(size);
    EXPECT_EQ(CodeOf(spend), ErrorCode::kInvalidArgument);
    spend = SpendOf("0.1", 1);
    spend.batch = Bytes(size);
    EXPECT_EQ(CodeOf(spend), ErrorCode::kInvalidArgument);
  }
  for (const std::string& name : {std::string(), std::string("a b"), std::string(129, 'a')}) {
    EXPECT_EQ(ledger_->OpenStudy(name, PrivacyMeasure::kRho, Rational(1)).error().code,
              ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(ledger_->OpenStudy("free", PrivacyMeasure::kRho, Rational()).error().code,
            ErrorCode::kInvalidArgument);
  spend = SpendOf("0.1", 1);
  spend.study = "unknown";
  EXPECT_EQ(CodeOf(spend), ErrorCode::kNotFound);
  EXPECT_EQ(ledger_->Account("unknown").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(ledger_->Spends("unknown").error().code, ErrorCode::kNotFound);
}

TEST_F(PrivacyLedgerTest, FailsClosedWhereTheSumIsNotExact) {
  const Rational odd = Rational::Of(1, ~Uint128{0}).value();
  PrivacySpend spend = SpendOf("0.1", 1);
  ASSERT_TRUE(ledger_->Spend(spend));
  spend = SpendOf("0.1", 2);
  spend.amount = odd;
  EXPECT_EQ(CodeOf(spend), ErrorCode::kPermissionDenied);
  EXPECT_EQ(Spent(), Parsed("0.1"));
}

TEST_F(PrivacyLedgerTest, FailsClosedOnAmountsThatItNeverWrote) {
  ASSERT_TRUE(ledger_->Spend(SpendOf("0.5", 1)));
  for (const char* damage : {"UPDATE spends SET amount = '0'", "UPDATE spends SET amount = '2/4'",
                             "UPDATE spends SET amount = '-1'",
                             "UPDATE spends SET amount = '1/2'; "
                             "UPDATE studies SET budget = 'many'",
                             "UPDATE studies SET budget = '1', measure = 3"}) {
    ledger_.reset();
    ASSERT_TRUE(storage::Database::Open(path_, storage::DatabaseAccess::kReadWrite)
                    .value()
                    .Execute(damage));
    ledger_ = PrivacyLedger::Open(path_).value();
    EXPECT_EQ(CodeOf(SpendOf("0.1", 2)), ErrorCode::kCorruption) << damage;
    EXPECT_EQ(ledger_->Account("heights-2026").error().code, ErrorCode::kCorruption) << damage;
  }
}

TEST_F(PrivacyLedgerTest, ThreadsNeverOverdraw) {
  std::vector<std::thread> threads;
  std::atomic<int> spent = 0;
  for (std::uint8_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::uint8_t batch = 0; batch < 10; ++batch) {
        spent += ledger_->Spend(SpendOf("1/16", batch, thread)).has_value();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(spent, 16);
  EXPECT_EQ(Spent(), Rational(1));
}

// A process that spends and says so, until it is killed in the middle of whatever it does.
void SpendUntilKilled(const std::string& path, int acks) {
  const auto ledger = PrivacyLedger::Open(path).value();
  for (std::uint8_t batch = 0;; ++batch) {
    if (!ledger->Spend(SpendOf("1/200", batch))) ::_exit(1);
    if (::write(acks, &batch, 1) != 1) ::_exit(1);
  }
}

TEST_F(PrivacyLedgerTest, WhatWasAnsweredOutlivesAKill) {
  ledger_.reset();
  int said = 0;
  for (const int kill_after : {1, 2, 3, 10, 30, 100}) {
    int acks[2];
    ASSERT_EQ(::pipe2(acks, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) SpendUntilKilled(path_, acks[1]);
    ::close(acks[1]);
    std::uint8_t batch = 0;
    for (int i = 0; i < kill_after; ++i) ASSERT_EQ(::read(acks[0], &batch, 1), 1);
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    while (::read(acks[0], &batch, 1) == 1) continue;
    ::close(acks[0]);
    said = std::max(said, static_cast<int>(batch) + 1);
    ledger_ = PrivacyLedger::Open(path_).value();
    const std::uint64_t kept = ledger_->Account("heights-2026").value().batches;
    // One may have been on disk and not yet said.
    EXPECT_GE(kept, static_cast<std::uint64_t>(said));
    EXPECT_LE(kept, static_cast<std::uint64_t>(said) + 1);
    EXPECT_EQ(ledger_->Spend(SpendOf("1/200", batch)).value(), SpendOutcome::kSpentBefore);
    ledger_.reset();
  }
}

}  // namespace
}  // namespace salus::aggregate
