// What CheckDeterministic takes, CborReader reads item by item, and CborWriter writes those items
// to the same bytes; what it refuses, the reader refuses.
#include <cstdint>

#include "base/check.h"
#include "codec/cbor.h"

namespace salus::codec {
namespace {

Result<void> Copy(CborReader& reader, CborWriter& writer) {
  TRY(const CborType type, reader.PeekType());
  switch (type) {
    case CborType::kUint: {
      TRY(const std::uint64_t value, reader.Uint());
      writer.Uint(value);
      return {};
    }
    case CborType::kNegative: {
      TRY(const std::int64_t value, reader.Int());
      CHECK(value < 0);
      writer.Int(value);
      return {};
    }
    case CborType::kByteString: {
      TRY(const ByteSpan value, reader.ByteString());
      writer.ByteString(value);
      return {};
    }
    case CborType::kText: {
      TRY(const std::string_view value, reader.Text());
      writer.Text(value);
      return {};
    }
    case CborType::kBool: {
      TRY(const bool value, reader.Bool());
      writer.Bool(value);
      return {};
    }
    case CborType::kNull: {
      TRY_VOID(reader.Null());
      writer.Null();
      return {};
    }
    case CborType::kArray: {
      TRY(const std::size_t items, reader.Array());
      writer.Array(items);
      for (std::size_t i = 0; i < items; ++i) TRY_VOID(Copy(reader, writer));
      return {};
    }
    case CborType::kMap: {
      TRY(const std::size_t pairs, reader.Map());
      writer.Map(pairs);
      for (std::size_t i = 0; i < 2 * pairs; ++i) TRY_VOID(Copy(reader, writer));
      return {};
    }
    case CborType::kEnd:
      return InvalidArgument("an item is missing");
  }
  return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteSpan input(data, size);
  const bool taken = CheckDeterministic(input).has_value();
  // The reader meets a bad map key only after the item; a copy of what is refused would break the
  // writer's own CHECK.
  if (!taken) return 0;
  CborReader reader(input);
  Bytes out;
  CborWriter writer(out);
  CHECK(Copy(reader, writer).has_value());
  CHECK(reader.Finish().has_value());
  CHECK(writer.complete());
  CHECK(Equal(out, input));
  return 0;
}

}  // namespace salus::codec
