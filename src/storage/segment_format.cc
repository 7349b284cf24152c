#include "storage/segment_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/endian.h"

namespace salus::storage {
namespace {

constexpr std::string_view kSegmentMagic = "SALUSEG1";
constexpr std::string_view kSegmentSuffix = ".seg";
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kNumberAt = 12;
constexpr std::size_t kFirstRecordAt = 20;
constexpr std::size_t kLogIdAt = 28;
constexpr std::size_t kPreviousAt = 60;
constexpr std::size_t kHashAt = 92;
constexpr std::size_t kHeaderUsedBytes = 124;

}  // namespace

void SegmentHeader::Encode(std::span<std::uint8_t, kSegmentHeaderBytes> out) const {
  std::fill(out.begin(), out.end(), std::uint8_t{0});
  std::memcpy(out.data(), kSegmentMagic.data(), kSegmentMagic.size());
  StoreBe(&out[kVersionAt], kSegmentVersion);
  StoreBe(&out[kNumberAt], segment_number);
  StoreBe(&out[kFirstRecordAt], first_record);
  std::memcpy(&out[kLogIdAt], log_id.data(), log_id.size());
  std::memcpy(&out[kPreviousAt], previous_frame_hash.data(), previous_frame_hash.size());
  const crypto::Hash32 hash = crypto::Sha256(ByteSpan(out).first(kHashAt));
  std::memcpy(&out[kHashAt], hash.data(), hash.size());
}

Result<SegmentHeader> SegmentHeader::Decode(std::span<const std::uint8_t, kSegmentHeaderBytes> in) {
  if (!Equal(in.first(kSegmentMagic.size()), AsBytes(kSegmentMagic))) {
    return Corruption("segment header: wrong magic");
  }
  const crypto::Hash32 hash = crypto::Sha256(ByteSpan(in).first(kHashAt));
  if (!Equal(in.subspan(kHashAt, hash.size()), hash)) {
    return Corruption("segment header: wrong hash");
  }
  const auto rest = in.subspan(kHeaderUsedBytes);
  if (std::any_of(rest.begin(), rest.end(), [](std::uint8_t b) { return b != 0; })) {
    return Corruption("segment header: padding is not zero");
  }
  if (LoadBe<std::uint32_t>(&in[kVersionAt]) != kSegmentVersion) {
    return FailedPrecondition("segment header: format version unknown to this program");
  }
  SegmentHeader header;
  header.segment_number = LoadBe<std::uint64_t>(&in[kNumberAt]);
  header.first_record = LoadBe<std::uint64_t>(&in[kFirstRecordAt]);
  std::memcpy(header.log_id.data(), &in[kLogIdAt], header.log_id.size());
  std::memcpy(header.previous_frame_hash.data(), &in[kPreviousAt],
              header.previous_frame_hash.size());
  return header;
}

void FrameHeader::Encode(std::span<std::uint8_t, kFrameHeaderBytes> out) const {
  StoreBe(&out[0], kFrameMagic);
  StoreBe(&out[4], body_length);
  StoreBe(&out[8], first_record);
  StoreBe(&out[16], record_count);
  StoreBe(&out[20], term);
  StoreBe(&out[24], time_ms);
}

std::optional<FrameHeader> FrameHeader::Decode(
    std::span<const std::uint8_t, kFrameHeaderBytes> in) {
  if (LoadBe<std::uint32_t>(&in[0]) != kFrameMagic) return std::nullopt;
  FrameHeader header;
  header.body_length = LoadBe<std::uint32_t>(&in[4]);
  header.first_record = LoadBe<std::uint64_t>(&in[8]);
  header.record_count = LoadBe<std::uint32_t>(&in[16]);
  header.term = LoadBe<std::uint32_t>(&in[20]);
  header.time_ms = LoadBe<std::uint64_t>(&in[24]);
  const std::uint64_t least = std::uint64_t{header.record_count} * kRecordOverheadBytes;
  if (header.record_count == 0 || header.body_length < least ||
      header.total_bytes() > kMaxFrameBytes ||
      header.first_record > UINT64_MAX - header.record_count) {
    return std::nullopt;
  }
  return header;
}

std::string SegmentName(std::uint64_t segment_number) {
  return fmt::format("{:016x}{}", segment_number, kSegmentSuffix);
}

std::optional<std::uint64_t> ParseSegmentName(std::string_view name) {
  if (name.size() != 16 + kSegmentSuffix.size() || !name.ends_with(kSegmentSuffix)) {
    return std::nullopt;
  }
  const std::string_view digits = name.substr(0, 16);
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(digits.begin(), digits.end(), number, 16);
  if (parsed.ec != std::errc() || parsed.ptr != digits.end() || SegmentName(number) != name) {
    return std::nullopt;
  }
  return number;
}

}  // namespace salus::storage
