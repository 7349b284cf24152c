#include "storage/segment_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/endian.h"
#include "storage/frame_check.h"

namespace salus::storage {
namespace {

constexpr std::string_view kUnfinishedSuffix = ".tmp";
constexpr std::uint64_t kEraseBytes = 1u << 20;

std::uint64_t BodyBytes(std::span<const SegmentLog::RecordInput> records) {
  std::uint64_t bytes = 0;
  for (const auto& record : records) {
    bytes += kRecordOverheadBytes + record.meta.size() + record.payload.size();
  }
  return bytes;
}

}  // namespace

Result<void> SegmentLogOptions::Check() const {
  if (segment_size_bytes < 2 * kSegmentHeaderBytes || segment_size_bytes > kMaxSegmentBytes ||
      segment_size_bytes % kSegmentHeaderBytes != 0) {
    return InvalidArgument(
        "segment_size_bytes must be a multiple of 4096 from 8192 to 2^32 - 4096");
  }
  return {};
}

SegmentLog::SegmentLog(FileSystem& fs, std::string directory, const Hash32& log_id,
                       const SegmentLogOptions& options)
    : fs_(fs),
      directory_(std::move(directory)),
      log_id_(log_id),
      options_(options),
      hasher_(std::make_unique<RecordHasher>()) {}

SegmentLog::~SegmentLog() = default;

std::string SegmentLog::SegmentPath(std::uint64_t segment_number) const {
  return JoinPath(directory_, SegmentName(segment_number));
}

Error SegmentLog::Damaged(std::uint64_t segment, std::uint64_t offset,
                          std::string_view what) const {
  return Corruption(fmt::format("{} at offset {}: {}; restore this file from a mirror or backup",
                                SegmentPath(segment), offset, what));
}

Result<std::unique_ptr<SegmentLog>> SegmentLog::Create(FileSystem& fs, const std::string& directory,
                                                       const Hash32& log_id,
                                                       const SegmentLogOptions& options) {
  TRY_VOID(options.Check());
  TRY(const bool exists, fs.Exists(directory));
  const std::string name = SegmentName(0);
  const std::string unfinished = JoinPath(directory, name + std::string(kUnfinishedSuffix));
  if (!exists) {
    TRY_VOID(fs.MakeDirectory(directory));
    TRY_VOID(fs.SyncDirectory(DirectoryOf(directory)));
  } else {
    TRY(const std::vector<std::string> names, fs.List(directory));
    for (const std::string& other : names) {
      if (JoinPath(directory, other) != unfinished) {
        return AlreadyExists(directory + " is not empty: a log is never made over another one");
      }
    }
    if (!names.empty()) TRY_VOID(fs.Remove(unfinished));
  }
  // The first segment takes its name only when it is complete: a crash leaves no half log.
  TRY(auto file, fs.Create(unfinished));
  Bytes header(kSegmentHeaderBytes);
  SegmentHeader{.log_id = log_id}.Encode(std::span<std::uint8_t, kSegmentHeaderBytes>(header));
  Result<void> written = file->Allocate(0, options.segment_size_bytes);
  if (written) written = file->WriteAt(0, header);
  if (written) written = file->SyncData();
  if (!written) {
    (void)fs.Remove(unfinished);
    return std::move(written).error();
  }
  TRY_VOID(fs.Rename(unfinished, JoinPath(directory, name)));
  TRY_VOID(fs.SyncDirectory(directory));
  return Open(fs, directory, log_id, options);
}

std::uint64_t SegmentLog::FrameBytes(std::span<const RecordInput> records) {
  const std::uint64_t unpadded = kFrameHeaderBytes + 4 * std::uint64_t{records.size()} +
                                 BodyBytes(records) + kFrameTrailerBytes;
  return (unpadded + kFrameAlignment - 1) / kFrameAlignment * kFrameAlignment;
}

std::uint64_t SegmentLog::free_bytes_in_segment() const {
  return begin_pending_ ? 0 : active_capacity_ - write_offset_;
}

bool SegmentLog::prepared() const {
  const std::lock_guard lock(prepare_mutex_);
  return prepared_file_ != nullptr;
}

Result<void> SegmentLog::Prepare() {
  if (options_.access == FileAccess::kReadOnly) {
    return FailedPrecondition(directory_ + " is open for reading only");
  }
  const std::lock_guard lock(prepare_mutex_);
  return PrepareLocked();
}

Result<void> SegmentLog::PrepareLocked() {
  if (prepared_file_) return {};
  const std::string path = SegmentPath(next_segment_);
  auto made = fs_.Create(path);
  if (!made && made.error().code == ErrorCode::kAlreadyExists) {
    // Left over from a Prepare that failed in this process: all zeros.
    made = fs_.OpenExisting(path, FileAccess::kReadWrite);
  }
  TRY(std::unique_ptr<File> file, std::move(made));
  if (Result<void> allocated = file->Allocate(0, options_.segment_size_bytes); !allocated) {
    file.reset();
    (void)fs_.Remove(path);  // gives back what was taken; if it stays, the next try adopts it
    return std::move(allocated).error().WithContext("next segment");
  }
  TRY_VOID(file->SyncData());
  TRY_VOID(fs_.SyncDirectory(directory_));
  prepared_file_ = std::move(file);
  return {};
}

// BeginSegment makes the prepared segment the active one. Its header is durable before any frame
// is written, so a torn header never stands before a whole frame.
Result<void> SegmentLog::BeginSegment() {
  const std::lock_guard lock(prepare_mutex_);
  TRY_VOID(PrepareLocked());
  Bytes header(kSegmentHeaderBytes);
  SegmentHeader{.segment_number = next_segment_,
                .first_record = record_count(),
                .log_id = log_id_,
                .previous_frame_hash = last_frame_hash_}
      .Encode(std::span<std::uint8_t, kSegmentHeaderBytes>(header));
  // From here on a header may be there: until it surely is, no frame goes anywhere else.
  begin_pending_ = true;
  TRY_VOID(prepared_file_->WriteAt(0, header));
  if (Result<void> synced = prepared_file_->SyncData(); !synced) {
    broken_ = true;
    return synced;
  }
  TRY(active_capacity_, prepared_file_->Size());
  begin_pending_ = false;
  active_ = std::move(prepared_file_);
  active_segment_ = next_segment_++;
  write_offset_ = kSegmentHeaderBytes;
  return {};
}

// EraseFailedWrite turns what a failed write left behind back into unwritten space.
Result<void> SegmentLog::EraseFailedWrite() {
  if (dirty_bytes_ == 0) return {};
  const Bytes zeros(std::min(dirty_bytes_, kEraseBytes));
  for (std::uint64_t done = 0; done < dirty_bytes_; done += zeros.size()) {
    const std::uint64_t n = std::min<std::uint64_t>(zeros.size(), dirty_bytes_ - done);
    TRY_VOID(active_->WriteAt(write_offset_ + done, ByteSpan(zeros).first(n)));
  }
  if (Result<void> synced = active_->SyncData(); !synced) {
    broken_ = true;
    return synced;
  }
  dirty_bytes_ = 0;
  return {};
}

void SegmentLog::BuildFrame(const FrameHeader& header, std::span<const RecordInput> records) {
  for (std::size_t i = 0; i < records.size(); ++i) {
    hasher_->Add(header.first_record + i, records[i].meta, records[i].payload_hash);
  }
  const std::span<const Hash32> hashes = hasher_->Finish();
  if (frame_buffer_.size() < header.total_bytes()) frame_buffer_.resize(header.total_bytes());
  std::uint8_t* const frame = frame_buffer_.data();
  header.Encode(std::span<std::uint8_t, kFrameHeaderBytes>(frame, kFrameHeaderBytes));
  std::uint8_t* const body = frame + header.body_offset();
  std::uint8_t* out = body;
  Bytes stored_hashes(records.size() * kRecordHashBytes);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const RecordInput& record = records[i];
    *out++ = static_cast<std::uint8_t>(record.meta.size());
    for (const ByteSpan part :
         {record.meta, record.payload, ByteSpan(hashes[i]).first(kRecordHashBytes)}) {
      if (!part.empty()) std::memcpy(out, part.data(), part.size());
      out += part.size();
    }
    std::memcpy(&stored_hashes[i * kRecordHashBytes], hashes[i].data(), kRecordHashBytes);
    StoreBe(frame + kFrameHeaderBytes + 4 * i, static_cast<std::uint32_t>(out - body));
  }
  CHECK(out == frame + header.trailer_offset());
  const Hash32 hash =
      crypto::Sha256({last_frame_hash_, ByteSpan(frame, kFrameHeaderBytes), stored_hashes});
  std::memcpy(out, hash.data(), hash.size());
  std::memset(out + hash.size(), 0, header.total_bytes() - header.unpadded_bytes());
}

