#include "aggregate/privacy_ledger.h"

#include <fmt/format.h>

#include <algorithm>

namespace salus::aggregate {

namespace {

using storage::DatabaseAccess;
using storage::Statement;

constexpr storage::Migration kMigrations[] = {
    {"CREATE TABLE studies(study TEXT PRIMARY KEY, measure INTEGER NOT NULL, budget TEXT NOT NULL) "
     "WITHOUT ROWID;"
     "CREATE TABLE spends(id INTEGER PRIMARY KEY, study TEXT NOT NULL REFERENCES studies(study), "
     "task BLOB NOT NULL, batch BLOB NOT NULL, amount TEXT NOT NULL, UNIQUE(task, batch));"
     "CREATE INDEX spends_of_study ON spends(study, id)"}};

bool IsStudyName(std::string_view name) {
  const auto is_allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == ':' || c == '-';
  };
  return !name.empty() && name.size() <= PrivacyLedger::kMaxStudyBytes &&
         std::ranges::all_of(name, is_allowed);
}

bool IsId(const Bytes& id) { return !id.empty() && id.size() <= PrivacyLedger::kMaxIdBytes; }

Result<void> CheckStudyName(std::string_view name) {
  if (IsStudyName(name)) return {};
  return InvalidArgument(fmt::format("a study's name has 1 to {} characters of A-Z a-z 0-9 . _ : -",
                                     PrivacyLedger::kMaxStudyBytes));
}

Result<void> CheckSpend(const PrivacySpend& spend) {
  TRY_VOID(CheckStudyName(spend.study));
  if (!IsId(spend.task) || !IsId(spend.batch)) {
    return InvalidArgument(
        fmt::format("a task and a batch have 1 to {} bytes", PrivacyLedger::kMaxIdBytes));
  }
  if (spend.amount.is_zero()) return InvalidArgument("a spend of 0 is none: noise is never free");
  return {};
}

Error Damaged() {
  return Corruption(
      "the privacy ledger holds an amount or a measure that was never written: restore it from a "
      "copy that is not older than the last release");
}

Result<Rational> StoredAmount(std::string_view text) {
  const Result<Rational> amount = Rational::Parse(text);
  if (!amount || amount->is_zero() || amount->ToText() != text) return Damaged();
  return *amount;
}

std::string_view NameOf(PrivacyMeasure measure) {
  return measure == PrivacyMeasure::kEpsilon ? "epsilon" : "rho";
}

Error Overdrawn(const PrivacySpend& spend, const StudyAccount& account) {
  return PermissionDenied(fmt::format(
      "study {} has spent {} of its privacy budget of {} {}, and this batch needs {}: no more of "
      "its results may be released with that much",
      spend.study, account.spent.ToText(), account.budget.ToText(), NameOf(account.measure),
      spend.amount.ToText()));
}

// SQLite has PermissionDenied of a file that may not be written, which says nothing of a budget.
template <typename T>
Result<T> NotOfTheFile(Result<T> result) {
  if (!result && result.error().code == ErrorCode::kPermissionDenied) {
    result.error().code = ErrorCode::kUnavailable;
  }
  return result;
}

}  // namespace

Result<std::unique_ptr<PrivacyLedger>> PrivacyLedger::With(const std::string& path,
                                                           DatabaseAccess access) {
  TRY(storage::Database database, storage::Database::Open(path, access));
  TRY_VOID(database.Migrate(kMigrations));
  return std::unique_ptr<PrivacyLedger>(new PrivacyLedger(std::move(database)));
}

Result<std::unique_ptr<PrivacyLedger>> PrivacyLedger::Create(const std::string& path) {
  return With(path, DatabaseAccess::kCreate);
}

Result<std::unique_ptr<PrivacyLedger>> PrivacyLedger::Open(const std::string& path) {
  return With(path, DatabaseAccess::kReadWrite);
}

Result<void> PrivacyLedger::OpenStudy(std::string_view study, PrivacyMeasure measure,
                                      const Rational& budget) {
  TRY_VOID(CheckStudyName(study));
  if (budget.is_zero()) return InvalidArgument("a privacy budget of 0 allows no release");
  std::lock_guard lock(mutex_);
  TRY(storage::Transaction transaction, database_.Begin());
  const Result<StudyAccount> known = ReadAccount(study);
  if (known) {
    if (known->measure == measure && known->budget == budget) return {};
    return Conflict(fmt::format(
        "study {} has a privacy budget of {} {} since it began, and keeps it: open another study",
        study, known->budget.ToText(), NameOf(known->measure)));
  }
  if (known.error().code != ErrorCode::kNotFound) return known.error();
  TRY(Statement insert, database_.Prepare("INSERT INTO studies(study, measure, budget) "
                                          "VALUES(?, ?, ?)"));
  TRY_VOID(
      insert.BindAll(study, static_cast<std::int64_t>(measure), std::string_view(budget.ToText())));
  TRY_VOID(insert.Run());
  return transaction.Commit();
}

