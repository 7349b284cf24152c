#include "storage/segment_recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/endian.h"

namespace salus::storage {
namespace {

// While frames are far apart only their headers are read; small ones are read together.
constexpr std::size_t kHopReadBytes = 4096;
constexpr std::size_t kSmallFrameBytes = 64 * 1024;
constexpr std::size_t kSmallFramesReadBytes = 256 * 1024;
constexpr std::size_t kTailReadBytes = 1 << 20;

std::size_t LastNonZero(ByteSpan bytes) {
  std::size_t n = bytes.size();
  while (n >= 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + n - 8, 8);
    if (word != 0) break;
    n -= 8;
  }
  while (n > 0 && bytes[n - 1] == 0) --n;
  return n;
}

}  // namespace

Result<std::unique_ptr<SegmentLog>> SegmentLog::Open(FileSystem& fs, const std::string& directory,
                                                     const Hash32& log_id,
                                                     const SegmentLogOptions& options) {
  TRY_VOID(options.Check());
  std::unique_ptr<SegmentLog> log(new SegmentLog(fs, directory, log_id, options));
  TRY_VOID(Recovery(*log).Run());
  return log;
}

Result<void> SegmentLog::Recovery::Run() {
  TRY_VOID(ListSegments());
  End end;
  std::uint64_t last_begun = 0;
  for (std::uint64_t number = 0; number < segments_.size(); ++number) {
    TRY_VOID(OpenSegment(number));
    const Segment& segment = segments_[number];
    if (!segment.begun) break;  // only the last one: prepared, or its header torn
    TRY_VOID(CheckLink(number, end));
    if (number > 0) segments_[number - 1].file.reset();
    TRY(end, Walk(number));
    last_begun = number;
  }
  TRY_VOID(VerifyLastFrame());
  TRY_VOID(CloseLog(last_begun, end));
  return MakeReady(last_begun, end);
}

Result<void> SegmentLog::Recovery::ListSegments() {
  TRY(const std::vector<std::string> names, log_.fs_.List(log_.directory_));
  std::vector<std::uint64_t> numbers;
  for (const std::string& name : names) {
    if (const auto number = ParseSegmentName(name)) numbers.push_back(*number);
  }
  if (numbers.empty()) {
    return NotFound(log_.directory_ + " holds no log; a log is made by init only");
  }
  for (std::uint64_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] != i) return MissingBefore(numbers[i], i);
  }
  segments_.resize(numbers.size());
  return {};
}

// MissingBefore tells a file that somebody put there from the gap that a lost segment leaves.
Error SegmentLog::Recovery::MissingBefore(std::uint64_t found, std::uint64_t missing) {
  const std::string path = log_.SegmentPath(found);
  Result<std::unique_ptr<File>> file = log_.fs_.OpenExisting(path, FileAccess::kReadOnly);
  if (!file) return std::move(file).error();
  Bytes bytes(kSegmentHeaderBytes);
  if (Result<std::size_t> read = (*file)->ReadAt(0, bytes); !read) return std::move(read).error();
  const auto header = SegmentHeader::Decode(
      std::span<const std::uint8_t, kSegmentHeaderBytes>(std::as_const(bytes)));
  if (header && header->log_id == log_.log_id_ && header->segment_number == found) {
    return log_.Damaged(missing, 0, "the segment is missing");
  }
  return Corruption(fmt::format(
      "{}: is no segment that this log began, and {} is not there: move the stray file away; only "
      "if segments were lost, restore them",
      path, log_.SegmentPath(missing)));
}

Result<void> SegmentLog::Recovery::OpenSegment(std::uint64_t number) {
  Segment& segment = segments_[number];
  TRY(segment.file, log_.fs_.OpenExisting(log_.SegmentPath(number), log_.options_.access));
  TRY(segment.size, segment.file->Size());
  if (segment.size > kMaxSegmentBytes) return log_.Damaged(number, 0, "the file is too large");
  Bytes header(kSegmentHeaderBytes);
  TRY_VOID(segment.file->ReadAt(0, header));
  auto decoded = SegmentHeader::Decode(
      std::span<const std::uint8_t, kSegmentHeaderBytes>(std::as_const(header)));
  if (decoded) {
    segment.begun = true;
    segment.header = *decoded;
    return {};
  }
  if (decoded.error().code == ErrorCode::kFailedPrecondition) return std::move(decoded).error();
  if (number == 0 || number + 1 < segments_.size()) {
    return log_.Damaged(number, 0, decoded.error().message);
  }
  return {};
}

// CheckLink checks that a begun segment continues where the frames so far end.
Result<void> SegmentLog::Recovery::CheckLink(std::uint64_t number, const End& previous_end) {
  const SegmentHeader& header = segments_[number].header;
  if (header.log_id != log_.log_id_) {
    return FailedPrecondition(log_.SegmentPath(number) + " belongs to another log");
  }
  if (header.segment_number != number) {
    return log_.Damaged(number, 0, "the file was renamed: its header has another number");
  }
  TRY_VOID(ReadLastHash());
  if (header.first_record == expected_ && header.previous_frame_hash == last_hash_) return {};
  if (number == 0) return log_.Damaged(0, 0, "the first segment continues another one");
  return log_.Damaged(number - 1, previous_end.offset,
                      fmt::format("frames are damaged or missing before the next segment ({})",
                                  previous_end.reason));
}

