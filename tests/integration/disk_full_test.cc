// A full disk stops ingest and nothing else; when there is space again, ingest goes on, and nothing
// that was acknowledged is lost.

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <future>
#include <thread>

#include "merkle/hash.h"
#include "merkle/proof.h"
#include "node_fixture.h"

namespace salus::integration {
namespace {

constexpr std::uint64_t kLinesPerRequest = 32;
constexpr int kAsking = 1;  // a patient with few entries
constexpr int kUnknown = 77;

// SmallDisk is a file system of 320 MiB in memory: four segments and some more.
class SmallDisk {
 public:
  explicit SmallDisk(std::string path) : path_(std::move(path)) {
    std::filesystem::create_directories(path_);
    // In a name space of this process: the mount is gone with it, however it ends.
    if (::unshare(CLONE_NEWNS) != 0) return;
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return;
    is_mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=320m,mode=0700") == 0;
  }
  ~SmallDisk() {
    if (is_mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  bool is_mounted() const { return is_mounted_; }

  // Fill takes all space that is left.
  void Fill() {
    const int file = ::open(Filler().c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    const Bytes zeros(64 * 1024);
    while (::write(file, zeros.data(), zeros.size()) > 0) continue;
    ::close(file);
  }
  // FreeSome gives back what SQLite needs for the shared memory of its write-ahead log.
  void FreeSome() {
    std::filesystem::resize_file(Filler(), std::filesystem::file_size(Filler()) - 256 * 1024);
  }
  void Free() { std::filesystem::remove(Filler()); }

 private:
  std::string Filler() const { return path_ + "/filler"; }
  const std::string path_;
  bool is_mounted_ = false;
};

class DiskFullTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!disk.is_mounted()) GTEST_SKIP() << "skipped: this user can't mount a small file system";
    MakeDataDirectory(directory, clock, random);
    Open();
    ASSERT_TRUE(node);
    for (const int patient : {0, kAsking}) {
      audit::PatientRow row;
      row.subject = NodeFixture::Patient(patient);
      row.key = crypto::P256PrivateKey::Generate().public_key();
      ASSERT_TRUE(node->PutPatient(row));
    }
    ASSERT_TRUE(node->PutSource(NodeFixture::kSource, "Ward system"));
  }

  void Open() {
    auto opened = node::Node::Open(directory, node::NodeAccess::kReadWrite, clock, random);
    ASSERT_TRUE(opened) << opened.error().message;
    node = *std::move(opened);
  }

