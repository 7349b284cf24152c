// Id<Tag> is an opaque identifier as its issuer sent it, byte for byte: never trimmed, folded or
// normalised (a translated id would give the same person a second VRF tag).
//
// Source: the audit protocol, P1.1 (byte for byte), the limits are our own.
// Shape:  1 to 128 bytes of valid UTF-8 without control characters (U+0000-001F, U+007F).
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace salus {

inline constexpr std::size_t kMaxIdBytes = 128;

// Errors: InvalidArgument with the reason; never echoes the text.
Result<void> ValidateIdText(std::string_view text);

// Names and purposes are shown to people who did not write them.
inline constexpr std::size_t kMaxShownBytes = 1024;

// CheckShownText refuses what could not be shown as it is: control characters and those that turn
// the direction of writing (U+202A-202E, U+2066-2069). An empty text is none, and good.
//
// Errors: InvalidArgument with the member's name; never echoes the text.
Result<void> CheckShownText(std::string_view member, std::string_view text);

template <typename Tag>
class Id {
 public:
  static Result<Id> Parse(std::string_view text) {
    TRY_VOID(ValidateIdText(text));
    return Id(std::string(text));
  }

  const std::string& text() const { return text_; }
  friend bool operator==(const Id&, const Id&) = default;
  friend auto operator<=>(const Id&, const Id&) = default;

  struct Hasher {
    std::size_t operator()(const Id& id) const { return std::hash<std::string>()(id.text_); }
  };

 private:
  explicit Id(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace salus