Result<SegmentLog::Recovery::End> SegmentLog::Recovery::Walk(std::uint64_t number) {
  const Segment& segment = segments_[number];
  FileWindow window(*segment.file);
  End end;
  std::size_t at_least = kHopReadBytes;
  for (;;) {
    TRY(const ByteSpan head, window.View(end.offset, kFrameHeaderBytes, at_least));
    if (head.size() < kFrameHeaderBytes) {
      end.reason = "end of file";
      return end;
    }
    if (LastNonZero(head) == 0) {
      end.reason = "unwritten";
      return end;
    }
    const auto header = FrameHeader::Decode(std::span<const std::uint8_t, kFrameHeaderBytes>(head));
    if (!header || header->first_record != expected_) {
      end.reason = "no frame header";
      return end;
    }
    const std::uint64_t bytes = header->total_bytes();
    if (bytes > segment.size - end.offset) {
      end.reason = "the frame is cut off";
      return end;
    }
    const std::uint64_t next = expected_ + header->record_count;
    if (next > log_.options_.trusted_record_count) {
      TRY_VOID(ReadLastHash());
      TRY(const ByteSpan frame, window.View(end.offset, bytes, kSmallFramesReadBytes));
      if (const auto wrong = check_.Verify(*header, frame, last_hash_); !wrong.empty()) {
        end.reason = wrong;
        return end;
      }
      last_hash_ = check_.frame_hash();
      log_.recovery_.verified_records += header->record_count;
      last_frame_verified_ = true;
    } else {
      last_hash_known_ = false;
      last_frame_verified_ = false;
    }
    if (log_.frames_.full()) return ResourceExhausted("more than 2^29 frames");
    log_.frames_.Add({.first_record = expected_,
                      .segment = static_cast<std::uint32_t>(number),
                      .offset = static_cast<std::uint32_t>(end.offset)});
    last_frame_segment_ = number;
    last_frame_offset_ = end.offset;
    last_frame_ = *header;
    expected_ = next;
    end.offset += bytes;
    at_least = bytes > kSmallFrameBytes ? kHopReadBytes : kSmallFramesReadBytes;
  }
}

Result<void> SegmentLog::Recovery::ReadLastHash() {
  if (last_hash_known_) return {};
  TRY_VOID(segments_[last_frame_segment_].file->ReadExactAt(
      last_frame_offset_ + last_frame_.trailer_offset(), last_hash_));
  last_hash_known_ = true;
  return {};
}

// VerifyLastFrame checks the frame that the next one will be chained to, when it is old enough
// not to have been checked by the walk.
Result<void> SegmentLog::Recovery::VerifyLastFrame() {
  if (last_frame_verified_) return {};
  log_.record_count_.store(expected_, std::memory_order_release);
  TRY(const auto file, log_.FileOf(last_frame_segment_));
  TRY(const Hash32 before, log_.HashBefore(log_.PlaceAt(log_.frames_.size() - 1), *file));
  Bytes frame(last_frame_.total_bytes());
  TRY_VOID(file->ReadExactAt(last_frame_offset_, frame));
  if (const auto wrong = check_.Verify(last_frame_, frame, before); !wrong.empty()) {
    return log_.Damaged(last_frame_segment_, last_frame_offset_, wrong);
  }
  last_hash_ = check_.frame_hash();
  last_hash_known_ = true;
  return {};
}

// CloseLog decides what the bytes behind the last good frame are.
Result<void> SegmentLog::Recovery::CloseLog(std::uint64_t last_begun, const End& end) {
  if (expected_ < log_.options_.trusted_record_count) {
    return log_.Damaged(
        last_begun, end.offset,
        fmt::format("{}; the log ends with {} records, {} are known to be committed", end.reason,
                    expected_, log_.options_.trusted_record_count));
  }
  const Segment& segment = segments_[last_begun];
  TRY(const bool later, HoldsLaterFrame(segment, end.offset));
  if (later) {
    return log_.Damaged(last_begun, end.offset,
                        fmt::format("{}, but later frames follow", end.reason));
  }
  TRY(log_.recovery_.torn_bytes, BytesInUse(segment, end.offset));
  log_.recovery_.torn_segment = last_begun;
  log_.recovery_.torn_offset = end.offset;
  if (last_begun + 1 < segments_.size()) {
    TRY(const bool beyond, HoldsLaterFrame(segments_[last_begun + 1], kSegmentHeaderBytes));
    if (beyond) {
      return log_.Damaged(last_begun + 1, 0, "the segment header is damaged, but frames follow");
    }
  }
  return {};
}

