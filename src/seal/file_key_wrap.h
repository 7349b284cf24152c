// How the body of a stanza holds the file key, in all types that derive a key to wrap it with.
// Internal to the module.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "seal/recipient.h"

namespace salus::seal {

inline constexpr std::size_t kWrappedKeyBytes = 32;

// WrapKeyOf is HKDF-SHA-256 of a shared secret, with salt = ephemeral || recipient.
//
// Source: C2SP age.md, "The X25519 recipient type"; other types take it over.
SecretArray<32> WrapKeyOf(const SecretArray<32>& shared_secret, ByteSpan ephemeral,
                          ByteSpan recipient, std::string_view info);

// WrapFileKey encrypts with ChaCha20-Poly1305 under a nonce of zeros: each wrap key serves once.
Bytes WrapFileKey(const SecretArray<32>& wrap_key, const FileKey& key);

// UnwrapFileKey is nullopt when the body is not under this key.
//
// Errors: VerificationFailed for a body of another length, before anything is decrypted
// (partitioning oracles).
Result<std::optional<FileKey>> UnwrapFileKey(const SecretArray<32>& wrap_key, ByteSpan body);

// FixedArgument decodes the argument at place of a stanza that has count arguments, into exactly
// size bytes.
//
// Errors: VerificationFailed for another count, length, or base64 that is not canonical.
Result<Bytes> FixedArgument(const Stanza& stanza, std::size_t count, std::size_t place,
                            std::size_t size);

}  // namespace salus::seal
