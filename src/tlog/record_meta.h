// RecordMeta is what stands beside an entry in its segment record, outside the leaf: what the
// server needs to rebuild its indexes, and nobody else may see.
//
// Source: protocol.md P4.3; docs/formats/segment.md.
// Shape:  u8 flags, then the parts that the flags name, in the order of the fields below.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "merkle/map.h"
#include "merkle/types.h"

namespace salus::tlog {

using merkle::LeafIndex;
using merkle::SubjectTag;

// SubjectNumber is a subject's short name inside one data directory; it is never shown.
struct SubjectNumber {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(const SubjectNumber&, const SubjectNumber&) = default;
};

// RepeatKey finds a repeated event, and tells it from a conflict: HMACs under the index key of
// (source, id, patient) and of the event as sent.
struct RepeatKey {
  std::array<std::uint8_t, 16> identity{};
  std::array<std::uint8_t, 8> content{};
};

struct RecordMeta {
  std::optional<SubjectNumber> subject;  // the entry steps this subject's chain
  std::optional<SubjectTag> introduces;  // the first record of a subject carries its tag
  bool is_policy = false;                // a policy entry: grants before it are spent
  std::uint16_t source = 0;              // 0: the server itself
  std::uint64_t grant = 0;               // index of the entry's grant, 0: none; below 2^40
  std::optional<RepeatKey> repeat;

  void AppendTo(Bytes& out) const;
  // Errors: Corruption.
  static Result<RecordMeta> Parse(ByteSpan bytes);
};

}  // namespace salus::tlog
