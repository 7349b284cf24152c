#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/endian.h"
#include "storage/file_window.h"
#include "storage/frame_check.h"
#include "storage/segment_log.h"

namespace salus::storage {
namespace {

constexpr std::size_t kOpenFiles = 64;
constexpr std::size_t kScanReadBytes = 1 << 20;
// Records closer together than this are read with one call.
constexpr std::uint64_t kGapBytes = 16 * 1024;
constexpr std::uint64_t kGroupBytes = 4 << 20;

Error NotThere(std::uint64_t number, std::uint64_t count) {
  return NotFound(fmt::format("record {} of a log of {}", number, count));
}

}  // namespace

Result<std::shared_ptr<const File>> SegmentLog::FileOf(std::uint64_t segment_number) const {
  const std::lock_guard lock(files_mutex_);
  const auto found = std::find_if(files_.rbegin(), files_.rend(),
                                  [&](const auto& entry) { return entry.first == segment_number; });
  if (found != files_.rend()) {
    std::rotate(found.base() - 1, found.base(), files_.end());
    return files_.back().second;
  }
  TRY(auto file, fs_.OpenExisting(SegmentPath(segment_number), FileAccess::kReadOnly));
  if (files_.size() == kOpenFiles) files_.erase(files_.begin());
  files_.emplace_back(segment_number, std::move(file));
  return files_.back().second;
}

SegmentLog::Place SegmentLog::PlaceAt(std::uint64_t index) const {
  // The count is read first: if no frame follows then, it ends exactly with this frame.
  const std::uint64_t count = record_count();
  const FramePosition& frame = frames_.at(index);
  const std::uint64_t end = index + 1 < frames_.size() ? frames_.at(index + 1).first_record : count;
  return {.index = index,
          .segment = frame.segment,
          .offset = frame.offset,
          .first_record = frame.first_record,
          .record_count = static_cast<std::uint32_t>(end - frame.first_record)};
}

Result<SegmentLog::Place> SegmentLog::PlaceOf(std::uint64_t number) const {
  const std::uint64_t count = record_count();
  if (number >= count) return NotThere(number, count);
  return PlaceAt(frames_.IndexOf(number));
}

Result<FrameHeader> SegmentLog::HeaderAt(const Place& place, const File& file) const {
  std::array<std::uint8_t, kFrameHeaderBytes> bytes;
  TRY_VOID(file.ReadExactAt(place.offset, bytes));
  const auto header = FrameHeader::Decode(std::span<const std::uint8_t, kFrameHeaderBytes>(bytes));
  if (!header || header->first_record != place.first_record ||
      header->record_count != place.record_count) {
    return Damaged(place.segment, place.offset, "the frame header has changed");
  }
  return *header;
}

// HashBefore is the frame hash that a frame is chained to, as stored.
Result<Hash32> SegmentLog::HashBefore(const Place& place, const File& file) const {
  Hash32 hash;
  if (place.offset == kSegmentHeaderBytes) {
    Bytes bytes(kSegmentHeaderBytes);
    TRY_VOID(file.ReadExactAt(0, bytes));
    const auto header = SegmentHeader::Decode(
        std::span<const std::uint8_t, kSegmentHeaderBytes>(std::as_const(bytes)));
    if (!header) return Damaged(place.segment, 0, header.error().message);
    return header->previous_frame_hash;
  }
  const Place before = PlaceAt(place.index - 1);
  TRY(const FrameHeader header, HeaderAt(before, file));
  if (header.total_bytes() != place.offset - before.offset) {
    return Damaged(before.segment, before.offset, "the frame header has changed");
  }
  TRY_VOID(file.ReadExactAt(before.offset + header.trailer_offset(), hash));
  return hash;
}

Result<FrameView> SegmentLog::FrameOf(std::uint64_t number) const {
  TRY(const Place place, PlaceOf(number));
  TRY(const auto file, FileOf(place.segment));
  TRY(const FrameHeader header, HeaderAt(place, *file));
  return FrameView{header.first_record, header.record_count, header.term, header.time_ms};
}

Result<Record> SegmentLog::Read(std::uint64_t number) const {
  Record record;
  TRY_VOID(Read(number, record));
  return record;
}

Result<void> SegmentLog::Read(std::uint64_t number, Record& into) const {
  TRY(const Place place, PlaceOf(number));
  TRY(const auto file, FileOf(place.segment));
  const std::uint64_t i = number - place.first_record;
  const std::uint64_t table = place.offset + kFrameHeaderBytes;
  std::array<std::uint8_t, 8> ends{};
  if (i == 0) {
    TRY_VOID(file->ReadExactAt(table, MutableByteSpan(ends).subspan(4)));
  } else {
    TRY_VOID(file->ReadExactAt(table + 4 * (i - 1), ends));
  }
  const auto begin = LoadBe<std::uint32_t>(&ends[0]);
  const auto end = LoadBe<std::uint32_t>(&ends[4]);
  if (begin > end || end > kMaxFrameBytes || end - begin < kRecordOverheadBytes) {
    return Damaged(place.segment, table + 4 * i, "wrong offset table");
  }
  const std::uint64_t at = table + 4 * std::uint64_t{place.record_count} + begin;
  into.bytes_.resize(end - begin);
  Result<void> read = file->ReadExactAt(at, into.bytes_);
  if (read && into.bytes_.size() >= kRecordOverheadBytes + into.bytes_[0]) {
    into.number_ = number;
    into.meta_length_ = into.bytes_[0];
    const ByteSpan payload = into.payload();
    crypto::Sha256ManyPrefixed(0x00, {&payload, 1}, {&into.payload_hash_, 1});
    const Hash32 hash = RecordHash(number, into.meta(), into.payload_hash_);
    if (Equal(FrameBody::StoredHash(into.bytes_), ByteSpan(hash).first(kRecordHashBytes))) {
      return {};
    }
  }
  into = Record();  // unverified bytes never leave this function
  if (!read && read.error().code != ErrorCode::kCorruption) return read;
  return Damaged(place.segment, at, fmt::format("record {} does not match its hash", number));
}

Result<void> SegmentLog::ReadMany(std::span<const std::uint64_t> numbers,
                                  const RecordVisitor& visit) const {
  if (!std::is_sorted(numbers.begin(), numbers.end())) {
    return InvalidArgument("record numbers must ascend");
  }
  while (!numbers.empty()) {
    TRY(const Place place, PlaceOf(numbers.front()));
    const auto past =
        std::lower_bound(numbers.begin(), numbers.end(), place.first_record + place.record_count);
    const std::size_t n = static_cast<std::size_t>(past - numbers.begin());
    TRY_VOID(ReadFromFrame(place, numbers.first(n), visit));
    numbers = numbers.subspan(n);
  }
  return {};
}

Result<void> SegmentLog::ReadFromFrame(const Place& place, std::span<const std::uint64_t> numbers,
                                       const RecordVisitor& visit) const {
  TRY(const auto file, FileOf(place.segment));
  TRY(const FrameHeader header, HeaderAt(place, *file));
  const FrameView view{header.first_record, header.record_count, header.term, header.time_ms};
  // Ends of the records from the one before the first on.
  const std::uint64_t first = numbers.front() - place.first_record;
  const std::uint64_t last = numbers.back() - place.first_record;
  Bytes ends(4 * (last - first + 2));
  const std::size_t skip = first == 0 ? 4 : 0;
  TRY_VOID(file->ReadExactAt(place.offset + kFrameHeaderBytes + 4 * first + skip - 4,
                             MutableByteSpan(ends).subspan(skip)));
  const auto end_of = [&](std::uint64_t i) {  // of record i - 1 + first
    return LoadBe<std::uint32_t>(&ends[4 * i]);
  };
  const std::uint64_t body = place.offset + header.body_offset();
  Bytes buffer;
  std::vector<ByteSpan> records;
  std::vector<ByteSpan> payloads;
  std::vector<Hash32> payload_hashes;
  RecordHasher hasher;
  while (!numbers.empty()) {
    const std::uint64_t begin = end_of(numbers.front() - place.first_record - first);
    std::uint64_t end = begin;
    std::size_t n = 0;
    for (; n < numbers.size(); ++n) {
      const std::uint64_t i = numbers[n] - place.first_record - first;
      const std::uint64_t from = end_of(i);
      const std::uint64_t to = end_of(i + 1);
      if (from > to || to > header.body_length || to - from < kRecordOverheadBytes ||
          from < begin) {
        return Damaged(place.segment, place.offset, "wrong offset table");
      }
      if (n > 0 && (from > end + kGapBytes || to - begin > kGroupBytes)) break;
      end = to;
    }
    buffer.resize(end - begin);
    TRY_VOID(file->ReadExactAt(body + begin, buffer));
    records.clear();
    payloads.clear();
    for (std::size_t k = 0; k < n; ++k) {
      const std::uint64_t i = numbers[k] - place.first_record - first;
      const ByteSpan record =
          ByteSpan(buffer).subspan(end_of(i) - begin, end_of(i + 1) - end_of(i));
      if (record.size() < kRecordOverheadBytes + record[0]) {
        return Damaged(place.segment, body + end_of(i), "wrong meta length");
      }
      records.push_back(record);
      payloads.push_back(FrameBody::Payload(record));
    }
    payload_hashes.resize(n);
    crypto::Sha256ManyPrefixed(0x00, payloads, payload_hashes);
    for (std::size_t k = 0; k < n; ++k) {
      hasher.Add(numbers[k], FrameBody::Meta(records[k]), payload_hashes[k]);
    }
    const std::span<const Hash32> hashes = hasher.Finish();
    for (std::size_t k = 0; k < n; ++k) {
      if (!Equal(FrameBody::StoredHash(records[k]), ByteSpan(hashes[k]).first(kRecordHashBytes))) {
        return Damaged(place.segment, place.offset,
                       fmt::format("record {} does not match its hash", numbers[k]));
      }
      TRY_VOID(visit({.number = numbers[k],
                      .meta = FrameBody::Meta(records[k]),
                      .payload = payloads[k],
                      .payload_hash = payload_hashes[k],
                      .frame = view}));
    }
    numbers = numbers.subspan(n);
  }
  return {};
}

Result<void> SegmentLog::VerifyFrames(std::uint64_t from, std::uint64_t to) const {
  return Scan(from, to, nullptr);
}

Result<void> SegmentLog::Scan(std::uint64_t from, std::uint64_t to,
                              const RecordVisitor& visit) const {
  const std::uint64_t count = record_count();
  if (from > to || to > count) return NotThere(to, count);
  if (from == to) return {};
  std::shared_ptr<const File> file;
  std::optional<FileWindow> window;
  std::optional<std::uint64_t> open_segment;
  FrameCheck check;
  Hash32 previous{};
  for (std::uint64_t index = frames_.IndexOf(from);; ++index) {
    const Place place = PlaceAt(index);
    if (open_segment != place.segment) {
      TRY(file, FileOf(place.segment));
      window.emplace(*file);
      TRY(const Hash32 stored, HashBefore(place, *file));
      // From the second frame on the hash is known, and the link between segments is checked too.
      if (open_segment && stored != previous) {
        return Damaged(place.segment, 0, "the segment does not continue the one before");
      }
      previous = stored;
      open_segment = place.segment;
    }
    TRY(const ByteSpan head, window->View(place.offset, kFrameHeaderBytes, kScanReadBytes));
    std::optional<FrameHeader> header;
    if (head.size() == kFrameHeaderBytes) {
      header = FrameHeader::Decode(std::span<const std::uint8_t, kFrameHeaderBytes>(head));
    }
    if (!header || header->first_record != place.first_record ||
        header->record_count != place.record_count) {
      return Damaged(place.segment, place.offset, "the frame header has changed");
    }
    TRY(const ByteSpan frame, window->View(place.offset, header->total_bytes(), kScanReadBytes));
    if (frame.size() < header->total_bytes()) {
      return Damaged(place.segment, place.offset, "the frame is cut off");
    }
    if (const auto wrong = check.Verify(*header, frame, previous); !wrong.empty()) {
      return Damaged(place.segment, place.offset, wrong);
    }
    previous = check.frame_hash();
    const std::uint64_t end = place.first_record + place.record_count;
    if (visit) {
      const FrameView view{header->first_record, header->record_count, header->term,
                           header->time_ms};
      for (std::uint64_t n = std::max(from, place.first_record); n < std::min(to, end); ++n) {
        const std::size_t i = n - place.first_record;
        const ByteSpan record = check.records()[i];
        TRY_VOID(visit({.number = n,
                        .meta = FrameBody::Meta(record),
                        .payload = FrameBody::Payload(record),
                        .payload_hash = check.payload_hashes()[i],
                        .frame = view}));
      }
    }
    if (end >= to) return {};
  }
}

}  // namespace salus::storage