// HoldsLaterFrame looks for a frame that was once written, at or behind an offset where the walk
// could not go on. A frame counts when one of its records still verifies.
Result<bool> SegmentLog::Recovery::HoldsLaterFrame(const Segment& segment, std::uint64_t from) {
  TRY(const std::vector<File::Range> written, segment.file->Written(from));
  for (const File::Range& range : written) {
    // A frame begins at a multiple of the alignment, seen from the file's begin.
    const std::uint64_t begin = range.begin / kFrameAlignment * kFrameAlignment;
    TRY(const bool later, HoldsLaterFrame(segment, {std::max(from, begin), range.end}));
    if (later) return true;
  }
  return false;
}

Result<bool> SegmentLog::Recovery::HoldsLaterFrame(const Segment& segment,
                                                   const File::Range& range) {
  FileWindow window(*segment.file);
  std::array<std::uint8_t, 4> magic;
  StoreBe(magic.data(), kFrameMagic);
  for (std::uint64_t at = range.begin; at < range.end && at + kFrameHeaderBytes <= segment.size;) {
    TRY(const ByteSpan chunk, window.View(at, kTailReadBytes, kTailReadBytes));
    std::size_t i = 0;
    for (; i + kFrameHeaderBytes <= chunk.size(); i += kFrameAlignment) {
      if (std::memcmp(chunk.data() + i, magic.data(), magic.size()) != 0) continue;
      const auto header = FrameHeader::Decode(
          std::span<const std::uint8_t, kFrameHeaderBytes>(chunk.subspan(i, kFrameHeaderBytes)));
      if (!header || header->total_bytes() > segment.size - (at + i)) continue;
      // The torn frame itself has the number that is expected next; a later one is beyond it. In a
      // segment whose header is torn there was never a frame.
      const bool later =
          header->first_record > expected_ || (header->first_record == expected_ && !segment.begun);
      if (!later) continue;
      Bytes frame(header->total_bytes());
      TRY_VOID(segment.file->ReadExactAt(at + i, frame));
      if (check_.HoldsRecord(*header, frame)) return true;
    }
    if (i == 0) break;
    at += i;
  }
  return false;
}

// BytesInUse is the distance from an offset to the last byte that is not zero.
Result<std::uint64_t> SegmentLog::Recovery::BytesInUse(const Segment& segment, std::uint64_t from) {
  TRY(const std::vector<File::Range> written, segment.file->Written(from));
  FileWindow window(*segment.file);
  std::uint64_t used = 0;
  for (const File::Range& range : written) {
    for (std::uint64_t at = range.begin; at < range.end;) {
      TRY(const ByteSpan chunk, window.View(at, kTailReadBytes, kTailReadBytes));
      if (chunk.empty()) break;
      if (const std::size_t n = LastNonZero(chunk); n > 0) used = at + n - from;
      at += chunk.size();
    }
  }
  return used;
}

Result<void> SegmentLog::Recovery::Erase(File& file, std::uint64_t from, std::uint64_t bytes) {
  const Bytes zeros(std::min<std::uint64_t>(bytes, kTailReadBytes));
  for (std::uint64_t done = 0; done < bytes; done += zeros.size()) {
    const std::uint64_t n = std::min<std::uint64_t>(zeros.size(), bytes - done);
    TRY_VOID(file.WriteAt(from + done, ByteSpan(zeros).first(n)));
  }
  return {};
}

// MakeReady publishes the frames and, for a log that will be appended to, turns everything behind
// them back into unwritten, allocated space.
Result<void> SegmentLog::Recovery::MakeReady(std::uint64_t last_begun, const End& end) {
  TRY_VOID(ReadLastHash());
  log_.last_frame_hash_ = last_hash_;
  log_.record_count_.store(expected_, std::memory_order_release);
  log_.active_segment_ = last_begun;
  log_.write_offset_ = end.offset;
  log_.next_segment_ = last_begun + 1;
  log_.active_capacity_ = std::max(segments_[last_begun].size, log_.options_.segment_size_bytes);
  if (log_.options_.access == FileAccess::kReadOnly) return {};

  Segment& active = segments_[last_begun];
  if (log_.recovery_.torn_bytes > 0) {
    TRY_VOID(Erase(*active.file, end.offset, log_.recovery_.torn_bytes));
  }
  TRY_VOID(active.file->Allocate(0, log_.active_capacity_));
  TRY_VOID(active.file->SyncData());
  log_.active_ = std::move(active.file);
  if (last_begun + 1 == segments_.size()) return {};

  Segment& prepared = segments_[last_begun + 1];
  TRY(const std::uint64_t used, BytesInUse(prepared, 0));
  if (used > 0) TRY_VOID(Erase(*prepared.file, 0, used));
  TRY_VOID(prepared.file->Allocate(0, log_.options_.segment_size_bytes));
  TRY_VOID(prepared.file->SyncData());
  TRY_VOID(log_.fs_.SyncDirectory(log_.directory_));
  const std::lock_guard lock(log_.prepare_mutex_);
  log_.prepared_file_ = std::move(prepared.file);
  return {};
}

}  // namespace salus::storage
