// MemberWriter and MemberReader are the form of every notice: a CBOR map {1: ..., 2: ..., ...}.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "codec/cbor.h"
#include "crypto/sha256.h"

namespace salus::audit {

// MemberWriter puts the labels, which count up from 1.
//
// Source: docs/formats/entry.md.
// Shape:  deterministic CBOR; as many members as said.
class MemberWriter {
 public:
  MemberWriter(Bytes& out, std::uint64_t members) : writer_(out) { writer_.Map(members); }

  // Next is where a member's value goes.
  codec::CborWriter& Next() {
    writer_.Uint(++label_);
    return writer_;
  }

 private:
  codec::CborWriter writer_;
  std::uint64_t label_ = 0;
};

// MemberReader takes exactly the members that MemberWriter put.
//
// Source: docs/formats/entry.md.
// Shape:  as MemberWriter's.
// Errors: InvalidArgument, of each call.
class MemberReader {
 public:
  MemberReader(ByteSpan content, std::size_t members) : reader_(content), members_(members) {}

  // Next is at a member's value.
  Result<codec::CborReader*> Next() {
    if (last_ == 0) TRY_VOID(reader_.MapOf(members_));
    TRY(const std::uint64_t label, reader_.Uint());
    if (label != ++last_) return InvalidArgument("a member is missing");
    return &reader_;
  }
  Result<void> Text(std::string& out) {
    TRY(codec::CborReader* const reader, Next());
    TRY(const std::string_view text, reader->Text());
    out = text;
    return {};
  }
  Result<void> Octets(Bytes& out) {
    TRY(codec::CborReader* const reader, Next());
    TRY(const ByteSpan bytes, reader->ByteString());
    out = ToBytes(bytes);
    return {};
  }
  Result<void> Hash(crypto::Hash32& out) {
    TRY(codec::CborReader* const reader, Next());
    TRY(const ByteSpan bytes, reader->ByteString());
    if (bytes.size() != out.size()) return InvalidArgument("a digest has 32 bytes");
    std::ranges::copy(bytes, out.begin());
    return {};
  }
  Result<void> Count(std::uint64_t& out) {
    TRY(codec::CborReader* const reader, Next());
    TRY(out, reader->Uint());
    return {};
  }
  Result<void> OneDay(Day& out) {
    TRY(codec::CborReader* const reader, Next());
    TRY(out, DayOfNumber(*reader));
    return {};
  }
  Result<void> OptionalDay(std::optional<Day>& out) {
    TRY(codec::CborReader* const reader, Next());
    TRY(const codec::CborType type, reader->PeekType());
    if (type == codec::CborType::kNull) return reader->Null();
    TRY(out, DayOfNumber(*reader));
    return {};
  }
  Result<void> Time(Timestamp& out) {
    TRY(codec::CborReader* const reader, Next());
    TRY(const std::int64_t time_ms, reader->Int());
    out = FromUnixMillis(time_ms);
    return {};
  }
  Result<void> Finish() const { return reader_.Finish(); }

 private:
  static constexpr std::uint64_t kLastDay = 2'932'896;  // 9999-12-31

  static Result<Day> DayOfNumber(codec::CborReader& reader) {
    TRY(const std::uint64_t number, reader.Uint());
    if (number > kLastDay) return InvalidArgument("a day is out of range");
    return FromUnixDay(static_cast<std::uint32_t>(number));
  }

  codec::CborReader reader_;
  const std::size_t members_;
  std::uint64_t last_ = 0;
};

}  // namespace salus::audit
