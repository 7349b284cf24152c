// Reading published test vectors; test code only.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace salus::crypto::testing {

inline int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Unhex throws on anything but pairs of digits, so that a broken vector can't pass as empty.
inline Bytes Unhex(std::string_view text) {
  if (text.size() % 2 != 0) throw std::runtime_error("odd hex");
  Bytes out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = HexDigit(text[i]);
    const int low = HexDigit(text[i + 1]);
    if (high < 0 || low < 0) throw std::runtime_error("bad hex");
    out.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  return out;
}

inline std::string Hex(ByteSpan bytes) {
  std::string out;
  for (const std::uint8_t b : bytes) {
    out += "0123456789abcdef"[b >> 4];
    out += "0123456789abcdef"[b & 15];
  }
  return out;
}

// Unbase64Url is strict (no padding, canonical): nullopt for what RFC 7515 refuses.
inline std::optional<Bytes> Unbase64Url(std::string_view text) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  Bytes out;
  std::uint32_t pending = 0;
  int bits = 0;
  for (const char c : text) {
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    pending = pending << 6 | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<std::uint8_t>(pending >> bits));
      pending &= (1u << bits) - 1;
    }
  }
  if (bits >= 6 || pending != 0) return std::nullopt;
  return out;
}

inline std::filesystem::path VectorFolder() {
  if (const char* folder = std::getenv("SALUS_VECTORS")) return folder;
  return SALUS_VECTORS_DEFAULT;
}

inline boost::json::value ReadJsonFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("can't read " + path.string());
  std::stringstream text;
  text << in.rdbuf();
  return boost::json::parse(text.str());
}

// Fields reads the members of one object and knows which of them were read, so that a field that
// no test looks at is a failure.
class Fields {
 public:
  explicit Fields(const boost::json::object& object) : object_(object) {}
  const boost::json::value& At(std::string_view name) {
    read_.insert(std::string(name));
    return object_.at(name);
  }
  bool Has(std::string_view name) const { return object_.contains(name); }
  std::string Text(std::string_view name) { return std::string(At(name).as_string()); }
  std::int64_t Number(std::string_view name) { return At(name).as_int64(); }
  Bytes HexBytes(std::string_view name) { return Unhex(At(name).as_string()); }
  // Ignore names a field that only describes.
  void Ignore(std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) read_.insert(std::string(name));
  }
  void ExpectAllRead(const std::string& where) const {
    for (const auto& member : object_) {
      EXPECT_TRUE(read_.contains(std::string(member.key())))
          << where << ": field " << member.key() << " is not read";
    }
  }

 private:
  const boost::json::object& object_;
  std::set<std::string> read_;
};

}  // namespace salus::crypto::testing

// For tests that need the folder.
#define SKIP_WITHOUT_VECTORS(subfolder)                                                 \
  if (!std::filesystem::exists(::salus::crypto::testing::VectorFolder() / (subfolder))) \
  GTEST_SKIP() << "skipped: vectors not found: "                                        \
               << (::salus::crypto::testing::VectorFolder() / (subfolder)).string()
