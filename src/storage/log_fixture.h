// Test code only. What the tests of SegmentLog share: records made from a seed, and a slow literal
// reference of the format's hashes.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>
#include "base/random.h"

#include "base/endian.h"
#include "crypto/sha256.h"
#include "storage/memory_file_system.h"
#include "storage/segment_log.h"

namespace salus::storage {

struct TestRecord {
  Bytes meta;
  Bytes payload;

  friend bool operator==(const TestRecord&, const TestRecord&) = default;
};
using TestFrame = std::vector<TestRecord>;

inline Hash32 TestLogId() {
  Hash32 id;
  id.fill(0xA5);
  return id;
}

inline Bytes RandomBytes(SeededRandom& random, std::size_t size) {
  Bytes out(size);
  for (auto& b : out) b = static_cast<std::uint8_t>(random.Next());
  return out;
}

inline TestFrame RandomFrame(SeededRandom& random, std::size_t records, std::size_t most_bytes) {
  TestFrame frame(records);
  for (TestRecord& record : frame) {
    record.meta =
        RandomBytes(random, random.Next() % 8 == 0 ? random.Next() % 256 : random.Next() % 24);
    record.payload = RandomBytes(random, random.Next() % (most_bytes + 1));
  }
  return frame;
}

inline Hash32 LeafHash(ByteSpan payload) {
  Bytes message(1, 0);
  Append(message, payload);
  return crypto::Sha256(message);
}

inline Result<void> AppendFrame(SegmentLog& log, const TestFrame& frame, std::uint64_t time_ms = 7,
                                std::uint32_t term = 3) {
  std::vector<SegmentLog::RecordInput> inputs;
  for (const TestRecord& record : frame) {
    inputs.push_back({record.meta, record.payload, LeafHash(record.payload)});
  }
  return log.Append(inputs, time_ms, term);
}

inline void ExpectRecords(const SegmentLog& log, const std::vector<TestRecord>& expected) {
  ASSERT_EQ(log.record_count(), expected.size());
  std::uint64_t next = 0;
  const Result<void> scanned =
      log.Scan(0, log.record_count(), [&](const RecordView& view) -> Result<void> {
        EXPECT_EQ(view.number, next);
        EXPECT_EQ(ToBytes(view.meta), expected[next].meta);
        EXPECT_EQ(ToBytes(view.payload), expected[next].payload);
        EXPECT_EQ(view.payload_hash, LeafHash(expected[next].payload));
        ++next;
        return {};
      });
  ASSERT_TRUE(scanned) << scanned.error().message;
  ASSERT_EQ(next, expected.size());
}

}  // namespace salus::storage
