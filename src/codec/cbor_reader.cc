#include <limits>

#include "base/endian.h"
#include "base/utf8.h"
#include "codec/cbor.h"

namespace salus::codec {

namespace {

enum Major : std::uint8_t { kUint, kNegative, kByteString, kText, kArray, kMap, kTag, kSimple };

constexpr std::uint8_t kFalse = 0xf4;
constexpr std::uint8_t kTrue = 0xf5;
constexpr std::uint8_t kNull = 0xf6;

}  // namespace

Error CborReader::Fail(std::string_view what) const {
  return InvalidArgument("cbor: byte " + std::to_string(position_) + ": " + std::string(what));
}

Result<CborType> CborReader::PeekType() const {
  if (depth_ > 0 && frames_[depth_ - 1].left == 0) return CborType::kEnd;
  if (position_ == input_.size()) return CborType::kEnd;
  const std::uint8_t head = input_[position_];
  switch (head >> 5) {
    case Major::kUint:
      return CborType::kUint;
    case Major::kNegative:
      return CborType::kNegative;
    case Major::kByteString:
      return CborType::kByteString;
    case Major::kText:
      return CborType::kText;
    case Major::kArray:
      return CborType::kArray;
    case Major::kMap:
      return CborType::kMap;
    case Major::kTag:
      return Fail("tags are not taken");
    default:
      break;
  }
  if (head == kFalse || head == kTrue) return CborType::kBool;
  if (head == kNull) return CborType::kNull;
  return Fail("of the simple values only false, true and null are taken, and no floats");
}

Result<void> CborReader::BeginItem() {
  if (position_ == input_.size()) return Fail("an item is missing");
  if (depth_ == 0) return {};
  Frame& frame = frames_[depth_ - 1];
  if (frame.is_map && frame.at_key) frame.key_start = position_;
  return {};
}

Result<void> CborReader::CheckKeyOrder(const Frame& frame) const {
  const std::string_view key = AsText(input_.subspan(frame.key_start, position_ - frame.key_start));
  const std::string_view last =
      AsText(input_.subspan(frame.last_key_start, frame.last_key_end - frame.last_key_start));
  if (last < key) return {};
  return Fail(last == key ? "a duplicate map key ends here" : "a map key out of order ends here");
}

// Ends the item, and with it every array and map whose last item it was.
Result<void> CborReader::EndItem() {
  while (depth_ > 0) {
    Frame& frame = frames_[depth_ - 1];
    if (frame.is_map && frame.at_key) {
      // The first byte decides nearly always: integer labels, or texts of different lengths.
      if (frame.last_key_end != 0 && input_[frame.last_key_start] >= input_[frame.key_start]) {
        TRY_VOID(CheckKeyOrder(frame));
      }
      frame.last_key_start = frame.key_start;
      frame.last_key_end = position_;
    }
    if (frame.is_map) frame.at_key = !frame.at_key;
    if (--frame.left > 0) return {};
    --depth_;
  }
  return {};
}

Result<std::uint64_t> CborReader::Head(std::uint8_t major, std::string_view expected) {
  TRY_VOID(BeginItem());
  const std::uint8_t first = input_[position_];
  if (first >> 5 != major) return Fail("expected " + std::string(expected));
  const std::uint8_t info = first & 31;
  if (info < 24) {
    ++position_;
    return info;
  }
  if (info > 27) return Fail(info == 31 ? "indefinite length" : "reserved head");
  const std::size_t size = std::size_t{1} << (info - 24);
  if (input_.size() - position_ - 1 < size) return Fail("the head is cut off");
  const std::uint8_t* p = input_.data() + position_ + 1;
  std::uint64_t value = 0;
  std::uint64_t smallest = 0;
  switch (size) {
    case 1:
      value = *p, smallest = 24;
      break;
    case 2:
      value = LoadBe<std::uint16_t>(p), smallest = 0x100;
      break;
    case 4:
      value = LoadBe<std::uint32_t>(p), smallest = 0x10000;
      break;
    default:
      value = LoadBe<std::uint64_t>(p), smallest = 0x100000000;
      break;
  }
  if (value < smallest) return Fail("a longer form than needed");
  position_ += 1 + size;
  return value;
}

Result<std::uint64_t> CborReader::Uint() {
  TRY(const std::uint64_t value, Head(Major::kUint, "an unsigned integer"));
  TRY_VOID(EndItem());
  return value;
}

Result<std::int64_t> CborReader::Int() {
  const bool negative = position_ < input_.size() && input_[position_] >> 5 == Major::kNegative;
  TRY(const std::uint64_t value, Head(negative ? Major::kNegative : Major::kUint, "an integer"));
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return Fail("the integer before is too large");
  }
  TRY_VOID(EndItem());
  return static_cast<std::int64_t>(negative ? ~value : value);
}

