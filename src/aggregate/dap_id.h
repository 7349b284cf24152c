// DapId is an identifier of fixed length: random bytes, or bytes that the task's makers agreed on.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "codec/base64.h"

namespace salus::aggregate {

// DapId is not comparable across tags: a task is not a batch, though both are 32 bytes.
//
// Source: DAP-18 section 4.1 and section 3 (text in URLs); DAP-09 sections 4.1 to 4.3.
// Shape:  N bytes; as text base64url without padding.
template <typename Tag, std::size_t N>
class DapId {
 public:
  static constexpr std::size_t kSize = N;

  constexpr DapId() = default;  // zero bytes
  constexpr explicit DapId(const std::array<std::uint8_t, N>& bytes) : bytes_(bytes) {}
  static DapId Random(RandomSource& random) { return DapId(random.Array<N>()); }

  // Errors: InvalidArgument unless there are N bytes.
  static Result<DapId> FromBytes(ByteSpan bytes) {
    if (bytes.size() != N) {
      return InvalidArgument(std::string(Tag::kName) + " is " + std::to_string(N) + " bytes");
    }
    DapId id;
    std::memcpy(id.bytes_.data(), bytes.data(), N);
    return id;
  }
  static Result<DapId> Parse(std::string_view text) {
    const Result<Bytes> bytes = codec::Base64UrlDecode(text);
    if (!bytes || bytes->size() != N) {
      return InvalidArgument(std::string(Tag::kName) + " is " + std::to_string(N) +
                             " bytes in base64url without padding");
    }
    return FromBytes(*bytes);
  }

  std::string ToText() const { return codec::Base64UrlEncode(bytes_); }
  constexpr const std::array<std::uint8_t, N>& bytes() const { return bytes_; }
  ByteSpan span() const { return bytes_; }

  friend constexpr bool operator==(const DapId&, const DapId&) = default;
  friend constexpr auto operator<=>(const DapId&, const DapId&) = default;

  // Hasher is for unordered containers of ids that nobody hostile chooses, or whose hash is keyed.
  struct Hasher {
    std::size_t operator()(const DapId& id) const {
      std::size_t hash;
      std::memcpy(&hash, id.bytes_.data(), sizeof hash);
      return hash;
    }
  };

 private:
  std::array<std::uint8_t, N> bytes_{};
};

struct ReportIdTag {
  static constexpr std::string_view kName = "a report id";
};
struct TaskIdTag {
  static constexpr std::string_view kName = "a task id";
};
struct BatchIdTag {
  static constexpr std::string_view kName = "a batch id";
};
struct AggregationJobIdTag {
  static constexpr std::string_view kName = "an aggregation job id";
};
struct CollectionJobIdTag {
  static constexpr std::string_view kName = "a collection job id";
};
// ReportId is the nonce of the report's shares too.
using ReportId = DapId<ReportIdTag, 16>;
using TaskId = DapId<TaskIdTag, 32>;
using BatchId = DapId<BatchIdTag, 32>;
// AggregationJobId and CollectionJobId are chosen by who asks in DAP-09, by who answers in DAP-18.
using AggregationJobId = DapId<AggregationJobIdTag, 16>;
using CollectionJobId = DapId<CollectionJobIdTag, 16>;

}  // namespace salus::aggregate
