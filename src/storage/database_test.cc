#include "storage/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/test_folder.h"

namespace salus::storage {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class DatabaseTest : public ::testing::Test {
 protected:
  TestFolder folder_;
  const std::string path_ = folder_ / "a.db";
};

constexpr Migration kMigrations[] = {
    {"CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, body BLOB)"},
    {"ALTER TABLE t ADD COLUMN age INTEGER CHECK(age >= 0); CREATE INDEX i ON t(age)"},
};

TEST_F(DatabaseTest, IsMadeOnceAndOnlyOnPurpose) {
  EXPECT_EQ(Database::Open(path_, DatabaseAccess::kReadWrite).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Database::Open(path_, DatabaseAccess::kReadOnly).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(Database::Open(path_, DatabaseAccess::kCreate));
  EXPECT_EQ(Database::Open(path_, DatabaseAccess::kCreate).error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(static_cast<unsigned>(std::filesystem::status(path_).permissions()), 0600u);
}

TEST_F(DatabaseTest, IsDurableByItsSettings) {
  Database db = Database::Open(path_, DatabaseAccess::kCreate).value();
  const auto pragma = [&](const char* sql) {
    Statement statement = db.Prepare(sql).value();
    EXPECT_TRUE(statement.Step().value());
    return std::string(statement.Text(0));
  };
  EXPECT_EQ(pragma("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(pragma("PRAGMA synchronous"), "2");
  EXPECT_EQ(pragma("PRAGMA foreign_keys"), "1");
}

TEST_F(DatabaseTest, BindsAndReturnsEveryType) {
  Database db = Database::OpenInMemory().value();
  ASSERT_TRUE(db.Migrate(kMigrations));
  Statement insert = db.Prepare("INSERT INTO t(id, name, body) VALUES(?, ?, ?)").value();
  const Bytes blob = {0, 1, 255};
  ASSERT_TRUE(insert.BindAll(std::int64_t{5}, std::string_view("a\0b", 3), ByteSpan(blob)));
  ASSERT_TRUE(insert.Run());
  EXPECT_EQ(db.last_insert_row_id(), 5);
  EXPECT_EQ(db.changed_rows(), 1);
  ASSERT_TRUE(insert.BindAll(std::int64_t{6}, std::string_view(), ByteSpan()));
  ASSERT_TRUE(insert.Run());
  ASSERT_TRUE(insert.BindAll(std::int64_t{7}, std::string_view("n"), std::nullopt));
  ASSERT_TRUE(insert.Run());
  Statement select = db.Prepare("SELECT id, name, body FROM t ORDER BY id").value();
  ASSERT_TRUE(select.Step().value());
  EXPECT_EQ(select.Int(0), 5);
  EXPECT_EQ(select.Text(1), std::string_view("a\0b", 3));
  EXPECT_EQ(ToBytes(select.Blob(2)), blob);
  ASSERT_TRUE(select.Step().value());
  EXPECT_FALSE(select.IsNull(1));
  EXPECT_FALSE(select.IsNull(2));
  EXPECT_EQ(select.Text(1), "");
  ASSERT_TRUE(select.Step().value());
  EXPECT_TRUE(select.IsNull(2));
  EXPECT_FALSE(select.Step().value());
  EXPECT_EQ(insert.Bind(9, std::int64_t{1}).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(DatabaseTest, ErrorsSayWhatWentWrongButNoValue) {
  Database db = Database::OpenInMemory().value();
  ASSERT_TRUE(db.Migrate(kMigrations));
  Statement insert = db.Prepare("INSERT INTO t(name, age) VALUES(?, ?)").value();
  ASSERT_TRUE(insert.BindAll(std::string_view("secretname"), std::int64_t{1}));
  ASSERT_TRUE(insert.Run());
  ASSERT_TRUE(insert.BindAll(std::string_view("secretname"), std::int64_t{1}));
  const auto twice = insert.Run();
  EXPECT_EQ(twice.error().code, ErrorCode::kAlreadyExists);
  EXPECT_THAT(twice.error().message, HasSubstr("INSERT INTO t"));
  EXPECT_THAT(twice.error().message, Not(HasSubstr("secretname")));
  ASSERT_TRUE(insert.BindAll(std::string_view("other"), std::int64_t{-1}));
  EXPECT_EQ(insert.Run().error().code, ErrorCode::kFailedPrecondition);
  ASSERT_TRUE(insert.BindAll(std::string_view("third"), std::int64_t{1}));
  EXPECT_TRUE(insert.Run());
  EXPECT_EQ(db.Prepare("SELEKT 1").error().code, ErrorCode::kInternal);
  EXPECT_EQ(db.Prepare("").error().code, ErrorCode::kInvalidArgument);
}

TEST_F(DatabaseTest, ATransactionIsCommittedOrNothing) {
  Database db = Database::Open(path_, DatabaseAccess::kCreate).value();
  ASSERT_TRUE(db.Migrate(kMigrations));
  const auto count = [&] {
    Statement statement = db.Prepare("SELECT count(*) FROM t").value();
    EXPECT_TRUE(statement.Step().value());
    return statement.Int(0);
  };
  {
    Transaction dropped = db.Begin().value();
    ASSERT_TRUE(db.Execute("INSERT INTO t(name) VALUES('x')"));
  }
  EXPECT_EQ(count(), 0);
  {
    Transaction kept = db.Begin().value();
    ASSERT_TRUE(db.Execute("INSERT INTO t(name) VALUES('x')"));
    ASSERT_TRUE(kept.Commit());
  }
  EXPECT_EQ(count(), 1);
  ASSERT_TRUE(db.Checkpoint());
  ASSERT_TRUE(db.CheckIntegrity());
}

TEST_F(DatabaseTest, AReaderSeesCommitsAndASecondWriterWaits) {
  Database writer = Database::Open(path_, DatabaseAccess::kCreate).value();
  ASSERT_TRUE(writer.Migrate(kMigrations));
  Database reader = Database::Open(path_, DatabaseAccess::kReadOnly).value();
  EXPECT_EQ(reader.Execute("INSERT INTO t(name) VALUES('r')").error().code,
            ErrorCode::kPermissionDenied);
  Transaction transaction = writer.Begin().value();
  ASSERT_TRUE(writer.Execute("INSERT INTO t(name) VALUES('w')"));
  Statement count = reader.Prepare("SELECT count(*) FROM t").value();
  ASSERT_TRUE(count.Step().value());
  EXPECT_EQ(count.Int(0), 0);
  count.Reset();
  Database second =
      Database::Open(path_, DatabaseAccess::kReadWrite, {.busy_timeout_ms = 0}).value();
  EXPECT_EQ(second.Begin().error().code, ErrorCode::kUnavailable);
  ASSERT_TRUE(transaction.Commit());
  ASSERT_TRUE(count.Step().value());
  EXPECT_EQ(count.Int(0), 1);
}

TEST_F(DatabaseTest, MigratesForwardOnly) {
  {
    Database db = Database::Open(path_, DatabaseAccess::kCreate).value();
    ASSERT_TRUE(db.Migrate(std::span(kMigrations).first(1)));
    EXPECT_EQ(db.UserVersion().value(), 1);
    EXPECT_FALSE(db.Prepare("SELECT age FROM t"));
  }
  Database db = Database::Open(path_, DatabaseAccess::kReadWrite).value();
  ASSERT_TRUE(db.Migrate(kMigrations));
  ASSERT_TRUE(db.Migrate(kMigrations));
  EXPECT_EQ(db.UserVersion().value(), 2);
  EXPECT_TRUE(db.Prepare("SELECT age FROM t"));
  EXPECT_EQ(db.Migrate(std::span(kMigrations).first(1)).error().code,
            ErrorCode::kFailedPrecondition);
  // A migration that fails leaves the version, and nothing half done.
  const Migration broken[] = {kMigrations[0], kMigrations[1], {"CREATE TABLE u(a); SELEKT"}};
  EXPECT_FALSE(db.Migrate(broken));
  EXPECT_EQ(db.UserVersion().value(), 2);
  EXPECT_FALSE(db.Prepare("SELECT a FROM u"));
}

TEST_F(DatabaseTest, AFileThatIsNoDatabaseIsCorruption) {
  std::ofstream(path_) << std::string(5000, 'x');
  EXPECT_EQ(Database::Open(path_, DatabaseAccess::kReadWrite).error().code, ErrorCode::kCorruption);
}

}  // namespace
}  // namespace salus::storage