Result<SpendOutcome> PrivacyLedger::Spend(const PrivacySpend& spend) {
  TRY_VOID(CheckSpend(spend));
  std::lock_guard lock(mutex_);
  bool is_overdrawn = false;
  Result<SpendOutcome> outcome = Settle(spend, is_overdrawn);
  return is_overdrawn ? outcome : NotOfTheFile(std::move(outcome));
}

Result<SpendOutcome> PrivacyLedger::Settle(const PrivacySpend& spend, bool& is_overdrawn) {
  TRY(storage::Transaction transaction, database_.Begin());
  TRY(const std::unique_ptr<PrivacySpend> before, FindSpend(spend.task, spend.batch));
  if (before) {
    if (*before == spend) return SpendOutcome::kSpentBefore;
    return Conflict(
        fmt::format("this batch of the task has its noise already: {} was spent for study {}",
                    before->amount.ToText(), before->study));
  }
  TRY(const StudyAccount account, ReadAccount(spend.study));
  const Result<Rational> spent = account.spent.Plus(spend.amount);
  if (!spent || *spent > account.budget) {
    is_overdrawn = true;
    return Overdrawn(spend, account);
  }
  TRY(Statement insert, database_.Prepare("INSERT INTO spends(study, task, batch, amount) "
                                          "VALUES(?, ?, ?, ?)"));
  TRY_VOID(insert.BindAll(std::string_view(spend.study), ByteSpan(spend.task),
                          ByteSpan(spend.batch), std::string_view(spend.amount.ToText())));
  TRY_VOID(insert.Run());
  TRY_VOID(transaction.Commit());
  return SpendOutcome::kSpent;
}

Result<StudyAccount> PrivacyLedger::Account(std::string_view study) {
  std::lock_guard lock(mutex_);
  return NotOfTheFile(ReadAccount(study));
}

Result<std::vector<PrivacySpend>> PrivacyLedger::Spends(std::string_view study) {
  std::lock_guard lock(mutex_);
  TRY_VOID(ReadAccount(study));
  return ReadSpends(study);
}

Result<std::unique_ptr<PrivacySpend>> PrivacyLedger::FindSpend(const Bytes& task,
                                                               const Bytes& batch) {
  TRY(Statement select,
      database_.Prepare("SELECT study, amount FROM spends WHERE task = ? AND batch = ?"));
  TRY_VOID(select.BindAll(ByteSpan(task), ByteSpan(batch)));
  TRY(const bool is_there, select.Step());
  if (!is_there) return nullptr;
  TRY(const Rational amount, StoredAmount(select.Text(1)));
  return std::make_unique<PrivacySpend>(std::string(select.Text(0)), task, batch, amount);
}

Result<StudyAccount> PrivacyLedger::ReadAccount(std::string_view study) {
  TRY(Statement select, database_.Prepare("SELECT measure, budget FROM studies WHERE study = ?"));
  TRY_VOID(select.BindAll(study));
  TRY(const bool is_there, select.Step());
  if (!is_there) return NotFound("the privacy ledger has no such study: open it with its budget");
  const std::int64_t measure = select.Int(0);
  if (measure != static_cast<std::int64_t>(PrivacyMeasure::kEpsilon) &&
      measure != static_cast<std::int64_t>(PrivacyMeasure::kRho)) {
    return Damaged();
  }
  StudyAccount account{.measure = static_cast<PrivacyMeasure>(measure), .budget = {}, .spent = {}};
  TRY(account.budget, StoredAmount(select.Text(1)));
  // Added up anew each time: a running total would be a second truth.
  TRY(Statement amounts, database_.Prepare("SELECT amount FROM spends WHERE study = ?"));
  TRY_VOID(amounts.BindAll(study));
  for (;;) {
    TRY(const bool is_more, amounts.Step());
    if (!is_more) return account;
    TRY(const Rational amount, StoredAmount(amounts.Text(0)));
    TRY(account.spent, account.spent.Plus(amount));
    ++account.batches;
  }
}

Result<std::vector<PrivacySpend>> PrivacyLedger::ReadSpends(std::string_view study) {
  TRY(Statement select, database_.Prepare("SELECT task, batch, amount FROM spends WHERE study = ? "
                                          "ORDER BY id"));
  TRY_VOID(select.BindAll(study));
  std::vector<PrivacySpend> spends;
  for (;;) {
    TRY(const bool is_more, select.Step());
    if (!is_more) return spends;
    TRY(const Rational amount, StoredAmount(select.Text(2)));
    spends.push_back(
        {std::string(study), ToBytes(select.Blob(0)), ToBytes(select.Blob(1)), amount});
  }
}

}  // namespace salus::aggregate
