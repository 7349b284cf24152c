// When a UTC day is over, no key of it is left in the server's memory: whoever takes the machine
// tomorrow can't read what was logged today.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <iostream>

#include "audit/entry.h"
#include "audit/grant.h"
#include "audit/seal.h"
#include "base/log.h"
#include "memory_scan.h"
#include "node_fixture.h"

namespace salus::integration {
namespace {

constexpr int kPatients = 20;  // and as many canary entries

// The test reads keys to look for them.
class TestSecrets : SecretAccessMint {
 public:
  static SecretAccess Token() { return Mint(); }
};

// ServerProcess is a child that does one step each time it is told to. It is forked before this
// process knows any key of it.
class ServerProcess {
 public:
  using Steps = std::vector<std::function<bool()>>;
  explicit ServerProcess(const Steps& steps) {
    int to[2];
    int from[2];
    CheckZero(::pipe(to));
    CheckZero(::pipe(from));
    pid_ = ::fork();
    if (pid_ == 0) {
      // Random bytes that were read ahead before the fork would be the same in both processes.
      SystemRandom().Array<4096>();
      for (const auto& step : steps) {
        char byte;
        if (::read(to[0], &byte, 1) != 1) break;
        byte = step() ? 'y' : 'n';
        if (::write(from[1], &byte, 1) != 1) break;
      }
      char byte;
      [[maybe_unused]] const ssize_t end = ::read(to[0], &byte, 1);
      ::_exit(0);
    }
    tell_ = to[1];
    hear_ = from[0];
    ::close(to[0]);
    ::close(from[1]);
  }
  ~ServerProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ::close(tell_);
    ::close(hear_);
  }
  bool Step() {
    char byte = 's';
    return ::write(tell_, &byte, 1) == 1 && ::read(hear_, &byte, 1) == 1 && byte == 'y';
  }
  pid_t pid() const { return pid_; }

 private:
  static void CheckZero(int result) { ASSERT_EQ(result, 0); }
  pid_t pid_ = 0;
  int tell_ = -1;
  int hear_ = -1;
};

class MidnightTest : public testing::Test {
 protected:
  // Reads the keys that the server of the directory made since `first`, as their readers can.
  struct Keys {
    MemoryScan epoch_keys;
    MemoryScan all;
    int epochs = 0;
    int entries = 0;
  };

  static std::optional<audit::SealedBody> SealedOf(const audit::EntryView& entry) {
    if (entry.sealed) return entry.sealed;
    return entry.other ? entry.other->sealed : std::nullopt;
  }

  void Read(const audit::Subject& subject, const crypto::P256PrivateKey& key, std::uint64_t first,
            Keys& keys) {
    tlog::Log& log = fixture.node->log();
    const audit::ProvenTag tag = fixture.node->recorder().TagOf(subject);
    const auto chain = log.EntriesOf(tag.tag, log.published()->size);
    ASSERT_TRUE(chain);
    std::optional<audit::EpochKey> epoch;
    for (const std::uint64_t index : *chain) {
      if (index < first) continue;
      const auto stored = log.ReadEntry(tlog::LeafIndex{index});
      const auto entry = audit::ParseEntry(stored->entry);
      ASSERT_TRUE(entry);
      if (entry->grant) {
        auto grant = audit::OpenGrantAsSubject(NodeFixture::kOrigin, *entry->grant, tag.tag, key);
        ASSERT_TRUE(grant) << grant.error().message;
        const std::string name = "key of grant " + std::to_string(index);
        keys.epoch_keys.AddKey(name, grant->key.view(TestSecrets::Token()));
        keys.all.AddKey(name, grant->key.view(TestSecrets::Token()));
        epoch.emplace(std::move(grant->key));
        ++keys.epochs;
      } else if (const auto sealed = SealedOf(*entry)) {
        ASSERT_TRUE(epoch);
        const audit::EntryKey entry_key = epoch->KeyOf(sealed->iv);
        ASSERT_EQ(audit::KeyIdOf(entry_key), sealed->key_id);
        keys.all.AddKey("key of entry " + std::to_string(index),
                        entry_key.view(TestSecrets::Token()));
        ++keys.entries;
      }
    }
  }

  void ReadAll(std::uint64_t first, Keys& keys) {
    fixture.Open(node::NodeAccess::kReadOnly);
    for (int i = 0; i < kPatients; ++i) {
      Read(NodeFixture::Patient(i), fixture.patient_keys[static_cast<std::size_t>(i)], first, keys);
    }
    Read(NodeFixture::Auditor("auditor-a"), fixture.auditor_keys[0], first, keys);
    Read(NodeFixture::Auditor("auditor-b"), fixture.auditor_keys[1], first, keys);
    fixture.Close();
  }

  bool Query(int patient) {
    audit::HistoryQuestion question;
    question.subject = NodeFixture::Patient(patient);
    const auto answer = fixture.node->historian().Answer(question.subject, question);
    return answer && !answer->shown.empty();
  }

  NodeFixture fixture{kPatients};
};

void ExpectNone(const Result<std::vector<MemoryScan::Hit>>& hits, const char* when) {
  ASSERT_TRUE(hits);
  for (const MemoryScan::Hit& hit : *hits) {
    ADD_FAILURE() << when << ": " << hit.name << " in " << hit.region;
  }
}

TEST_F(MidnightTest, NoKeyOfYesterdayIsLeftInMemory) {
  const std::uint64_t first = fixture.node->log().record_count();
  fixture.Close();
  ServerProcess server({
      [this] {
        fixture.Open();
        fixture.Record(1, kPatients);
        // A request with many lines: buffers grow.
        fixture.Record(1000, 500);
        return Query(1) && fixture.node->log().MakeCheckpoint().has_value();
      },
      [this] {
        fixture.clock.Advance(std::chrono::hours(15));
        fixture.node->recorder().ForgetOldEpochs();
        return true;
      },
      [this] {
        fixture.Record(5000, kPatients);
        return Query(1) && fixture.node->log().MakeCheckpoint().has_value();
      },
  });
  ServerProcess restarted({[this] {
    fixture.clock.Advance(std::chrono::hours(15));
    fixture.Open();
    fixture.Record(9000, kPatients);
    return Query(2);
  }});

  ASSERT_TRUE(server.Step());
  Keys keys;
  ReadAll(first, keys);
  EXPECT_EQ(keys.epochs, kPatients + 2);
  EXPECT_EQ(keys.entries, kPatients + 500 + 1);  // and the query
  const auto before = keys.epoch_keys.Run(server.pid());
  if (!before) GTEST_SKIP() << "skipped: " << before.error().message;
  // The scan finds what is there: the keys of today are in use.
  EXPECT_GE(before->size(), static_cast<std::size_t>(kPatients));

  std::cout << before->size() << " copies of " << keys.epochs << " epoch keys before midnight\n";

  ASSERT_TRUE(server.Step());
  ExpectNone(keys.all.Run(server.pid()), "after midnight");
  ASSERT_TRUE(server.Step());
  ExpectNone(keys.all.Run(server.pid()), "the day after");
  ::kill(server.pid(), SIGKILL);
  ::waitpid(server.pid(), nullptr, 0);
  ASSERT_TRUE(restarted.Step());
  ExpectNone(keys.all.Run(restarted.pid()), "after a restart");
}

}  // namespace
}  // namespace salus::integration
