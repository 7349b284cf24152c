#include "storage/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "base/check.h"
#include "base/log.h"

namespace salus::storage {
namespace {

constexpr std::size_t kQuotedSql = 48;

ErrorCode CodeOf(int extended) {
  switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return ErrorCode::kAlreadyExists;
    default:
      break;
  }
  switch (extended & 0xFF) {
    case SQLITE_CONSTRAINT:
    case SQLITE_SCHEMA:
      return ErrorCode::kFailedPrecondition;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
    case SQLITE_PROTOCOL:
      return ErrorCode::kUnavailable;
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return ErrorCode::kResourceExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::kCorruption;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return ErrorCode::kPermissionDenied;
    case SQLITE_CANTOPEN:
      return ErrorCode::kNotFound;
    case SQLITE_RANGE:
      return ErrorCode::kInvalidArgument;
    default:
      return ErrorCode::kInternal;
  }
}

// SqliteError names the kind of error and the constant SQL it came from, never a bound value:
// SQLite's own message could quote one.
Error SqliteError(sqlite3* connection, int result, std::string_view sql) {
  const int extended = connection == nullptr ? result : sqlite3_extended_errcode(connection);
  if (extended == SQLITE_IOERR_FSYNC || extended == SQLITE_IOERR_DIR_FSYNC) {
    Log(LogLevel::kError, "sync failed in the database, the process stops",
        {{"sqlite", std::int64_t{extended}}});
    std::abort();
  }
  return {CodeOf(extended),
          fmt::format("database: {} (code {}) in \"{}{}\"", sqlite3_errstr(extended), extended,
                      sql.substr(0, kQuotedSql), sql.size() > kQuotedSql ? "..." : "")};
}

Result<void> Run(sqlite3* connection, const char* sql) {
  const int result = sqlite3_exec(connection, sql, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) return SqliteError(connection, result, sql);
  return {};
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Result<void> Statement::Bind(int index, std::int64_t value) {
  return Bound(sqlite3_bind_int64(statement_.get(), index, value));
}

Result<void> Statement::Bind(int index, std::string_view text) {
  // A null pointer would bind NULL instead of an empty text.
  return Bound(sqlite3_bind_text64(statement_.get(), index, text.empty() ? "" : text.data(),
                                   text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

Result<void> Statement::Bind(int index, ByteSpan blob) {
  if (blob.empty()) return Bound(sqlite3_bind_zeroblob(statement_.get(), index, 0));
  return Bound(
      sqlite3_bind_blob64(statement_.get(), index, blob.data(), blob.size(), SQLITE_TRANSIENT));
}

Result<void> Statement::Bind(int index, std::nullopt_t) {
  return Bound(sqlite3_bind_null(statement_.get(), index));
}

Result<void> Statement::Bound(int result) {
  if (result == SQLITE_OK) return {};
  sqlite3* const connection = sqlite3_db_handle(statement_.get());
  return SqliteError(connection, result, sqlite3_sql(statement_.get()));
}

Result<bool> Statement::Step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  Error error =
      SqliteError(sqlite3_db_handle(statement_.get()), result, sqlite3_sql(statement_.get()));
  sqlite3_reset(statement_.get());
  return error;
}

Result<void> Statement::Run() {
  for (;;) {
    TRY(const bool row, Step());
    if (!row) break;
  }
  Reset();
  return {};
}

void Statement::Reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::Int(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::Text(int column) const {
  const unsigned char* const text = sqlite3_column_text(statement_.get(), column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

ByteSpan Statement::Blob(int column) const {
  const void* const blob = sqlite3_column_blob(statement_.get(), column);
  if (blob == nullptr) return {};
  return {static_cast<const std::uint8_t*>(blob),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

Transaction::~Transaction() {
  // A failed statement may have rolled back already; then there is nothing left to do.
  if (connection_ != nullptr && sqlite3_get_autocommit(connection_) == 0) {
    (void)storage::Run(connection_, "ROLLBACK");
  }
}

Result<void> Transaction::Commit() {
  CHECK(connection_ != nullptr);
  if (sqlite3_get_autocommit(connection_) != 0) {
    connection_ = nullptr;
    return FailedPrecondition("database: the transaction was rolled back by an earlier error");
  }
  Result<void> done = storage::Run(connection_, "COMMIT");
  if (!done && sqlite3_get_autocommit(connection_) == 0) {
    (void)storage::Run(connection_, "ROLLBACK");
  }
  connection_ = nullptr;
  return done;
}

void Database::Close::operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }

Result<Database> Database::OpenConnection(const std::string& path, int flags,
                                          const Options& options) {
  sqlite3* raw = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(raw);  // even a failed open must be closed
  if (result != SQLITE_OK) return SqliteError(raw, result, "open").WithContext(path);
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, options.busy_timeout_ms);
  // Readers never checkpoint, not even the last one to close.
  if ((flags & SQLITE_OPEN_READONLY) != 0) {
    sqlite3_db_config(raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  TRY_VOID(storage::Run(raw, "PRAGMA cell_size_check=ON"));
  TRY_VOID(storage::Run(raw, "PRAGMA foreign_keys=ON"));
  TRY_VOID(storage::Run(raw, "PRAGMA mmap_size=0"));
  TRY_VOID(storage::Run(raw, "PRAGMA synchronous=FULL"));
  return database;
}

Result<Database> Database::Open(const std::string& path, DatabaseAccess access,
                                const Options& options) {
  if (access == DatabaseAccess::kReadOnly) {
    return OpenConnection(path, SQLITE_OPEN_READONLY, options);
  }
  if (access == DatabaseAccess::kCreate) {
    // Made here and not by SQLite: for the mode, and to refuse a file that exists.
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST) return AlreadyExists("database " + path + " exists");
    if (fd < 0) return Unavailable("database " + path + " can not be created; check its directory");
    ::close(fd);
  }
  TRY(Database database, OpenConnection(path, SQLITE_OPEN_READWRITE, options));
  TRY(Statement mode, database.Prepare("PRAGMA journal_mode=WAL"));
  TRY(const bool row, mode.Step());
  if (!row || mode.Text(0) != "wal") {
    return FailedPrecondition("database " + path + ": this file system can not hold a WAL");
  }
  return database;
}

Result<Database> Database::OpenInMemory() {
  return OpenConnection(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, Options());
}

Result<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (result != SQLITE_OK) return SqliteError(connection_.get(), result, sql);
  if (statement == nullptr) return InvalidArgument("database: no statement in the SQL");
  return Statement(statement);
}

Result<void> Database::Execute(const std::string& sql) {
  return storage::Run(connection_.get(), sql.c_str());
}

Result<Transaction> Database::Begin() {
  TRY_VOID(storage::Run(connection_.get(), "BEGIN IMMEDIATE"));
  return Transaction(connection_.get());
}

Result<int> Database::UserVersion() {
  TRY(Statement statement, Prepare("PRAGMA user_version"));
  TRY(const bool row, statement.Step());
  CHECK(row);
  return static_cast<int>(statement.Int(0));
}

Result<void> Database::Migrate(std::span<const Migration> migrations) {
  TRY(const int version, UserVersion());
  if (version < 0 || static_cast<std::size_t>(version) > migrations.size()) {
    return FailedPrecondition(
        fmt::format("database: schema version {} is newer than this program's {}; upgrade it",
                    version, migrations.size()));
  }
  for (std::size_t i = static_cast<std::size_t>(version); i < migrations.size(); ++i) {
    TRY(Transaction transaction, Begin());
    TRY_VOID(Execute(std::string(migrations[i].sql)));
    TRY_VOID(Execute(fmt::format("PRAGMA user_version={}", i + 1)));
    TRY_VOID(transaction.Commit());
  }
  return {};
}

std::int64_t Database::last_insert_row_id() const {
  return sqlite3_last_insert_rowid(connection_.get());
}

std::int64_t Database::changed_rows() const { return sqlite3_changes64(connection_.get()); }

Result<void> Database::Checkpoint() {
  const int result = sqlite3_wal_checkpoint_v2(connection_.get(), nullptr,
                                               SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (result != SQLITE_OK) return SqliteError(connection_.get(), result, "checkpoint");
  return {};
}

Result<void> Database::CheckIntegrity() {
  TRY(Statement statement, Prepare("PRAGMA integrity_check(1)"));
  TRY(const bool row, statement.Step());
  if (!row || statement.Text(0) != "ok") {
    return Corruption("database: integrity_check failed; restore it from a backup");
  }
  return {};
}

}  // namespace salus::storage
