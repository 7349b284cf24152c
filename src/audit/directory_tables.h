// The tables of control.db, below what Directory makes of them.
//
// Source: docs/formats/directory.md.
#pragma once

#include <span>
#include <vector>

#include "audit/directory.h"
#include "storage/database.h"

namespace salus::audit {

std::span<const storage::Migration> DirectoryMigrations();

// ReadRows reads rows and intents as they stand at one time. Errors: Corruption; Internal where the
// schema is another one (SchemaOr).
Result<std::vector<StoredRow>> ReadRows(storage::Database& db);
// WriteRows replaces rows and ends their intents; WriteIntents notes intents. Both are part of the
// caller's transaction.
Result<void> WriteRows(storage::Database& db, std::span<const StoredRow> rows);
Result<void> WriteIntents(storage::Database& db, std::span<const StoredRow> intents);

// SchemaOr says what is wrong where a constant statement failed.
Error SchemaOr(Error error);

}  // namespace salus::audit