Result<ByteSpan> CborReader::String(std::uint8_t major, std::string_view expected) {
  TRY(const std::uint64_t size, Head(major, expected));
  if (size > input_.size() - position_) return Fail("a string is cut off");
  const ByteSpan content = input_.subspan(position_, static_cast<std::size_t>(size));
  if (major == Major::kText && !IsValidUtf8(AsText(content))) return Fail("text is not UTF-8");
  position_ += content.size();
  TRY_VOID(EndItem());
  return content;
}

Result<ByteSpan> CborReader::ByteString() { return String(Major::kByteString, "a byte string"); }

Result<std::string_view> CborReader::Text() {
  TRY(const ByteSpan content, String(Major::kText, "a text"));
  return AsText(content);
}

Result<std::size_t> CborReader::Open(std::uint8_t major, std::string_view expected) {
  TRY(const std::uint64_t count, Head(major, expected));
  const bool is_map = major == Major::kMap;
  // Every item takes a byte at least: a count over that is a lie, and must not size a buffer.
  if (count > (input_.size() - position_) / (is_map ? 2 : 1)) return Fail("items are missing");
  if (depth_ == kCborMaxDepth) return Fail("nested too deeply");
  if (count == 0) {
    TRY_VOID(EndItem());
    return 0;
  }
  frames_[depth_++] = {.left = is_map ? 2 * count : count,
                       .is_map = is_map,
                       .at_key = is_map,
                       .key_start = 0,
                       .last_key_start = 0,
                       .last_key_end = 0};
  return static_cast<std::size_t>(count);
}

Result<std::size_t> CborReader::Array() { return Open(Major::kArray, "an array"); }

Result<std::size_t> CborReader::Map() { return Open(Major::kMap, "a map"); }

Result<void> CborReader::ArrayOf(std::size_t items) {
  TRY(const std::size_t count, Array());
  if (count != items) return Fail("expected an array of " + std::to_string(items));
  return {};
}

Result<void> CborReader::MapOf(std::size_t pairs) {
  TRY(const std::size_t count, Map());
  if (count != pairs) return Fail("expected a map of " + std::to_string(pairs));
  return {};
}

Result<bool> CborReader::Bool() {
  TRY_VOID(BeginItem());
  const std::uint8_t head = input_[position_];
  if (head != kFalse && head != kTrue) return Fail("expected true or false");
  ++position_;
  TRY_VOID(EndItem());
  return head == kTrue;
}

Result<void> CborReader::Null() {
  TRY_VOID(BeginItem());
  if (input_[position_] != kNull) return Fail("expected null");
  ++position_;
  return EndItem();
}

Result<void> CborReader::SkipOne() {
  TRY(const CborType type, PeekType());
  switch (type) {
    case CborType::kUint:
      TRY_VOID(Uint());
      break;
    case CborType::kNegative:
      TRY_VOID(Int());
      break;
    case CborType::kByteString:
      TRY_VOID(ByteString());
      break;
    case CborType::kText:
      TRY_VOID(Text());
      break;
    case CborType::kArray:
      TRY_VOID(Array());
      break;
    case CborType::kMap:
      TRY_VOID(Map());
      break;
    case CborType::kBool:
      TRY_VOID(Bool());
      break;
    case CborType::kNull:
      TRY_VOID(Null());
      break;
    case CborType::kEnd:
      return Fail("an item is missing");
  }
  return {};
}

Result<ByteSpan> CborReader::Item() {
  const std::size_t start = position_;
  const std::size_t outer = depth_;
  TRY_VOID(SkipOne());
  // An item that opened frames is over when they are closed. Closing the last may close outer ones.
  while (depth_ > outer) TRY_VOID(SkipOne());
  return input_.subspan(start, position_ - start);
}

Result<void> CborReader::Finish() const {
  if (depth_ > 0) return Fail("items are missing");
  if (position_ != input_.size()) return Fail("trailing bytes");
  return {};
}

Result<void> CheckDeterministic(ByteSpan bytes) {
  CborReader reader(bytes);
  TRY_VOID(reader.Item());
  return reader.Finish();
}

}  // namespace salus::codec
