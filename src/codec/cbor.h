// Deterministic CBOR: one encoding for each value, and a reader that takes no other.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::codec {

inline constexpr std::size_t kCborMaxDepth = 16;

// CborWriter appends one data item to a buffer, in the order of the calls.
//
// Source: RFC 8949 section 4.2.1 (core deterministic encoding). No tags, no floats, no simple
// values
//         but false, true and null: no format of ours has them.
// Shape:  the caller gives the number of items of an array, and of key-value pairs of a map, first,
//         then the items; the keys of a map in the bytewise order of their encodings. A wrong
//         order, a duplicate, too many items or nesting over 16 is a CHECK: a defect of the
//         program.
class CborWriter {
 public:
  explicit CborWriter(Bytes& out) : out_(out) {}
  CborWriter(const CborWriter&) = delete;
  CborWriter& operator=(const CborWriter&) = delete;

  void Uint(std::uint64_t value);
  void Int(std::int64_t value);
  void ByteString(ByteSpan bytes);
  // Text must be UTF-8; what came from outside was checked when it was parsed.
  void Text(std::string_view text);
  void Array(std::size_t items);
  void Map(std::size_t pairs);
  void Bool(bool value);
  void Null();
  // Encoded puts in one item that was encoded before; the caller vouches for its determinism.
  void Encoded(ByteSpan item);

  // complete says that every array and map has all its items.
  bool complete() const { return depth_ == 0; }

 private:
  // Frame is an open array or map; keys are remembered as offsets, because out_ may move.
  struct Frame {
    std::uint64_t left;
    bool is_map;
    bool at_key;
    std::size_t key_start;
    std::size_t last_key_start;
    std::size_t last_key_end;  // 0: no key yet
  };

  void BeginItem();
  void EndItem();
  void Head(std::uint8_t major, std::uint64_t value);
  void Open(std::uint8_t major, std::uint64_t count, std::uint64_t items);
  void CheckKeyOrder(Frame& frame);

  Bytes& out_;
  std::array<Frame, kCborMaxDepth> frames_;
  std::size_t depth_ = 0;
};

enum class CborType { kUint, kNegative, kByteString, kText, kArray, kMap, kBool, kNull, kEnd };

// CborReader pulls items out of one deterministic encoding, without copying.
//
// Source: RFC 8949 section 4.2.1. Everything else is refused: longer forms than needed, indefinite
//         lengths, tags, floats, other simple values, invalid UTF-8, map keys out of order or
//         twice, nesting over 16, trailing bytes; and integers outside -2^63 to 2^64 - 1.
// Shape:  calls mirror CborWriter's. A failed call leaves the reader unusable. The keys of maps are
//         checked as they go by, the trailing bytes and missing items by Finish.
// Errors: InvalidArgument with the byte offset.
// Ownership: ByteString, Text and Item are views of the input.
class CborReader {
 public:
  explicit CborReader(ByteSpan input) : input_(input) {}

  Result<std::uint64_t> Uint();
  Result<std::int64_t> Int();
  Result<ByteSpan> ByteString();
  Result<std::string_view> Text();
  // Array and Map return the number of items, and of pairs; never more than the bytes that are
  // left.
  Result<std::size_t> Array();
  Result<std::size_t> Map();
  Result<bool> Bool();
  Result<void> Null();
  // Item skips one whole item, checked in full, and returns its bytes.
  Result<ByteSpan> Item();

  // PeekType looks at the next item: kEnd where the innermost open array or map has no more, or the
  // input ends.
  //
  // Errors: InvalidArgument for a tag, a float or another type that no format of ours has.
  Result<CborType> PeekType() const;
  // ArrayOf and MapOf are Array and Map that insist on a count.
  Result<void> ArrayOf(std::size_t items);
  Result<void> MapOf(std::size_t pairs);

  bool AtEnd() const { return position_ == input_.size() && depth_ == 0; }
  std::size_t position() const { return position_; }
  // Finish insists that exactly one sequence of complete items was read, and nothing follows.
  Result<void> Finish() const;

 private:
  struct Frame {
    std::uint64_t left;
    bool is_map;
    bool at_key;
    std::size_t key_start;
    std::size_t last_key_start;
    std::size_t last_key_end;  // 0: no key yet
  };

  Error Fail(std::string_view what) const;
  Result<std::uint64_t> Head(std::uint8_t major, std::string_view expected);
  Result<void> CheckKeyOrder(const Frame& frame) const;
  Result<void> BeginItem();
  Result<void> EndItem();
  Result<ByteSpan> String(std::uint8_t major, std::string_view expected);
  Result<std::size_t> Open(std::uint8_t major, std::string_view expected);
  Result<void> SkipOne();

  ByteSpan input_;
  std::size_t position_ = 0;
  std::array<Frame, kCborMaxDepth> frames_;
  std::size_t depth_ = 0;
};

// CheckDeterministic says whether bytes are exactly one item that CborReader takes.
//
// Errors: InvalidArgument with the byte offset.
Result<void> CheckDeterministic(ByteSpan bytes);

}  // namespace salus::codec
