#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace salus::storage {

// Statement is one prepared SQL statement of a Database, which must outlive it.
//
// Parameters and columns are counted as SQLite does: parameters from 1, columns from 0.
// Threads: those of its Database.
class Statement {
 public:
  // Bind sets parameter index. Text and blobs are copied. Errors: InvalidArgument (no such index).
  Result<void> Bind(int index, std::int64_t value);
  Result<void> Bind(int index, std::string_view text);
  Result<void> Bind(int index, ByteSpan blob);
  Result<void> Bind(int index, std::nullopt_t);
  // BindAll resets the statement and binds the arguments to 1, 2, ...
  template <typename... Args>
  Result<void> BindAll(const Args&... args) {
    Reset();
    int index = 0;
    Result<void> done;
    ((done = done ? Bind(++index, args) : std::move(done)), ...);
    return done;
  }

  // Step runs to the next row: true when there is one, false at the end.
  // Errors: AlreadyExists (unique or primary key), FailedPrecondition (other constraints),
  // Unavailable (busy, I/O), ResourceExhausted (disk full), Corruption.
  Result<bool> Step();

  // Run steps to the end and resets: for statements that return no rows.
  Result<void> Run();

  // Reset makes the statement ready for other parameters; the old ones are cleared.
  void Reset();

  // Columns of the row that Step has found; views live until the next Step or Reset. A NULL is 0 or
  // empty: ask IsNull first where it matters.
  bool IsNull(int column) const;
  std::int64_t Int(int column) const;
  std::string_view Text(int column) const;
  ByteSpan Blob(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  Result<void> Bound(int result);
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// Transaction is rolled back when it is destroyed before Commit.
class Transaction {
 public:
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  // Commit makes it durable (synchronous=FULL). After an error it is rolled back.
  Result<void> Commit();

 private:
  friend class Database;
  explicit Transaction(sqlite3* connection) : connection_(connection) {}
  sqlite3* connection_;
};

// Migration raises a schema by one version: the i-th (from 0) leads to user_version i + 1.
struct Migration {
  std::string_view sql;
};

enum class DatabaseAccess {
  kCreate,     // the writer; the file is made, mode 0600, and must not exist
  kReadWrite,  // the writer; there is one a file, and it checkpoints too
  kReadOnly,
};

// Database is one SQLite connection: WAL, synchronous=FULL, foreign keys on.
//
// Only one connection of all processes may write and checkpoint (SQLite 3.40 has a bug with
// several); readers are opened kReadOnly. Values are never logged and stand in no error message.
// A failed fsync inside SQLite aborts the process, as in PosixFileSystem.
// Threads:    one at a time.
// Durability: as of Commit, or of each statement outside a transaction.
class Database {
 public:
  struct Options {
    int busy_timeout_ms = 5000;
  };

  // Errors: NotFound, AlreadyExists, Corruption (not a database), Unavailable.
  static Result<Database> Open(const std::string& path, DatabaseAccess access,
                               const Options& options);
  static Result<Database> Open(const std::string& path, DatabaseAccess access) {
    return Open(path, access, Options());
  }
  static Result<Database> OpenInMemory();

  // Prepare compiles one statement of constant SQL; values go in by Bind only.
  // Errors: Internal (SQL that is wrong), FailedPrecondition (no such table).
  Result<Statement> Prepare(std::string_view sql);

  // Execute runs constant SQL, which may be several statements.
  Result<void> Execute(const std::string& sql);

  // Begin takes the write lock at once (BEGIN IMMEDIATE).
  Result<Transaction> Begin();

  Result<int> UserVersion();
  // Migrate runs the migrations that are not applied yet, each in a transaction of its own.
  // Errors: FailedPrecondition when the file is of a newer program.
  Result<void> Migrate(std::span<const Migration> migrations);

  std::int64_t last_insert_row_id() const;
  std::int64_t changed_rows() const;  // of the last statement

  // Checkpoint moves the write-ahead log into the file and truncates it.
  Result<void> Checkpoint();
  // CheckIntegrity is PRAGMA integrity_check; it finds few of the flipped bits.
  Result<void> CheckIntegrity();

 private:
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  explicit Database(sqlite3* connection) : connection_(connection) {}
  static Result<Database> OpenConnection(const std::string& path, int flags,
                                         const Options& options);
  std::unique_ptr<sqlite3, Close> connection_;
};

}  // namespace salus::storage
