// A posting run, also one merged from two, finds what a map of sets finds; a changed file gives the
// same answers or an error; a file with any content under right hashes never crashes the reader.
//
// Input: byte 0 chooses; postings are 3 bytes (subject, record), edits 4 bytes, pages any bytes.
#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "base/check.h"
#include "base/endian.h"
#include "paged_cases.h"
#include "storage/memory_file_system.h"
#include "storage/posting_run.h"

namespace salus::storage {
namespace {

using Reference = std::map<std::uint32_t, std::set<std::uint64_t>>;
constexpr std::uint64_t kMiddle = 1u << 15;
constexpr std::uint64_t kEnd = 1u << 16;

void CheckAgainst(const PostingRun& run, const Reference& reference, bool may_fail) {
  for (std::uint32_t subject = 0; subject < 16; ++subject) {
    std::vector<std::uint64_t> records;
    if (const auto found = run.Find(subject, records); !found) {
      CHECK(may_fail);
      continue;
    }
    const auto it = reference.find(subject);
    const std::set<std::uint64_t> expected =
        it == reference.end() ? std::set<std::uint64_t>() : it->second;
    CHECK(std::equal(records.begin(), records.end(), expected.begin(), expected.end()));
  }
}

void RoundTrip(ByteSpan in, ByteSpan edits) {
  MemoryFileSystem fs;
  Reference reference;
  std::vector<Posting> halves[2];
  for (std::size_t i = 0; i + 3 <= in.size(); i += 3) {
    const Posting posting{in[i] % 16u, LoadBe<std::uint16_t>(&in[i + 1])};
    halves[posting.record < kMiddle ? 0 : 1].push_back(posting);
    reference[posting.subject].insert(posting.record);
  }
  CHECK(PostingRun::Write(fs, "a", halves[0], {0, kMiddle}).has_value());
  CHECK(PostingRun::Write(fs, "b", halves[1], {kMiddle, kEnd}).has_value());
  const PostingRun a = PostingRun::Open(fs, "a").value();
  const PostingRun b = PostingRun::Open(fs, "b").value();
  const PostingRun* const runs[] = {&a, &b};
  CHECK(PostingRun::Merge(fs, runs, "m").has_value());
  CheckAgainst(PostingRun::Open(fs, "m").value(), reference, false);
  fuzz::EditFile(fs, "m", edits);
  const auto changed = PostingRun::Open(fs, "m");
  if (changed) CheckAgainst(*changed, reference, true);
}

void AnyContent(ByteSpan in) {
  MemoryFileSystem fs;
  fuzz::WritePages(fs, "p", {'S', 'A', 'L', 'U', 'P', 'S', 'T', '1'}, 4, in,
                   [](std::uint8_t byte) { return byte % 16u; });
  const auto run = PostingRun::Open(fs, "p");
  if (!run) return;
  for (std::uint32_t subject = 0; subject < 16; ++subject) {
    std::vector<std::uint64_t> records;
    if (run->Find(subject, records)) CHECK(records.size() == run->Count(subject).value());
  }
  const PostingRun* const runs[] = {&*run};
  (void)PostingRun::Merge(fs, runs, "m");
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
