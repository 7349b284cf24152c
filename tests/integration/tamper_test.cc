// Whatever is done to the files of a data directory: it is refused with a reason, or every byte
// that is served is the one that was stored.

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "base/log.h"
#include "codec/base64.h"
#include "directory_image.h"
#include "merkle/hash.h"
#include "merkle/proof.h"
#include "node/data_check.h"
#include "node_fixture.h"
#include "served_answers.h"

namespace salus::integration {
namespace {

namespace fs = std::filesystem;
using node::NodeAccess;

constexpr int kPatients = 20;

// Prepared is one data directory at several moments, and what it served then.
struct Prepared {
  struct Moment {
    DirectoryImage image;
    ServedAnswers served;
  };

  Prepared() : fixture(kPatients) {
    // A patient that nobody registered is in the custodians' hands.
    EXPECT_TRUE(fixture.Send(fixture.Line(kPatients + 1, 999'999)));
    EXPECT_TRUE(fixture.node->log().MakeCheckpoint());
    std::uint64_t event = 0;
    for (int i = 0; i < 3; ++i) {
      moments.push_back({ReadImage(fixture.directory), {}});
      event = Work(event, 600);
    }
    moments.push_back({ReadImage(fixture.directory), {}});
    Work(event, 200);
    crashed.image = ReadImage(fixture.directory);
    fixture.Close();
    newest.image = ReadImage(fixture.directory);
    for (Moment& moment : moments) moment.served = Serve(moment.image);
    crashed.served = Serve(crashed.image);
    newest.served = Serve(newest.image);
  }

  std::uint64_t Work(std::uint64_t event, std::uint64_t count) {
    for (std::uint64_t end = event + count; event < end; event += 100) fixture.Record(event, 100);
    // Rows change, so that older versions of the control plane differ.
    std::vector<audit::Subject> readable;
    for (std::uint64_t i = 0; i < kPatients - event / 300; ++i) {
      readable.push_back(NodeFixture::Patient(static_cast<int>(i)));
    }
    EXPECT_TRUE(fixture.node->PutMandate("auditor-b", readable, "quality", {}, {}));
    fixture.clock.Advance(std::chrono::minutes(2));
    EXPECT_TRUE(fixture.node->log().MakeCheckpoint());
    return event;
  }

  ServedAnswers Serve(const DirectoryImage& image) {
    const ScratchFolder folder;
    WriteImage(image, folder.path() / "data");
    auto opened = node::Node::Open((folder.path() / "data").string(), NodeAccess::kReadOnly,
                                   fixture.clock, fixture.random);
    EXPECT_TRUE(opened) << opened.error().message;
    ServedAnswers served = opened ? ReadEverything(**opened) : ServedAnswers();
    for (const auto& [name, value] : served.items) {
      EXPECT_TRUE(value) << name << ": " << value.error().message;
    }
    return served;
  }

  const ServedAnswers* FindServed(std::uint64_t size) const {
    if (newest.served.size == size) return &newest.served;
    for (const Moment& moment : moments) {
      if (moment.served.size == size) return &moment.served;
    }
    return nullptr;
  }

  bool WasEverServed(const std::string& name, const Bytes& value) const {
    const auto has = [&](const ServedAnswers& served) {
      const auto at = served.items.find(name);
      return at != served.items.end() && *at->second == value;
    };
    return has(newest.served) || std::any_of(moments.begin(), moments.end(),
                                             [&](const Moment& m) { return has(m.served); });
  }

  NodeFixture fixture;
  std::vector<Moment> moments;
  Moment crashed;  // everything acknowledged, not closed
  Moment newest;   // closed
};

// Change is one act on one file.
struct Change {
  std::string file;
  std::string what;
};

class Tamperer {
 public:
  Tamperer(const Prepared& prepared, std::uint64_t seed) : prepared_(prepared), random_(seed) {}

  // Next makes the next changed image out of base.
  Change Next(DirectoryImage& image, const DirectoryImage& base) {
    image = base;
    const std::vector<std::string> names = Names(base);
    Change change;
    change.file = names[random_.Below(names.size())];
    StoredFile& file = image[change.file];
    do {
      change.what = Act(image, change.file, file);
    } while (change.what.empty());
    return change;
  }

 private:
  static bool IsJudged(const std::string& name) {
    return name.starts_with("log/") || name.starts_with("control.db") || name == "salus.toml" ||
           name == "root.pem" || name.starts_with("keys/");
  }

  static std::vector<std::string> Names(const DirectoryImage& image) {
    std::vector<std::string> names;
    for (const auto& [name, file] : image) {
      if (IsJudged(name) && file.size > 0 && !name.ends_with("-shm")) names.push_back(name);
    }
    return names;
  }

  // Mostly where the file is used; sometimes anywhere.
  std::uint64_t Offset(const StoredFile& file) {
    if (file.content.empty() || random_.Below(16) == 0) return random_.Below(file.size);
    return random_.Below(file.content.size());
  }

  std::string Act(DirectoryImage& image, const std::string& name, StoredFile& file) {
    switch (random_.Below(10)) {
      default: {
        const std::uint64_t at = Offset(file);
        if (file.content.size() <= at) file.content.resize(at + 1);
        const auto bit = random_.Below(8);
        file.content[at] ^= static_cast<std::uint8_t>(1u << bit);
        return fmt::format("bit {} of byte {} flipped", bit, at);
      }
      case 5: {
        file.size = Offset(file);
        file.content.resize(std::min<std::uint64_t>(file.content.size(), file.size));
        return fmt::format("cut to {} bytes", file.size);
      }
      case 6:
        return Swap(file);
      case 7: {
        const std::uint64_t sector = random_.Below(2) == 0 ? 512 : 4096;
        const std::uint64_t at = Offset(file) / sector * sector;
        for (std::uint64_t i = at; i < std::min<std::uint64_t>(at + sector, file.content.size());
             ++i) {
          file.content[i] = 0;
        }
        return fmt::format("{} bytes zeroed from {}", sector, at);
      }
      case 8: {
        const std::size_t moment = random_.Below(prepared_.moments.size());
        const auto old = prepared_.moments[moment].image.find(name);
        if (old == prepared_.moments[moment].image.end() || old->second == file) return "";
        file = old->second;
        return fmt::format("its version of moment {}", moment);
      }
      case 9:
        image.erase(name);
        return "deleted";
    }
  }

  std::string Swap(StoredFile& file) {
    const std::uint64_t size = file.content.size();
    if (size < 64) return "";
    const std::uint64_t length = 1 + random_.Below(std::min<std::uint64_t>(size / 4, 8192));
    const std::uint64_t a = random_.Below(size / 2 - length + 1);
    const std::uint64_t b = size / 2 + random_.Below(size - size / 2 - length + 1);
    const auto begin = file.content.begin();
    std::swap_ranges(begin + static_cast<std::ptrdiff_t>(a),
                     begin + static_cast<std::ptrdiff_t>(a + length),
                     begin + static_cast<std::ptrdiff_t>(b));
    return fmt::format("{} bytes at {} and {} swapped", length, a, b);
  }

  const Prepared& prepared_;
  SeededRandom random_;
};

enum class Verdict : char {
  kIdentical = 'I',
  kRefused = 'E',
  kOlder = 'R',
  kWrong = 'W',
  kUnseen = 'U'
};

// Judge opens a changed directory and compares what it serves. It runs in a process of its own, so
// that an abort is a finding too.
class Judge {
 public:
  Judge(Prepared& prepared, std::string directory, const Change& change)
      : prepared_(prepared),
        directory_(std::move(directory)),
        is_control_plane_(change.file.starts_with("control.db")),
        is_untouched_(change.file.empty()) {}

  std::pair<Verdict, std::string> Run(NodeAccess access) {
    // Before the directory is opened for writing, which repairs what is derived.
    const std::string findings = Check();
    auto result = Open(access);
    const bool is_changed = result.first == Verdict::kRefused || result.first == Verdict::kOlder;
    if (is_changed && findings.empty()) return {Verdict::kUnseen, result.second};
    if (is_untouched_ && !findings.empty()) return {Verdict::kWrong, "a false alarm: " + findings};
    return result;
  }

  std::pair<Verdict, std::string> Open(NodeAccess access) {
    auto opened =
        node::Node::Open(directory_, access, prepared_.fixture.clock, prepared_.fixture.random);
    if (!opened) {
      Refused(opened.error(), "open");
      return {verdict_, reason_};
    }
    Compare(ReadEverything(**opened));
    if (verdict_ != Verdict::kWrong && access == NodeAccess::kReadWrite) GoOn(**opened);
    return {verdict_, reason_};
  }

 private:
  // What a whole check says, given the checkpoint that a reader remembers; empty: nothing.
  std::string Check() const {
    node::DataCheckOptions options;
    options.known =
        [this](const audit::PinnedLog&) -> Result<std::optional<audit::KnownCheckpoint>> {
      return std::optional(audit::KnownCheckpoint{
          merkle::TreeSize{prepared_.newest.served.size}, NewestRoot(),
          std::string(AsText(*prepared_.newest.served.items.at("checkpoint")))});
    };
    const auto report = node::CheckData(directory_, options);
    if (!report) return report.error().message;
    for (const auto& finding : report->findings) {
      if (finding.severity != node::CheckSeverity::kNotice) return finding.what;
    }
    return report->findings.empty() ? "" : report->findings.front().what;
  }

  void Set(Verdict verdict, std::string reason) {
    if (verdict_ == Verdict::kWrong ||
        (verdict_ == Verdict::kRefused && verdict != Verdict::kWrong)) {
      return;
    }
    verdict_ = verdict;
    reason_ = std::move(reason);
  }

  void Refused(const Error& error, const std::string& what) {
    // A lost row entitles nobody; those without the right are told nothing more.
    const bool is_plain = is_control_plane_ && error.code == ErrorCode::kPermissionDenied;
    const bool is_precise =
        is_plain || (error.code != ErrorCode::kInternal && error.message.size() >= 16);
    Set(is_precise ? Verdict::kRefused : Verdict::kWrong,
        fmt::format("{}: {}: {}", what, CodeName(error.code), error.message));
  }

  void Compare(const ServedAnswers& served) {
    const ServedAnswers* reference = prepared_.FindServed(served.size);
    if (reference == nullptr) {
      const auto& checkpoint = served.items.at("checkpoint");
      if (!checkpoint) return Refused(checkpoint.error(), "checkpoint");
      return Set(Verdict::kWrong, fmt::format("a checkpoint of size {}", served.size));
    }
    if (reference != &prepared_.newest.served) Set(Verdict::kOlder, "an older checkpoint");
    for (const auto& [name, value] : served.items) CompareItem(*reference, name, value);
    for (const auto& [name, value] : reference->items) {
      if (served.items.contains(name)) continue;
      if (!is_control_plane_ && IsOfRows(name)) {
        Refused(Corruption("a row is not believed, since its entry can't be read"), name);
        continue;
      }
      const bool may_miss = name.starts_with("kept ") || (is_control_plane_ && IsOfRows(name));
      Set(may_miss ? Verdict::kOlder : Verdict::kWrong, name + " is missing");
    }
  }

  static bool IsOfRows(const std::string& name) {
    return name.starts_with("row of ") || name.starts_with("share of ") ||
           name.starts_with("chain of ");
  }

  void CompareItem(const ServedAnswers& reference, const std::string& name,
                   const Result<Bytes>& value) {
    if (!value) return Refused(value.error(), name);
    const auto expected = reference.items.find(name);
    if (expected != reference.items.end() && *expected->second == *value) return;
    // Rows are read from the control plane of now, whatever checkpoint is published.
    const bool is_row = name.starts_with("row of ") || name.starts_with("share of ");
    const auto newest = prepared_.newest.served.items.find(name);
    if (is_row && newest != prepared_.newest.served.items.end() && *newest->second == *value) {
      return;
    }
    const bool may_be_older = name.starts_with("kept ") || (is_control_plane_ && is_row);
    const bool is_older = may_be_older && prepared_.WasEverServed(name, *value);
    // A share is sealed to its custodian, who notices.
    if (is_control_plane_ && name.starts_with("share of ")) return Set(Verdict::kOlder, name);
    Set(is_older ? Verdict::kOlder : Verdict::kWrong, name + " differs");
  }

  // A log that opens for writing extends what was published before, and proves what it answers.
  void GoOn(node::Node& node) {
    const auto source = node.directory().FindSource(NodeFixture::kSource);
    if (!source) return Refused(NotFound("the source is not registered"), "source");
    const auto batch = RecordAndWait(node, *source, prepared_.fixture.Line(3, 77'777'777));
    if (!batch) return Refused(batch.error(), "record");
    const auto checkpoint = node.log().MakeCheckpoint();
    if (!checkpoint) return Refused(checkpoint.error(), "checkpoint");
    const auto size = merkle::TreeSize{prepared_.newest.served.size};
    const auto proof = merkle::ProveConsistency(size, (*checkpoint)->size, node.log().hashes());
    if (!proof) return Refused(proof.error(), "consistency");
    if (!proof->Verify(size, (*checkpoint)->size, NewestRoot(), (*checkpoint)->root)) {
      return Set(Verdict::kWrong, "a fork was signed");
    }
    for (int i = 0; i < kPatients; i += 7) History(node, NodeFixture::Patient(i));
  }

  void History(node::Node& node, const audit::Subject& patient) {
    audit::HistoryQuestion question;
    question.subject = patient;
    const auto answer = node.historian().Answer(patient, question);
    if (!answer) return Refused(answer.error(), "history");
    const auto published = node.log().published();
    std::vector<merkle::MultiProof::Leaf> leaves;
    for (const audit::ShownEntry& shown : answer->shown) {
      leaves.push_back({shown.index, merkle::HashLeaf(shown.entry)});
    }
    if (!answer->inclusion.front().proof.Verify(leaves, published->size, published->root)) {
      return Set(Verdict::kWrong, "a shown entry is not included");
    }
    if (answer->chain.empty()) Set(Verdict::kWrong, "a history is empty");
  }

  merkle::RootHash NewestRoot() const {
    const std::string note(AsText(*prepared_.newest.served.items.at("checkpoint")));
    const std::size_t second = note.find('\n', note.find('\n') + 1) + 1;
    const auto bytes = codec::Base64Decode(
        std::string_view(note).substr(second, note.find('\n', second) - second));
    return *merkle::RootHash::FromBytes(*bytes);
  }

  Prepared& prepared_;
  const std::string directory_;
  const bool is_control_plane_;
  const bool is_untouched_;
  Verdict verdict_ = Verdict::kIdentical;
  std::string reason_;
};

// RunApart runs the judge in a child process.
std::pair<Verdict, std::string> RunApart(Prepared& prepared, const std::string& directory,
                                         const Change& change, NodeAccess access) {
  int ends[2];
  if (::pipe(ends) != 0) return {Verdict::kWrong, "no pipe"};
  const pid_t child = ::fork();
  if (child == 0) {
    SetLogLevel(LogLevel::kError);
    const int silent = ::open("/dev/null", O_WRONLY);
    ::dup2(silent, 2);
    const auto [verdict, reason] = Judge(prepared, directory, change).Run(access);
    const std::string line = static_cast<char>(verdict) + reason.substr(0, 1000);
    [[maybe_unused]] const ssize_t written = ::write(ends[1], line.data(), line.size());
    ::_exit(0);
  }
  ::close(ends[1]);
  char buffer[1024];
  const ssize_t n = ::read(ends[0], buffer, sizeof buffer);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (n <= 0 || !WIFEXITED(status)) {
    return {Verdict::kWrong, fmt::format("the process died with signal {}", WTERMSIG(status))};
  }
  return {static_cast<Verdict>(buffer[0]),
          std::string(buffer + 1, static_cast<std::size_t>(n) - 1)};
}

Prepared& TheDirectory() {
  static Prepared prepared;
  return prepared;
}

TEST(TamperTest, NoWrongByteIsServedWhateverChangesOnDisk) {
  Prepared& prepared = TheDirectory();
  const std::uint64_t seed = RandomSeed();
  Tamperer tamperer(prepared, seed);
  const ScratchFolder scratch;
  const fs::path folder = scratch.path() / "data";
  std::map<Verdict, int> counts;
  const int rounds = Rounds(150, 5000);
  const char* const only = std::getenv("SALUS_TAMPER_ROUND");  // to look at one again
  for (int round = 0; round < rounds; ++round) {
    DirectoryImage image;
    const bool is_clean = round % 3 != 0;
    const Change change =
        tamperer.Next(image, is_clean ? prepared.newest.image : prepared.crashed.image);
    const auto access = round % 4 == 3 ? NodeAccess::kReadWrite : NodeAccess::kReadOnly;
    if (only != nullptr && std::to_string(round) != only) continue;
    WriteImage(image, folder);
    const auto [verdict, reason] = RunApart(prepared, folder.string(), change, access);
    ++counts[verdict];
    EXPECT_TRUE(verdict != Verdict::kWrong && verdict != Verdict::kUnseen)
        << "seed " << seed << " round " << round << (is_clean ? " closed, " : " crashed, ")
        << (access == NodeAccess::kReadOnly ? "read only, " : "written, ") << change.file << ": "
        << change.what << ": " << reason;
    if (std::getenv("SALUS_TAMPER_LIST") != nullptr) {
      std::cout << static_cast<char>(verdict) << " " << change.file << ": " << change.what << ": "
                << reason << "\n";
    }
  }
  std::cout << fmt::format("{} changes: {} identical, {} refused, {} older rows or checkpoints\n",
                           rounds, counts[Verdict::kIdentical], counts[Verdict::kRefused],
                           counts[Verdict::kOlder]);
}

TEST(TamperTest, CleanCopiesServeTheSame) {
  Prepared& prepared = TheDirectory();
  const ScratchFolder scratch;
  for (const auto* moment : {&prepared.newest, &prepared.crashed}) {
    for (const auto access : {NodeAccess::kReadOnly, NodeAccess::kReadWrite}) {
      WriteImage(moment->image, scratch.path() / "data");
      const auto [verdict, reason] =
          RunApart(prepared, (scratch.path() / "data").string(), {}, access);
      EXPECT_EQ(verdict, Verdict::kIdentical) << reason;
    }
  }
}

TEST(TamperTest, AWholeRollbackIsSeenByARememberedCheckpointOnly) {
  Prepared& prepared = TheDirectory();
  for (const Prepared::Moment& moment : prepared.moments) {
    // It opens, and proves itself; only its size is below what a reader remembers.
    EXPECT_LT(moment.served.size, prepared.newest.served.size);
    for (const auto& [name, value] : moment.served.items) EXPECT_TRUE(value) << name;
  }
}

TEST(TamperTest, DeletedIndexesAreRebuiltFromTheSegments) {
  Prepared& prepared = TheDirectory();
  const ScratchFolder scratch;
  const std::string directory = (scratch.path() / "data").string();
  DirectoryImage image = prepared.newest.image;
  std::erase_if(image, [](const auto& file) {
    return file.first.starts_with("log/index/") || file.first.starts_with("log/hashes/") ||
           file.first == "log/subjects";
  });
  ASSERT_LT(image.size(), prepared.newest.image.size());
  WriteImage(image, directory);
  for (int run = 0; run < 2; ++run) {  // rebuilt, then what the rebuild wrote
    auto node = node::Node::Open(directory, NodeAccess::kReadWrite, prepared.fixture.clock,
                                 prepared.fixture.random);
    ASSERT_TRUE(node) << node.error().message;
    const ServedAnswers served = ReadEverything(**node);
    ASSERT_EQ(served.items.size(), prepared.newest.served.items.size());
    for (const auto& [name, value] : served.items) {
      ASSERT_TRUE(value) << name << ": " << value.error().message;
      EXPECT_EQ(*value, *prepared.newest.served.items.at(name)) << name;
    }
    EXPECT_TRUE((*node)->log().CheckDerived({}));
  }
  EXPECT_TRUE(fs::exists(directory + "/log/index/manifest"));
}

}  // namespace
}  // namespace salus::integration
