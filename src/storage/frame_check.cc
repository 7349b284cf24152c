#include "storage/frame_check.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/endian.h"

namespace salus::storage {
namespace {

// So many records are hashed before the next are touched: they stay in the cache.
constexpr std::size_t kBatchRecords = 512;

constexpr std::size_t kLongestMessage = 8 + 1 + kMaxMetaBytes + 32;

std::size_t WriteMessage(std::uint8_t* out, std::uint64_t number, ByteSpan meta,
                         const crypto::Hash32& payload_hash) {
  StoreBe(out, number);
  out[8] = static_cast<std::uint8_t>(meta.size());
  if (!meta.empty()) std::memcpy(out + 9, meta.data(), meta.size());
  std::memcpy(out + 9 + meta.size(), payload_hash.data(), payload_hash.size());
  return 9 + meta.size() + payload_hash.size();
}

}  // namespace

crypto::Hash32 RecordHash(std::uint64_t number, ByteSpan meta, const crypto::Hash32& payload_hash) {
  std::array<std::uint8_t, kLongestMessage> message;
  const std::size_t size = WriteMessage(message.data(), number, meta, payload_hash);
  return crypto::Sha256(ByteSpan(message).first(size));
}

void RecordHasher::Add(std::uint64_t number, ByteSpan meta, const crypto::Hash32& payload_hash) {
  const std::size_t begin = ends_.empty() ? 0 : ends_.back();
  if (messages_.size() < begin + kLongestMessage) {
    messages_.resize(std::max(2 * messages_.size(), begin + kLongestMessage));
  }
  ends_.push_back(begin + WriteMessage(messages_.data() + begin, number, meta, payload_hash));
}

std::span<const crypto::Hash32> RecordHasher::Finish() {
  inputs_.clear();
  std::size_t begin = 0;
  for (const std::size_t end : ends_) {
    inputs_.push_back(ByteSpan(messages_).subspan(begin, end - begin));
    begin = end;
  }
  hashes_.resize(inputs_.size());
  crypto::Sha256Many(inputs_, hashes_);
  ends_.clear();
  return hashes_;
}

ByteSpan FrameBody::Record(std::uint32_t i) const {
  const std::uint8_t* const table = frame_.data() + kFrameHeaderBytes;
  const std::uint32_t begin = i == 0 ? 0 : LoadBe<std::uint32_t>(table + std::size_t{4} * (i - 1));
  const std::uint32_t end = LoadBe<std::uint32_t>(table + std::size_t{4} * i);
  if (begin > end || end > header_.body_length || end - begin < kRecordOverheadBytes) return {};
  const ByteSpan record = frame_.subspan(header_.body_offset() + begin, end - begin);
  return record.size() < kRecordOverheadBytes + record[0] ? ByteSpan() : record;
}

std::string_view FrameCheck::Verify(const FrameHeader& header, ByteSpan frame,
                                    const crypto::Hash32& previous_frame_hash) {
  const FrameBody body(header, frame);
  const std::uint32_t count = header.record_count;
  const std::uint8_t* const last_end = frame.data() + header.body_offset() - 4;
  if (LoadBe<std::uint32_t>(last_end) != header.body_length) return "wrong offset table";
  records_.clear();
  payloads_.clear();
  for (std::uint32_t i = 0; i < count; ++i) {
    records_.push_back(body.Record(i));
    if (records_.back().empty()) return "wrong offset table";
    payloads_.push_back(FrameBody::Payload(records_.back()));
  }
  payload_hashes_.resize(count);
  stored_hashes_.resize(count * kRecordHashBytes);
  for (std::size_t begin = 0; begin < count; begin += kBatchRecords) {
    const std::size_t n = std::min<std::size_t>(kBatchRecords, count - begin);
    crypto::Sha256ManyPrefixed(0x00, std::span(payloads_).subspan(begin, n),
                               std::span(payload_hashes_).subspan(begin, n));
    for (std::size_t i = begin; i < begin + n; ++i) {
      hasher_.Add(header.first_record + i, FrameBody::Meta(records_[i]), payload_hashes_[i]);
    }
    const std::span<const crypto::Hash32> hashes = hasher_.Finish();
    for (std::size_t i = 0; i < n; ++i) {
      const ByteSpan stored = FrameBody::StoredHash(records_[begin + i]);
      if (std::memcmp(stored.data(), hashes[i].data(), kRecordHashBytes) != 0) {
        return "a record does not match its hash";
      }
      std::memcpy(&stored_hashes_[(begin + i) * kRecordHashBytes], stored.data(), kRecordHashBytes);
    }
  }
  frame_hash_ =
      crypto::Sha256({previous_frame_hash, frame.first(kFrameHeaderBytes), stored_hashes_});
  const ByteSpan trailer = frame.subspan(header.trailer_offset(), kFrameTrailerBytes);
  if (!Equal(trailer, frame_hash_)) return "wrong frame hash";
  const ByteSpan padding = frame.subspan(header.unpadded_bytes());
  if (std::any_of(padding.begin(), padding.end(), [](std::uint8_t b) { return b != 0; })) {
    return "padding is not zero";
  }
  return "";
}

bool FrameCheck::HoldsRecord(const FrameHeader& header, ByteSpan frame) {
  const FrameBody body(header, frame);
  for (std::uint32_t i = 0; i < header.record_count; ++i) {
    const ByteSpan record = body.Record(i);
    if (record.empty()) continue;
    const ByteSpan payload = FrameBody::Payload(record);
    crypto::Hash32 payload_hash;
    crypto::Sha256ManyPrefixed(0x00, {&payload, 1}, {&payload_hash, 1});
    const crypto::Hash32 hash =
        RecordHash(header.first_record + i, FrameBody::Meta(record), payload_hash);
    if (Equal(FrameBody::StoredHash(record), ByteSpan(hash).first(kRecordHashBytes))) return true;
  }
  return false;
}

}  // namespace salus::storage
