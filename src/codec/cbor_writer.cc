#include "base/check.h"
#include "base/endian.h"
#include "codec/cbor.h"

namespace salus::codec {

namespace {

constexpr std::uint8_t kUintMajor = 0;
constexpr std::uint8_t kNegativeMajor = 1;
constexpr std::uint8_t kByteStringMajor = 2;
constexpr std::uint8_t kTextMajor = 3;
constexpr std::uint8_t kArrayMajor = 4;
constexpr std::uint8_t kMapMajor = 5;
constexpr std::uint8_t kFalse = 0xf4;
constexpr std::uint8_t kTrue = 0xf5;
constexpr std::uint8_t kNull = 0xf6;

}  // namespace

void CborWriter::BeginItem() {
  if (depth_ == 0) return;
  Frame& frame = frames_[depth_ - 1];
  CHECK(frame.left > 0);
  if (frame.is_map && frame.at_key) frame.key_start = out_.size();
}

// Ends the item, and with it every array and map whose last item it was.
void CborWriter::EndItem() {
  while (depth_ > 0) {
    Frame& frame = frames_[depth_ - 1];
    if (frame.is_map) {
      if (frame.at_key) CheckKeyOrder(frame);
      frame.at_key = !frame.at_key;
    }
    if (--frame.left > 0) return;
    --depth_;
  }
}

void CborWriter::CheckKeyOrder(Frame& frame) {
  // The first byte decides nearly always: integer labels, or texts of different lengths.
  const bool is_first = frame.last_key_end == 0;
  if (!is_first && out_[frame.last_key_start] >= out_[frame.key_start]) {
    const std::string_view all = AsText(out_);
    const std::string_view last =
        all.substr(frame.last_key_start, frame.last_key_end - frame.last_key_start);
    CHECK(last < all.substr(frame.key_start));
  }
  frame.last_key_start = frame.key_start;
  frame.last_key_end = out_.size();
}

void CborWriter::Head(std::uint8_t major, std::uint64_t value) {
  const auto type = static_cast<std::uint8_t>(major << 5);
  if (value < 24) {
    out_.push_back(static_cast<std::uint8_t>(type | value));
    return;
  }
  std::uint8_t head[9];
  std::size_t size = 1;
  if (value <= 0xff) {
    head[0] = type | 24;
    head[1] = static_cast<std::uint8_t>(value);
    size = 2;
  } else if (value <= 0xffff) {
    head[0] = type | 25;
    StoreBe(head + 1, static_cast<std::uint16_t>(value));
    size = 3;
  } else if (value <= 0xffffffff) {
    head[0] = type | 26;
    StoreBe(head + 1, static_cast<std::uint32_t>(value));
    size = 5;
  } else {
    head[0] = type | 27;
    StoreBe(head + 1, value);
    size = 9;
  }
  out_.insert(out_.end(), head, head + size);
}

void CborWriter::Uint(std::uint64_t value) {
  BeginItem();
  Head(kUintMajor, value);
  EndItem();
}

void CborWriter::Int(std::int64_t value) {
  BeginItem();
  // -1 - n is written as n, which is the complement of its bits.
  const auto bits = static_cast<std::uint64_t>(value);
  value >= 0 ? Head(kUintMajor, bits) : Head(kNegativeMajor, ~bits);
  EndItem();
}

void CborWriter::ByteString(ByteSpan bytes) {
  BeginItem();
  Head(kByteStringMajor, bytes.size());
  Append(out_, bytes);
  EndItem();
}

void CborWriter::Text(std::string_view text) {
  BeginItem();
  Head(kTextMajor, text.size());
  Append(out_, AsBytes(text));
  EndItem();
}

void CborWriter::Open(std::uint8_t major, std::uint64_t count, std::uint64_t items) {
  BeginItem();
  Head(major, count);
  CHECK(depth_ < kCborMaxDepth);
  if (items == 0) {
    EndItem();
    return;
  }
  frames_[depth_++] = {.left = items,
                       .is_map = major == kMapMajor,
                       .at_key = major == kMapMajor,
                       .key_start = 0,
                       .last_key_start = 0,
                       .last_key_end = 0};
}

void CborWriter::Array(std::size_t items) { Open(kArrayMajor, items, items); }

void CborWriter::Map(std::size_t pairs) {
  CHECK(pairs <= SIZE_MAX / 2);
  Open(kMapMajor, pairs, 2 * pairs);
}

void CborWriter::Bool(bool value) {
  BeginItem();
  out_.push_back(value ? kTrue : kFalse);
  EndItem();
}

void CborWriter::Null() {
  BeginItem();
  out_.push_back(kNull);
  EndItem();
}

void CborWriter::Encoded(ByteSpan item) {
  CHECK(!item.empty());
  BeginItem();
  Append(out_, item);
  EndItem();
}

}  // namespace salus::codec
