// What a whole check of a data directory says after each change that somebody with the disk can
// make: what, in which file, at which entry. The changes are those of scripts/attack.py, which
// shares no code with Salus.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/check.h"
#include "node/data_check.h"
#include "node_fixture.h"
#include "storage/database.h"

namespace salus::integration {
namespace {

namespace fs = std::filesystem;
using node::CheckFinding;
using node::CheckSeverity;

constexpr int kPatients = 6;
constexpr std::uint64_t kEvents = 240;

// Prepared is a directory with four minutes of events, closed; copies of it are changed.
struct Prepared {
  Prepared() : fixture(kPatients) {
    std::uint64_t event = 0;
    for (int minute = 0; minute < 4; ++minute) {
      for (int i = 0; i < 3; ++i, event += kEvents / 12) {
        const audit::RecordedBatch batch = fixture.Record(event, kEvents / 12);
        for (const audit::RecordedLine& line : batch.lines) {
          if (line.outcome) events.push_back(line.outcome->index.value);
        }
      }
      // The mandate's row is another one each time.
      EXPECT_TRUE(fixture.node->PutMandate("auditor-b", std::vector{NodeFixture::Patient(minute)},
                                           "quality", {}, {}));
      if (minute == 1) fs::copy(fixture.directory, older(), fs::copy_options::recursive);
      fixture.clock.Advance(std::chrono::minutes(2));
      EXPECT_TRUE(fixture.node->log().MakeCheckpoint());
    }
    const auto published = fixture.node->log().published();
    newest = {published->size, published->root, published->note, published->map.time,
              fixture.clock.Now()};
    fixture.Close();
  }

  std::string older() const { return (fixture.scratch.path() / "older").string(); }

  NodeFixture fixture;
  std::vector<std::uint64_t> events;  // indexes of the event entries
  audit::KnownCheckpoint newest;
};

const Prepared& TheDirectory() {
  static Prepared prepared;
  return prepared;
}

class DataCheckTest : public testing::Test {
 protected:
  DataCheckTest() {
    fs::copy(prepared_.fixture.directory, directory_, fs::copy_options::recursive);
  }

