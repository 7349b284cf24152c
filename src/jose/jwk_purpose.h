// The `key_ops` of a JWK as bits. Not a public header.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace salus::jose {

// Source: RFC 7517 section 4.3.
inline constexpr std::uint8_t kSign = 1, kVerify = 2, kEncrypt = 4, kDecrypt = 8, kWrapKey = 16,
                              kUnwrapKey = 32, kDeriveKey = 64, kDeriveBits = 128;

struct KeyOperation {
  std::string_view name;
  std::uint8_t bit;
  std::uint8_t public_bit;  // what the holder of the public half does in return; 0: nothing
};

inline constexpr std::array<KeyOperation, 8> kKeyOperations = {{
    {"sign", kSign, kVerify},
    {"verify", kVerify, kVerify},
    {"encrypt", kEncrypt, kEncrypt},
    {"decrypt", kDecrypt, kEncrypt},
    {"wrapKey", kWrapKey, kWrapKey},
    {"unwrapKey", kUnwrapKey, kWrapKey},
    {"deriveKey", kDeriveKey, 0},
    {"deriveBits", kDeriveBits, 0},
}};

}  // namespace salus::jose
