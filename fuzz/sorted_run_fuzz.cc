// A sorted run finds what a multimap finds; a changed file gives the same answers or an error; a
// file with any content under right hashes never crashes the reader.
//
// Input: byte 0 chooses; entries are 3 bytes (key, value), edits 4 bytes, raw pages any bytes.
#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "base/check.h"
#include "base/endian.h"
#include "paged_cases.h"
#include "storage/memory_file_system.h"
#include "storage/sorted_run.h"

namespace salus::storage {
namespace {

using Reference = std::multimap<std::uint64_t, std::uint64_t>;

void CheckAgainst(const SortedRun& run, const Reference& reference, bool may_fail) {
  for (std::uint64_t key = 0; key < 16; ++key) {
    std::vector<std::uint64_t> values;
    if (const auto found = run.Find(key << 60, values); !found) {
      CHECK(may_fail);
      continue;
    }
    std::vector<std::uint64_t> expected;
    const auto [begin, end] = reference.equal_range(key << 60);
    for (auto it = begin; it != end; ++it) expected.push_back(it->second);
    std::sort(expected.begin(), expected.end());
    CHECK(values == expected);
  }
}

void RoundTrip(ByteSpan in, ByteSpan edits) {
  MemoryFileSystem fs;
  Reference reference;
  std::vector<SortedRunEntry> halves[2];
  for (std::size_t i = 0; i + 3 <= in.size(); i += 3) {
    const SortedRunEntry entry{std::uint64_t{in[i]} << 60, LoadBe<std::uint16_t>(&in[i + 1])};
    halves[i % 2].push_back(entry);
    reference.emplace(entry.key, entry.value);
  }
  CHECK(SortedRun::Write(fs, "a", halves[0], {0, 5}).has_value());
  CHECK(SortedRun::Write(fs, "b", halves[1], {5, 9}).has_value());
  const SortedRun a = SortedRun::Open(fs, "a").value();
  const SortedRun b = SortedRun::Open(fs, "b").value();
  const SortedRun* const runs[] = {&a, &b};
  CHECK(SortedRun::Merge(fs, runs, "m").has_value());
  CheckAgainst(SortedRun::Open(fs, "m").value(), reference, false);
  fuzz::EditFile(fs, "m", edits);
  const auto changed = SortedRun::Open(fs, "m");
  if (changed) CheckAgainst(*changed, reference, true);
}

void AnyContent(ByteSpan in) {
  MemoryFileSystem fs;
  fuzz::WritePages(fs, "r", {'S', 'A', 'L', 'U', 'R', 'U', 'N', '1'}, 3, in,
                   [](std::uint8_t byte) { return std::uint64_t{byte} << 60; });
  const auto run = SortedRun::Open(fs, "r");
  if (!run) return;
  for (std::uint64_t key = 0; key < 16; ++key) {
    std::vector<std::uint64_t> values;
    CHECK(run->Find(key << 60, values).has_value());
    CHECK(values.size() <= run->entry_count());
  }
  SortedRun::Cursor cursor(*run);
  SortedRunEntry entry;
  std::uint64_t seen = 0;
  while (cursor.Next(entry).value()) ++seen;
  CHECK(seen == run->entry_count());
}

}  // namespace
}  // namespace salus::storage

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const salus::ByteSpan rest(data + 2, std::min<std::size_t>(size - 2, 8192));
  if (data[0] % 2 == 0) {
    const std::size_t split = rest.size() * data[1] / 256;
    salus::storage::RoundTrip(rest.first(split), rest.subspan(split));
  } else {
    salus::storage::AnyContent(rest);
  }
  return 0;
}
