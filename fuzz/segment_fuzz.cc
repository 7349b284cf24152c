// Arbitrary bytes as a log directory: opening and reading never crash, and every record that is
// returned stands in the files with a hash that a literal reference recomputes.
//
// Input: byte 0 chooses, byte 1 is the trusted record count. Raw: the rest is what stands behind a
// valid header of the first segment. Patched: 4-byte edits (file and offset, mask) of a valid log.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/endian.h"
#include "crypto/sha256.h"
#include "storage/memory_file_system.h"
#include "storage/segment_format.h"
#include "storage/segment_log.h"

namespace salus::storage {
namespace {

constexpr std::uint64_t kSegmentBytes = 8192;

Hash32 LeafHash(ByteSpan payload) {
  const std::uint8_t zero = 0;
  return crypto::Sha256({ByteSpan(&zero, 1), payload});
}

std::string FileName(std::uint64_t number) { return "log/" + SegmentName(number); }

void CheckRecord(const std::vector<Bytes>& files, std::uint64_t number, ByteSpan meta,
                 ByteSpan payload, const Hash32& payload_hash) {
  CHECK(payload_hash == LeafHash(payload));
  Bytes stored = {static_cast<std::uint8_t>(meta.size())};
  Append(stored, meta);
  Bytes message;
  AppendBe(message, number);
  Append(message, stored);
  Append(message, payload_hash);
  Append(stored, payload);
  const Hash32 hash = crypto::Sha256(message);
  Append(stored, ByteSpan(hash).first(16));
  CHECK(std::any_of(files.begin(), files.end(), [&](const Bytes& file) {
    return std::search(file.begin(), file.end(), stored.begin(), stored.end()) != file.end();
  }));
}

void AppendTwo(SegmentLog& log, std::size_t bytes) {
  const Bytes payload(bytes, static_cast<std::uint8_t>(bytes));
  const SegmentLog::RecordInput input{AsBytes("meta"), payload, LeafHash(payload)};
  const std::vector<SegmentLog::RecordInput> inputs = {input, input};
  CHECK(log.Append(inputs, 1, 2).has_value());
}

void MakeRaw(MemoryFileSystem& fs, ByteSpan body) {
  CHECK(fs.MakeDirectory("log").has_value());
  Bytes file(kSegmentHeaderBytes);
  SegmentHeader().Encode(std::span<std::uint8_t, kSegmentHeaderBytes>(file));
  Append(file, body);
  fs.SetContent(FileName(0), file);
}

void MakePatched(MemoryFileSystem& fs, ByteSpan edits) {
  auto log = SegmentLog::Create(fs, "log", Hash32{}, {.segment_size_bytes = kSegmentBytes}).value();
  for (const std::size_t bytes : {300u, 900u, 1000u, 10u, 500u}) AppendTwo(*log, bytes);
  for (; edits.size() >= 4; edits = edits.subspan(4)) {
    const std::string name = FileName(edits[0] >> 6);
    Bytes content = fs.Content(name);
    const std::size_t at = (edits[0] & 0x3Fu) << 8 | edits[1];
    if (edits[2] == 0xFF) {
      content.resize(std::min<std::size_t>(content.size(), at));  // cut
    } else if (at < content.size()) {
      content[at] ^= edits[3];
    }
    fs.SetContent(name, content);
  }
}

void Examine(MemoryFileSystem& fs, std::uint64_t trusted) {
  std::vector<Bytes> files;
  for (std::uint64_t n = 0; n < 4; ++n) files.push_back(fs.Content(FileName(n)));
  const SegmentLogOptions options{.segment_size_bytes = kSegmentBytes,
                                  .access = FileAccess::kReadWrite,
                                  .trusted_record_count = trusted};
  auto opened = SegmentLog::Open(fs, "log", Hash32{}, options);
  if (!opened) return;
  SegmentLog& log = **opened;
  const std::uint64_t count = log.record_count();
  CHECK(count >= trusted);
  std::vector<std::uint64_t> good;
  for (std::uint64_t n = 0; n < std::min<std::uint64_t>(count, 64); ++n) {
    const auto record = log.Read(n);
    if (!record) continue;
    good.push_back(n);
    CheckRecord(files, n, record->meta(), record->payload(), record->payload_hash());
  }
  const auto check = [&](const RecordView& view) -> Result<void> {
    CheckRecord(files, view.number, view.meta, view.payload, view.payload_hash);
    return {};
  };
  const auto many = log.ReadMany(good, check);
  const auto scanned = log.Scan(0, count, check);
  if (scanned && count <= 64) CHECK(good.size() == count && many.has_value());
  AppendTwo(log, 20);
  CHECK(log.Read(count).has_value() && log.VerifyFrames(count, count + 2).has_value());
  // What was repaired stays repaired.
  opened->reset();
  auto again = SegmentLog::Open(fs, "log", Hash32{}, options);
  CHECK(again.has_value() && (*again)->recovery().torn_bytes == 0);
  CHECK((*again)->record_count() == count + 2);
}

}  // namespace
}  // namespace salus::storage

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  salus::storage::MemoryFileSystem fs;
  const salus::ByteSpan rest(data + 2, std::min<std::size_t>(size - 2, 16384));
  if (data[0] % 2 == 0) {
    salus::storage::MakeRaw(fs, rest);
  } else {
    salus::storage::MakePatched(fs, rest);
  }
  salus::storage::Examine(fs, data[1] % 12);
  return 0;
}