  static std::string BigLines(std::uint64_t first, std::uint64_t count, int patient) {
    std::string lines;
    for (std::uint64_t i = first; i < first + count; ++i) {
      lines += fmt::format(
          R"({{"id":"event-{}","time":"2025-11-20T09:00:00Z","patient":"patient-{}","user":"u",)"
          R"("action":"read","original":"{}"}})"
          "\n",
          i, patient, std::string(30'000, 'o'));
    }
    return lines;
  }

  Result<audit::RecordedBatch> Send(std::uint64_t first, std::uint64_t count = kLinesPerRequest,
                                    bool may_use_reserve = false, int patient = 0) {
    const auto source = node->directory().FindSource(NodeFixture::kSource);
    const std::string lines = BigLines(first, count, patient);
    std::promise<Result<audit::RecordedBatch>> promise;
    node->recorder().RecordLines(
        *source, lines, {.may_use_reserve = may_use_reserve},
        [&promise](Result<audit::RecordedBatch> batch) { promise.set_value(std::move(batch)); });
    auto batch = promise.get_future().get();
    if (batch) {
      for (std::uint64_t i = 0; i < count; ++i) {
        EXPECT_TRUE(batch->lines[i].outcome);
        acknowledged[first + i] = batch->lines[i].outcome->index.value;
      }
    }
    return batch;
  }

  // Sends until the disk is full, and returns the first event that was refused.
  std::uint64_t SendUntilRefused(std::uint64_t first, std::uint64_t count = kLinesPerRequest,
                                 bool may_use_reserve = false) {
    for (std::uint64_t at = first; at < first + 40'000; at += count) {
      const auto batch = Send(at, count, may_use_reserve);
      if (batch) continue;
      EXPECT_EQ(batch.error().code, ErrorCode::kResourceExhausted) << batch.error().message;
      return at;
    }
    ADD_FAILURE() << "the disk is never full";
    return 0;
  }

  void ExpectReadsAndProofs() {
    const auto published = node->log().published();
    for (std::uint64_t i = 0; i < published->size.value; i += 97) {
      const auto entry = node->log().ReadEntry(tlog::LeafIndex{i});
      ASSERT_TRUE(entry) << entry.error().message;
      const auto proof =
          merkle::ProveInclusion(entry->index, published->size, node->log().hashes());
      ASSERT_TRUE(proof);
      EXPECT_TRUE(proof->Verify(entry->leaf_hash, entry->index, published->size, published->root));
    }
    for (const merkle::TileId& tile : merkle::TilesOf(published->size)) {
      EXPECT_TRUE(node->log().ReadTile(tile));
    }
  }

  Result<audit::HistoryAnswer> Ask() {
    clock.Advance(std::chrono::hours(2));  // a patient's repeats within an hour are one entry
    audit::HistoryQuestion question;
    question.subject = NodeFixture::Patient(kAsking);
    return node->historian().Answer(question.subject, question);
  }

  void ExpectAcknowledgedOnce() {
    for (const auto& [event, index] : acknowledged) {
      const auto entry = node->log().ReadEntry(tlog::LeafIndex{index});
      ASSERT_TRUE(entry) << event;
      ASSERT_TRUE(entry->meta.repeat) << event;
    }
    std::map<std::array<std::uint8_t, 16>, int> seen;
    ASSERT_TRUE(node->log().Scan(0, node->log().record_count(),
                                 [&](const storage::RecordView& record) -> Result<void> {
                                   const auto meta = tlog::RecordMeta::Parse(record.meta);
                                   if (meta->repeat) ++seen[meta->repeat->identity];
                                   return {};
                                 }));
    EXPECT_EQ(seen.size(), acknowledged.size());
    for (const auto& [identity, times] : seen) EXPECT_EQ(times, 1);
    EXPECT_TRUE(node->log().CheckDerived({}));
  }

  ScratchFolder scratch;
  SmallDisk disk{(scratch.path() / "disk").string()};
  const std::string directory = (scratch.path() / "disk/data").string();
  FakeClock clock{FromUnixMillis(1'763'632'800'000)};
  SystemRandom random;
  std::unique_ptr<node::Node> node;
  std::map<std::uint64_t, std::uint64_t> acknowledged;
};

TEST_F(DiskFullTest, IngestStopsAndReadsGoOnUntilThereIsSpaceAgain) {
  ASSERT_TRUE(Send(0));
  disk.Fill();
  const std::uint64_t refused = SendUntilRefused(kLinesPerRequest);
  ASSERT_GT(refused, 0u);
  EXPECT_TRUE(node->log().is_full());
  // Nothing is written for what is refused, not even for a patient that nobody knows yet.
  const std::uint64_t before = node->log().record_count();
  const auto unknown = Send(900'000, 1, false, kUnknown);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(node->log().record_count(), before);

  ASSERT_TRUE(node->log().MakeCheckpoint());
  ExpectReadsAndProofs();
  for (int i = 0; i < 20; ++i) {
    const auto answer = Ask();
    ASSERT_TRUE(answer) << answer.error().message;
  }
  // The reserve is used up by queries at last; here by entries that are as large as can be.
  SendUntilRefused(SendUntilRefused(refused, kLinesPerRequest, true), 1, true);
  while (Ask()) continue;
  const auto last = Ask();
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, ErrorCode::kResourceExhausted) << last.error().message;
  ExpectReadsAndProofs();

  disk.Free();
  while (node->log().is_full()) std::this_thread::yield();
  ASSERT_TRUE(Send(500'000));
  ASSERT_TRUE(Send(900'000, 1, false, kUnknown));
  ASSERT_TRUE(Ask());
  ASSERT_TRUE(node->log().MakeCheckpoint());
  ExpectAcknowledgedOnce();
  node.reset();
  Open();
  ASSERT_TRUE(node);
  ExpectAcknowledgedOnce();
}

TEST_F(DiskFullTest, AFullDiskIsNoReasonNotToStartAgain) {
  ASSERT_TRUE(Send(0));
  disk.Fill();
  SendUntilRefused(kLinesPerRequest);
  node.reset();
  disk.Fill();  // what closing may have freed
  disk.FreeSome();
  Open();
  ASSERT_TRUE(node);
  ExpectReadsAndProofs();
  ASSERT_TRUE(Ask());
  disk.Free();
  while (node->log().is_full()) std::this_thread::yield();
  ASSERT_TRUE(Send(500'000));
  ExpectAcknowledgedOnce();
}

}  // namespace
}  // namespace salus::integration
