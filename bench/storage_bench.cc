// The store under the log: durable appends, scans with every hash checked, point reads, opening,
// runs and the filter. Appends go to SALUS_BENCH_DIR, else the temporary folder, and measure its
// disk; BM_RawWriteAndSync is the bare disk, to compare with. All others measure the processor:
// they stand in /dev/shm where there is one.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "crypto/sha256.h"
#include "storage/membership_filter.h"
#include "storage/memory_file_system.h"
#include "storage/posix_file_system.h"
#include "storage/posting_run.h"
#include "storage/segment_log.h"
#include "storage/sorted_run.h"

namespace salus::storage {
namespace {

constexpr std::size_t kMetaBytes = 40;
constexpr std::size_t kPayloadBytes = 380;

enum class Disk { kReal, kMemory };

std::string Root(Disk disk) {
  if (disk == Disk::kMemory && std::filesystem::is_directory("/dev/shm")) return "/dev/shm";
  const char* const chosen = std::getenv("SALUS_BENCH_DIR");
  return chosen != nullptr ? chosen : std::filesystem::temp_directory_path().string();
}

class Folder {
 public:
  explicit Folder(Disk disk) {
    std::string pattern = Root(disk) + "/salus-bench-XXXXXX";
    CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string Path(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::vector<SegmentLog::RecordInput> Batch(std::size_t count, Bytes& store) {
  store.resize(count * (kMetaBytes + kPayloadBytes));
  SeededRandom(1).Fill(store);
  std::vector<SegmentLog::RecordInput> inputs(count);
  std::vector<ByteSpan> payloads(count);
  std::vector<Hash32> hashes(count);
  for (std::size_t i = 0; i < count; ++i) {
    const ByteSpan bytes = ByteSpan(store).subspan(i * (kMetaBytes + kPayloadBytes));
    inputs[i].meta = bytes.first(kMetaBytes);
    inputs[i].payload = payloads[i] = bytes.subspan(kMetaBytes, kPayloadBytes);
  }
  crypto::Sha256ManyPrefixed(0, payloads, hashes);
  for (std::size_t i = 0; i < count; ++i) inputs[i].payload_hash = hashes[i];
  return inputs;
}

std::unique_ptr<SegmentLog> FilledLog(FileSystem& fs, const std::string& path,
                                      std::uint64_t records, std::size_t per_frame) {
  auto log = SegmentLog::Create(fs, path, Hash32{}, {}).value();
  Bytes store;
  const auto inputs = Batch(per_frame, store);
  while (log->record_count() < records) CHECK(log->Append(inputs, 1, 1).has_value());
  return log;
}

void BM_AppendDurable(benchmark::State& state) {
  PosixFileSystem fs;
  Folder folder(Disk::kReal);
  auto log = SegmentLog::Create(fs, folder.Path("log"), Hash32{}, {}).value();
  Bytes store;
  const auto inputs = Batch(static_cast<std::size_t>(state.range(0)), store);
  for (auto _ : state) {
    if (log->free_bytes_in_segment() < (16u << 20) && !log->prepared()) {
      state.PauseTiming();  // a background thread's work
      CHECK(log->Prepare().has_value());
      state.ResumeTiming();
    }
    CHECK(log->Append(inputs, 1, 1).has_value());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_AppendDurable)->Arg(1)->Arg(1000)->Arg(10000)->UseRealTime();

void BM_RawWriteAndSync(benchmark::State& state) {
  PosixFileSystem fs;
  Folder folder(Disk::kReal);
  auto file = fs.Create(folder.Path("raw")).value();
  CHECK(file->Allocate(0, 256u << 20).has_value());
  CHECK(file->SyncData().has_value());
  const Bytes bytes(static_cast<std::size_t>(state.range(0)) *
                    (kMetaBytes + kPayloadBytes + kRecordOverheadBytes + 4));
  std::uint64_t at = 0;
  for (auto _ : state) {
    if (at + bytes.size() > (256u << 20)) at = 0;
    CHECK(file->WriteAt(at, bytes).has_value() && file->SyncData().has_value());
    at += bytes.size();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_RawWriteAndSync)->Arg(1)->Arg(1000)->Arg(10000)->UseRealTime();

// One core, from the page cache: the bound is SHA-256.
void BM_Scan(benchmark::State& state) {
  PosixFileSystem fs;
  Folder folder(Disk::kMemory);
  constexpr std::uint64_t kRecords = 200'000;
  auto log = FilledLog(fs, folder.Path("log"), kRecords, static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    std::uint64_t bytes = 0;
    CHECK(log->Scan(0, kRecords,
                    [&](const RecordView& view) -> Result<void> {
                      bytes += view.payload.size();
                      return {};
                    })
              .has_value());
    CHECK(bytes == kRecords * kPayloadBytes);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kRecords));
}
BENCHMARK(BM_Scan)->Arg(1)->Arg(20)->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond);

void BM_Read(benchmark::State& state) {
  PosixFileSystem fs;
  Folder folder(Disk::kMemory);
  constexpr std::uint64_t kRecords = 200'000;
  auto log = FilledLog(fs, folder.Path("log"), kRecords, 1000);
  SeededRandom random(2);
  Record record;
  for (auto _ : state) CHECK(log->Read(random.Below(kRecords), record).has_value());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Read);

void BM_ReadMany(benchmark::State& state) {
  PosixFileSystem fs;
  Folder folder(Disk::kMemory);
  constexpr std::uint64_t kRecords = 200'000;
  auto log = FilledLog(fs, folder.Path("log"), kRecords, 1000);
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t n = 0; n < kRecords; n += 10) numbers.push_back(n);
  for (auto _ : state) {
    CHECK(log->ReadMany(numbers, [](const RecordView&) { return Result<void>(); }).has_value());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(numbers.size()));
}
BENCHMARK(BM_ReadMany)->Unit(benchmark::kMillisecond);

// 2 million records in frames of the given size; the last 1000 are verified.
void BM_Open(benchmark::State& state) {
  PosixFileSystem fs;
  Folder folder(Disk::kMemory);
  constexpr std::uint64_t kRecords = 2'000'000;
  const std::uint64_t count =
      FilledLog(fs, folder.Path("log"), kRecords, static_cast<std::size_t>(state.range(0)))
          ->record_count();
  for (auto _ : state) {
    const SegmentLogOptions options{.access = FileAccess::kReadWrite,
                                    .trusted_record_count = count - 1000};
    CHECK(SegmentLog::Open(fs, folder.Path("log"), Hash32{}, options).has_value());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(count));
}
BENCHMARK(BM_Open)->Arg(20)->Arg(1000)->Unit(benchmark::kMillisecond);

std::vector<SortedRunEntry> Entries(std::uint64_t seed, std::size_t count) {
  SeededRandom random(seed);
  std::vector<SortedRunEntry> entries(count);
  for (std::size_t i = 0; i < count; ++i) entries[i] = {random.Next(), i};
  return entries;
}

void BM_SortedRunWrite(benchmark::State& state) {
  PosixFileSystem fs;
  Folder folder(Disk::kMemory);
  const auto entries = Entries(1, 1'000'000);
  for (auto _ : state) {
    CHECK(SortedRun::Write(fs, folder.Path("run"), entries, {0, 1'000'000}).has_value());
  }
  state.SetItemsProcessed(state.iterations() * 1'000'000);
}
BENCHMARK(BM_SortedRunWrite)->Unit(benchmark::kMillisecond);

void BM_SortedRunFind(benchmark::State& state) {
  PosixFileSystem fs;
  Folder folder(Disk::kMemory);
  const auto entries = Entries(1, 1'000'000);
  CHECK(SortedRun::Write(fs, folder.Path("run"), entries, {0, 1'000'000}).has_value());
  const SortedRun run = SortedRun::Open(fs, folder.Path("run")).value();
  std::vector<std::uint64_t> values;
  std::size_t i = 0;
  for (auto _ : state) {
    values.clear();
    CHECK(run.Find(entries[i++ % entries.size()].key, values).has_value() && values.size() == 1);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_SortedRunFind);

void BM_SortedRunMerge(benchmark::State& state) {
  PosixFileSystem fs;
  Folder folder(Disk::kMemory);
  std::vector<SortedRun> runs;
  for (std::uint64_t i = 0; i < 4; ++i) {
    const std::string path = folder.Path("run") + std::to_string(i);
    CHECK(SortedRun::Write(fs, path, Entries(i, 250'000), {i, i + 1}).has_value());
    runs.push_back(SortedRun::Open(fs, path).value());
  }
  const std::vector<const SortedRun*> pointers = {&runs[0], &runs[1], &runs[2], &runs[3]};
  for (auto _ : state) CHECK(SortedRun::Merge(fs, pointers, folder.Path("merged")).has_value());
  state.SetItemsProcessed(state.iterations() * 1'000'000);
}
BENCHMARK(BM_SortedRunMerge)->Unit(benchmark::kMillisecond);

void BM_PostingRunWrite(benchmark::State& state) {
  PosixFileSystem fs;
  Folder folder(Disk::kMemory);
  SeededRandom random(1);
  std::vector<Posting> postings(1'000'000);
  for (std::uint64_t i = 0; i < postings.size(); ++i) {
    postings[i] = {static_cast<std::uint32_t>(random.Below(100'000)), i};
  }
  for (auto _ : state) {
    CHECK(PostingRun::Write(fs, folder.Path("run"), postings, {0, postings.size()}).has_value());
  }
  state.SetItemsProcessed(state.iterations() * 1'000'000);
}
BENCHMARK(BM_PostingRunWrite)->Unit(benchmark::kMillisecond);

void BM_FilterAdd(benchmark::State& state) {
  SeededRandom random(1);
  std::vector<std::uint64_t> keys(10'000);
  MembershipFilter filter(20'000'000);
  for (auto _ : state) {
    for (std::uint64_t& key : keys) key = random.Next();
    filter.AddMany(keys);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(keys.size()));
}
BENCHMARK(BM_FilterAdd);

// 10 million keys: 13 MB, larger than the nearer caches.
void BM_FilterQuery(benchmark::State& state) {
  SeededRandom random(1);
  MembershipFilter filter(10'000'000);
  for (int i = 0; i < 10'000'000; ++i) filter.Add(random.Next());
  std::vector<std::uint64_t> keys(1'000);
  std::vector<std::uint8_t> found(keys.size());
  for (auto _ : state) {
    for (std::uint64_t& key : keys) key = random.Next();
    filter.MayContainMany(keys, found);
    benchmark::DoNotOptimize(found.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(keys.size()));
}
BENCHMARK(BM_FilterQuery);

}  // namespace
}  // namespace salus::storage

BENCHMARK_MAIN();
