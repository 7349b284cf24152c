#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "storage/file_window.h"
#include "storage/frame_check.h"
#include "storage/segment_log.h"

namespace salus::storage {

// SegmentLog::Recovery finds the frames of a log that is being opened and decides, where they end,
// whether the rest is unwritten space, one torn frame, or damage.
//
// A write is torn only at the end: there is one appender, and it writes a frame only after the one
// before is durable. So nothing that was ever whole can stand behind a torn frame.
class SegmentLog::Recovery {
 public:
  explicit Recovery(SegmentLog& log) : log_(log) {}
  Result<void> Run();

 private:
  struct Segment {
    std::unique_ptr<File> file;
    std::uint64_t size = 0;
    bool begun = false;  // its header is whole
    SegmentHeader header;
  };
  // End is where the frames of a segment stop, and why.
  struct End {
    std::uint64_t offset = kSegmentHeaderBytes;
    std::string_view reason;
  };

  Result<void> ListSegments();
  Error MissingBefore(std::uint64_t found, std::uint64_t missing);
  Result<void> OpenSegment(std::uint64_t number);
  Result<End> Walk(std::uint64_t number);
  // Hash of the last frame found, from its trailer, or the first segment's zeros.
  Result<void> ReadLastHash();
  Result<void> CheckLink(std::uint64_t number, const End& previous_end);
  Result<void> VerifyLastFrame();
  Result<void> CloseLog(std::uint64_t last_begun, const End& end);
  Result<bool> HoldsLaterFrame(const Segment& segment, std::uint64_t from);
  Result<bool> HoldsLaterFrame(const Segment& segment, const File::Range& range);
  Result<std::uint64_t> BytesInUse(const Segment& segment, std::uint64_t from);
  Result<void> Erase(File& file, std::uint64_t from, std::uint64_t bytes);
  Result<void> MakeReady(std::uint64_t last_begun, const End& end);

  SegmentLog& log_;
  std::vector<Segment> segments_;
  std::uint64_t expected_ = 0;  // number of the next record
  Hash32 last_hash_{};
  bool last_hash_known_ = true;
  bool last_frame_verified_ = true;
  std::uint64_t last_frame_segment_ = 0;
  std::uint64_t last_frame_offset_ = 0;
  FrameHeader last_frame_;
  FrameCheck check_;
};

}  // namespace salus::storage
