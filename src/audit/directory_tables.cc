#include "audit/directory_tables.h"

#include <algorithm>

namespace salus::audit {

namespace {

constexpr storage::Migration kMigrations[] = {{R"sql(
CREATE TABLE rows (
  kind INTEGER NOT NULL, key TEXT NOT NULL, content BLOB NOT NULL,
  entry_index INTEGER NOT NULL, salt BLOB NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE intents (
  kind INTEGER NOT NULL, key TEXT NOT NULL, content BLOB NOT NULL,
  log_size INTEGER NOT NULL, salt BLOB NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE tags (
  key BLOB PRIMARY KEY, tag BLOB NOT NULL, proof BLOB NOT NULL) WITHOUT ROWID;
)sql"}};

}  // namespace

std::span<const storage::Migration> DirectoryMigrations() { return kMigrations; }

Result<std::vector<StoredRow>> ReadRows(storage::Database& db) {
  std::vector<StoredRow> rows;
  TRY(storage::Statement read,
      db.Prepare("SELECT kind, key, content, entry_index, salt, 0 FROM rows UNION ALL "
                 "SELECT kind, key, content, log_size, salt, 1 FROM intents"));
  for (;;) {
    TRY(const bool more, read.Step());
    if (!more) return rows;
    StoredRow row;
    row.kind = static_cast<StoredRow::Kind>(read.Int(0));
    row.key = read.Text(1);
    row.content = ToBytes(read.Blob(2));
    row.origin.entry_index = static_cast<std::uint64_t>(read.Int(3));
    if (read.Blob(4).size() != row.origin.salt.size()) {
      return Corruption("control.db holds a row with a malformed salt");
    }
    std::copy_n(read.Blob(4).begin(), row.origin.salt.size(), row.origin.salt.begin());
    row.is_intent = read.Int(5) != 0;
    rows.push_back(std::move(row));
  }
}

Result<void> WriteRows(storage::Database& db, std::span<const StoredRow> rows) {
  TRY(storage::Statement insert,
      db.Prepare("INSERT OR REPLACE INTO rows (kind, key, content, entry_index, salt) "
                 "VALUES (?, ?, ?, ?, ?)"));
  TRY(storage::Statement done, db.Prepare("DELETE FROM intents WHERE kind = ? AND key = ?"));
  for (const StoredRow& row : rows) {
    TRY_VOID(insert.BindAll(
        std::int64_t{row.kind}, std::string_view(row.key), ByteSpan(row.content),
        static_cast<std::int64_t>(row.origin.entry_index), ByteSpan(row.origin.salt)));
    TRY_VOID(insert.Run());
    TRY_VOID(done.BindAll(std::int64_t{row.kind}, std::string_view(row.key)));
    TRY_VOID(done.Run());
  }
  return {};
}

Result<void> WriteIntents(storage::Database& db, std::span<const StoredRow> intents) {
  TRY(storage::Statement insert,
      db.Prepare("INSERT OR REPLACE INTO intents (kind, key, content, log_size, salt) "
                 "VALUES (?, ?, ?, ?, ?)"));
  for (const StoredRow& intent : intents) {
    TRY_VOID(insert.BindAll(
        std::int64_t{intent.kind}, std::string_view(intent.key), ByteSpan(intent.content),
        static_cast<std::int64_t>(intent.origin.entry_index), ByteSpan(intent.origin.salt)));
    TRY_VOID(insert.Run());
  }
  return {};
}

// The statements are constant: they fail when the file's schema is another one.
Error SchemaOr(Error error) {
  if (error.code != ErrorCode::kInternal) return error;
  return Corruption("control.db: its schema was changed: restore it from a backup");
}

Result<std::vector<StoredRow>> ReadStoredRows(const std::string& path) {
  TRY(storage::Database db, storage::Database::Open(path, storage::DatabaseAccess::kReadOnly));
  auto rows = ReadRows(db);
  if (!rows) return SchemaOr(std::move(rows.error()));
  // What is in the cache of tags is proven anew; pages that can't be read would stop a start.
  auto tags = db.Prepare("SELECT key, tag, proof FROM tags");
  if (!tags) return SchemaOr(std::move(tags.error()));
  for (;;) {
    TRY(const bool more, tags->Step());
    if (!more) return rows;
  }
}

}  // namespace salus::audit
