// DapReader and DapWriter take DAP's messages apart and put them together. Not a public header.
//
// Source: RFC 8446 section 3 (presentation language).
// Shape:  integers big-endian; a vector is its length in bytes, in as many bytes as the greatest
//         length needs, and its content.
// Errors: InvalidArgument "FIELD at byte N: what is wrong".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregate/dap_collection.h"
#include "aggregate/dap_extension.h"
#include "aggregate/dap_id.h"
#include "aggregate/dap_interval.h"
#include "aggregate/dap_report.h"
#include "aggregate/dap_task_configuration.h"
#include "aggregate/dap_version.h"
#include "aggregate/hpke_ciphertext.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/endian.h"
#include "base/result.h"

namespace salus::aggregate {

class DapReader {
 public:
  // base is the offset of bytes in the message.
  explicit DapReader(ByteSpan bytes, std::size_t base = 0)
      : rest_(bytes), end_(base + bytes.size()) {}

  bool AtEnd() const { return rest_.empty(); }
  std::size_t left() const { return rest_.size(); }
  std::size_t offset() const { return end_ - rest_.size(); }
  Error Fault(std::string_view field, std::string_view what) const;

  Result<std::uint8_t> U8(std::string_view field) { return Number<std::uint8_t>(field); }
  Result<std::uint16_t> U16(std::string_view field) { return Number<std::uint16_t>(field); }
  Result<std::uint32_t> U32(std::string_view field) { return Number<std::uint32_t>(field); }
  Result<std::uint64_t> U64(std::string_view field) { return Number<std::uint64_t>(field); }
  Result<ByteSpan> Fixed(std::string_view field, std::size_t size);
  template <typename Id>
  Result<Id> ReadId(std::string_view field) {
    TRY(const ByteSpan bytes, Fixed(field, Id::kSize));
    return Id::FromBytes(bytes);
  }

  // A vector whose length is a Length, of at least min bytes.
  template <typename Length>
  Result<ByteSpan> Vector(std::string_view field, std::size_t min = 0) {
    TRY(const Length size, Number<Length>(field));
    if (size < min) return Fault(field, "it is shorter than it may be");
    return Fixed(field, size);
  }
  // The elements of a vector, to be read one after another.
  template <typename Length>
  Result<DapReader> List(std::string_view field, std::size_t min = 0) {
    TRY(const ByteSpan content, Vector<Length>(field, min));
    return DapReader(content, offset() - content.size());
  }
  // Errors: InvalidArgument when bytes are left over.
  Result<void> Finish(std::string_view message) const;

 private:
  template <typename Number_>
  Result<Number_> Number(std::string_view field) {
    TRY(const ByteSpan bytes, Fixed(field, sizeof(Number_)));
    return LoadBe<Number_>(bytes.data());
  }

  ByteSpan rest_;
  std::size_t end_;
};

class DapWriter {
 public:
  void U8(std::uint8_t value) { out_.push_back(value); }
  template <typename Number>
  void Be(Number value) {
    AppendBe(out_, value);
  }
  void Fixed(ByteSpan bytes) { Append(out_, bytes); }

  // A vector that its type can't hold is a defect of the program: CHECK.
  template <typename Length>
  void Vector(ByteSpan bytes, std::size_t min = 0) {
    CHECK(bytes.size() >= min && bytes.size() <= static_cast<Length>(~Length{0}));
    Be(static_cast<Length>(bytes.size()));
    Append(out_, bytes);
  }
  // Begin leaves room for the length of a vector, End fills it in.
  template <typename Length>
  std::size_t Begin() {
    Be(Length{0});
    return out_.size();
  }
  template <typename Length>
  void End(std::size_t begin, std::size_t min = 0) {
    const std::size_t size = out_.size() - begin;
    CHECK(size >= min && size <= static_cast<Length>(~Length{0}));
    StoreBe(out_.data() + begin - sizeof(Length), static_cast<Length>(size));
  }

  Bytes Take() && { return std::move(out_); }

 private:
  Bytes out_;
};

// A payload of a VDAF may be empty in DAP-09 only.
constexpr std::size_t MinPayloadBytes(DapVersion version) {
  return version == DapVersion::k18 ? 1 : 0;
}

// What several messages are made of.
Result<DapExtension> ReadExtension(DapReader& in);
void WriteExtension(DapWriter& out, const DapExtension& extension);
Result<std::vector<DapExtension>> ReadExtensions(DapReader& in, std::string_view field);
void WriteExtensions(DapWriter& out, const std::vector<DapExtension>& extensions);
Result<DapInterval> ReadInterval(DapReader& in, std::string_view field);
void WriteInterval(DapWriter& out, const DapInterval& interval);
Result<HpkeCiphertext> ReadCiphertext(DapReader& in);
void WriteCiphertext(DapWriter& out, const HpkeCiphertext& ciphertext);
Result<ReportMetadata> ReadMetadata(DapReader& in, DapVersion version);
void WriteMetadata(DapWriter& out, DapVersion version, const ReportMetadata& metadata);
Result<ReportError> ReadReportError(DapReader& in, DapVersion version,
                                    UnknownErrors unknown = UnknownErrors::kRefuse);
void WriteReportError(DapWriter& out, DapVersion version, ReportError error);
Result<BatchMode> ReadBatchMode(DapReader& in);
Result<TaskConfiguration> ReadTaskConfiguration(DapReader& in);
// DAP-09 only: a batch id in the leader-selected mode.
Result<std::optional<BatchId>> ReadPartialBatchSelector(DapReader& in);
void WritePartialBatchSelector(DapWriter& out, const std::optional<BatchId>& batch_id);
Result<DapBatchSelector> ReadBatchSelector(DapReader& in, DapVersion version);
void WriteBatchSelector(DapWriter& out, DapVersion version, const DapBatchSelector& selector);
Result<CollectionJobReq> ReadCollectionJobReq(DapReader& in, DapVersion version);
void WriteCollectionJobReq(DapWriter& out, DapVersion version, const CollectionJobReq& request);

// ParseWhole is read(reader) of exactly one message.
//
// Errors: InvalidArgument also for a message over kMaxDapMessageBytes.
template <typename Read>
auto ParseWhole(std::string_view message, ByteSpan bytes, Read read)
    -> decltype(read(std::declval<DapReader&>())) {
  if (bytes.size() > kMaxDapMessageBytes) {
    return InvalidArgument(std::string(message) + ": it is larger than 64 MiB");
  }
  DapReader in(bytes);
  auto value = read(in);
  if (!value) return std::move(value.error()).WithContext(message);
  TRY_VOID(in.Finish(message));
  return value;
}

}  // namespace salus::aggregate