Result<void> SegmentLog::Append(std::span<const RecordInput> records, std::uint64_t time_ms,
                                std::uint32_t term) {
  if (options_.access == FileAccess::kReadOnly) {
    return FailedPrecondition(directory_ + " is open for reading only");
  }
  if (broken_) {
    return FailedPrecondition(directory_ + ": a sync has failed; restart to read back the log");
  }
  if (records.empty()) return InvalidArgument("a frame needs at least one record");
  for (const RecordInput& record : records) {
    if (record.meta.size() > kMaxMetaBytes) return InvalidArgument("meta is over 255 bytes");
  }
  const std::uint64_t frame_bytes = FrameBytes(records);
  if (frame_bytes > kMaxFrameBytes ||
      frame_bytes > options_.segment_size_bytes - kSegmentHeaderBytes) {
    return InvalidArgument(fmt::format("a frame of {} bytes is too large; split it", frame_bytes));
  }
  if (frames_.full()) return ResourceExhausted("2^29 frames: begin a new log");
  TRY_VOID(EraseFailedWrite());
  if (begin_pending_ || frame_bytes > active_capacity_ - write_offset_) {
    TRY_VOID(BeginSegment());
  }
  const FrameHeader header{.body_length = static_cast<std::uint32_t>(BodyBytes(records)),
                           .first_record = record_count(),
                           .record_count = static_cast<std::uint32_t>(records.size()),
                           .term = term,
                           .time_ms = time_ms};
  BuildFrame(header, records);
  if (Result<void> written =
          active_->WriteAt(write_offset_, ByteSpan(frame_buffer_).first(frame_bytes));
      !written) {
    dirty_bytes_ = frame_bytes;
    return written;
  }
  if (Result<void> synced = active_->SyncData(); !synced) {
    broken_ = true;
    return synced;
  }
  std::memcpy(last_frame_hash_.data(), &frame_buffer_[header.trailer_offset()],
              last_frame_hash_.size());
  frames_.Add({.first_record = header.first_record,
               .segment = static_cast<std::uint32_t>(active_segment_),
               .offset = static_cast<std::uint32_t>(write_offset_)});
  write_offset_ += frame_bytes;
  record_count_.store(header.first_record + header.record_count, std::memory_order_release);
  return {};
}

}  // namespace salus::storage
