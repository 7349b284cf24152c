#include "tlog/record_meta.h"

#include <algorithm>

#include "base/check.h"
#include "base/endian.h"

namespace salus::tlog {

namespace {

enum Flag : std::uint8_t {
  kHasSubject = 1,
  kIntroduces = 2,
  kIsPolicy = 4,
  kHasGrant = 8,
  kHasRepeat = 16,
  kAllFlags = 31,
};
constexpr std::size_t kGrantBytes = 5;

class Cursor {
 public:
  explicit Cursor(ByteSpan bytes) : bytes_(bytes) {}
  const std::uint8_t* Take(std::size_t n) {
    if (bytes_.size() - at_ < n) return nullptr;
    at_ += n;
    return bytes_.data() + at_ - n;
  }
  bool at_end() const { return at_ == bytes_.size(); }

 private:
  ByteSpan bytes_;
  std::size_t at_ = 0;
};

Error Bad() { return Corruption("a record's metadata is malformed"); }

}  // namespace

void RecordMeta::AppendTo(Bytes& out) const {
  const std::uint8_t flags = static_cast<std::uint8_t>(
      (subject ? kHasSubject : 0) | (introduces ? kIntroduces : 0) | (is_policy ? kIsPolicy : 0) |
      (grant != 0 ? kHasGrant : 0) | (repeat ? kHasRepeat : 0));
  out.push_back(flags);
  if (subject) AppendBe(out, subject->value);
  if (introduces) Append(out, introduces->span());
  AppendBe(out, source);
  if (grant != 0) {
    CHECK(grant < (std::uint64_t{1} << 40));
    std::uint8_t wide[8];
    StoreBe(wide, grant);
    Append(out, ByteSpan(wide).last(kGrantBytes));
  }
  if (repeat) {
    Append(out, repeat->identity);
    Append(out, repeat->content);
  }
}

Result<RecordMeta> RecordMeta::Parse(ByteSpan bytes) {
  RecordMeta meta;
  Cursor cursor(bytes);
  const std::uint8_t* flags = cursor.Take(1);
  if (flags == nullptr || *flags > kAllFlags) return Bad();
  if (*flags & kHasSubject) {
    const std::uint8_t* at = cursor.Take(4);
    if (at == nullptr) return Bad();
    meta.subject = SubjectNumber{LoadBe<std::uint32_t>(at)};
  }
  if (*flags & kIntroduces) {
    const std::uint8_t* at = cursor.Take(SubjectTag::kSize);
    if (at == nullptr || !meta.subject) return Bad();
    meta.introduces.emplace();
    std::copy_n(at, SubjectTag::kSize, meta.introduces->data());
  }
  meta.is_policy = (*flags & kIsPolicy) != 0;
  const std::uint8_t* source = cursor.Take(2);
  if (source == nullptr) return Bad();
  meta.source = LoadBe<std::uint16_t>(source);
  if (*flags & kHasGrant) {
    const std::uint8_t* at = cursor.Take(kGrantBytes);
    if (at == nullptr) return Bad();
    for (std::size_t i = 0; i < kGrantBytes; ++i) meta.grant = meta.grant << 8 | at[i];
  }
  if (*flags & kHasRepeat) {
    const std::uint8_t* at = cursor.Take(24);
    if (at == nullptr) return Bad();
    meta.repeat.emplace();
    std::copy_n(at, 16, meta.repeat->identity.begin());
    std::copy_n(at + 16, 8, meta.repeat->content.begin());
  }
  if (!cursor.at_end()) return Bad();
  return meta;
}

}  // namespace salus::tlog
