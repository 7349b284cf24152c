// PrivacyLedger is the account of what each study has given away of its privacy budget.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "aggregate/rational.h"
#include "base/bytes.h"
#include "base/result.h"
#include "storage/database.h"

namespace salus::aggregate {

// PrivacyMeasure is what a study counts in. Both add up; they can't be mixed (RhoOfEpsilon).
enum class PrivacyMeasure {
  kEpsilon = 1,  // epsilon-differential privacy
  kRho = 2,      // zero-concentrated differential privacy
};

// PrivacySpend is the noise of one batch of one task. A task is of one study.
//
// Shape: study 1 to 128 characters of A-Z a-z 0-9 . _ : -; task and batch 1 to 64 bytes; the amount
//        above 0.
struct PrivacySpend {
  std::string study;
  Bytes task;
  Bytes batch;
  Rational amount;

  friend bool operator==(const PrivacySpend&, const PrivacySpend&) = default;
};

// StudyAccount is what a study may spend and has spent.
struct StudyAccount {
  PrivacyMeasure measure;
  Rational budget;
  Rational spent;
  std::uint64_t batches = 0;
};

enum class SpendOutcome {
  kSpent,
  kSpentBefore,  // by the same spend: nothing more was taken
};

// PrivacyLedger refuses what would overdraw a budget. All amounts are exact.
//
// The order that a release keeps: Spend; draw the noise; store the noised share; answer. Whoever
// finds kSpentBefore answers with the share that was stored. Where none was stored the process died
// in between, nothing was released, and noise may be drawn again. A spend is never taken back.
// Whether two batches hold the same reports is not known here: DAP's rules on overlapping batches
// have to be kept.
//
// Source:     basic composition of epsilon (Dwork, McSherry, Nissim, Smith 2006) and of rho (Bun,
//             Steinke 2016, lemma 1.7).
// Shape:      one SQLite file, mode 0600; amounts as text (Rational). It is not authenticated:
//             whoever can write to the file can give a study more budget than it has.
// Durability: a spend is on disk when Spend returns.
// Threads:    safe to share.
class PrivacyLedger {
 public:
  static constexpr std::size_t kMaxIdBytes = 64;
  static constexpr std::size_t kMaxStudyBytes = 128;

  // Create makes a new file. Open never does: a ledger that got lost must not begin again at 0.
  //
  // Errors: AlreadyExists, or NotFound, Corruption, FailedPrecondition (of a newer program);
  //         Unavailable.
  static Result<std::unique_ptr<PrivacyLedger>> Create(const std::string& path);
  static Result<std::unique_ptr<PrivacyLedger>> Open(const std::string& path);

  // OpenStudy gives a study its budget, once; the same again changes nothing.
  //
  // Errors: InvalidArgument (a name of another shape, a budget of 0), Conflict (it has another
  //         budget or measure: that is for another study to have), Unavailable, Corruption.
  Result<void> OpenStudy(std::string_view study, PrivacyMeasure measure, const Rational& budget);

  // Spend takes an amount, once for a task and batch.
  //
  // Errors: PermissionDenied (the budget does not hold it, or 128 bits do not hold the exact sum),
  //         ResourceExhausted (the disk is full: it may pass, unlike the budget),
  //         NotFound (no such study), Conflict (the batch was spent with another amount or study),
  //         InvalidArgument (a spend of another shape), Unavailable, Corruption. Nothing may be
  //         released then.
  Result<SpendOutcome> Spend(const PrivacySpend& spend);

  // Errors: NotFound, Unavailable, Corruption.
  Result<StudyAccount> Account(std::string_view study);
  // Spends lists what a study spent, in the order it was.
  //
  // Errors: as Account.
  Result<std::vector<PrivacySpend>> Spends(std::string_view study);

 private:
  explicit PrivacyLedger(storage::Database database) : database_(std::move(database)) {}
  static Result<std::unique_ptr<PrivacyLedger>> With(const std::string& path,
                                                     storage::DatabaseAccess access);
  Result<SpendOutcome> Settle(const PrivacySpend& spend, bool& is_overdrawn);
  // Null where the batch has none.
  Result<std::unique_ptr<PrivacySpend>> FindSpend(const Bytes& task, const Bytes& batch);
  Result<StudyAccount> ReadAccount(std::string_view study);
  Result<std::vector<PrivacySpend>> ReadSpends(std::string_view study);

  std::mutex mutex_;
  storage::Database database_;  // by mutex_, like the private functions that read it
};

}  // namespace salus::aggregate
