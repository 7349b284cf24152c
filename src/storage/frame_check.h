// Hashes of records and frames, in batches. Used by SegmentLog only.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "crypto/sha256.h"
#include "storage/segment_format.h"

namespace salus::storage {

// RecordHash is SHA-256(u64 number || u8 meta length || meta || payload_hash); a record stores its
// first 16 bytes.
crypto::Hash32 RecordHash(std::uint64_t number, ByteSpan meta, const crypto::Hash32& payload_hash);

// RecordHasher computes the hashes of many records side by side. Its memory is reused.
class RecordHasher {
 public:
  void Add(std::uint64_t number, ByteSpan meta, const crypto::Hash32& payload_hash);
  // Finish hashes what was added since the last Finish; valid until the next one.
  std::span<const crypto::Hash32> Finish();

 private:
  Bytes messages_;
  std::vector<std::size_t> ends_;
  std::vector<ByteSpan> inputs_;
  std::vector<crypto::Hash32> hashes_;
};

// FrameBody finds the records in the bytes of a frame.
class FrameBody {
 public:
  FrameBody(const FrameHeader& header, ByteSpan frame) : header_(header), frame_(frame) {}

  // Record is the stored bytes of the i-th record, hash included; empty when the offset table or
  // the meta length is impossible.
  ByteSpan Record(std::uint32_t i) const;

  static ByteSpan Meta(ByteSpan record) { return record.subspan(1, record[0]); }
  static ByteSpan Payload(ByteSpan record) {
    return record.subspan(1 + record[0], record.size() - kRecordOverheadBytes - record[0]);
  }
  static ByteSpan StoredHash(ByteSpan record) { return record.last(kRecordHashBytes); }

 private:
  const FrameHeader& header_;
  const ByteSpan frame_;
};

// FrameCheck verifies whole frames; its memory is reused from frame to frame.
class FrameCheck {
 public:
  // Verify checks the offset table, every record and the frame hash of a frame of
  // header.total_bytes() bytes. Returns what is wrong, or "" when all is well; then records(),
  // payload_hashes() and frame_hash() describe it, the views as long as frame lives.
  std::string_view Verify(const FrameHeader& header, ByteSpan frame,
                          const crypto::Hash32& previous_frame_hash);

  // HoldsRecord says that at least one record of the frame verifies: a frame that was once
  // written, whatever became of the rest of it.
  bool HoldsRecord(const FrameHeader& header, ByteSpan frame);

  std::span<const ByteSpan> records() const { return records_; }
  std::span<const crypto::Hash32> payload_hashes() const { return payload_hashes_; }
  const crypto::Hash32& frame_hash() const { return frame_hash_; }

 private:
  std::vector<ByteSpan> records_;
  std::vector<ByteSpan> payloads_;
  std::vector<crypto::Hash32> payload_hashes_;
  Bytes stored_hashes_;
  RecordHasher hasher_;
  crypto::Hash32 frame_hash_{};
};

}  // namespace salus::storage
