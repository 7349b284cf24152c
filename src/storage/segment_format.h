// The bytes of a segment file.
//
// Source: docs/formats/segment.md, format version 1.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/sha256.h"

namespace salus::storage {

inline constexpr std::uint32_t kSegmentVersion = 1;
inline constexpr std::uint64_t kSegmentHeaderBytes = 4096;
inline constexpr std::uint32_t kFrameMagic = 0x46524D31;  // "FRM1"
inline constexpr std::uint64_t kFrameHeaderBytes = 32;
inline constexpr std::uint64_t kFrameTrailerBytes = 32;
inline constexpr std::uint64_t kFrameAlignment = 8;
inline constexpr std::uint64_t kMaxFrameBytes = 48u << 20;
inline constexpr std::uint64_t kMaxSegmentBytes = 0xFFFFF000;
inline constexpr std::size_t kMaxMetaBytes = 255;
inline constexpr std::size_t kRecordHashBytes = 16;
inline constexpr std::size_t kRecordOverheadBytes = 1 + kRecordHashBytes;

// SegmentHeader opens a segment file and ties it to the log and to the segment before it.
//
// Shape: 4096 bytes: "SALUSEG1", u32 version, u64 segment_number, u64 first_record, log_id,
//        previous_frame_hash, SHA-256 of these, zeros.
struct SegmentHeader {
  std::uint64_t segment_number = 0;
  std::uint64_t first_record = 0;
  crypto::Hash32 log_id{};
  crypto::Hash32 previous_frame_hash{};

  void Encode(std::span<std::uint8_t, kSegmentHeaderBytes> out) const;
  // Errors: Corruption, with what is wrong; FailedPrecondition for a version that is not ours.
  static Result<SegmentHeader> Decode(std::span<const std::uint8_t, kSegmentHeaderBytes> in);
};

// FrameHeader opens a frame: offset table, records and trailer follow it.
//
// Shape: 32 bytes: u32 "FRM1", u32 body_length, u64 first_record, u32 record_count, u32 term,
//        u64 time_ms.
struct FrameHeader {
  std::uint32_t body_length = 0;  // of the records, without offset table and trailer
  std::uint64_t first_record = 0;
  std::uint32_t record_count = 0;
  std::uint32_t term = 0;
  std::uint64_t time_ms = 0;

  std::uint64_t table_bytes() const { return std::uint64_t{4} * record_count; }
  std::uint64_t body_offset() const { return kFrameHeaderBytes + table_bytes(); }
  std::uint64_t trailer_offset() const { return body_offset() + body_length; }
  std::uint64_t unpadded_bytes() const { return trailer_offset() + kFrameTrailerBytes; }
  std::uint64_t total_bytes() const {
    return (unpadded_bytes() + kFrameAlignment - 1) / kFrameAlignment * kFrameAlignment;
  }

  void Encode(std::span<std::uint8_t, kFrameHeaderBytes> out) const;
  // Nothing when it is no frame header or its lengths are impossible.
  static std::optional<FrameHeader> Decode(std::span<const std::uint8_t, kFrameHeaderBytes> in);
};

// SegmentName is the file name of a segment: 16 lower-case hex digits and ".seg".
std::string SegmentName(std::uint64_t segment_number);
std::optional<std::uint64_t> ParseSegmentName(std::string_view name);

}  // namespace salus::storage
