// Reading what a server sent: typed members, each refused with its name. Not a public header.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/rfc3339.h"
#include "merkle/types.h"

namespace salus::client {

// The readers below are codec's accessors with one more step each.
//
// Errors: InvalidArgument, with the member.
inline Result<std::string> TextAt(const codec::JsonObject& object, std::string_view name) {
  TRY(const std::string_view text, codec::StringAt(object, name));
  return std::string(text);
}

inline Result<std::string> OptionalTextAt(const codec::JsonObject& object, std::string_view name) {
  TRY(const auto text, codec::OptionalStringAt(object, name));
  return std::string(text.value_or(""));
}

inline Result<std::uint64_t> CountAt(const codec::JsonObject& object, std::string_view name) {
  TRY(const std::int64_t value, codec::IntAt(object, name));
  if (value < 0) return InvalidArgument(std::string(name) + ": must not be negative");
  return static_cast<std::uint64_t>(value);
}

inline Result<Bytes> BytesAt(const codec::JsonObject& object, std::string_view name) {
  TRY(const std::string_view text, codec::StringAt(object, name));
  Result<Bytes> bytes = codec::Base64UrlDecode(text);
  if (!bytes) return InvalidArgument(std::string(name) + ": must be base64url");
  return bytes;
}

template <typename D>
Result<D> DigestAt(const codec::JsonObject& object, std::string_view name) {
  TRY(const Bytes bytes, BytesAt(object, name));
  Result<D> digest = D::FromBytes(bytes);
  if (!digest) return InvalidArgument(std::string(name) + ": must be 32 bytes");
  return digest;
}

inline Result<std::vector<merkle::NodeHash>> HashesAt(const codec::JsonObject& object,
                                                      std::string_view name) {
  TRY(const codec::JsonArray* items, codec::ArrayAt(object, name));
  std::vector<merkle::NodeHash> hashes;
  for (const codec::Json& item : *items) {
    if (!item.is_string()) return InvalidArgument(std::string(name) + ": must hold strings");
    const Result<Bytes> bytes = codec::Base64UrlDecode(std::string_view(item.get_string()));
    if (!bytes) return InvalidArgument(std::string(name) + ": must hold base64url");
    const Result<merkle::NodeHash> hash = merkle::NodeHash::FromBytes(*bytes);
    if (!hash) return InvalidArgument(std::string(name) + ": must hold hashes of 32 bytes");
    hashes.push_back(*hash);
  }
  return hashes;
}

inline Result<std::optional<Day>> OptionalDayAt(const codec::JsonObject& object,
                                                std::string_view name) {
  TRY(const auto text, codec::OptionalStringAt(object, name));
  if (!text) return std::optional<Day>();
  const Result<Day> day = codec::ParseDay(*text);
  if (!day) return InvalidArgument(std::string(name) + ": must be a day");
  return std::optional<Day>(*day);
}

}  // namespace salus::client