  // The attack with everything derived removed, so that nothing but signatures can tell.
  void Attack(const std::string& name, std::uint64_t entry) {
    const std::string number = std::to_string(entry);
    const pid_t child = ::fork();
    if (child == 0) {
      ::execlp("python3", "python3", SALUS_ATTACK_SCRIPT, name.c_str(), directory_.c_str(),
               "--entry", number.c_str(), nullptr);
      ::_exit(127);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0) << name;
  }
  // The attacker left these as they were.
  void PutBack(const std::string& name) {
    fs::copy(prepared_.fixture.directory + "/" + name, directory_ + "/" + name,
             fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  }

  node::DataCheckReport Check(bool is_remembered = false) {
    node::DataCheckOptions options;
    if (is_remembered) {
      options.known = [&](const audit::PinnedLog&) { return std::optional(prepared_.newest); };
    }
    auto report = node::CheckData(directory_, options);
    EXPECT_TRUE(report) << report.error().message;
    return report ? *std::move(report) : node::DataCheckReport();
  }

  // Has says that a finding in this file has this text.
  static testing::AssertionResult Has(const node::DataCheckReport& report, const std::string& file,
                                      const std::string& text,
                                      CheckSeverity severity = CheckSeverity::kTampered) {
    std::string said;
    for (const CheckFinding& finding : report.findings) {
      said +=
          fmt::format("\n  {} ({}, entry {}): {}", finding.file, static_cast<int>(finding.severity),
                      finding.entry ? std::to_string(*finding.entry) : "-", finding.what);
      if (finding.severity == severity && finding.file == file &&
          finding.what.find(text) != std::string::npos) {
        return testing::AssertionSuccess();
      }
    }
    return testing::AssertionFailure() << "\"" << text << "\" in " << file << " is not in:" << said;
  }

  const Prepared& prepared_ = TheDirectory();
  const ScratchFolder scratch_;
  const std::string directory_ = (scratch_.path() / "data").string();
  SystemRandom random_;
  const std::uint64_t middle_ = prepared_.events[prepared_.events.size() / 2];
};

TEST_F(DataCheckTest, ACleanCopyHasNoFindings) {
  const auto report = Check(true);
  EXPECT_TRUE(report.findings.empty()) << report.findings.front().what;
  EXPECT_EQ(report.entries, prepared_.newest.size.value);
  ASSERT_TRUE(report.newest && report.compared);
  EXPECT_EQ(report.newest->root, prepared_.newest.root);
  EXPECT_EQ(report.compared->size, prepared_.newest.size);
  EXPECT_GE(report.checkpoints, 4u);
}

TEST_F(DataCheckTest, AnEditedEntryIsFoundBySignedRoots) {
  Attack("edit", middle_);
  const auto report = Check();
  EXPECT_TRUE(Has(report, "log/segments", "do not hash to the root that was signed over"));
  // What came before it still stands: the last checkpoint that does not cover it.
  ASSERT_FALSE(report.is_clean());
  const CheckFinding& finding = report.findings.front();
  ASSERT_TRUE(finding.good_size);
  EXPECT_LE(*finding.good_size, middle_);
  EXPECT_LT(middle_ - *finding.good_size, kEvents);
  EXPECT_TRUE(finding.good_time);
  EXPECT_TRUE(Has(report, "log/segments", "was changed, or the map was replaced"));
}

TEST_F(DataCheckTest, AnEditedEntryIsNamedByTheTiles) {
  Attack("edit", middle_);
  PutBack("log/hashes");
  EXPECT_TRUE(Has(Check(), "log/segments",
                  fmt::format("entry {} is not the one that was signed: it was changed", middle_)));
}

TEST_F(DataCheckTest, ADeletedEntryIsFound) {
  const std::uint64_t entry = prepared_.events[5];
  Attack("delete", entry);
  EXPECT_TRUE(Has(Check(), "log/segments", "were cut off"));
  EXPECT_TRUE(Has(Check(), "log/segments", "do not hash to the root that was signed over"));
  PutBack("log/hashes");
  EXPECT_TRUE(Has(Check(), "log/segments", fmt::format("entry {} was removed", entry)));
}

TEST_F(DataCheckTest, SwappedEntriesAreFound) {
  Attack("swap", middle_);
  EXPECT_TRUE(Has(Check(), "log/segments", "do not hash to the root that was signed over"));
  PutBack("log/hashes");
  const std::uint64_t other =
      *std::upper_bound(prepared_.events.begin(), prepared_.events.end(), middle_);
  EXPECT_TRUE(Has(Check(), "log/segments",
                  fmt::format("entry {} is the one that was signed as entry {}", middle_, other)));
  EXPECT_TRUE(Has(Check(), "log/segments",
                  fmt::format("entry {} is the one that was signed as entry {}", other, middle_)));
}

TEST_F(DataCheckTest, ATailThatWasCutIsFound) {
  Attack("cut-tail", middle_);
  EXPECT_TRUE(
      Has(Check(), "log/segments",
          fmt::format("entries {} to {} were cut off", middle_, prepared_.newest.size.value - 1)));
}

TEST_F(DataCheckTest, AForgedCheckpointIsFound) {
  Attack("forge-checkpoint", middle_);
  EXPECT_TRUE(Has(Check(), "log/checkpoint", "was forged or changed"));
}

TEST_F(DataCheckTest, AChangedIndexRowIsFound) {
  Attack("index", middle_);
  const auto report = Check();
  EXPECT_TRUE(Has(report, "log/index", "an index says otherwise than the entries"));
  EXPECT_TRUE(std::all_of(report.findings.begin(), report.findings.end(),
                          [](const CheckFinding& f) { return f.file == "log/index"; }));
}

TEST_F(DataCheckTest, AnEntryUnderAnotherPatientIsFound) {
  Attack("misfile", middle_);
  const auto report = Check();
  EXPECT_TRUE(
      Has(report, "log/segments", fmt::format("entry {} is filed under another subject", middle_)));
  EXPECT_TRUE(Has(report, "log/segments", "the map that follows from entries 0 to"));
}

TEST_F(DataCheckTest, AMapThatWasResetIsFoundAlthoughTheLogsKeySignedIt) {
  Attack("map-reset", middle_);
  const auto report = Check(true);
  EXPECT_TRUE(Has(report, "log/segments", "the map was replaced"));
  EXPECT_FALSE(Has(report, "log/segments", "do not hash to the root"));
}

TEST_F(DataCheckTest, AnOlderStateIsFoundByWhoRemembers) {
  for (const char* name : {"log/segments", "log/checkpoint", "log/kept", "control.db"}) {
    fs::remove_all(directory_ + "/" + name);
    fs::copy(prepared_.older() + "/" + name, directory_ + "/" + name, fs::copy_options::recursive);
  }
  fs::remove_all(directory_ + "/log/hashes");
  fs::remove(directory_ + "/log/subjects");
  EXPECT_TRUE(Has(Check(true), "log/checkpoint", "the log was rolled back"));
}

// ChangeRows runs SQL on the copy's control.db, as an operator could.
void ChangeRows(const std::string& directory, const std::string& sql) {
  auto database =
      storage::Database::Open(directory + "/control.db", storage::DatabaseAccess::kReadWrite);
  ASSERT_TRUE(database) << database.error().message;
  const Result<void> changed = database->Execute(sql);
  ASSERT_TRUE(changed) << changed.error().message;
}

TEST_F(DataCheckTest, AChangedRowIsFound) {
  ChangeRows(directory_, "UPDATE rows SET salt = zeroblob(length(salt)) WHERE kind = 5");
  EXPECT_TRUE(Has(Check(), "control.db", "control.db: "));
}

TEST_F(DataCheckTest, AnOldRowIsFound) {
  fs::remove(directory_ + "/control.db-wal");
  fs::copy_file(prepared_.older() + "/control.db", directory_ + "/control.db",
                fs::copy_options::overwrite_existing);
  for (const char* rest : {"-wal", "-shm"}) {
    if (fs::exists(prepared_.older() + "/control.db" + rest)) {
      fs::copy_file(prepared_.older() + "/control.db" + rest, directory_ + "/control.db" + rest,
                    fs::copy_options::overwrite_existing);
    }
  }
  EXPECT_TRUE(Has(Check(), "control.db", "an old row was put back"));
}

TEST_F(DataCheckTest, ADeletedRowOfAnyKindIsFound) {
  const auto expect = [this](const std::string& where) {
    SCOPED_TRACE(where);
    ChangeRows(directory_,
               "CREATE TABLE kept AS SELECT * FROM rows; DELETE FROM rows WHERE " + where);
    EXPECT_TRUE(Has(Check(), "control.db", "control.db has no row for entry"));
    ChangeRows(directory_, "INSERT OR REPLACE INTO rows SELECT * FROM kept; DROP TABLE kept");
  };
  expect("key LIKE '%patient-0'");
  for (int kind = 1; kind <= 6; ++kind) expect(fmt::format("kind = {}", kind));
  EXPECT_TRUE(Check().findings.empty());
}

TEST_F(DataCheckTest, AnotherPatientsShareIsFound) {
  ChangeRows(
      directory_,
      "UPDATE rows SET content = (SELECT content FROM rows WHERE kind = 6 ORDER BY key LIMIT "
      "1), salt = (SELECT salt FROM rows WHERE kind = 6 ORDER BY key LIMIT 1), entry_index = "
      "(SELECT entry_index FROM rows WHERE kind = 6 ORDER BY key LIMIT 1) WHERE kind = 6");
  EXPECT_TRUE(Has(Check(), "control.db", "it was altered"));
}

TEST_F(DataCheckTest, AnAlteredRowIsFoundAndTheOthersAreStillChecked) {
  ChangeRows(directory_, "UPDATE rows SET content = zeroblob(20) WHERE key LIKE '%patient-0'");
  ChangeRows(directory_, "DELETE FROM rows WHERE kind = 3");
  const auto report = Check();
  EXPECT_TRUE(Has(report, "control.db", "it was altered"));
  EXPECT_TRUE(Has(report, "control.db", "(a source's registration)"));
}

// An act that a crash, or this very moment, has between its entry and its row.
TEST_F(DataCheckTest, AnIntentIsNoFinding) {
  ChangeRows(directory_,
             "INSERT INTO intents SELECT kind, key, content, 0, salt FROM rows; DELETE FROM rows");
  EXPECT_TRUE(Check().findings.empty());
}

// The same where the row is not the first of its kind: the one before it is still there.
TEST_F(DataCheckTest, ARowWhoseNewerOneIsAnIntentIsNoFinding) {
  ChangeRows(directory_, fmt::format("ATTACH '{}/control.db' AS older; "
                                     "INSERT INTO intents SELECT kind, key, content, 0, salt FROM "
                                     "rows WHERE kind IN (1, 2, 5); "
                                     "INSERT OR REPLACE INTO rows SELECT * FROM older.rows WHERE "
                                     "kind IN (1, 2, 5)",
                                     prepared_.older()));
  const auto report = Check();
  EXPECT_TRUE(report.findings.empty()) << report.findings.front().what;
}

TEST_F(DataCheckTest, AnIntentThatTheNextStartWouldDropIsFound) {
  ChangeRows(directory_,
             "INSERT INTO intents SELECT kind, key, content, 99999999, salt FROM rows WHERE kind = "
             "5; DELETE FROM rows WHERE kind = 5");
  auto report = Check();
  EXPECT_TRUE(Has(report, "control.db", "it was put there"));
  EXPECT_TRUE(Has(report, "control.db", "(a mandate)"));
  ChangeRows(directory_, "UPDATE intents SET log_size = (SELECT max(entry_index) + 1 FROM rows)");
  EXPECT_TRUE(Has(Check(), "control.db", "(a mandate)"));
  // And nothing but that: the start drops it.
  auto node =
      node::Node::Open(directory_, node::NodeAccess::kReadWrite, prepared_.fixture.clock, random_);
  ASSERT_TRUE(node) << node.error().message;
  EXPECT_FALSE((*node)->directory().FindMandate("auditor-a"));
}

TEST_F(DataCheckTest, AnOldRowAsAnIntentIsFound) {
  ChangeRows(directory_, fmt::format("ATTACH '{}/control.db' AS older; "
                                     "INSERT INTO intents SELECT kind, key, content, 0, salt FROM "
                                     "older.rows WHERE kind = 5",
                                     prepared_.older()));
  EXPECT_TRUE(Has(Check(), "control.db", "an old row was put back"));
}

// Whatever a server does meanwhile: what it has not signed yet accuses nobody.
TEST_F(DataCheckTest, ActsOfAServerAtWorkAreNoFinding) {
  auto opened =
      node::Node::Open(directory_, node::NodeAccess::kReadWrite, prepared_.fixture.clock, random_);
  ASSERT_TRUE(opened) << opened.error().message;
  node::Node& server = **opened;
  std::jthread acts([&server](std::stop_token stop) {
    for (int i = 0; !stop.stop_requested(); ++i) {
      const std::vector<audit::Subject> patients = {NodeFixture::Patient(i % kPatients)};
      ASSERT_TRUE(server.PutMandate("auditor-b", patients, "q", {}, {}));
      ASSERT_TRUE(server.PutSource("other", "name " + std::to_string(i)));
      audit::PatientRow patient;
      patient.subject = NodeFixture::Patient(100 + i);
      ASSERT_TRUE(server.PutPatient(patient));
      ASSERT_TRUE(i % 8 != 0 || server.log().MakeCheckpoint());
    }
  });
  for (int round = 0; round < Rounds(25, 200); ++round) {
    const auto report = Check();
    ASSERT_TRUE(report.findings.empty()) << report.findings.front().what;
  }
}

TEST_F(DataCheckTest, KeptCheckpointsThatWereRemovedAreFound) {
  fs::resize_file(directory_ + "/log/kept", 0);
  EXPECT_TRUE(Has(Check(), "log/kept", "log/kept was removed"));
}

TEST_F(DataCheckTest, DamagedHashFilesAreNamed) {
  for (const char* name : {"leaves", "nodes"}) {
    SCOPED_TRACE(name);
    const std::string path = directory_ + "/log/hashes/" + name;
    const auto size = std::min<std::uint64_t>(fs::file_size(path), 12'288);
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    for (std::uint64_t i = 0; i < size; ++i) file.put(static_cast<char>(i * 31 + 7));
    file.close();
    const auto report = Check();
    EXPECT_TRUE(Has(report, "log/hashes/leaves", "is damaged", CheckSeverity::kDerived));
    EXPECT_FALSE(report.is_clean());
    PutBack("log/hashes");
  }
}

TEST_F(DataCheckTest, ReplacedCertificatesAreFound) {
  const ScratchFolder other;
  SystemRandom random;
  const std::string foreign = (other.path() / "data").string();
  MakeDataDirectory(foreign, prepared_.fixture.clock, random);
  const auto put = [&](const std::string& from, const std::string& name) {
    fs::copy(from + "/" + name, directory_ + "/" + name,
             fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  };
  for (const std::string name : {"root.pem", "ca"}) {
    SCOPED_TRACE(name);
    put(foreign, name);
    EXPECT_TRUE(Has(Check(), "root.pem", "one of the three was replaced"));
    put(prepared_.fixture.directory, name);
  }
  for (const std::string name : {"root.pem", "ca", "server"}) put(foreign, name);
  EXPECT_TRUE(Has(Check(), "server/certificate.pem", "is not one that the log has recorded"));
}

TEST_F(DataCheckTest, EveryChangedKeyIsFound) {
  const ScratchFolder other;
  SystemRandom random;
  MakeDataDirectory((other.path() / "data").string(), prepared_.fixture.clock, random);
  for (const char* key : {"log.key", "receipt.key", "vrf.key", "index.key"}) {
    SCOPED_TRACE(key);
    const std::string name = std::string("/keys/") + key;
    fs::copy_file((other.path() / "data").string() + name, directory_ + name,
                  fs::copy_options::overwrite_existing);
    EXPECT_TRUE(Has(Check(), "log/segments", "entry 0 does not name this log's origin and keys"));
    auto opened =
        node::Node::Open(directory_, node::NodeAccess::kReadWrite, prepared_.fixture.clock, random);
    EXPECT_FALSE(opened);
    fs::copy_file(prepared_.fixture.directory + name, directory_ + name,
                  fs::copy_options::overwrite_existing);
  }
  EXPECT_TRUE(Check().findings.empty());
}

}  // namespace
}  // namespace salus::integration
